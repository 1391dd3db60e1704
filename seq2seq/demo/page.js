// One form for all models; each answers in a column of its own, above the page of its attention.

const $ = (selector) => document.querySelector(selector);
const models = [...document.querySelectorAll(".model")].map((column, number) => ({ column, number,
  part: (name) => column.querySelector(`.${name}`), language: column.dataset.language,
  before: "", text: null }));

/** Let every model answer what stands in the field. */
function ask() {
  const text = $("#text").value;
  const address = text.trim() ? `?${new URLSearchParams({ text })}` : location.pathname;
  if (address !== (location.search || location.pathname)) history.pushState(null, "", address);
  for (const model of models) answer(model, text);
}

async function answer(model, text) {
  const asked = { text: String(new URLSearchParams({ text })) };
  model.asked = asked; // a later one takes its place
  model.column.classList.add("busy");
  const found = await received(`/answer/${model.number}?${asked.text}`);
  if (model.asked !== asked) return;
  model.column.classList.remove("busy");
  show(model, found, asked.text);
}

/** What the program answers, or a sentence about why it does not. */
async function received(address) {
  try {
    return await (await fetch(address)).json();
  } catch {
    return { problem: "The program does not answer. Does it still run? Look at its terminal." };
  }
}

function show(model, found, query) {
  const { problem = "", translation = "", remarks = [], attention } = found;
  const line = (kind, text) => make("p", { class: kind }, text);
  const writes = translation || (problem ? "" : "(nothing)");
  const language = translation ? model.language : "en"; // of this page
  const before = isEdited(writes, model.before) ? model.before : null;
  model.part("problem").textContent = problem;
  model.part("translation").replaceChildren(
    ...[written("", writes, before ?? writes, language)].filter(Boolean));
  model.part("before").replaceChildren(...before === null ? []
    : before === writes ? [line("output", "As before: the translation did not change.")]
      : [written("Before: ", before, writes, model.language)]);
  model.part("remarks").replaceChildren(...remarks.map((remark) => line("note", remark)));
  model.part("keep").hidden = Boolean(problem);
  model.part("keep").href = `/attention/${model.number}?${query}`;
  const frame = model.part("attention");
  frame.hidden = Boolean(problem);
  $("#live").textContent = `${model.column.dataset.name}: ${problem || writes}`;
  if (problem) return;
  model.before = writes;
  if (frame.contentWindow?.renew) frame.contentWindow.renew(attention);
  else frame.src = model.part("keep").href;
}

/** Whether a translation is another one with some words changed: at least half of them stayed. */
function isEdited(text, before) {
  const words = wordsOf(text), others = wordsOf(before);
  const kept = changedWords(words, others).filter(({ changed }) => !changed)
    .reduce((sum, run) => sum + run.words.length, 0);
  return kept > 0 && 2 * kept >= Math.max(words.length, others.length);
}

/** The colours of this page and of those within it. */
function paint(theme) {
  const pages = [document, ...models.map(({ part }) => part("attention").contentDocument)];
  for (const page of pages)
    if (theme && page?.documentElement) page.documentElement.dataset.theme = theme;
}

$("#theme").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme
    ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  paint(dark === "dark" ? "light" : "dark");
});
$("#ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
$("#text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ask();
});
for (const button of document.querySelectorAll(".examples button"))
  button.addEventListener("click", () => {
    $("#text").value = button.textContent;
    ask();
  });
for (const { part } of models)
  part("attention").addEventListener("load", () => paint(document.documentElement.dataset.theme));

/** Ask what the address says; where it says nothing, the first example. */
function follow() {
  const text = new URLSearchParams(location.search).get("text");
  const first = document.querySelector(".examples button")?.textContent;
  $("#text").value = text ?? first ?? "";
  if ($("#text").value) for (const model of models) answer(model, $("#text").value);
}

addEventListener("popstate", follow);
follow();
