"""Put names, addresses, placeholders and emoji that training never saw into held-out sentences.

The sentences are those of the run's dev set whose words all occur in its training text. The items
are real ones, from ``copying_items.toml`` and Unicode; one is left out where it stands anywhere in
the training text or in a copying pair of any epoch of the run. See ``--help``.
"""

import itertools
import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal, get_args

import typer

from seq2seq.data.copying import CopyingMaker
from seq2seq.data.made_up import is_held_out_emoji
from seq2seq.data.parallel_text import ParallelText, read_text
from seq2seq.decode.options import DecodeOptions
from seq2seq.normalization import normalize
from seq2seq.restoration import restore
from seq2seq.run import Run
from seq2seq.translate import Translator

Kind = Literal["name", "url", "placeholder", "emoji"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ITEMS = Path(__file__).with_name("copying_items.toml")
WORD = re.compile(r"\w+(?:['’]\w+)*")
NAME = re.compile(r"\b(?:Tom|Mary|John|Boston|Alice|Bob)\b")
CLOSING = re.compile(r"[.!?]+$")
FEWEST_WORDS, MOST_WORDS = 3, 20


@dataclass(frozen=True)
class Line:
    """A held-out sentence with one item in it."""

    kind: Kind
    item: str
    place: str
    source: str


@dataclass(frozen=True)
class Result:
    """What became of a line, and of the same with changed addresses and placeholders put back."""

    line: Line
    output: str
    restored_output: str

    @classmethod
    def of(cls, line: Line, output: str) -> "Result":
        """What `seq2seq translate` makes of a line and the model's own output."""
        return cls(line, output, restore(normalize(line.source), output).text)

    @property
    def unchanged(self) -> bool:
        """Whether the item stands in the model's own output just once, and in no other word."""
        return self._is_in(self.output)

    @property
    def unchanged_or_restored(self) -> bool:
        """The same of what `seq2seq translate` writes."""
        return self._is_in(self.restored_output)

    def _is_in(self, text: str) -> bool:
        item = normalize(self.line.item)
        return text.count(item) == 1 and bool(re.search(alone(item), text))


def main(
    run: Annotated[Path, typer.Argument(help="Run folder; its recipe names the data.")],
    lines: Annotated[int, typer.Option(help="Sentences to translate.")] = 500,
    seed: Annotated[int, typer.Option(help="Chooses sentences, items and places.")] = 1,
    beams: Annotated[int | None, typer.Option(help="Beams; the model's own by default.")] = None,
    failures: Annotated[int, typer.Option(help="Print so many lines that failed.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Do names, addresses, placeholders and emoji come through a translation unchanged?

    Counted in the model's own output, and in the same with changed addresses and placeholders put
    back, which is what seq2seq translate writes.
    Reads the run's training and dev text, translates here, writes nothing, never uses the network.

    Example: scripts/measure_copying runs/tatoeba-en-es
    """
    recipe = Run(run).read_recipe()
    text = read_text(recipe.data)
    seen = seen_text(text, CopyingMaker.of(text, recipe), epochs=epochs_of(Run(run)))
    items = {kind: unseen(kind, seen) for kind in KINDS}
    sentences = known_sentences(text)
    made = draw_lines(sentences, items, Random(seed), count=lines)
    translator = Translator.load(run)
    options = translator.options
    if beams is not None:
        options = DecodeOptions(
            beams=beams,
            max_length_factor=options.max_length_factor,
            max_length_offset=options.max_length_offset,
        )
    outputs = translator.translate([line.source for line in made], options, restore=False)
    results = [Result.of(line, out.text) for line, out in zip(made, outputs, strict=True)]
    failed = [one for one in results if not (one.unchanged and one.unchanged_or_restored)]
    report = {
        "sentences": len(sentences),
        "items": {kind: len(found) for kind, found in items.items()},
        "unfinished": sum(not one.candidates[0].ended for one in outputs),
        **counts(results),
    }
    if as_json:
        rows = [
            asdict(one.line) | {"output": one.output, "restored_output": one.restored_output}
            for one in failed
        ]
        typer.echo(json.dumps(report | {"failed": rows}, indent=2, ensure_ascii=False))
        return
    for one in failed[:failures]:
        typer.echo(f"{one.line.kind} at {one.line.place}: {one.line.item}\n  {one.line.source}")
        typer.echo(f"  {one.output}\n  {one.restored_output}")
    typer.echo(summary(report))


def load_items() -> dict[Kind, list[str]]:
    """All items of each kind, none twice."""
    lists = {name: value.split() for name, value in tomllib.loads(ITEMS.read_text("utf-8")).items()}
    given, family = lists["given_names"], lists["family_names"]
    # every name of each list, alone or in company
    names = [*given, *family, *lists["other_scripts"]]
    names += [f"{first} {last}" for first, last in zip(given, family, strict=False)]
    urls = [host + path for host in lists["url_hosts"] for path in lists["url_paths"]]
    forms = itertools.product(lists["placeholder_forms"], lists["placeholder_names"])
    placeholders = [form.replace("*", name) for form, name in forms]
    placeholders += lists["placeholder_others"]
    emoji = [*lists["emoji_sequences"], *single_emoji()]
    flags = ["".join(chr(0x1F1E6 + ord(c) - ord("A")) for c in code) for code in lists["flags"]]
    emoji += filter(is_held_out_emoji, flags)
    found: dict[Kind, list[str]] = {
        "name": names,
        "url": urls,
        "placeholder": placeholders,
        "emoji": emoji,
    }
    return {kind: list(dict.fromkeys(map(normalize, items))) for kind, items in found.items()}


def single_emoji() -> list[str]:
    """Emoji of one character that copying pairs never show."""
    ranges = ((0x1F300, 0x1F5FF), (0x1F600, 0x1F64F), (0x1F680, 0x1F6C5), (0x1F900, 0x1F9FF))
    characters = (chr(code) for first, last in ranges for code in range(first, last + 1))
    tones = range(0x1F3FB, 0x1F400)
    return [c for c in characters if is_held_out_emoji(c) and ord(c) not in tones]


def epochs_of(run: Run) -> int:
    """Epochs that a run has begun, from its log."""
    logged = (json.loads(line) for line in run.metrics.read_text("utf-8").splitlines())
    return 1 + max((int(line["epoch"]) for line in logged if "epoch" in line), default=0)


def seen_text(text: ParallelText, maker: CopyingMaker, *, epochs: int) -> str:
    """Everything that training showed, in one string."""
    parts = [normalize(side) for side in text.training_texts()]
    if maker.share:
        made = itertools.chain.from_iterable(maker.epoch(number) for number in range(epochs))
        parts += [side for pair in made for side in (pair.source, pair.target)]
    return "\n".join(parts)


def unseen(kind: Kind, seen: str) -> list[str]:
    """Items that training never saw; of a name none of its words."""
    words = set(WORD.findall(seen)) if kind == "name" else set()
    return [
        item
        for item in load_items()[kind]
        if (words.isdisjoint(WORD.findall(item)) if kind == "name" else item not in seen)
    ]


def known_sentences(text: ParallelText) -> list[str]:
    """Sources of the dev set whose words all occur in the training sources."""
    known = {word.casefold() for side in text.training_side(0) for word in WORD.findall(side)}
    found = []
    for sentence in text.dev["source"]:
        words = [word.casefold() for word in WORD.findall(sentence)]
        if FEWEST_WORDS <= len(words) <= MOST_WORDS and known.issuperset(words):
            found.append(sentence)
    return found


def draw_lines(
    sentences: Sequence[str], items: dict[Kind, list[str]], random: Random, *, count: int
) -> list[Line]:
    """As many lines of each kind; no item twice before all have had their turn."""
    named = [sentence for sentence in sentences if NAME.search(sentence)]
    decks = {kind: _turns(items[kind], random) for kind in KINDS}
    pools = {True: _turns(named, random), False: _turns(sentences, random)}
    lines = []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        replaces = random.random() < {"name": 0.6, "placeholder": 0.5, "url": 0.1, "emoji": 0}[kind]
        item, sentence = next(decks[kind]), next(pools[replaces])
        place, source = _put(kind, item, sentence, random, replaces=replaces)
        lines.append(Line(kind, item, place, source))
    return lines


def _put(
    kind: Kind, item: str, sentence: str, random: Random, *, replaces: bool
) -> tuple[str, str]:
    """Where the item stands, and the sentence with it."""
    if replaces:
        return "a name's place", NAME.sub(lambda _: item, sentence, count=1)
    closing = CLOSING.search(sentence)
    start = closing.start() if closing else len(sentence)
    body, end = sentence[:start], sentence[start:]
    match kind:
        case "name":
            places = {"start": f"{item}, {sentence}", "close": f"{body}, {item}{end}"}
        case "url":
            places = {
                "start": f"{item} - {sentence}",
                "end": f"{sentence} {item}",
                "close": f"{body}: {item}{end}",
            }
        case "placeholder":
            places = {
                "start": f"{item}: {sentence}",
                "end": f"{sentence} ({item})",
                "close": f"{body} {item}{end}",
            }
        case "emoji":
            places = {
                "start": f"{item} {sentence}",
                "end": f"{sentence} {item}",
                "glued": f"{sentence}{item}",
                "close": f"{body} {item}{end}",
            }
    return random.choice(list(places.items()))


def _turns(items: Sequence[str], random: Random) -> Iterator[str]:
    """All items in random order, again and again."""
    while True:
        yield from random.sample(items, len(items))


def alone(item: str) -> str:
    """A pattern that finds an item where no letter or digit of another word touches it."""
    before = r"(?<!\w)" if re.match(r"\w", item) else ""
    behind = r"(?!\w)" if re.search(r"\w$", item) else ""
    return before + re.escape(item) + behind


def counts(results: Sequence[Result]) -> dict[str, Any]:
    """Lines and unchanged items, altogether, by kind and by place."""

    def count(chosen: Sequence[Result]) -> dict[str, int]:
        return {
            "lines": len(chosen),
            "unchanged": sum(one.unchanged for one in chosen),
            "unchanged_or_restored": sum(one.unchanged_or_restored for one in chosen),
        }

    table: dict[str, Any] = {**count(results)}
    for name in ("kind", "place"):
        groups = sorted({getattr(one.line, name) for one in results})
        table[f"by_{name}"] = {
            group: count([one for one in results if getattr(one.line, name) == group])
            for group in groups
        }
    return table


def summary(report: dict[str, Any]) -> str:
    """For people."""

    def share(found: dict[str, int]) -> str:
        own, with_restored = found["unchanged"], found["unchanged_or_restored"]
        lines = found["lines"]
        return (
            f"{own:,} of {lines:,} unchanged ({100 * own / max(lines, 1):.1f} %), "
            f"{with_restored:,} once restored ({100 * with_restored / max(lines, 1):.1f} %)"
        )

    held = ", ".join(f"{count:,} {kind}" for kind, count in report["items"].items())
    return "\n".join(
        [
            f"{report['sentences']:,} held-out sentences of known words; unseen items: {held}",
            *(f"{name}: {share(found)}" for name, found in report["by_place"].items()),
            *(f"{name}: {share(found)}" for name, found in report["by_kind"].items()),
            f"all: {share(report)}; {report['unfinished']} outputs cut off at the length limit",
        ]
    )


if __name__ == "__main__":
    typer.run(main)
