// A picture as a file of its own: what the style sheet says is written into its elements.

const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity",
  "stroke-opacity", "font-size", "font-weight", "font-family", "text-decoration-line"];
const LARGEST_SIDE = 16000; // pixels; no browser draws a larger picture

/** The text of an SVG file that looks as the picture does here. */
function svgText(picture, title) {
  const copy = picture.cloneNode(true);
  const copies = [copy, ...copy.querySelectorAll("*")];
  [picture, ...picture.querySelectorAll("*")].forEach((one, i) => {
    const style = getComputedStyle(one);
    for (const name of KEPT) copies[i].setAttribute(name, style.getPropertyValue(name));
    copies[i].removeAttribute("class");
    if (one.tagName === "g") copies[i].removeAttribute("opacity");
  });
  const ground = draw("rect", { width: "100%", height: "100%",
    fill: getComputedStyle(document.body).backgroundColor });
  copy.prepend(draw("title", {}, `${title}, ${$(".now").textContent}`), ground);
  return new XMLSerializer().serializeToString(copy);
}

/** The same as the bytes of a PNG, two pixels for each of the screen's as far as that goes. */
async function pngBlob(picture, title) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(picture, title))}`;
  await image.decode();
  const { width, height } = picture.viewBox.baseVal;
  const scale = Math.min(2, LARGEST_SIDE / Math.max(width, height));
  const canvas = make("canvas", { width: Math.round(scale * width),
    height: Math.round(scale * height) });
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.drawImage(image, 0, 0, width, height);
  return new Promise((done) => { canvas.toBlob(done, "image/png"); });
}

/** Hand a file to the reader; it is made here and nothing is asked for. */
function saveFile(blob, ending) {
  const address = URL.createObjectURL(blob);
  const head = `${state.layer}.${$(".now").textContent.includes("mean") ? "mean" : state.head}`;
  const link = make("a", { download: `attention-${state.stack}-${head}-${state.picture}.${ending}` });
  link.href = address;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

function saveSvg(picture, title) {
  saveFile(new Blob([svgText(picture, title)], { type: "image/svg+xml" }), "svg");
}

async function savePng(picture, title) {
  saveFile(await pngBlob(picture, title), "png");
}
