"""What a page about attention shows, as plain values: strings, numbers and arrays.

    AttentionPage
      findings          the verdict, one line each: visible? used?
      grids             a figure for each head, such as how often it picks the right noun
      tables            figures: of ways on which the answer may travel, of what was taken away
      examples          what the reader looks at, one at a time
        readings        one run of a model over one input; two of them make a minimal pair
          texts         source, translation, patches of an image
          panels        the attention maps, one for each stack of layers
          marks         which pieces are the pronoun, its antecedent, the distractor
          shares        how the last decision reads each noun, path by path
          variants      the same input with an edge or a head removed

Whatever is not given is not shown: a page of one reading without marks is a plain viewer.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from seq2seq.text_table import Table

Stack = Literal["encoder", "cross", "decoder"]
Role = Literal["pronoun", "correct", "distractor", "cue", "decision"]
Answer = Literal["yes", "no", "unclear"]


@dataclass(frozen=True)
class Picture:
    """An image that was read as patches.

    Attributes:
        png: the file, as bytes.
        rows: patches from top to bottom.
        columns: patches from left to right.
        first: position of the upper left patch among the pieces; those before it are special.
    """

    png: bytes
    rows: int
    columns: int
    first: int = 0


@dataclass(frozen=True)
class Text:
    """One sequence that a model reads or writes, piece by piece.

    Attributes:
        name: "source", "translation", "image"; unique within a reading.
        pieces: what a reader should see of each piece: its characters, without the tokenizer's
            marks for blanks.
        words: number of the word that each piece belongs to, rising from 0 without a gap;
            a special piece is a word of its own.
        blanks: whether a blank stands before each piece.
        special: positions of pieces such as ``</s>`` that no character stands for.
        picture: the image, where the pieces are its patches.
        language: its language as a BCP 47 tag, by which a browser chooses letter shapes; empty
            where nobody knows.
    """

    name: str
    pieces: tuple[str, ...]
    words: tuple[int, ...]
    blanks: tuple[bool, ...]
    special: frozenset[int] = frozenset()
    picture: Picture | None = None
    language: str = ""

    def __post_init__(self) -> None:
        sizes = {len(self.pieces), len(self.words), len(self.blanks)}
        if len(sizes) != 1 or not self.pieces:
            raise ValueError(
                f"text {self.name!r}: {len(self.pieces)} pieces, {len(self.words)} word numbers "
                f"and {len(self.blanks)} blanks, needed as many of each and at least one"
            )
        steps = [new - old for old, new in zip((-1, *self.words), self.words, strict=False)]
        if steps[0] != 1 or not set(steps) <= {0, 1}:
            raise ValueError(
                f"text {self.name!r}: word numbers {self.words}, needed 0 first and steps of 0 or 1"
            )


@dataclass(frozen=True)
class Panel:
    """The attention of one stack of layers: who reads what.

    A row of cross-attention, and of a decoder's self-attention, belongs to the piece that it
    *writes*; the input of that row is the piece before. ``first_query`` says so.

    Attributes:
        stack: "encoder", "cross" or "decoder".
        query: name of the text that reads.
        key: name of the text that is read, from its first piece on.
        maps: each row sums to 1 over its keys.
        first_query: the piece of ``query`` that the first row stands for.
        group: how many neighbouring heads share their keys and values (grouped-query attention).
    """

    stack: Stack
    query: str
    key: str
    maps: Float[np.ndarray, "layers heads query key"]
    first_query: int = 0
    group: int = 1


@dataclass(frozen=True)
class Mark:
    """Pieces that play a role in the question who "it" is.

    Attributes:
        role: "pronoun", "correct" (the antecedent), "distractor", "cue" (the word that settles
            it) or "decision" (the first written piece that shows what was chosen).
        text: name of the text.
        pieces: their positions, in any order.
    """

    role: Role
    text: str
    pieces: tuple[int, ...]


@dataclass(frozen=True)
class Share:
    """How much of the decision's attention reaches each noun on one path.

    Attributes:
        path: "direct", "via it", "via the cue", "elsewhere"; or one link and the head that has it.
        correct: attention that arrives at the antecedent.
        distractor: attention that arrives at the other noun.
    """

    path: str
    correct: float
    distractor: float


@dataclass(frozen=True)
class Variant:
    """The same input read again after an intervention.

    Attributes:
        name: what was done: "without it → wrench".
        panels: maps that differ from the intact reading's; stacks left out are unchanged.
        preference: as in ``Reading``, after the intervention.
        output: what the model writes now, if that was asked for.
    """

    name: str
    panels: tuple[Panel, ...] = ()
    preference: float | None = None
    output: str | None = None


@dataclass(frozen=True)
class Reading:
    """One run of a model over one input.

    Attributes:
        texts: in reading order, the source first.
        panels: at most one for each stack.
        marks: of any of the texts.
        preference: log-probability of the right answer minus that of the wrong one, in nats.
        answers: the two words or phrases that this compares, the right one first.
        output: what the model writes by itself, if that was asked for.
        shares: the decision's attention, path by path.
        variants: what the page can switch to.
    """

    texts: tuple[Text, ...]
    panels: tuple[Panel, ...]
    marks: tuple[Mark, ...] = ()
    preference: float | None = None
    answers: tuple[str, str] | None = None
    output: str | None = None
    shares: tuple[Share, ...] = ()
    variants: tuple[Variant, ...] = ()

    def __post_init__(self) -> None:
        texts = {text.name: text for text in self.texts}
        if len(texts) != len(self.texts):
            raise ValueError(f"reading: texts named {[t.name for t in self.texts]}, needed unique")
        for panel in (*self.panels, *(p for v in self.variants for p in v.panels)):
            _check_panel(panel, texts)
        for mark in self.marks:
            size = len(texts[mark.text].pieces) if mark.text in texts else 0
            if not mark.pieces or not set(mark.pieces) <= set(range(size)):
                raise ValueError(
                    f"mark {mark.role!r}: pieces {mark.pieces} of text {mark.text!r}, "
                    f"needed at least one, each from 0 to {size - 1}"
                )

    def text(self, name: str) -> Text:
        """The text of this name."""
        return next(text for text in self.texts if text.name == name)

    def panel(self, stack: Stack) -> Panel | None:
        """The maps of this stack, if the model has it."""
        return next((panel for panel in self.panels if panel.stack == stack), None)


@dataclass(frozen=True)
class Example:
    """One thing to look at: a reading, or the two readings of a minimal pair.

    Attributes:
        title: what the reader chooses it by.
        readings: one or two; a pair has the same stacks in both.
    """

    title: str
    readings: tuple[Reading, ...]

    def __post_init__(self) -> None:
        stacks = [sorted(panel.stack for panel in reading.panels) for reading in self.readings]
        if len(stacks) not in (1, 2) or stacks[0] != stacks[-1]:
            raise ValueError(
                f"example {self.title!r}: readings with stacks {stacks}, "
                "needed one reading, or two with the same stacks"
            )


@dataclass(frozen=True)
class Head:
    """A head to open the page at; without ``head``, the mean of its layer's heads.

    Attributes:
        stack: "encoder", "cross" or "decoder".
        layer: from 0.
        head: from 0.
        read_by: whether the page opens at what reads the word; the stack's first grid goes before.
    """

    stack: Stack
    layer: int
    head: int | None = None
    read_by: bool = False


@dataclass(frozen=True)
class Grid:
    """One figure for each head of a stack.

    Attributes:
        stack: "encoder", "cross" or "decoder".
        name: what is measured: "it → noun".
        accuracy: share of items on which the head weighs the right noun more; .5 is chance. A
            single column is a figure of each layer as a whole, where ``by_head`` is false.
        significant: heads that differ from chance after correction for having looked at all.
        chosen: layer and head, from 0, that were chosen on other items than these.
        word: the role of the word whose attention was measured; the page turns to it together
            with this figure.
        read_by: whether it was measured what reads that word, instead of what it reads.
        by_head: whether there is a figure for each head.
    """

    stack: Stack
    name: str
    accuracy: Float[np.ndarray, "layers heads"]
    significant: Bool[np.ndarray, "layers heads"] | None = None
    chosen: tuple[int, int] | None = None
    word: Role | None = None
    read_by: bool = False
    by_head: bool = True

    @property
    def title(self) -> str:
        """What stands above it."""
        return f"{self.name}: right noun, % of items"


@dataclass(frozen=True)
class Finding:
    """One line of the verdict.

    Attributes:
        question: "Visible?", "Used?"
        answer: "yes", "no" or "unclear".
        detail: the figure with its interval, and what it is a figure of.
        said: what to print for the answer where yes and no would not do: "weakly", "by “was”".
    """

    question: str
    answer: Answer
    detail: str
    said: str | None = None


@dataclass(frozen=True)
class AttentionPage:
    """Everything on one page.

    Attributes:
        title: the page's name, as a browser shows it.
        model: name of the model.
        examples: at least one; the first is shown at the start.
        start: the head that the page opens at; None is the mean of the last layer of the stack
            that the first reading's last panel belongs to.
        findings: the verdict, if there is one.
        grids: figures for each head, any number for a stack; the first of a stack is shown first.
        tables: figures, one table below the other.
        notes: sentences at the foot of the page: how it was measured, what it does not show.
    """

    title: str
    model: str
    examples: tuple[Example, ...]
    start: Head | None = None
    findings: tuple[Finding, ...] = ()
    grids: tuple[Grid, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.examples:
            raise ValueError(f"page {self.title!r}: no examples, needed at least one")


def _check_panel(panel: Panel, texts: dict[str, Text]) -> None:
    """Refuse maps that are larger than the texts they belong to."""
    missing = [name for name in (panel.query, panel.key) if name not in texts]
    if missing:
        raise ValueError(
            f"panel {panel.stack!r}: no text {missing[0]!r}, needed one of {sorted(texts)}"
        )
    *_, rows, columns = panel.maps.shape
    queries = len(texts[panel.query].pieces) - panel.first_query
    keys = len(texts[panel.key].pieces)
    if rows > queries or columns > keys:
        raise ValueError(
            f"panel {panel.stack!r}: maps of {rows} × {columns} pieces, needed at most "
            f"{queries} × {keys}, which the texts have"
        )
