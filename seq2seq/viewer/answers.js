// What the model answers, and what reaches the nouns: lines and bars of one reading.

/** A number with its sign, a minus as people write it. */
function signed(value) {
  return `${value < 0 ? "−" : "+"}${(Math.floor(10 * Math.abs(value) + 0.5) / 10).toFixed(1)}`;
}

/** Which answer the model prefers, and what the intervention changes about that. */
function preference(reading, variant) {
  if (reading.preference === null) return null;
  const [right, wrong] = reading.answers ?? ["the right answer", "the wrong one"];
  const line = make("p", { class: "preference" },
    `“${apart(right)}” over “${apart(wrong)}”: ${signed(reading.preference)} nats`);
  if (variant && variant.preference !== null) {
    const flips = reading.preference > 0 !== variant.preference > 0;
    line.append(` → ${signed(variant.preference)} where ${variant.name}: `,
      make("strong", { class: flips ? "flips" : "stays" },
        flips ? "the answer flips" : "the answer stays"));
  }
  return line;
}

/** How the decision reads each noun, path by path. */
function shareTable(reading, name) {
  if (!reading.shares.length) return null;
  const bar = (share, tone) => make("td", {}, draw("svg", { class: "bar-of", width: 80,
    height: 10, "aria-hidden": "true" }, draw("rect", { class: tone, width: 80 * share,
    height: 10 })), make("span", { class: "figure" }, percent(share)));
  return make("table", { class: "shares" },
    make("caption", {}, name),
    make("thead", {}, make("tr", {}, ...["link or path", "antecedent", "other noun"].map((one) =>
      make("th", { scope: "col" }, one)))),
    make("tbody", {}, ...reading.shares.map((share) => make("tr", {},
      make("th", { scope: "row" }, share.path), bar(share.correct, "more"),
      bar(share.distractor, "less")))));
}

/** What the model writes by itself, intact or after the intervention; what changed is marked. */
function output(reading, variant) {
  const { language } = reading.texts.at(-1);
  if (!variant) return written("By itself it writes: ", reading.output, reading.output, language);
  return written("Now it writes: ", variant.output, reading.output, language);
}

/**
 * A translation whose words are marked that another has not, or not in this order; alone in its
 * line, it gives the line its direction.
 */
function written(opening, text, other, language) {
  if (!text) return null;
  const runs = changedWords(wordsOf(text), wordsOf(other ?? text)).flatMap(({ words, changed }) => {
    const run = words.join(""), blank = run.length - run.trimStart().length;
    return changed ? [run.slice(0, blank), make("mark", {}, run.slice(blank))] : [run];
  });
  const lang = language || null;
  return opening ? make("p", { class: "output" }, opening, make("bdi", { lang }, ...runs))
    : make("p", { class: "output", dir: "auto", lang }, ...runs);
}

/** Words and signs, each with the white space before it; characters where a text has none. */
function wordsOf(text) {
  return /\s/.test(text) ? text.match(/\s*([\p{L}\p{M}\p{N}]+|\S|$)/gu) : [...text];
}

/** Runs of words that belong to the longest common sequence with others, and runs that do not. */
function changedWords(words, others) {
  const same = (i, j) => words[i].trim() === others[j].trim();
  const common = Array.from({ length: words.length + 1 }, () => Array(others.length + 1).fill(0));
  for (let i = words.length - 1; i >= 0; i--) {
    for (let j = others.length - 1; j >= 0; j--)
      common[i][j] = same(i, j) ? common[i + 1][j + 1] + 1
        : Math.max(common[i + 1][j], common[i][j + 1]);
  }
  const runs = [];
  for (let i = 0, j = 0; i < words.length; i++) {
    while (j < others.length && !same(i, j) && common[i][j] === common[i][j + 1]) j++;
    const changed = j === others.length || !same(i, j);
    if (!changed) j++;
    if (runs.at(-1)?.changed !== changed) runs.push({ changed, words: [] });
    runs.at(-1).words.push(words[i]);
  }
  return runs;
}
