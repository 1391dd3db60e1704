"""A small corpus of pronoun items, told by hand: two kinds of things, and cues that fit one kind.

The saw is near the cake because it is rusty.   la saw cerca del cake porque está rustya .
"""

import itertools
from collections.abc import Sequence
from pathlib import Path

from seq2seq.pronouns.items import Candidate, Item, Row, Span, differing_spans, write_rows

TOOLS = {"saw": "f", "hammer": "m", "file": "f", "chisel": "m"}
FOODS = {"cake": "m", "soup": "f", "bread": "m", "pie": "f"}
CUES = {"rusty": TOOLS, "blunt": TOOLS, "stale": FOODS, "sweet": FOODS}


def item(first: str, second: str, cue: str) -> Item:
    """One item; the cue decides which noun is meant, its ending in the target shows it."""
    source = f"The {first} is near the {second} because it is {cue}."
    nouns = TOOLS | FOODS
    gold = 0 if first in CUES[cue] else 1
    endings = {"f": "a", "m": "o"}
    good, bad = (
        f"{first} cerca {second} porque está {cue}{endings[nouns[noun]]}."
        for noun in ((first, second) if gold == 0 else (second, first))
    )
    good_spans, bad_spans = differing_spans(good, bad)

    def span(word: str, text: str) -> Span:
        start = text.index(word)
        return start, start + len(word)

    candidates = tuple(
        Candidate(noun, "kind", "role", nouns[noun], span(noun, source), span(noun, good))
        for noun in (first, second)
    )
    name = f"{first}-{second}-{cue}"
    it = source.index(" it ") + 1
    return Item(
        id=name, quad=name, pair=name, block=name, language="es", family="F2", schema="near",
        cue=cue, voice="near", split="train", source=source, pronoun=(it, it + 2),
        cue_span=span(cue, source), clause=span(f"because it is {cue}", source),
        candidates=candidates, gold=gold, good=good, bad=bad, good_spans=good_spans,
        bad_spans=bad_spans,
    )  # fmt: skip


def items() -> list[Item]:
    """All items: each tool beside each food, in both orders, with each cue."""
    pairs = [*itertools.product(TOOLS, FOODS), *itertools.product(FOODS, TOOLS)]
    return [item(first, second, cue) for first, second in pairs for cue in CUES]


def fillers() -> list[Row]:
    """Sentences without a pronoun, which carry no item."""
    return [
        Row(f"The {noun} is {cue}.", f"{noun} está {cue}{'a' if kind[noun] == 'f' else 'o'}.")
        for cue, kind in CUES.items()
        for noun in kind
    ]


def write_corpus(folder: Path, rows: Sequence[Row] | None = None) -> None:
    """Write ``train.jsonl`` with items and fillers in turn, and ``dev.jsonl`` with a few items."""
    some = [Row(one.source, one.good, one) for one in items()]
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "train.jsonl", [*fillers(), *some[8:]] if rows is None else rows)
    write_rows(folder / "dev.jsonl", some[:8])


def recipe_text(folder: Path, *, train: str) -> str:
    """A recipe on that corpus, with more lines for section ``train``."""
    return f"""
source_language = "en"
target_language = "es"
[data]
folder = "{folder}"
cache = "{folder}/cache"
train = [{{ file = "train.jsonl", pronoun_items = true }}]
dev = {{ file = "dev.jsonl" }}
[tokenizer]
kind = "bpe"
vocab_size = 60
[model]
width = 32
ffn_width = 64
heads = 2
encoder_layers = 2
decoder_layers = 1
max_positions = 256
[decode]
max_length_factor = 1.0
max_length_extra = 1
[train]
precision = "fp32"
{train}
"""
