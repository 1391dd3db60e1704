"""What became of some texts, and counts of everything about them that is not plain."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Self

from seq2seq.languages import unspaced_share

# An output that was cut off is a loop if it ends in this many pieces or more, and in at least so
# many turns, of one sequence over and over.
LOOP_PIECES, LOOP_TURNS = 8, 3
# An output equal to its line says something from here on: names and numbers stay as they are.
COPY_WORDS, COPY_CHARACTERS = 3, 6
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# What ends a line for one program or another, and other control characters.
LINE_BREAK = re.compile("[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible output.

    Attributes:
        text: The output.
        score: Length-penalised; see `seq2seq.decode.options`.
        log_probability: Natural logarithm. Of split input, the sum over its parts.
        ended: Whether the model ended all of it; otherwise some of it hit the length limit.
        loops: Whether some of it repeats itself up to that limit.
        unknown: Unknown pieces that the model wrote; they leave no trace in the text.
        restored: Addresses and placeholders that the model changed and that are put back.
        missing: Those of the input that the text lacks, or has in another form; always 0 for a
            summary, which may leave them out.
    """

    text: str
    score: float
    log_probability: float
    ended: bool
    loops: bool = False
    unknown: int = 0
    restored: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Translation:
    """What became of one input.

    Attributes:
        candidates: The best first; none for blank input.
        parts: In how many parts the input was read: 0 if it was blank, above 1 if it was split.
        unknown: Pieces of the input that are not in the vocabulary.
        spelt: Characters of the input that are not in the vocabulary, which a vocabulary with
            pieces for bytes spells in these; a model has hardly learnt what they say.
        dropped: Pieces of the input that were cut off.
        too_long: Whether the input was longer than the model can read.
        fewer_sentences: Whether the input was read as a whole and holds more sentences than its
            best output; never of a summary.
        normalized: Whether the normal form (`seq2seq.normalization`) changed the input.
        copied: Whether the output is the input, and that no mere name or number.
        context_cut: Pieces of its context that were left out because not all of it fits.
    """

    candidates: tuple[Candidate, ...]
    parts: int
    unknown: int = 0
    spelt: int = 0
    dropped: int = 0
    too_long: bool = False
    fewer_sentences: bool = False
    normalized: bool = False
    copied: bool = False
    context_cut: int = 0

    @property
    def text(self) -> str:
        """The best output; empty for blank input."""
        return self.candidates[0].text if self.candidates else ""


@dataclass(frozen=True, slots=True)
class Report:
    """Counts over some translations; reports of chunks can be added.

    Attributes:
        lines: Inputs, and so outputs.
        empty: Inputs without anything to translate.
        normalized: Inputs with invisible characters, or letters in another than the normal form.
        split: Inputs that were too long and therefore read in parts.
        by_sentence: Other inputs that were read sentence by sentence.
        fewer_sentences: Inputs read as a whole that hold more sentences than their outputs.
        truncated: Inputs whose end was cut off.
        dropped_pieces: Pieces that were lost so.
        unknown_pieces: Pieces of the inputs that are not in the vocabulary.
        characters_in_bytes: Characters of the inputs that are not in the vocabulary, and spelt in
            pieces for single bytes.
        empty_outputs: Outputs without any text, of inputs with text.
        unfinished: Outputs that were cut off at the length limit.
        loops: Those of them that repeat themselves up to it.
        copies: Outputs that are their inputs.
        unknown_written: Unknown pieces in outputs, which leave no trace there.
        contexts_cut: Inputs of which the oldest context was left out, because not all of it fits.
        broken_characters: What outputs spell in bytes that are no characters, or control
            characters; each is written as U+FFFD.
        restored: Addresses and placeholders that the model changed and that are put back.
        missing: Those of the inputs that the outputs lack, or have in another form.
        seconds: Time spent.
    """

    lines: int = 0
    empty: int = 0
    normalized: int = 0
    split: int = 0
    by_sentence: int = 0
    fewer_sentences: int = 0
    truncated: int = 0
    dropped_pieces: int = 0
    unknown_pieces: int = 0
    characters_in_bytes: int = 0
    empty_outputs: int = 0
    unfinished: int = 0
    loops: int = 0
    copies: int = 0
    unknown_written: int = 0
    broken_characters: int = 0
    restored: int = 0
    missing: int = 0
    contexts_cut: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, translations: Sequence[Translation], *, seconds: float = 0.0) -> Self:
        """Count; of several candidates only the best.

        Args:
            translations: What to count.
            seconds: The time they took.

        Returns:
            The counts.
        """
        best = [one.candidates[0] for one in translations if one.candidates]
        return cls(
            lines=len(translations),
            empty=sum(one.parts == 0 for one in translations),
            normalized=sum(one.normalized for one in translations),
            split=sum(one.parts > 1 and one.too_long for one in translations),
            by_sentence=sum(one.parts > 1 and not one.too_long for one in translations),
            fewer_sentences=sum(one.fewer_sentences for one in translations),
            truncated=sum(one.dropped > 0 for one in translations),
            dropped_pieces=sum(one.dropped for one in translations),
            unknown_pieces=sum(one.unknown for one in translations),
            characters_in_bytes=sum(one.spelt for one in translations),
            empty_outputs=sum(not one.text for one in best),
            unfinished=sum(not one.ended for one in best),
            loops=sum(one.loops for one in best),
            copies=sum(one.copied for one in translations),
            unknown_written=sum(one.unknown for one in best),
            contexts_cut=sum(one.context_cut > 0 for one in translations),
            broken_characters=sum(one.text.count(REPLACEMENT) for one in best),
            restored=sum(one.restored for one in best),
            missing=sum(one.missing for one in best),
            seconds=seconds,
        )

    def __add__(self, other: "Report") -> "Report":
        return Report(
            *(getattr(self, one.name) + getattr(other, one.name) for one in fields(Report))
        )

    def sentences(self) -> str:
        """Say in one line what a user should know; whatever is 0 is left out.

        Returns:
            For example ``1,000 lines in 12.34 s; 2 empty; 1 translated to nothing``.
        """
        lines = "line" if self.lines == 1 else "lines"
        return "; ".join([f"{self.lines:,} {lines} in {self.seconds:.2f} s", *self.remarks()])

    def remarks(self) -> list[str]:
        """What of this is not plain, each with its count."""
        return [
            f"{count:,} {one if count == 1 else more}"
            for count, one, more in (*self._of_lines(), *self._of_others())
            if count
        ]

    def _of_lines(self) -> Iterator[tuple[int, str, str]]:
        """Counts of lines, with what is said of one and of several."""
        for count, what in (
            (self.empty, "empty"),
            (self.normalized, "with invisible characters or decomposed letters, put right"),
            (self.split, "longer than the model can read, split"),
            (self.by_sentence, "of several sentences, read sentence by sentence"),
            (
                self.fewer_sentences,
                "read as a whole, with fewer sentences in the output: some may be left out "
                "(--split sentences, or one a line)",
            ),
            (
                self.truncated,
                f"longer than the model can read, {self.dropped_pieces:,} "
                f"{'piece' if self.dropped_pieces == 1 else 'pieces'} cut",
            ),
        ):
            yield count, what, what

    def _of_others(self) -> Iterator[tuple[int, str, str]]:
        """Counts of other things, with what is said of one and of several."""
        whose = "whose oldest context does not fit and was left out"
        yield self.contexts_cut, f"sentence {whose}", f"sentences {whose}"
        yield self.unknown_pieces, "piece unknown to the model", "pieces unknown to the model"
        yield (
            self.characters_in_bytes,
            "character without a piece of its own, spelt in bytes: the model hardly knows it",
            "characters without a piece of their own, spelt in bytes: the model hardly knows them",
        )
        yield (
            self.empty_outputs,
            "output empty though its line is not",
            "outputs empty though their line is not",
        )
        cut = "cut off at the length limit"
        loops = f"{cut}, {self.loops:,} of them repeating themselves" if self.loops else cut
        alone = f"{cut}, repeating itself" if self.loops else cut
        yield self.unfinished, f"output {alone}", f"outputs {loops}"
        yield self.copies, "output the same as its line", "outputs the same as their line"
        left = "in outputs, left out there"
        yield self.unknown_written, f"unknown piece {left}", f"unknown pieces {left}"
        broken = "broken or control"
        yield (
            self.broken_characters,
            f"{broken} character in outputs",
            f"{broken} characters in outputs",
        )
        one, more = "address or placeholder", "addresses or placeholders"
        yield self.restored, f"changed {one} put back", f"changed {more} put back"
        missing = "missing or changed in outputs"
        yield self.missing, f"{one} {missing}", f"{more} {missing}"


def on_one_line(text: str) -> str:
    """An output as it is written: a line break, which would shift all later lines, is a space.

    Args:
        text: What a model wrote; pieces of single bytes may spell anything.

    Returns:
        The text without line breaks, control characters as U+FFFD.
    """
    if text.isprintable():
        return text
    return CONTROL.sub(REPLACEMENT, LINE_BREAK.sub(" ", text))


def repeats(ids: Sequence[int]) -> bool:
    """Tell whether a sequence ends by repeating itself.

    Args:
        ids: Pieces, without an end of the sequence.

    Returns:
        Whether its last pieces, `LOOP_PIECES` or more, are one sequence over and over, in at least
        `LOOP_TURNS` turns.
    """
    for period in range(1, len(ids) // LOOP_TURNS + 1):
        tail = max(LOOP_PIECES, LOOP_TURNS * period)
        if tail <= len(ids) and ids[-tail:-period] == ids[-tail + period :]:
            return True
    return False


def is_copy(text: str, source: str) -> bool:
    """Tell whether an output is its input, where that says something.

    Args:
        text: The output.
        source: The input in its normal form.

    Returns:
        Whether both are the same but for white space, and long enough.
    """
    words = source.split()
    if text.split() != words:
        return False
    unspaced = unspaced_share([source]) > 0.5 and len("".join(words)) >= COPY_CHARACTERS
    return unspaced or len(words) >= COPY_WORDS
