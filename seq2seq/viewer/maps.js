"use strict";
// Numbers: reading packed maps back, choosing a head, joining pieces to words.

const LEVELS = 16;
const CONTINUED = "⋯"; // as in words.py
const SQUARES = Float64Array.from({ length: 256 }, (_, byte) => (byte / 255) ** 2);

/** How strongly a weight is drawn, 0 to 16; the same curve as svg.py. */
function level(weight) {
  return Math.floor(LEVELS * Math.min(Math.max(weight, 0), 1) ** 0.7 + 0.5);
}

/** A percentage as it is printed everywhere; below 1 % with a decimal, as many weights are. */
function percent(weight) {
  if (weight > 0 && weight < 0.0095) return `${(Math.floor(1000 * weight + 0.5) / 10).toFixed(1)} %`;
  return `${Math.floor(100 * weight + 0.5)} %`;
}

/** Bytes of a packed map: base64 of a raw deflate stream. */
async function unpack(packed) {
  const letters = atob(packed), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
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

/** The heads that a number stands for: one, or all of a layer for the number after the last. */
function headsOf(panel, head) {
  return head < panel.heads ? [head] : [...Array(panel.heads).keys()];
}

/** What a run of pieces reads of each column; without special pieces, as shares of the rest. */
function rowWeights(panel, layer, head, row, columns, bare) {
  const heads = headsOf(panel, head);
  const pieces = new Float64Array(panel.columns);
  for (const one of heads) {
    for (const piece of row.pieces) {
      const line = (layer * panel.heads + one) * panel.rows + piece - panel.first;
      for (let k = 0; k < panel.columns; k++)
        pieces[k] += SQUARES[panel.bytes[line * panel.columns + k]];
    }
  }
  const count = heads.length * row.pieces.length;
  const weights = columns.map((column) => bare && column.special ? 0
    : column.pieces.reduce((sum, k) => sum + pieces[k], 0) / count);
  if (!bare) return weights;
  const rest = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / Math.max(rest, 1e-9));
}

/** What each row reads of one run of pieces. */
function columnWeights(panel, layer, head, rows, columns, at, bare) {
  const special = bare ? columns.filter((column) => column.special) : [];
  const taken = columns[at].pieces, lost = special.flatMap((column) => column.pieces);
  if (special.includes(columns[at])) return rows.map(() => 0);
  return rows.map((row) => {
    let sum = 0, rest = 0;
    for (const one of headsOf(panel, head)) {
      for (const piece of row.pieces) {
        const start = ((layer * panel.heads + one) * panel.rows + piece - panel.first)
          * panel.columns;
        for (const k of taken) sum += SQUARES[panel.bytes[start + k]];
        for (const k of lost) rest -= SQUARES[panel.bytes[start + k]];
        rest += 1;
      }
    }
    return sum / Math.max(rest, 1e-9);
  });
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
function groupedMap(reading, panel, layer, head, unit, bare = false) {
  const query = textOf(reading, panel.query), key = textOf(reading, panel.key);
  const rows = groupsOf(query, panel.first, panel.rows, unit);
  const columns = groupsOf(key, 0, panel.columns, unit);
  const weights = rows.map((row) => rowWeights(panel, layer, head, row, columns, bare));
  return { panel, query, key, rows, columns, weights };
}

/** A map seen from the words that are read: its rows are its columns. */
function turned(map) {
  return { panel: map.panel, query: map.key, key: map.query, rows: map.columns, columns: map.rows,
    weights: map.columns.map((_, j) => map.weights.map((line) => line[j])) };
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

/** The first piece of this role that reads, or is read; null where there is none. */
function markedPiece(reading, panel, role, readBy) {
  const [name, first, count] = readBy ? [panel.key, 0, panel.columns]
    : [panel.query, panel.first, panel.rows];
  const pieces = reading.marks.filter((mark) => mark.role === role && mark.text === name)
    .flatMap((mark) => mark.pieces).filter((piece) => piece >= first && piece < first + count);
  return pieces.length ? Math.min(...pieces) : null;
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

/** What one row reads, or what reads it, in parts: strings and words; static.py writes the same. */
function said({ map, row, readBy }) {
  const word = (group, text) => ({ label: group.label, language: text.language });
  const read = strongest(map, row, 3).flatMap(({ weight, column }, i) =>
    [i ? " · " : "", word(map.columns[column], map.key), ` ${percent(weight)}`]);
  const own = word(map.rows[row], map.query), writes = map.panel.first > 0;
  if (readBy) return [own, writes ? " is read when writing: " : " is read by: ", ...read];
  return writes ? ["Writing ", own, ", it reads: ", ...read] : [own, " reads: ", ...read];
}

/** The same as one string. */
function sentence(view) {
  return said(view).map((part) => part.label === undefined ? part : `“${apart(part.label)}”`).join("");
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
