// Elements: from numbers and strings to nodes. Text goes in as text only, never as markup.

const LONG = 80; // words of a text that is set smaller
const SVG = document.querySelector("#spare").namespaceURI;

/** An element with attributes and children; strings become text nodes. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  return fill(element, attributes, children);
}

/** The same for SVG. */
function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A button that looks pressed or not; its key keeps the focus when all is drawn again. */
function toggle(label, pressed, click) {
  return make("button", { type: "button", "aria-pressed": String(pressed), click,
    "data-key": label }, label);
}

/** A sentence about words: each stands in its own language and turns nothing around. */
function sentenceLine(parts) {
  return make("p", { class: "said" }, ...parts.flatMap((part) => part.label === undefined ? [part]
    : ["“", make("bdi", { lang: part.language || null }, part.label), "”"]));
}

/** One text as a line of words or pieces; the one looked at is dark, what it reads is shaded. */
function textLine(reading, text, view, unit, choose, turn, until) {
  const groups = groupsOf(text, 0, text.pieces.length, unit);
  const line = make("p", { class: `text ${unit}${groups.length > LONG ? " long" : ""}`, dir: "auto",
    lang: text.language || null, "data-text": text.name, "aria-label": text.name });
  const marked = reading.marks.some((m) => m.role === "correct" || m.role === "distractor");
  const named = new Set(view && !marked && view.key === text
    ? strongest(view.map, view.row, 3).filter(({ weight }) => weight >= 0.05)
        .map(({ column }) => column) : []);
  groups.forEach((group, index) => {
    const role = roleOf(reading, text, group);
    const classes = ["token"];
    if (role) classes.push(role);
    if (group.special) classes.push("special");
    if (!/[\p{L}\p{N}]/u.test(group.label)) classes.push("sign");
    if (until !== null && group.pieces[0] > until) classes.push("later");
    const row = view && view.query === text
      ? view.map.rows.findIndex((one) => one.pieces.includes(group.pieces.at(-1))) : -1;
    const column = view && view.key === text
      ? view.map.columns.findIndex((one) => one.pieces.includes(group.pieces[0])) : -1;
    const active = row >= 0 && row === view.row;
    if (active) classes.push("active");
    let note = null;
    if (column >= 0) {
      const weight = view.map.weights[view.row][column];
      classes.push(`a${level(weight * view.gain)}`);
      if (role === "correct" || role === "distractor" || named.has(column))
        note = make("small", { class: "weight" }, percent(weight));
    }
    // The letters of a special piece are no letters of the text, whose direction they would be.
    const attributes = { class: classes.join(" "), dir: group.special ? "ltr" : null,
      "data-key": `${view.name} ${text.name} ${index}` };
    // One stop for the Tab key, as in a list: [ and ] go on from word to word.
    const token = row < 0 && column < 0 ? make("span", attributes, group.label, note)
      : make("button", { ...attributes, type: "button", "aria-pressed": String(active),
          tabindex: active ? 0 : -1, click: () => row < 0 ? turn(column) : choose(row) },
        group.label, note);
    if (index && text.blanks[group.pieces[0]]) line.append(" ");
    line.append(token);
  });
  return line;
}

/** An image whose patches are veiled the less the more they are read; special pieces above it. */
function pictureFigure(text, view, choose) {
  const { source, rows, columns, first } = text.picture;
  const figure = make("figure", { class: "picture", "data-text": text.name });
  const reads = view && view.key === text, asks = view && view.query === text;
  const weights = reads ? view.map.weights[view.row].slice(first, first + rows * columns) : [];
  const most = Math.max(...weights, 1e-9);
  const overlay = draw("svg", { viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: "none" });
  for (let patch = 0; patch < rows * columns; patch++) {
    const piece = first + patch;
    const title = text.pieces[piece] + (reads ? `: ${(100 * weights[patch]).toFixed(1)} %` : "");
    const active = asks && view.map.rows[view.row].pieces.includes(piece);
    overlay.append(draw("rect", {
      class: active ? "veil active" : "veil", x: patch % columns, y: Math.floor(patch / columns),
      width: 1, height: 1, click: asks ? () => choose(piece - view.map.panel.first) : null,
      "fill-opacity": reads ? (0.8 * (1 - weights[patch] / most)).toFixed(2) : 0,
    }, draw("title", {}, title)));
  }
  const special = asks ? text.special.filter((piece) => piece < view.map.rows.length) : [];
  figure.append(
    make("p", { class: "text" }, ...special.map((piece) =>
      make("button", { type: "button", class: view.row === piece ? "token active" : "token",
        "aria-pressed": String(view.row === piece), click: () => choose(piece),
        "data-key": `${view.name} ${text.name} ${piece}` },
      text.pieces[piece]))),
    make("div", { class: "frame" }, make("img", { alt: text.name, src: source }), overlay));
  if (reads) figure.append(make("figcaption", {},
    `Brightest patch: ${(100 * most).toFixed(1)} % of the attention; the rest in proportion.`));
  return figure;
}

/** Lines from the word that reads to the words that have a percentage beside them. */
function arcs(card, view) {
  const old = card.querySelector("svg.arcs");
  if (old) old.remove();
  if (!view) return;
  const from = card.querySelector(`[data-text="${CSS.escape(view.query.name)}"] .active`);
  if (!from) return;
  const outer = card.getBoundingClientRect(), a = from.getBoundingClientRect();
  // It is laid inside the border of the card: wider, it would bring a bar to scroll nothing.
  const box = { left: outer.left + card.clientLeft - card.scrollLeft,
    top: outer.top + card.clientTop - card.scrollTop };
  const layer = draw("svg", { class: "arcs", "aria-hidden": "true",
    width: card.clientWidth, height: card.scrollHeight });
  for (const token of card.querySelectorAll(".token:has(> .weight)")) {
    if (token === from) continue;
    const b = token.getBoundingClientRect();
    const [x1, x2] = [a.left + a.width / 2 - box.left, b.left + b.width / 2 - box.left];
    const beside = a.top < b.bottom && b.top < a.bottom;
    const y1 = (!beside && a.top < b.top ? a.bottom : a.top) - box.top;
    const y2 = (!beside && a.top > b.top ? b.bottom + 14 : b.top) - box.top;
    const lift = Math.min(26, 10 + Math.abs(x1 - x2) / 12);
    const path = beside
      ? `M${x1} ${y1}C${x1} ${y1 - lift} ${x2} ${y2 - lift} ${x2} ${y2}`
      : `M${x1} ${y1}C${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2} ${x2} ${y2}`;
    const weight = parseInt(token.querySelector(".weight").textContent, 10) / 100;
    layer.append(draw("path", { d: path, fill: "none",
      class: token.classList.contains("distractor") ? "arc less" : "arc more",
      "stroke-width": (1 + (beside ? 5 : 2) * weight).toFixed(1), "stroke-opacity": 0.25 + 0.75 * weight }));
  }
  card.append(layer);
}

/**
 * A heat map as svg.py draws it; `chosen` is the row or the column that is framed, `pick` is called
 * with the row and the column of a cell that is clicked.
 */
function heatMap(map, marks, chosen, pick, title) {
  const cell = cellSize(Math.max(map.rows.length, map.columns.length));
  const font = Math.min(13, cell - 2);
  const left = labelWidth(map.rows, font), top = labelWidth(map.columns, font);
  const wide = cell * map.columns.length, high = cell * map.rows.length;
  const width = left + wide + 2, height = top + high + 2;
  const picture = draw("svg", { class: "map", role: "img", "font-size": font, width, height,
    viewBox: `0 0 ${width} ${height}`, "aria-label": title });
  picture.append(draw("rect", { class: "field", x: left, y: top, width: wide, height: high }));
  const cells = draw("g", { transform: `translate(${left} ${top}) scale(${cell})` });
  for (const [strength, runs] of cellRuns(map.weights, map.gain ?? 1))
    cells.append(draw("path", { class: strength > 0 ? "more" : "less", d: runs.join(""),
      "fill-opacity": Math.abs(strength) / LEVELS }));
  const { row, column } = chosen;
  picture.append(cells, draw("rect", { class: "chosen",
    x: left + cell * (column ?? 0), y: top + cell * (row ?? 0),
    width: column === undefined ? wide : cell, height: row === undefined ? high : cell }));
  const label = (group, text, place, later = false) => {
    const classes = ["label", roleOf({ marks }, text, group), later ? "unwritten" : null];
    return draw("text", { class: classes.filter(Boolean).join(" "), lang: text.language || null,
      "dominant-baseline": "central",
      ...place }, short(group.label), draw("title", {}, group.label));
  };
  const rows = draw("g", {}, draw("rect", { class: "ground", width: left, height }),
    ...map.rows.map((group, i) => label(group, map.query, { "text-anchor": "end", x: left - 6,
      y: top + cell * (i + 0.5) }, i > (map.written ?? map.rows.length))));
  const columns = draw("g", {}, draw("rect", { class: "ground", width, height: top }),
    ...map.columns.map((group, i) => label(group, map.key, {
      transform: `translate(${left + cell * (i + 0.5)} ${top - 6}) rotate(-90)` })));
  const corner = draw("rect", { class: "ground", width: left, height: top });
  picture.append(rows, columns, corner);
  const at = (event) => {
    const box = picture.getBoundingClientRect();
    return [Math.floor((event.clientY - box.top - top) / cell),
      Math.floor((event.clientX - box.left - left) / cell)];
  };
  const said = (event) => {
    const [i, j] = at(event), weight = map.weights[i]?.[j];
    return weight === undefined ? title
      : `${apart(map.rows[i].label)} → ${apart(map.columns[j].label)}: ${(100 * weight).toFixed(1)} %`;
  };
  const figure = figureOf(picture, title, said);
  const scroll = figure.querySelector(".scroll");
  scroll.addEventListener("scroll", () => { // labels stay in sight
    rows.setAttribute("transform", `translate(${scroll.scrollLeft} 0)`);
    columns.setAttribute("transform", `translate(0 ${scroll.scrollTop})`);
    corner.setAttribute("transform", `translate(${scroll.scrollLeft} ${scroll.scrollTop})`);
  });
  figure.reveal = () => { // what is framed, and where it is darkest
    const line = row === undefined ? map.weights.map((one) => one[column]) : map.weights[row];
    const darkest = line.reduce((best, weight, i) => (Math.abs(weight) > Math.abs(line[best]) ? i : best), 0);
    const y = cell * (row ?? darkest), x = cell * (column ?? darkest);
    const { clientHeight, clientWidth } = scroll;
    if (y < scroll.scrollTop || y + cell > scroll.scrollTop + clientHeight - top)
      scroll.scrollTop = y - (clientHeight - top) / 2;
    if (x < scroll.scrollLeft || x + cell > scroll.scrollLeft + clientWidth - left)
      scroll.scrollLeft = x - (clientWidth - left) / 2;
  };
  picture.addEventListener("click", (event) => {
    const [i, j] = at(event);
    if (map.rows[i] && map.columns[j]) pick(i, j);
  });
  return figure;
}

/** A picture with what the mouse is on above it, and buttons that save it. */
function figureOf(picture, title, said) {
  const tip = make("span", { class: "tip" }, title);
  picture.addEventListener("mousemove", (event) => { tip.textContent = said(event); });
  picture.addEventListener("mouseleave", () => { tip.textContent = title; });
  const button = (kind, save) => make("button", { type: "button", class: "save", click: save,
    "aria-label": `Save “${title}” as ${kind}` }, kind);
  return make("figure", { class: "map-box" }, make("figcaption", {}, tip,
    button("SVG", () => saveSvg(picture, title)), button("PNG", () => savePng(picture, title))),
  make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": title }, picture));
}

/** By how much weights are drawn stronger so that the largest of them is drawn as 100 % would be. */
function gainOf(weights) {
  const most = weights.reduce((largest, weight) => Math.max(largest, Math.abs(weight)), 0);
  return 1 / Math.max(most, 1e-9);
}

/** Runs of cells of one strength, so that a large map is a few paths. */
function cellRuns(weights, gain) {
  const paths = new Map();
  weights.forEach((line, row) => {
    const levels = line.map((weight) => level(gain * Math.abs(weight)) * (weight < 0 ? -1 : 1));
    for (let start = 0, end; start < levels.length; start = end) {
      for (end = start + 1; levels[end] === levels[start]; end++);
      if (!levels[start]) continue;
      if (!paths.has(levels[start])) paths.set(levels[start], []);
      paths.get(levels[start]).push(`M${start} ${row}h${end - start}v1h${start - end}z`);
    }
  });
  return paths;
}

function cellSize(count) {
  return count <= 20 ? 24 : count <= 40 ? 16 : 13;
}

function short(label) {
  const letters = [...label];
  return letters.length <= 16 ? label : `${letters.slice(0, 15).join("")}…`;
}

function labelWidth(groups, font) {
  const lengths = groups.map((group) => [...short(group.label)]
    .reduce((sum, letter) => sum + (letter.codePointAt(0) > 0x2e7f ? 2 : 1), 0));
  return Math.round(Math.max(0, ...lengths) * font * 0.72) + 14;
}
