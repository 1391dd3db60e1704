// What the reader has chosen, and what happens on each click and key.

const data = JSON.parse(document.querySelector("#data").textContent);
const $ = (selector) => document.querySelector(selector);
const STACKS = ["encoder", "cross", "decoder"];
const ORDER = ["first", "second"];
const TABS = { encoder: "Encoder", cross: "Cross", decoder: "Decoder" };
const state = { example: 0, ...data.start, unit: "words", variant: -1, grid: 0, step: null,
  focus: {}, heads: {}, timer: null };

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
  return { map, row, query: map.query, key: map.key, name: index };
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
  state.heads[state.stack] = [state.layer, state.head];
  const panel = panelOf(example().readings[0], stack);
  const [layer, head] = state.heads[stack] ?? firstHead(stack, panel);
  Object.assign(state, { stack, grid: 0, layer: Math.min(layer, panel.layers - 1),
    head: Math.min(head, panel.heads) });
  render();
}

/** Where a tab opens: at the head that was chosen, else farthest from chance, or a mean. */
function firstHead(stack, panel) {
  const grid = data.grids.find((one) => one.stack === stack);
  if (!grid) return [panel.layers - 1, panel.heads];
  const chosen = data.grids.find((one) => one.stack === stack && one.chosen);
  if (chosen) return chosen.chosen;
  const cells = grid.accuracy.flatMap((line, layer) =>
    line.map((accuracy, head) => ({ gap: Math.abs(accuracy - 0.5), at: [layer, head] })));
  return cells.reduce((best, one) => (one.gap > best.gap ? one : best)).at;
}

function renderReadings(views) {
  const cards = example().readings.map((reading, index) => {
    const view = views[index];
    const row = (chosen) => choose(index, chosen, views);
    const card = make("article", { class: "reading" }, ...reading.texts.map((text) =>
      text.picture ? pictureFigure(text, view, row)
        : textLine(reading, text, view, state.unit, row,
            state.step !== null && view.query === text ? view.map.rows[view.row].pieces.at(-1) : null)));
    const variant = reading.variants[state.variant];
    const answers = [preference(reading, variant), output(reading, variant)].filter(Boolean);
    card.append(make("p", { class: "said" }, sentence(view.map, view.row)), ...answers);
    return card;
  });
  $("#readings").replaceChildren(...cards);
  $("#readings").classList.toggle("pair", cards.length === 2);
  cards.forEach((card, index) => arcs(card, views[index]));
}

function renderTabs() {
  $("#tabs").replaceChildren(...stacks().map((stack) => make("button", {
    type: "button", role: "tab", id: `tab-${stack}`, "aria-controls": "maps",
    "aria-selected": String(stack === state.stack), tabindex: stack === state.stack ? 0 : -1,
    "data-key": `tab ${stack}`, click: () => openTab(stack) }, TABS[stack])));
  $("#maps").setAttribute("aria-labelledby", `tab-${state.stack}`);
}

function renderChoices(views) {
  const split = example().readings.some((reading) => reading.texts.some((text) =>
    text.words.at(-1) + 1 < text.pieces.length));
  const parts = split ? [make("div", { class: "group", role: "group", "aria-label": "Unit" },
    toggle("Words", state.unit === "words", () => setUnit("words")),
    toggle("Pieces", state.unit === "pieces", () => setUnit("pieces")))] : [];
  const variants = example().readings[0].variants;
  if (variants.length) parts.push(make("div", { class: "group", role: "group",
    "aria-label": "Intervention" },
  toggle("Intact", state.variant < 0, () => setVariant(-1)),
  make("span", { class: "hint" }, "✂ what if"),
  ...variants.map((variant, i) => toggle(variant.name, state.variant === i,
    () => setVariant(i)))));
  $("#choices").replaceChildren(...parts);
  const { rows } = views[0].map;
  $("#player").hidden = state.stack !== "cross";
  $("#play").textContent = state.timer === null ? "▶ Watch it being written" : "❚❚ Pause";
  Object.assign($("#step"), { max: rows.length - 1, value: views[0].row });
  $("#step").setAttribute("aria-valuetext", rows[views[0].row].label);
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
  const pickers = gridPickers();
  $("#heads").replaceChildren(...[make("h2", {}, title), pickers,
    make("div", { class: "scroll" }, make("table", { class: "heads" }, header, ...body)),
    make("p", { class: "hint" }, grid
      ? "50 is chance; blue finds the right noun, orange the other one. Bold: not by chance."
        + (grid.chosen ? " ★ was chosen on other items." : "")
      : "How much the one that reads gives to what it reads most, in %."),
    make("p", { class: "now" }, headName(panel))].filter(Boolean));
}

/** Buttons for two or three figures, a list for more. */
function gridPickers() {
  const pick = (i) => { state.grid = i; render(); };
  const all = grids();
  if (all.length < 2) return null;
  if (all.length < 4) return make("div", { class: "group", role: "group", "aria-label": "Figure" },
    ...all.map((one, i) => toggle(one.name, i === state.grid, () => pick(i))));
  return make("select", { "aria-label": "Figure", "data-key": "figure",
    change: (event) => pick(Number(event.target.value)) },
  ...all.map((one, i) => make("option", { value: i, selected: i === state.grid }, one.name)));
}

function headButton(panel, grid, layer, head, view) {
  const classes = ["head"];
  let shown = "·";
  const starred = grid?.chosen?.[0] === layer && grid.chosen[1] === head;
  const name = `layer ${layer + 1}, ${head < panel.heads ? `head ${head + 1}` : "mean"}`
    + (starred ? ", chosen" : "");
  if (!grid) {
    const { rows, columns } = view.map;
    const most = Math.max(...readBy(panel, layer, head, rows[view.row], columns));
    classes.push(`a${level(most)}`);
    shown = `${Math.floor(100 * most + 0.5)}`;
  } else if (head < panel.heads) {
    const accuracy = grid.accuracy[layer][head];
    const strength = Math.round(8 * Math.min(1, 2 * Math.abs(accuracy - 0.5)));
    classes.push(`${accuracy > 0.5 ? "m" : "l"}${strength}`);
    if (grid.significant?.[layer][head]) classes.push("significant");
    if (starred) classes.push("starred");
    shown = `${Math.round(100 * accuracy)}`;
  }
  const chosen = layer === state.layer && head === state.head;
  return make("button", { type: "button", class: classes.join(" "), "data-key":
    `head ${layer} ${head}`, tabindex: chosen ? 0 : -1, "aria-pressed": String(chosen),
  "aria-label": `${name}: ${shown === "·" ? "no figure" : `${shown} %`}`,
  click: () => select(layer, head) }, shown);
}

function headName(panel) {
  const head = state.head < panel.heads ? `head ${state.head + 1} of ${panel.heads}`
    : "mean of its heads";
  return `Layer ${state.layer + 1} of ${panel.layers}, ${head}`;
}

/** The map as far as it is written while the translation is being watched, else all of it. */
function grown(view) {
  if (state.step === null) return view.map;
  return { ...view.map, written: view.row,
    weights: view.map.weights.map((line, i) => (i > view.row ? line.map(() => 0) : line)) };
}

function renderMaps(views) {
  const figures = views.map((view, index) => {
    if (view.query.picture || view.key.picture) return null;
    const reading = example().readings[index];
    const done = panelOf(reading, state.stack) !== panelOf(reading, state.stack, -1)
      ? `, ${reading.variants[state.variant].name}` : "";
    const name = views.length === 2 ? `${ORDER[index]}: ` : "";
    return heatMap(grown(view), reading.marks, view.row, (row) => choose(index, row, views),
      `${name}${view.query.name} → ${view.key.name}${done}`);
  });
  if (views.length === 2) {
    const gap = difference(...views.map(grown));
    const cut = state.variant < 0 ? "" : ", both cut";
    const marks = example().readings[0].marks.filter((mark) => mark.role === "pronoun");
    figures.push(gap ? heatMap(gap, marks, views[0].row, (row) => choose(0, row, views),
      `difference: second − first${cut}; orange is less`)
      : make("p", { class: "hint" }, "No difference map: the sentences differ in length."));
  }
  $("#maps").replaceChildren(...figures.filter(Boolean));
}

function renderShares() {
  const { readings } = example();
  const tables = readings.map((reading, index) => shareTable(reading,
    `What reaches each noun, nothing cut${readings.length === 2 ? `: ${ORDER[index]}` : ""}`));
  $("#shares").replaceChildren(...tables.filter(Boolean));
}

function render() {
  let kept = document.activeElement?.dataset?.key;
  if (kept?.startsWith("head ")) kept = `head ${state.layer} ${state.head}`;
  if (kept?.startsWith("tab ")) kept = `tab ${state.stack}`;
  const views = example().readings.map(viewOf);
  renderReadings(views);
  renderTabs();
  renderChoices(views);
  renderHeads(views);
  renderMaps(views);
  renderShares();
  if (kept) $(`[data-key="${CSS.escape(kept)}"]`)?.focus();
  $("#live").textContent = `${headName(views[0].map.panel)}. `
    + views.map((view) => sentence(view.map, view.row)).join(". ");
}

function setUnit(unit) {
  state.unit = unit;
  render();
}

function setVariant(variant) {
  state.variant = variant;
  render();
}

/** Show the translation up to a row of its cross-attention; returns whether more is to come. */
function step(row) {
  const views = example().readings.map(viewOf);
  views.forEach((view, index) => {
    const group = view.map.rows[Math.min(row, view.map.rows.length - 1)];
    state.focus[`${state.example} cross ${index}`] = group.pieces[0];
  });
  const more = views.some((view) => row < view.map.rows.length - 1);
  if (more) state.step = row;
  else stop();
  render();
  return more;
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
  state.timer = setInterval(() => step(row++), 700);
  step(row++);
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

/** On a tab, left and right go to the tab beside it, as everywhere. */
function neighbour(event) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by || event.target.getAttribute("role") !== "tab") return undefined;
  const all = stacks();
  return all[(all.indexOf(state.stack) + by + all.length) % all.length];
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("#keys").open) return;
  if (event.target.matches("input, select, textarea")) return;
  const tab = stacks()[Number(event.key) - 1] ?? neighbour(event);
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
$("#play").addEventListener("click", play);
$("#step").addEventListener("input", (event) => {
  stop();
  step(Number(event.target.value));
});
$("#help").addEventListener("click", () => $("#keys").showModal());
for (const id of ["#theme", "#help"]) $(id).hidden = false;
if (data.examples.length > 1) {
  $("#choose").hidden = false;
  $("#example").append(...data.examples.map((one, i) => make("option", { value: i, dir: "auto" }, one.title)));
  $("#example").addEventListener("change", (event) => openExample(Number(event.target.value)));
}
addEventListener("resize", () => {
  const views = example().readings.map(viewOf);
  document.querySelectorAll(".reading").forEach((card, index) => arcs(card, views[index]));
});
openExample(0).then(() => document.documentElement.classList.add("ready"));
