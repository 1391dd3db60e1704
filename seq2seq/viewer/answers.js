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

/** A translation whose words between the common beginning and end with another are marked. */
function written(opening, text, other, language) {
  if (!text) return null;
  const words = text.split(" "), others = (other ?? text).split(" ");
  const most = Math.min(words.length, others.length);
  let start = 0, end = 0;
  while (start < most && words[start] === others[start]) start++;
  while (end < most - start && words.at(-1 - end) === others.at(-1 - end)) end++;
  const part = (from, to) => words.slice(from, to).join(" ");
  const changed = part(start, words.length - end);
  return make("p", { class: "output" }, opening, make("bdi", { lang: language || null }, part(0, start), start ? " " : "",
    changed ? make("mark", {}, changed) : null, end && changed ? " " : "",
    end ? part(words.length - end) : ""));
}
