"""Texts made comparable before any metric sees them: one Unicode form, and references that exist.

The same letter can be one character or a base with an accent behind it, and files written by other
programs mix the two. A metric would call the pair a mistake, so both sides are composed (NFC)
first; how many lines that changed is counted, and no other character is touched. Characters that
nobody sees, such as the direction marks of Arabic, stay as well, as sacrebleu's own command leaves
them: a word with one is not the word without, so the lines that hold any are counted and said.

Where a segment has several references, a blank one means that there is none, as in the files of
most evaluations. It becomes ``None``, which sacrebleu leaves out of BLEU, chrF and TER, and so do
ROUGE and the error report. A segment whose references are all blank keeps them: nothing is what it
should say.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.normalization import has_invisible
from seq2seq.score.result import Segments, check_texts

References = Sequence[Sequence[str | None]]
"""Several texts, each with one line for each segment; None where a segment has no such reference.
"""


@dataclass(frozen=True)
class Preparation:
    """What was done to texts before they were compared.

    Attributes:
        segments: how many there are.
        recomposed: hypotheses that were in another Unicode form.
        recomposed_references: the same of each reference.
        invisible: hypotheses that hold invisible characters, which stay.
        invisible_references: the same of each reference.
        missing_references: blank lines of each reference that count as missing.
    """

    segments: int
    recomposed: int
    recomposed_references: tuple[int, ...]
    invisible: int
    invisible_references: tuple[int, ...]
    missing_references: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """The counts as ``seq2seq score --json`` prints them."""
        return {
            "unicode_form": "NFC",
            "recomposed_hypotheses": self.recomposed,
            "recomposed_references": list(self.recomposed_references),
            "invisible_hypotheses": self.invisible,
            "invisible_references": list(self.invisible_references),
            "missing_references": list(self.missing_references),
        }

    def notes(self, name: str = "hypotheses") -> tuple[str, ...]:
        """A sentence on each text that was changed, or is not what it looks like.

        Args:
            name: what the hypotheses are called.
        """
        several = len(self.recomposed_references) > 1
        names = [
            f"reference {number}" if several else "references"
            for number in range(1, len(self.recomposed_references) + 1)
        ]
        changed = zip([name, *names], [self.recomposed, *self.recomposed_references], strict=True)
        unseen = zip([name, *names], [self.invisible, *self.invisible_references], strict=True)
        missing = zip(names, self.missing_references, strict=True)
        notes = [
            f"{name}: {count:,} of {self.segments:,} lines are not in the composed Unicode form "
            "(NFC); all text is compared in it"
            for name, count in changed
            if count
        ]
        notes += [
            f"{name}: {count:,} of {self.segments:,} lines hold invisible characters, such as "
            "direction marks, and a word with one counts as another word; take them out of all "
            "texts"
            for name, count in unseen
            if count
        ]
        notes += [
            f"{name}: {count:,} of {self.segments:,} lines are blank where another reference has "
            "text, and count as missing"
            for name, count in missing
            if count
        ]
        return tuple(notes)


@dataclass(frozen=True)
class Texts:
    """What is compared.

    Attributes:
        hypotheses: one composed segment a line.
        references: one or more texts, composed.
        preparation: what was changed for that.
    """

    hypotheses: list[str]
    references: References
    preparation: Preparation


def make_comparable(hypotheses: Segments, references: References) -> Texts:
    """Compose both sides and leave out references that do not exist.

    Args:
        hypotheses: one segment a line.
        references: one or more texts, each parallel to the hypotheses.

    Returns:
        The texts; making them comparable again changes nothing.

    Raises:
        ScoreError: the texts are empty or not parallel.
    """
    check_texts(hypotheses, references)
    made, changed = _composed(hypotheses)
    composed = [_composed(reference) for reference in references]
    texts = [text for text, _ in composed]
    missing = _take_out_missing(texts) if len(texts) > 1 else [0]
    return Texts(
        hypotheses=[line or "" for line in made],
        references=texts,
        preparation=Preparation(
            segments=len(made),
            recomposed=changed,
            recomposed_references=tuple(count for _, count in composed),
            invisible=_with_invisible(hypotheses),
            invisible_references=tuple(map(_with_invisible, references)),
            missing_references=tuple(missing),
        ),
    )


def references_by_segment(references: References) -> list[list[str]]:
    """For each segment the references that it has, at least one.

    Args:
        references: as ``make_comparable`` returns them.
    """
    return [
        [line for line in lines if line is not None] or [""]
        for lines in zip(*references, strict=True)
    ]


def _composed(text: Sequence[str | None]) -> tuple[list[str | None], int]:
    composed = [None if line is None else unicodedata.normalize("NFC", line) for line in text]
    return composed, sum(a != b for a, b in zip(text, composed, strict=True))


def _with_invisible(text: Sequence[str | None]) -> int:
    return sum(line is not None and has_invisible(line) for line in text)


def _take_out_missing(texts: list[list[str | None]]) -> list[int]:
    """Blank lines become None where another reference has text; how many, for each reference."""
    missing = [0] * len(texts)
    for segment, lines in enumerate(zip(*texts, strict=True)):
        blank = [line is None or not line.strip() for line in lines]
        if all(blank):
            continue
        for number in [number for number, one in enumerate(blank) if one]:
            texts[number][segment] = None
            missing[number] += 1
    return missing
