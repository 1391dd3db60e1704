// Several heads at once: lines between words, the heads of a layer, and all heads of a stack.

const COLOURS = 8; // of heads, in page.css; the second eight are dashed
const LINE = 22; // pixels from word to word
const GAP = 260; // pixels between what reads and what is read

/** Lines from the words that read to the words that are read, each head in its own colour. */
function linesFigure(maps, least, chosen, marks, pick, title) {
  const [{ rows, columns, query, key }] = maps;
  const font = 14, left = labelWidth(rows, font), right = labelWidth(columns, font);
  const width = left + GAP + right, height = LINE * Math.max(rows.length, columns.length) + 4;
  const picture = draw("svg", { class: "map lines", role: "img", "font-size": font, width, height,
    viewBox: `0 0 ${width} ${height}`, "aria-label": title });
  const middle = (index) => LINE * (index + 0.5) + 2;
  const path = (i, j) => `M${left} ${middle(i)}L${left + GAP} ${middle(j)}`;
  maps.forEach((map, number) => { // all as a ground: one path for each strength
    const byLevel = new Map();
    map.weights.forEach((line, i) => line.forEach((weight, j) => {
      if (weight < least) return;
      if (!byLevel.has(level(weight))) byLevel.set(level(weight), []);
      byLevel.get(level(weight)).push(path(i, j));
    }));
    for (const [strength, paths] of byLevel)
      picture.append(draw("path", { class: `line ${lineClass(number)}`, d: paths.join(""),
        "stroke-opacity": 0.3 * strength / LEVELS }));
  });
  const above = draw("g", {});
  const show = ({ row, column }) => above.replaceChildren(...maps.flatMap((map, number) =>
    map.weights.flatMap((line, i) => row !== undefined && i !== row ? []
      : line.map((weight, j) => weight < least || (column !== undefined && j !== column) ? null
        : draw("path", { class: `line ${lineClass(number)}`, d: path(i, j),
            "stroke-width": (1 + 4 * weight).toFixed(1), "stroke-opacity": 0.35 + 0.65 * weight }))
        .filter(Boolean))));
  show(chosen);
  const word = (group, text, place, active) => draw("text", {
    class: ["label", roleOf({ marks }, text, group), active ? "active" : null]
      .filter(Boolean).join(" "),
    lang: text.language || null, "dominant-baseline": "central", ...place },
  short(group.label), draw("title", {}, group.label));
  picture.append(above,
    ...rows.map((group, i) => word(group, query, { "text-anchor": "end", x: left - 6, y: middle(i) },
      i === chosen.row)),
    ...columns.map((group, j) => word(group, key, { x: left + GAP + 6, y: middle(j) },
      j === chosen.column)));
  const at = (event) => {
    const box = picture.getBoundingClientRect(), scale = width / box.width;
    const index = Math.floor(((event.clientY - box.top) * scale - 2) / LINE);
    const x = (event.clientX - box.left) * scale;
    if (x < left && rows[index]) return { row: index };
    return x > left + GAP && columns[index] ? { column: index } : null;
  };
  picture.addEventListener("click", (event) => { if (at(event)) pick(at(event)); });
  picture.addEventListener("mousemove", (event) => show(at(event) ?? chosen));
  picture.addEventListener("mouseleave", () => show(chosen));
  const figure = figureOf(picture, title, () => title);
  const scroll = figure.querySelector(".scroll");
  figure.reveal = () => {
    const y = middle(chosen.row ?? chosen.column);
    if (y < scroll.scrollTop || y > scroll.scrollTop + scroll.clientHeight)
      scroll.scrollTop = y - scroll.clientHeight / 2;
  };
  return figure;
}

/** The colour of the head of this number, and dashes once all colours are in use. */
function lineClass(number) {
  return `h${number % COLOURS}${number % (2 * COLOURS) < COLOURS ? "" : " dashed"}`;
}

/** What one word reads in each head of a layer, or in which it is read. */
function layerMap(view, layer, bare) {
  const { panel, key, columns } = view.map;
  const heads = [...Array(panel.heads + 1).keys()];
  return { panel, key, columns, query: { name: "" },
    rows: heads.map((head) => ({ pieces: [],
      label: head < panel.heads ? `head ${head}` : "mean" })),
    weights: heads.map((head) => weightsOf(view, layer, head, bare)) };
}

/** The attention of the word that is looked at, by any head. */
function weightsOf({ map, row, readBy }, layer, head, bare) {
  return readBy ? columnWeights(map.panel, layer, head, map.columns, map.rows, row, bare)
    : rowWeights(map.panel, layer, head, map.rows[row], map.columns, bare);
}

/** Small maps of all heads as one picture, row by row of layers; kept, as it takes a while. */
function smallMaps(panel, special, size, inner) {
  const { layers, heads, rows, columns } = panel;
  const key = special.join(" ");
  panel.small ??= {};
  if (panel.small[key]) return panel.small[key];
  const [high, wide] = [Math.min(rows, inner), Math.min(columns, inner)];
  const canvas = make("canvas", { width: 2 * size * heads, height: 2 * size * layers });
  const one = make("canvas", { width: wide, height: high });
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  for (let layer = 0; layer < layers; layer++) {
    for (let head = 0; head < heads; head++) {
      const image = smallMap(panel, special, layer * heads + head, high, wide);
      one.getContext("2d").clearRect(0, 0, wide, high);
      one.getContext("2d").putImageData(image, 0, 0);
      pen.drawImage(one, 2 * size * head, 2 * size * layer, 2 * inner, 2 * inner);
    }
  }
  return panel.small[key] = canvas.toDataURL();
}

/** Every head of a stack as a small map, piece by piece; the strongest where several fall together. */
function allHeads(panel, special, picked, pick, title) {
  const { layers, heads } = panel;
  const size = Math.min(72, Math.max(26, Math.floor(880 / heads))), inner = size - 4;
  const left = 30, top = 22, width = left + size * heads + 2, height = top + size * layers + 2;
  const picture = draw("svg", { class: "map all", role: "img", "font-size": 12, width, height,
    viewBox: `0 0 ${width} ${height}`, "aria-label": title });
  for (let layer = 0; layer < layers; layer++) {
    picture.append(draw("text", { class: "label", x: left - 8, y: top + size * (layer + 0.5) - 2,
      "text-anchor": "end", "dominant-baseline": "central" }, `${layer}`));
    for (let head = 0; head < heads; head++)
      picture.append(draw("rect", { class: "field", x: left + size * head, y: top + size * layer,
        width: inner, height: inner }));
  }
  picture.append(draw("image", { href: smallMaps(panel, special, size, inner), x: left, y: top, width: size * heads,
    height: size * layers }));
  for (let head = 0; head < heads; head++)
    picture.append(draw("text", { class: "label", x: left + size * (head + 0.5) - 2, y: 14,
      "text-anchor": "middle" }, `${head}`));
  if (picked.head < heads) picture.append(draw("rect", { class: "chosen", width: size, height: size,
    x: left + size * picked.head - 2, y: top + size * picked.layer - 2 }));
  const at = (event) => {
    const box = picture.getBoundingClientRect(), scale = width / box.width;
    const head = Math.floor(((event.clientX - box.left) * scale - left) / size);
    const layer = Math.floor(((event.clientY - box.top) * scale - top) / size);
    return head >= 0 && head < heads && layer >= 0 && layer < layers ? { layer, head } : null;
  };
  picture.addEventListener("click", (event) => {
    const found = at(event);
    if (found) pick(found.layer, found.head);
  });
  return figureOf(picture, title, (event) => {
    const found = at(event);
    return found ? `layer ${found.layer}, head ${found.head}` : title;
  });
}

/**
 * One head's map in so many pixels, each as opaque as the root of its weight, so that small weights
 * can be seen; nothing is drawn of special pieces where they are left out.
 */
function smallMap(panel, special, number, high, wide) {
  const { rows, columns, bytes } = panel;
  const most = new Float64Array(high * wide);
  const hidden = new Set(special);
  for (let i = 0; i < rows; i++) {
    const line = (number * rows + i) * columns, y = Math.floor(i * high / rows) * wide;
    let rest = 1;
    for (const k of special) rest -= SQUARES[bytes[line + k]];
    for (let j = 0; j < columns; j++) {
      const at = y + Math.floor(j * wide / columns);
      const weight = SQUARES[bytes[line + j]] / Math.max(rest, 1e-9);
      if (weight > most[at] && !hidden.has(j)) most[at] = weight;
    }
  }
  const image = new ImageData(wide, high);
  most.forEach((weight, i) => image.data.set([38, 119, 230, 255 * Math.sqrt(weight)], 4 * i));
  return image;
}
