// What the reader has chosen, and what happens on each click and key.

const data = JSON.parse(document.querySelector("#data").textContent);
const $ = (selector) => document.querySelector(selector);
const STACKS = ["encoder", "cross", "decoder"];
const TABS = { encoder: "Encoder", cross: "Cross", decoder: "Decoder" };
const state = { example: 0, ...data.start, unit: "words", variant: -1, grid: 0, step: null,
  focus: [], timer: null };

const example = () => data.examples[state.example];
const stacks = () => STACKS.filter((stack) =>
  example().readings[0].panels.some((panel) => panel.stack === stack));
const panelOf = (reading, stack, variant = state.variant) =>
  reading.variants[variant]?.panels.find((panel) => panel.stack === stack)
  ?? reading.panels.find((panel) => panel.stack === stack);
const grids = () => data.grids.filter((grid) => grid.stack === state.stack);

/** The piece that reads, of one reading in the tab that is open. */
function focusOf(index) {
  const key = `${state.example} ${state.stack} ${index}`;
  const panel = panelOf(example().readings[index], state.stack);
  return state.focus[key] ?? panel.focus + panel.first;
}

/** What is to be drawn of one reading. */
function viewOf(reading, index) {
  const panel = panelOf(reading, state.stack);
  const map = groupedMap(reading, panel, state.layer, state.head, state.unit);
  const piece = focusOf(index);
  const row = Math.max(0, map.rows.findIndex((group) => group.pieces.includes(piece)));
  return { map, row, query: map.query, key: map.key };
}

/** Choose the row that reads; in a pair the same word of the other sentence goes with it. */
function choose(index, row, views) {
  const chosen = views[index].map.rows[row];
  views.forEach((view, other) => {
    const same = other === index ? chosen
      : view.map.rows.length === views[index].map.rows.length ? view.map.rows[row] : null;
    if (same) state.focus[`${state.example} ${state.stack} ${other}`] = same.pieces[0];
  });
  render();
}

function select(layer, head) {
  Object.assign(state, { layer, head });
  render();
}

function openTab(stack) {
  stop();
  const panel = panelOf(example().readings[0], stack);
  Object.assign(state, { stack, grid: 0, layer: Math.min(state.layer, panel.layers - 1),
    head: Math.min(state.head, panel.heads) });
  render();
}

function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
}

/** Which answer the model prefers, and what the intervention changes about that. */
function preference(reading) {
  if (reading.preference === null) return null;
  const [right, wrong] = reading.answers ?? ["the right answer", "the wrong one"];
  const variant = reading.variants[state.variant];
  const line = make("p", { class: "preference" },
    `“${right}” over “${wrong}”: ${signed(reading.preference)} nats`);
  if (variant && variant.preference !== null) {
    const flips = reading.preference > 0 !== variant.preference > 0;
    line.append(` → ${signed(variant.preference)} ${variant.name}`,
      make("strong", { class: flips ? "flips" : "stays" },
        flips ? " the answer flips" : " the answer stays"));
  }
  return line;
}

function shares(reading) {
  if (!reading.shares.length) return null;
  const bar = (share, role) => make("td", {}, make("meter", { class: role, min: 0, max: 1,
    value: share, "aria-label": `${role}: ${percent(share)}` }), ` ${percent(share)}`);
  return make("table", { class: "shares" },
    make("caption", {}, "How the decision reads each noun"),
    make("thead", {}, make("tr", {}, ...["path", "antecedent", "other noun"].map((name) =>
      make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...reading.shares.map((share) => make("tr", {},
      make("th", { scope: "row" }, share.path), bar(share.correct, "correct"),
      bar(share.distractor, "distractor")))));
}

function renderReadings(views) {
  const cards = example().readings.map((reading, index) => {
    const view = views[index];
    const row = (chosen) => choose(index, chosen, views);
    const card = make("article", { class: "reading" }, ...reading.texts.map((text) =>
      text.picture ? pictureFigure(text, view, row)
        : textLine(reading, text, view, state.unit, row,
            state.step !== null && view.query === text ? state.step : null)));
    card.append(make("p", { class: "said", "aria-live": "polite" },
      sentence(view.map, view.row)), ...[preference(reading), output(reading), shares(reading)]
        .filter((part) => part !== null));
    return card;
  });
  $("#readings").replaceChildren(...cards);
  $("#readings").classList.toggle("pair", cards.length === 2);
  cards.forEach((card, index) => arcs(card, views[index]));
}

function output(reading) {
  const written = reading.variants[state.variant]?.output;
  return written ? make("p", { class: "output" }, `Now writes: ${written}`) : null;
}

function renderTabs() {
  $("#tabs").replaceChildren(...stacks().map((stack) => make("button", {
    type: "button", role: "tab", id: `tab-${stack}`, "aria-controls": "maps",
    "aria-selected": String(stack === state.stack), tabindex: stack === state.stack ? 0 : -1,
    click: () => openTab(stack) }, TABS[stack])));
  $("#maps").setAttribute("aria-labelledby", `tab-${state.stack}`);
}

function renderChoices(views) {
  const parts = [make("div", { class: "group", role: "group", "aria-label": "Unit" },
    toggle("Words", state.unit === "words", () => setUnit("words"), "t"),
    toggle("Pieces", state.unit === "pieces", () => setUnit("pieces"), "t"))];
  const variants = example().readings[0].variants;
  if (variants.length) parts.push(make("div", { class: "group", role: "group",
    "aria-label": "Intervention" },
  toggle("Intact", state.variant < 0, () => setVariant(-1), "k"),
  ...variants.map((variant, i) => toggle(`✂ ${variant.name}`, state.variant === i,
    () => setVariant(i), "k"))));
  if (state.stack === "cross") {
    const { rows, panel } = views[0].map;
    parts.push(make("div", { class: "group player" },
      toggle(state.timer ? "❚❚ Pause" : "▶ Let it grow", Boolean(state.timer), play, "p"),
      make("input", { type: "range", min: 0, max: rows.length - 1, value: views[0].row,
        id: "step", "aria-label": "Step of the translation",
        "aria-valuetext": rows[views[0].row].label, input: (event) => {
          stop();
          step(Number(event.target.value));
        } })));
  }
  $("#choices").replaceChildren(...parts);
}

function renderHeads(views) {
  const panel = panelOf(example().readings[0], state.stack);
  const grid = grids()[state.grid];
  const title = grid ? `${grid.name}: right noun, % of items` : "Strongest link of each head";
  const header = make("tr", {}, make("th", { scope: "col" }, "layer"),
    ...Array.from({ length: panel.heads }, (_, h) => make("th", { scope: "col" }, `${h + 1}`)),
    make("th", { scope: "col" }, "mean"));
  const body = Array.from({ length: panel.layers }, (_, layer) => make("tr", {},
    make("th", { scope: "row" }, `${layer + 1}`),
    ...Array.from({ length: panel.heads + 1 }, (_, head) =>
      make("td", {}, headButton(panel, grid, layer, head, views[0])))));
  const pickers = grids().length < 2 ? null : make("div", { class: "group", role: "group",
    "aria-label": "Figure" }, ...grids().map((one, i) => toggle(one.name, i === state.grid,
    () => { state.grid = i; render(); })));
  $("#heads").replaceChildren(...[make("h2", {}, title), pickers,
    make("div", { class: "scroll" }, make("table", { class: "heads" }, header, ...body)),
    make("p", { class: "hint" }, grid
      ? "50 is chance; blue finds the right noun, orange the other one. Bold: not by chance."
      : "How much the dark word gives to the word it reads most."),
    make("p", { class: "now", "aria-live": "polite" }, headName(panel))].filter(Boolean));
}

function headButton(panel, grid, layer, head, view) {
  const classes = ["head"];
  let shown = "·";
  const name = `layer ${layer + 1}, ${head < panel.heads ? `head ${head + 1}` : "mean"}`;
  if (!grid) {
    const map = groupedMap(example().readings[0], panel, layer, head, state.unit);
    const most = Math.max(...map.weights[view.row]);
    classes.push(`a${level(most)}`);
    shown = `${Math.floor(100 * most + 0.5)}`;
  } else if (head < panel.heads) {
    const accuracy = grid.accuracy[layer][head];
    const strength = Math.round(8 * Math.min(1, 2 * Math.abs(accuracy - 0.5)));
    classes.push(`${accuracy > 0.5 ? "m" : "l"}${strength}`);
    if (grid.significant?.[layer][head]) classes.push("significant");
    shown = `${Math.round(100 * accuracy)}`;
  }
  const chosen = layer === state.layer && head === state.head;
  return make("button", { type: "button", class: classes.join(" "), "data-head":
    `${layer} ${head}`, tabindex: chosen ? 0 : -1, "aria-pressed": String(chosen),
  "aria-label": `${name}: ${shown === "·" ? "no figure" : `${shown} %`}`,
  click: () => select(layer, head) }, shown);
}

function headName(panel) {
  const head = state.head < panel.heads ? `head ${state.head + 1} of ${panel.heads}`
    : "mean of its heads";
  return `Layer ${state.layer + 1} of ${panel.layers}, ${head}`;
}

function renderMaps(views) {
  const figures = views.map((view, index) => {
    if (view.query.picture || view.key.picture) return null;
    const reading = example().readings[index];
    const name = reading.variants[state.variant]?.name ?? "";
    return heatMap(view.map, reading.marks, view.row, (row) => choose(index, row, views),
      `${view.query.name} → ${view.key.name}${name && `, ${name}`}`);
  });
  if (views.length === 2) {
    const gap = difference(views[0].map, views[1].map);
    figures.push(gap ? heatMap(gap, example().readings[0].marks, views[0].row,
      (row) => choose(0, row, views), "difference: second − first (orange: less)")
      : make("p", { class: "hint" }, "No difference map: the sentences differ in length."));
  }
  $("#maps").replaceChildren(...figures.filter(Boolean));
}

function render() {
  const kept = document.activeElement?.dataset?.head !== undefined ? "head"
    : document.activeElement?.role === "tab" ? "tab" : null;
  const views = example().readings.map(viewOf);
  renderReadings(views);
  renderTabs();
  renderChoices(views);
  renderHeads(views);
  renderMaps(views);
  if (kept === "head") $(`[data-head="${state.layer} ${state.head}"]`).focus();
  if (kept === "tab") $(`#tab-${state.stack}`).focus();
}

function setUnit(unit) {
  state.unit = unit;
  render();
}

function setVariant(variant) {
  state.variant = variant;
  render();
}

/** Show the translation up to a row of its cross-attention. */
function step(row) {
  const views = example().readings.map(viewOf);
  views.forEach((view, index) => {
    const group = view.map.rows[Math.min(row, view.map.rows.length - 1)];
    state.focus[`${state.example} cross ${index}`] = group.pieces[0];
    if (index === 0) state.step = group.pieces.at(-1);
  });
  if (row >= views[0].map.rows.length - 1) state.step = null;
  render();
}

function stop() {
  clearInterval(state.timer);
  Object.assign(state, { timer: null, step: null });
}

function play() {
  if (!stacks().includes("cross")) return;
  const running = state.timer !== null;
  if (state.stack !== "cross") openTab("cross");
  stop();
  if (running) return render();
  let row = 0;
  const advance = () => {
    if (row >= viewOf(example().readings[0], 0).map.rows.length) stop(), render();
    else step(row++);
  };
  state.timer = setInterval(advance, 700);
  advance();
}

function move(layers, heads) {
  const panel = panelOf(example().readings[0], state.stack);
  const within = (value, last) => Math.min(Math.max(value, 0), last);
  select(within(state.layer + layers, panel.layers - 1), within(state.head + heads, panel.heads));
}

function moveWord(by) {
  const views = example().readings.map(viewOf);
  const row = views[0].row + by;
  if (row >= 0 && row < views[0].map.rows.length) choose(0, row, views);
}

const KEYS = {
  ArrowUp: () => move(-1, 0), ArrowDown: () => move(1, 0),
  ArrowLeft: () => move(0, -1), ArrowRight: () => move(0, 1),
  "[": () => moveWord(-1), "]": () => moveWord(1),
  t: () => setUnit(state.unit === "words" ? "pieces" : "words"),
  k: () => setVariant(state.variant + 1 < example().readings[0].variants.length
    ? state.variant + 1 : -1),
  p: play,
  "?": () => $("#keys").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("#keys").open) return;
  if (event.target.matches("input, select, textarea")) return;
  const tab = stacks()[Number(event.key) - 1];
  const act = tab ? () => openTab(tab) : KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

async function openExample(index) {
  stop();
  await load(data.examples[index]);
  Object.assign(state, { example: index, variant: -1 });
  if (!stacks().includes(state.stack)) state.stack = stacks()[0];
  openTab(state.stack);
}

function setTheme() {
  const dark = document.documentElement.dataset.theme
    ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = dark === "dark" ? "light" : "dark";
}

$("#theme").addEventListener("click", setTheme);
$("#help").addEventListener("click", () => $("#keys").showModal());
for (const id of ["#theme", "#help"]) $(id).hidden = false;
if (data.examples.length > 1) {
  $("#choose").hidden = false;
  $("#example").append(...data.examples.map((one, i) => make("option", { value: i }, one.title)));
  $("#example").addEventListener("change", (event) => openExample(Number(event.target.value)));
}
addEventListener("resize", () => {
  const views = example().readings.map(viewOf);
  document.querySelectorAll(".reading").forEach((card, index) => arcs(card, views[index]));
});
openExample(0).then(() => document.documentElement.classList.add("ready"));
