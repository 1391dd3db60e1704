// What the reader has chosen, and what happens on each click and key.

const data = JSON.parse(document.querySelector("#data").textContent);
const $ = (selector) => document.querySelector(selector);
const STACKS = ["encoder", "cross", "decoder"];
const ORDER = ["first", "second"];
const TABS = { encoder: "Encoder", cross: "Cross", decoder: "Decoder" };
const PICTURES = { map: "Map", lines: "Lines", layer: "This layer", all: "All heads" };
const MOST_LINES = 16; // heads that can be told apart
const state = { example: 0, ...data.start, unit: "words", variant: -1, grid: 0, step: null,
  bare: false, strong: false, picture: "map", least: 10, pins: {}, focus: {}, heads: {}, timer: null };

const example = () => data.examples[state.example];
const stacks = () => STACKS.filter((stack) =>
  example().readings[0].panels.some((panel) => panel.stack === stack));
const panelOf = (reading, stack, variant = state.variant) =>
  reading.variants[variant]?.panels.find((panel) => panel.stack === stack)
  ?? reading.panels.find((panel) => panel.stack === stack);
const grids = () => data.grids.filter((grid) => grid.stack === state.stack);

/** Where it is kept which piece is looked at: what reads, or what is read. */
function focusKey(index) {
  const panel = panelOf(example().readings[index], state.stack);
  const side = state.readBy ? panel.key : panel.query;
  return `${state.example} ${state.stack} ${side} ${index}`;
}

/** The piece that is looked at, of one reading in the tab that is open. */
function focusOf(index) {
  const reading = example().readings[index], panel = panelOf(reading, state.stack);
  const grid = grids()[state.grid];
  const asked = grid?.word && grid.readBy === state.readBy
    ? markedPiece(reading, panel, grid.word, state.readBy) : null;
  return state.focus[focusKey(index)] ?? asked ?? (state.readBy ? panel.readBy : panel.reads);
}

/** What is to be drawn of one reading: `map` as it is looked at, `plain` with what reads in rows. */
function viewOf(reading, index) {
  const panel = panelOf(reading, state.stack);
  const plain = groupedMap(reading, panel, state.layer, state.head, state.unit, state.bare);
  const map = state.readBy ? turned(plain) : plain;
  const piece = focusOf(index);
  const row = Math.max(0, map.rows.findIndex((group) => group.pieces.includes(piece)));
  if (state.strong) plain.gain = gainOf(plain.weights.flat());
  return { map, plain, row, query: map.query, key: map.key, name: index, readBy: state.readBy,
    gain: state.strong ? gainOf(map.weights[row]) : 1 };
}

/** Choose the word to look at; in a pair the same word of the other sentence goes with it. */
function choose(index, row, views) {
  const chosen = views[index].map.rows[row];
  views.forEach((view, other) => {
    const same = other === index ? chosen
      : view.map.rows.length === views[index].map.rows.length ? view.map.rows[row] : null;
    if (same) state.focus[focusKey(other)] = same.pieces[0];
  });
  render();
}

/** Turn to what is read from what reads, or back; with a column, to the word that it stands for. */
function turn(index = 0, column = null) {
  const views = example().readings.map(viewOf);
  stop();
  state.readBy = !state.readBy;
  if (column === null) return render();
  const other = example().readings.map(viewOf);
  return choose(index, other[index].map.rows.findIndex((group) =>
    group.pieces[0] === views[index].map.columns[column].pieces[0]), other);
}

function select(layer, head) {
  Object.assign(state, { layer, head });
  render();
}

/** Show the figures of one kind of link, at the word that they were measured at. */
function pickGrid(index) {
  state.grid = index;
  state.readBy = grids()[index]?.readBy ?? false;
  example().readings.forEach((_, i) => delete state.focus[focusKey(i)]);
  render();
}

const samePlace = ([layer, head], [otherLayer, otherHead]) =>
  layer === otherLayer && head === otherHead;
const pins = () => state.pins[state.stack] ?? [];

/** The heads whose lines are drawn: those that were added, or else the one that is chosen. */
function drawnHeads() {
  const here = [state.layer, state.head];
  return pins().length ? pins() : [here];
}

/** Add a head to those whose lines are drawn, or take it away. */
function pin(layer = state.layer, head = state.head) {
  const others = pins().filter((one) => !samePlace(one, [layer, head]));
  state.pins[state.stack] = others.length < pins().length ? others
    : [...others, [layer, head]].slice(-MOST_LINES);
  state.picture = "lines";
  render();
}

function pinLayer() {
  const panel = panelOf(example().readings[0], state.stack);
  state.pins[state.stack] = Array.from({ length: Math.min(panel.heads, MOST_LINES) },
    (_, head) => [state.layer, head]);
  render();
}

function openTab(stack) {
  stop();
  state.heads[state.stack] = [state.layer, state.head];
  const panel = panelOf(example().readings[0], stack);
  const [layer, head] = state.heads[stack] ?? firstHead(stack, panel);
  Object.assign(state, { stack, grid: 0, layer: Math.min(layer, panel.layers - 1),
    head: Math.min(head, panel.heads),
    readBy: data.grids.find((one) => one.stack === stack)?.readBy
      ?? (stack === data.start.stack && data.start.readBy) });
  render();
}

/** Where a tab opens: at the head that was chosen, else farthest from chance, or a mean. */
function firstHead(stack, panel) {
  const grid = data.grids.find((one) => one.stack === stack);
  if (!grid) return [panel.layers - 1, panel.heads];
  const chosen = data.grids.find((one) => one.stack === stack && one.chosen);
  if (chosen) return [chosen.chosen[0], chosen.byHead ? chosen.chosen[1] : panel.heads];
  const cells = grid.accuracy.flatMap((line, layer) =>
    line.map((accuracy, head) => ({ gap: Math.abs(accuracy - 0.5),
      at: [layer, grid.byHead ? head : panel.heads] })));
  return cells.reduce((best, one) => (one.gap > best.gap ? one : best)).at;
}

function renderReadings(views) {
  const cards = example().readings.map((reading, index) => {
    const view = views[index];
    const row = (chosen) => choose(index, chosen, views);
    const until = state.step === null ? null : view.map.rows[view.row].pieces.at(-1);
    const card = make("article", { class: "reading" }, ...reading.texts.map((text) =>
      text.picture ? pictureFigure(text, view, row)
        : textLine(reading, text, view, state.unit, row, (column) => turn(index, column),
            view.query === text ? until : null)));
    const variant = reading.variants[state.variant];
    const answers = [preference(reading, variant), output(reading, variant)].filter(Boolean);
    card.append(sentenceLine(said(view)), ...answers);
    return card;
  });
  const places = [...document.querySelectorAll(".reading")].map((card) => card.scrollTop);
  $("#readings").replaceChildren(...cards);
  $("#readings").classList.toggle("pair", cards.length === 2);
  cards.forEach((card, index) => {
    card.scrollTop = places[index] ?? 0;
    reveal(card, card.querySelector(".active"));
    arcs(card, views[index]);
  });
}

/** Scroll a long text, and nothing around it, to the word that is looked at. */
function reveal(card, token) {
  if (!token) return;
  const outer = card.getBoundingClientRect(), inner = token.getBoundingClientRect();
  if (inner.top < outer.top || inner.bottom > outer.bottom)
    card.scrollTop += inner.top - outer.top - card.clientHeight / 3;
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
  const writes = views[0].plain.panel.first > 0;
  parts.push(make("div", { class: "group", role: "group", "aria-label": "Direction" },
    toggle("What it reads", !state.readBy, () => state.readBy && turn()),
    toggle(writes ? "When it is read" : "What reads it", state.readBy,
      () => state.readBy || turn())));
  if (views.some((view) => view.plain.columns.some((column) => column.special)))
    parts.push(make("div", { class: "group" },
      toggle("Without special pieces", state.bare, () => setBare(!state.bare))));
  const variants = example().readings[0].variants;
  if (variants.length) parts.push(make("div", { class: "group", role: "group",
    "aria-label": "Intervention" },
  toggle("Intact", state.variant < 0, () => setVariant(-1)),
  make("span", { class: "hint" }, "✂ what if"),
  ...variants.map((variant, i) => toggle(variant.name, state.variant === i,
    () => setVariant(i)))));
  $("#choices").replaceChildren(...parts);
  const { rows } = views[0].map;
  $("#player").hidden = state.stack !== "cross" || state.readBy;
  $("#play").textContent = state.timer === null ? "▶ Watch it being written" : "❚❚ Pause";
  Object.assign($("#step"), { max: rows.length - 1, value: views[0].row });
  $("#step").setAttribute("aria-valuetext", rows[views[0].row].label);
}

function renderHeads(views) {
  const panel = panelOf(example().readings[0], state.stack);
  const grid = grids()[state.grid];
  const title = grid ? `${grid.name}: right noun, % of items` : "Strongest link of each head";
  const header = make("tr", {}, make("th", { scope: "col" }, "layer"),
    ...Array.from({ length: panel.heads }, (_, h) => make("th", { scope: "col",
      class: startsGroup(panel, h) ? "group-start" : null }, `${h}`)),
    make("th", { scope: "col", class: startsGroup(panel, panel.heads) ? "group-start" : null },
      "mean"));
  const body = Array.from({ length: panel.layers }, (_, layer) => make("tr", {},
    make("th", { scope: "row" }, `${layer}`),
    ...Array.from({ length: panel.heads + 1 }, (_, head) =>
      make("td", { class: startsGroup(panel, head) ? "group-start" : null },
        headButton(panel, grid, layer, head, views[0])))));
  const pickers = gridPickers();
  $("#heads").replaceChildren(...[make("h2", {}, title), pickers,
    make("div", { class: "scroll" }, make("table", { class: "heads" }, header, ...body)),
    make("p", { class: "hint" }, grid
      ? "50 is chance; blue finds the right noun, orange the other one. Bold: not by chance."
        + (grid.chosen ? " ★ was chosen on other items." : "")
      : state.readBy ? "How much of what reads it most goes to it, in %."
        : "How much the one that reads gives to what it reads most, in %.",
    !grid && state.stack === data.start.stack ? " ★ is where the page opened." : "",
    " Layers and heads are counted from 0."),
    panel.group > 1 ? make("p", { class: "hint" },
      `Every ${panel.group} heads, from one gap to the next, share their keys and values.`) : null,
    make("p", { class: "now" }, headName(panel))].filter(Boolean));
}

/** Whether a head is the first of some that share keys and values, others standing before it. */
function startsGroup(panel, head) {
  return panel.group > 1 && head > 0 && head % panel.group === 0;
}

/** Buttons for two or three figures, a list for more. */
function gridPickers() {
  const all = grids();
  if (all.length < 2) return null;
  if (all.length < 4) return make("div", { class: "group", role: "group", "aria-label": "Figure" },
    ...all.map((one, i) => toggle(one.name, i === state.grid, () => pickGrid(i))));
  return make("select", { "aria-label": "Figure", "data-key": "figure",
    change: (event) => pickGrid(Number(event.target.value)) },
  ...all.map((one, i) => make("option", { value: i, selected: i === state.grid }, one.name)));
}

function headButton(panel, grid, layer, head, view) {
  const classes = ["head"];
  let shown = "·";
  const starred = grid ? grid.chosen?.[0] === layer
    && (grid.byHead ? grid.chosen[1] : panel.heads) === head
    : opened(layer, head);
  const name = headAt(panel, layer, head) + (!starred ? "" : grid ? ", chosen" : ", opened first");
  if (!grid) {
    const most = weightsOf(view, layer, head, state.bare)
      .reduce((largest, weight) => Math.max(largest, weight), 0);
    classes.push(`a${level(most)}`);
    if (starred) classes.push("starred");
    shown = `${Math.floor(100 * most + 0.5)}`;
  } else if ((head < panel.heads) === grid.byHead) {
    const at = grid.byHead ? head : 0, accuracy = grid.accuracy[layer][at];
    const strength = Math.round(8 * Math.min(1, 2 * Math.abs(accuracy - 0.5)));
    classes.push(`${accuracy > 0.5 ? "m" : "l"}${strength}`);
    if (grid.significant?.[layer][at]) classes.push("significant");
    if (starred) classes.push("starred");
    shown = `${Math.round(100 * accuracy)}`;
  }
  const chosen = layer === state.layer && head === state.head;
  return make("button", { type: "button", class: classes.join(" "), "data-key":
    `head ${layer} ${head}`, tabindex: chosen ? 0 : -1, "aria-pressed": String(chosen),
  "aria-label": `${name}: ${shown === "·" ? "no figure" : `${shown} %`}`,
  click: () => select(layer, head) }, shown);
}

/** Whether the page opened at this head. */
function opened(layer, head) {
  return state.stack === data.start.stack
    && samePlace([layer, head], [data.start.layer, data.start.head]);
}

function headName(panel) {
  const head = state.head < panel.heads ? `head ${state.head}` : "mean of its heads";
  return `Layer ${state.layer}, ${head}`;
}

function headAt(panel, layer, head) {
  return `layer ${layer}, ${head < panel.heads ? `head ${head}` : "mean"}`;
}

/** The map as far as it is written while the translation is being watched, else all of it. */
function grown(view) {
  if (state.step === null) return view.plain;
  return { ...view.plain, written: view.row,
    weights: view.plain.weights.map((line, i) => (i > view.row ? line.map(() => 0) : line)) };
}

const framed = (view) => (view.readBy ? { column: view.row } : { row: view.row });

/** The picture of one reading that was asked for. */
function pictureOf(view, index, views) {
  const reading = example().readings[index], { panel } = view.plain;
  const done = panelOf(reading, state.stack) !== panelOf(reading, state.stack, -1)
    ? `, ${reading.variants[state.variant].name}` : "";
  const name = views.length === 2 ? `${ORDER[index]}: ` : "";
  const title = `${name}${view.plain.query.name} → ${view.plain.key.name}${done}`;
  const { marks } = reading;
  const cell = (i, j) => choose(index, view.readBy ? j : i, views);
  switch (state.picture) {
    case "lines": {
      const maps = drawnHeads().map(([layer, head]) => layer === state.layer && head === state.head
        ? view.plain : groupedMap(reading, panel, layer, head, state.unit, state.bare));
      const pick = ({ row, column }) => ((row === undefined) === view.readBy
        ? choose(index, row ?? column, views) : turn(index, row ?? column));
      return linesFigure(maps, state.least / 100, framed(view), marks, pick, title);
    }
    case "layer": {
      const label = view.map.rows[view.row].label;
      const map = layerMap(view, state.layer, state.bare);
      if (state.strong) map.gain = gainOf(map.weights.flat());
      return heatMap(map, marks, { row: state.head },
        (head) => select(state.layer, head),
        `${name}${apart(label)} ${view.readBy ? "←" : "→"} ${view.key.name}, by head${done}`);
    }
    case "all":
      return allHeads(panel, state.bare ? view.plain.key.special : [], state, select,
        `${title}: layers down, heads across`);
    default:
      return heatMap(grown(view), marks, framed(view), cell, title);
  }
}

function renderMaps(views) {
  const figures = views.map((view, index) => view.query.picture && state.picture !== "all" ? null
    : pictureOf(view, index, views));
  if (views.length === 2 && state.picture === "map") {
    const gap = difference(...views.map(grown));
    const cut = state.variant < 0 ? "" : ", both cut";
    const marks = example().readings[0].marks.filter((mark) => mark.role === "pronoun");
    figures.push(gap ? heatMap(gap, marks, framed(views[0]),
      (i, j) => choose(0, state.readBy ? j : i, views),
      `difference: second − first${cut}; orange is less`)
      : make("p", { class: "hint" }, "No difference map: the sentences differ in length."));
  }
  const places = $("#maps").dataset.picture !== state.picture ? []
    : [...document.querySelectorAll("#maps .scroll")].map((one) => [one.scrollLeft, one.scrollTop]);
  const shown = figures.filter(Boolean);
  $("#maps").dataset.picture = state.picture;
  $("#maps").replaceChildren(...shown);
  shown.forEach((figure, i) => {
    const scroll = figure.querySelector(".scroll");
    if (scroll && places[i]) [scroll.scrollLeft, scroll.scrollTop] = places[i];
    figure.reveal?.();
  });
}

/** The pictures that can be drawn; an image shows its words, the patches, by itself. */
function pictures() {
  const image = example().readings.some((reading) => reading.texts.some((text) => text.picture));
  return Object.keys(PICTURES).filter((name) => !image || name === "map" || name === "all");
}

/** What can be drawn of the heads, and which heads are drawn as lines. */
function renderPictures(views) {
  const { panel } = views[0].plain, image = views[0].query.picture;
  const parts = pictures().map((name) => toggle(image && name === "map" ? "No map" : PICTURES[name],
    state.picture === name, () => setPicture(name)));
  parts.push(make("span", { class: "apart" },
    toggle("Stronger colours", state.strong, () => setStrong(!state.strong))));
  if (state.picture === "lines") parts.push(make("div", { class: "group heads-drawn" },
    ...drawnHeads().map(([layer, head], i) => make("button", { type: "button", class: "chip",
      "data-key": `pin ${layer} ${head}`, title: headAt(panel, layer, head), "aria-label": `Leave out ${headAt(panel, layer, head)}`,
      click: () => pin(layer, head) },
    draw("svg", { width: 22, height: 10, "aria-hidden": "true" },
      draw("path", { class: `line ${lineClass(i)}`, d: "M0 5H22", "stroke-width": 3 })),
    ` ${layer}.${head < panel.heads ? head : "mean"}`)),
    toggle("+ this head", pins().some((one) => samePlace(one, [state.layer, state.head])),
      () => pin()),
    toggle("+ all of this layer", false, pinLayer),
    make("label", { class: "hint" }, `links from ${state.least} % `,
      make("input", { type: "range", min: 1, max: 60, value: state.least, "data-key": "least",
        "aria-label": "Weakest link that is drawn, in %",
        change: (event) => setLeast(Number(event.target.value)) }))));
  $("#pictures").replaceChildren(...parts);
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
  const card = document.activeElement?.closest?.(".reading");
  const word = document.activeElement?.matches?.(".token.active")
    ? [...document.querySelectorAll(".reading")].indexOf(card) : -1;
  const views = example().readings.map(viewOf);
  renderReadings(views);
  renderTabs();
  renderChoices(views);
  renderHeads(views);
  renderPictures(views);
  renderMaps(views);
  renderShares();
  const again = word >= 0 ? document.querySelectorAll(".reading")[word].querySelector(".active")
    : kept && $(`[data-key="${CSS.escape(kept)}"]`);
  again?.focus({ preventScroll: true });
  $("#live").textContent = `${headName(views[0].map.panel)}. ${views.map(sentence).join(". ")}`;
}

function setUnit(unit) {
  state.unit = unit;
  render();
}

function setBare(bare) {
  state.bare = bare;
  render();
}

function setStrong(strong) {
  state.strong = strong;
  render();
}

function setPicture(picture) {
  state.picture = picture;
  render();
}

function setLeast(least) {
  state.least = least;
  render();
}

function setVariant(variant) {
  state.variant = variant;
  render();
}

/** Show the translation up to a row of its cross-attention; returns whether more is to come. */
function step(row) {
  state.readBy = false;
  const views = example().readings.map(viewOf);
  views.forEach((view, index) => {
    const group = view.map.rows[Math.min(row, view.map.rows.length - 1)];
    state.focus[focusKey(index)] = group.pieces[0];
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

/** The next one of a list, after the last the first. */
function after(list, one) {
  return list[(list.indexOf(one) + 1) % list.length];
}

const KEYS = {
  ArrowUp: () => move(-1, 0), ArrowDown: () => move(1, 0),
  ArrowLeft: () => move(0, -1), ArrowRight: () => move(0, 1),
  "[": () => moveWord(-1), "]": () => moveWord(1),
  t: () => setUnit(state.unit === "words" ? "pieces" : "words"),
  k: () => setVariant(state.variant + 1 < example().readings[0].variants.length
    ? state.variant + 1 : -1),
  p: play,
  r: () => turn(),
  s: () => setBare(!state.bare),
  c: () => setStrong(!state.strong),
  v: () => setPicture(after(pictures(), state.picture)),
  h: () => pin(),
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
  if (event.target.matches(".scroll") && event.key.startsWith("Arrow")) return; // they scroll it
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

/** Show other content than the page came with, at the head that is open; the demo calls this. */
async function renew(content) {
  await load(content.examples[0]);
  stop();
  Object.assign(data, content);
  Object.assign(state, { example: 0, focus: {} });
  $("footer").replaceChildren(...data.notes.map((note) => make("p", { class: "note" }, note)));
  listExamples();
  await openExample(0);
}

function listExamples() {
  $("#choose").hidden = data.examples.length < 2;
  $("#example").replaceChildren(...data.examples.map((one, i) =>
    make("option", { value: i, dir: "auto" }, one.title)));
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
listExamples();
$("#example").addEventListener("change", (event) => openExample(Number(event.target.value)));
openExample(0).then(() => {
  document.documentElement.classList.add("ready");
  addEventListener("resize", () => {
    const views = example().readings.map(viewOf);
    document.querySelectorAll(".reading").forEach((card, index) => arcs(card, views[index]));
  });
  if (!frameElement) return;
  document.documentElement.classList.add("within"); // the demo, which scrolls and has a title
  $("#choose").firstChild.data = "Sentence ";
  new ResizeObserver(() => {  // a part of a pixel too few would bring a bar to scroll
    const { height } = document.body.getBoundingClientRect();
    frameElement.style.height = `${Math.ceil(height)}px`;
  }).observe(document.body);
});
