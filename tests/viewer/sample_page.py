"""A minimal pair as a probe would give it, with attention planted by hand."""

import re
import struct
import zlib

import numpy as np

from seq2seq.text_table import Bar, Table
from seq2seq.viewer.content import (
    AttentionPage,
    Example,
    Finding,
    Grid,
    Head,
    Mark,
    Panel,
    Picture,
    Reading,
    Role,
    Share,
    Stack,
    Text,
    Variant,
)

LAYERS, HEADS = 3, 4
GUIDED = (1, 2)  # the head whose pronoun reads its antecedent
SOURCE = "The robot picked up the wrench because it was {cue}."
TARGET = "Der Roboter hob den Schlüssel auf, weil {pronoun} {cue} war."


def text_of(name: str, sentence: str, *, start: str | None = None) -> Text:
    """A text whose long words have two pieces, so that words and pieces differ."""
    pieces: list[str] = []
    words: list[int] = []
    blanks: list[bool] = []
    special = set()

    def add(parts: list[str], *, blank: bool) -> None:
        words.extend([max(words, default=-1) + 1] * len(parts))
        blanks.extend([blank, *[False] * (len(parts) - 1)])
        pieces.extend(parts)

    if start is not None:
        special.add(0)
        add([start], blank=False)
    for found in re.finditer(r"\w+|[^\w\s]", sentence):
        word = found.group()
        parts = [word[:4], word[4:]] if len(word) > 5 else [word]
        add(parts, blank=found.start() > 0 and sentence[found.start() - 1] == " ")
    special.add(len(pieces))
    add(["</s>"], blank=True)
    return Text(name, tuple(pieces), tuple(words), tuple(blanks), frozenset(special))


def random_maps(shape: tuple[int, ...], *, seed: int = 0, causal: bool = False) -> np.ndarray:
    """Rows that sum to 1; a causal map reads nothing that comes later."""
    scores = np.random.default_rng(seed).normal(scale=1.5, size=shape)
    if causal:
        scores[..., ~np.tri(*shape[-2:], dtype=bool)] = -np.inf
    weights = np.exp(scores)
    return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)


def mark(role: Role, text: Text, word: str) -> Mark:
    """Mark the only word of a text that reads so."""
    joined = ["".join(p for p, w in zip(text.pieces, text.words, strict=True) if w == number)
              for number in range(text.words[-1] + 1)]  # fmt: skip
    number = joined.index(word)
    return Mark(role, text.name, tuple(i for i, w in enumerate(text.words) if w == number))


def panels_of(source: Text, target: Text, seed: int) -> tuple[Panel, ...]:
    """All three stacks, as an encoder-decoder has them."""
    read, written = len(source.pieces), len(target.pieces) - 1
    return (
        Panel("encoder", "source", "source", random_maps((LAYERS, HEADS, read, read), seed=seed)),
        Panel("cross", "translation", "source",
              random_maps((LAYERS, HEADS, written, read), seed=seed + 1), first_query=1),
        Panel("decoder", "translation", "translation",
              random_maps((LAYERS, HEADS, written, written), seed=seed + 2, causal=True),
              first_query=1),
    )  # fmt: skip


def link(panel: Panel, head: tuple[int, int], query: Mark, key: Mark, weight: float) -> None:
    """Plant: the pieces of ``query`` give this weight to the pieces of ``key``."""
    for row in query.pieces:
        line = panel.maps[head[0], head[1], row - panel.first_query]
        others = np.ones(len(line), bool)
        others[list(key.pieces)] = False
        line[others] *= (1 - weight) / line[others].sum()
        line[~others] = weight / len(key.pieces)


def sample_reading(cue: str, correct: str, other: str, *, seed: int = 0) -> Reading:
    """ "it was heavy" or "it was tired", read by a model whose guided head finds the noun."""
    source = text_of("source", SOURCE.format(cue=cue))
    german = {"heavy": ("er", "schwer"), "clever": ("er", "klug")}[cue]
    target = text_of("translation", TARGET.format(pronoun=german[0], cue=german[1]), start="<s>")
    panels = panels_of(source, target, seed)
    it, noun = mark("pronoun", source, "it"), mark("correct", source, correct)
    link(panels[0], GUIDED, it, noun, 0.9)
    cut = panels_of(source, target, seed)[:1]
    link(cut[0], GUIDED, it, noun, 1e-6)
    return Reading(
        (source, target),
        panels,
        marks=(it, noun, mark("distractor", source, other), mark("cue", source, cue),
               mark("decision", target, german[0])),
        preference=4.25,
        answers=(f"er ({correct})", f"er ({other})"),
        output=f"Der Roboter hob es auf, weil er {german[1]} war.",
        shares=(Share("direct", 0.31, 0.22), Share("via it", 0.52, 0.04)),
        variants=(Variant(f"“it” does not see “{correct}”", cut, -2.04,
                          output=f"Der Roboter hob es auf, weil sie {german[1]} war."),
                  Variant("random edges are cut", (), 4.1)),
    )  # fmt: skip


def sample_page() -> AttentionPage:
    """The whole page of a probe: verdict, pair, grids, routes."""
    pair = (
        sample_reading("heavy", "wrench", "robot"),
        sample_reading("clever", "robot", "wrench", seed=7),
    )
    accuracy = np.random.default_rng(3).uniform(0.4, 0.6, (LAYERS, HEADS))
    accuracy[GUIDED], accuracy[0, 1] = 0.98, 0.11
    stacks: tuple[Stack, ...] = ("encoder", "cross")
    return AttentionPage(
        title="Who is “it”?",
        model="runs/demo",
        examples=(
            Example("heavy / clever", pair),
            Example("one sentence", (sample_reading("heavy", "wrench", "robot", seed=20),)),
        ),
        start=Head("encoder", *GUIDED),
        findings=(
            Finding(
                "Visible?", "yes", "it → noun in 98 % [97, 99] of unseen sentences (chance 50)"
            ),
            Finding("Used?", "yes", "removing this edge costs 81 points [78, 84]; random edges: 1"),
        ),
        grids=tuple(
            Grid(
                stack,
                f"{name} → noun",
                accuracy[:, ::step],
                abs(accuracy[:, ::step] - 0.5) > 0.3,
                GUIDED if step == 1 else None,
            )
            for stack, name, step in zip(stacks, ("it", "decision"), (1, -1), strict=True)
        ),
        tables=(
            Table(
                "On which route does the answer travel?",
                ("route", "right noun", "pairs", "cost of removing it"),
                (
                    (
                        "★ E→ raw",
                        Bar("98.0 % [97.0, 99.0]", 0.98, chance=True),
                        "96 %",
                        Bar("81.0", 0.81),
                    ),
                    ("X raw", Bar("55.0 % [52.0, 58.0]", 0.55, chance=True), "20 %", ""),
                ),
                "E→: it → noun; X: decision → noun.",
                0,
            ),
        ),
        notes=("Synthetic sentences. Attention is not an explanation by itself.",),
    )


def plain_reading(pieces: tuple[str, ...], *, layers: int = 2, heads: int = 2) -> Reading:
    """A text without marks, each piece a word."""
    count = len(pieces)
    text = Text("source", pieces, tuple(range(count)), (False, *[True] * (count - 1)))
    maps = random_maps((layers, heads, count, count))
    return Reading((text,), (Panel("encoder", "source", "source", maps),))


def hebrew_page(words: tuple[str, ...], output: str | None = None) -> AttentionPage:
    """A page on one text in Hebrew, whose first and last piece are special."""
    count = len(words)
    text = Text("text", words, tuple(range(count)), (False, *[True] * (count - 2), False),
                frozenset({0, count - 1}), language="he")  # fmt: skip
    maps = np.full((1, 1, count, count), 1 / count)
    reading = Reading((text,), (Panel("encoder", "text", "text", maps),), output=output)
    return AttentionPage("Attention", "m", (Example("אבא", (reading,)),))


def plain_page(pieces: tuple[str, ...]) -> AttentionPage:
    """A page of any text: no verdict, no marks."""
    return AttentionPage("Attention", "any model", (Example("text", (plain_reading(pieces),)),))


def gradient_png(side: int = 32) -> bytes:
    """A small PNG, written by hand: red to the right, green to the bottom."""
    lines = [
        b"\0" + bytes(c for x in range(side) for c in (x * 255 // side, y * 255 // side, 90))
        for y in range(side)
    ]

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"".join(lines)))
        + chunk(b"IEND", b"")
    )


def picture_page(side: int = 4) -> AttentionPage:
    """A Vision Transformer over an image, [CLS] first."""
    names = ("[CLS]", *(f"row {y + 1}, column {x + 1}" for y in range(side) for x in range(side)))
    count = len(names)
    text = Text(
        "image",
        names,
        tuple(range(count)),
        (False,) * count,
        frozenset({0}),
        Picture(gradient_png(), side, side, first=1),
    )
    maps = random_maps((2, 2, count, count))
    reading = Reading((text,), (Panel("encoder", "image", "image", maps),))
    return AttentionPage("Attention over an image", "vit", (Example("image", (reading,)),))
