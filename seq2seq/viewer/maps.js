"use strict";
// Numbers: reading packed maps back, choosing a head, joining pieces to words.

const LEVELS = 16;
const CONTINUED = "⋯"; // as in words.py
const SQUARES = Float64Array.from({ length: 256 }, (_, byte) => (byte / 255) ** 2);

/** How strongly a weight is drawn, 0 to 16; the same curve as svg.py. */
function level(weight) {
  return Math.floor(LEVELS * Math.min(Math.max(weight, 0), 1) ** 0.7 + 0.5);
}

/** A percentage as it is printed everywhere. */
function percent(weight) {
  return `${Math.floor(100 * weight + 0.5)} %`;
}

/** Bytes of a packed map: base64 of a raw deflate stream. */
async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Unpack every panel of an example once: those first that others are written as added to. */
async function load(example) {
  const [first] = example.readings;
  for (const reading of example.readings) {
    await loadPanels(reading.panels, first);
    for (const variant of reading.variants) await loadPanels(variant.panels, reading);
  }
}

async function loadPanels(panels, base) {
  for (const panel of panels) {
    if (panel.bytes) continue;
    panel.bytes = await unpack(panel.maps);
    if (!panel.added) continue;
    const known = base.panels.find((one) => one.stack === panel.stack).bytes;
    for (let i = 0; i < known.length; i++) panel.bytes[i] += known[i]; // modulo 256
  }
}

/** What a run of pieces reads of each column; head === panel.heads is the mean of its layer. */
function readBy(panel, layer, head, row, columns) {
  const chosen = head < panel.heads ? [head] : [...Array(panel.heads).keys()];
  const pieces = new Float64Array(panel.columns);
  for (const one of chosen) {
    for (const piece of row.pieces) {
      const line = (layer * panel.heads + one) * panel.rows + piece - panel.first;
      for (let k = 0; k < panel.columns; k++)
        pieces[k] += SQUARES[panel.bytes[line * panel.columns + k]];
    }
  }
  const count = chosen.length * row.pieces.length;
  return columns.map((column) => column.pieces.reduce((sum, k) => sum + pieces[k], 0) / count);
}

/** Runs of pieces that are shown as one: words, or each piece by itself. */
function groupsOf(text, first, count, unit) {
  const groups = [];
  for (let piece = first; piece < first + count; piece++) {
    const last = groups.at(-1);
    if (unit === "words" && last && last.word === text.words[piece]) last.pieces.push(piece);
    else groups.push({ word: text.words[piece], pieces: [piece] });
  }
  for (const group of groups) {
    const shown = group.pieces.filter((piece) => text.pieces[piece] !== CONTINUED);
    group.label = (shown.length ? shown : group.pieces.slice(0, 1))
      .map((piece, i) => (i && text.blanks[piece] ? " " : "") + text.pieces[piece]).join("");
    group.special = group.pieces.every((piece) => text.special.includes(piece));
  }
  return groups;
}

/** One head's map in the chosen unit: sums over the pieces read, mean over those that read. */
function groupedMap(reading, panel, layer, head, unit) {
  const query = textOf(reading, panel.query), key = textOf(reading, panel.key);
  const rows = groupsOf(query, panel.first, panel.rows, unit);
  const columns = groupsOf(key, 0, panel.columns, unit);
  const weights = rows.map((row) => readBy(panel, layer, head, row, columns));
  return { panel, query, key, rows, columns, weights };
}

/** The text of this name. */
function textOf(reading, name) {
  return reading.texts.find((text) => text.name === name);
}

/** The role of a run of pieces, if any of them is marked; the first mark wins. */
function roleOf(reading, text, group) {
  const found = reading.marks.find((mark) =>
    mark.text === text.name && mark.pieces.some((piece) => group.pieces.includes(piece)));
  return found ? found.role : null;
}

/** Columns by weight, the heaviest first. */
function strongest(map, row, count) {
  return map.weights[row].map((weight, column) => ({ weight, column }))
    .sort((a, b) => b.weight - a.weight || a.column - b.column).slice(0, count);
}

// Letters that run from right to left, as in escape.py.
const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A word in the middle of an English sentence: set apart, so that it turns no figure around. */
function apart(label) {
  return RIGHT_TO_LEFT.test(label) ? `\u2068${label}\u2069` : label;
}

/** What one row reads, as a sentence; static.py writes the same. */
function sentence(map, row) {
  const read = strongest(map, row, 3)
    .map(({ weight, column }) => `“${apart(map.columns[column].label)}” ${percent(weight)}`).join(" · ");
  const label = apart(map.rows[row].label);
  return map.panel.first ? `Writing “${label}”, it reads: ${read}` : `“${label}” reads: ${read}`;
}

/** The difference of two maps, or null where their words do not stand opposite each other. */
function difference(first, second) {
  if (first.rows.length !== second.rows.length) return null;
  if (first.columns.length !== second.columns.length) return null;
  const label = (a, b) => (a.label === b.label ? a : { ...a, label: `${a.label}/${b.label}` });
  return {
    ...first,
    rows: first.rows.map((row, i) => label(row, second.rows[i])),
    columns: first.columns.map((column, i) => label(column, second.columns[i])),
    weights: first.weights.map((line, i) => line.map((w, j) => second.weights[i][j] - w)),
  };
}
