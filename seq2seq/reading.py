"""Text as a model will read it: in its normal form, in sentences or whole, in parts if too long."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from seq2seq.chunks import refuse_string
from seq2seq.errors import DataError
from seq2seq.normalization import normalize
from seq2seq.sentences import Long, sentences_of, split_text
from seq2seq.tokenizer_like import TokenizerLike
from seq2seq.vocabulary import first_bytes

Trained = Literal["sentences", "lines", "unknown"]
"""What a model was trained to read: single sentences, or lines that often hold several."""


@dataclass(slots=True)
class ReadText:
    """One text as the model will read it.

    Attributes:
        text: Its normal form.
        normalized: Whether that changed it.
        sentences: How many sentences were counted where it is read as a whole; else 0.
        parts: The pieces of its parts; none for a text without anything to read.
        unknown: Pieces that are not in the vocabulary.
        spelt: Characters that are not in the vocabulary, each spelt in pieces of single bytes.
        dropped: Pieces that were cut off.
        too_long: Whether it had to be split because the model cannot read so much at once.
    """

    text: str
    normalized: bool
    sentences: int
    parts: list[list[int]] = field(default_factory=list)
    unknown: int = 0
    spelt: int = 0
    dropped: int = 0
    too_long: bool = False


@dataclass(frozen=True, slots=True)
class TextReader:
    """How text becomes pieces.

    Attributes:
        tokenizer: The model's.
        most: Pieces that the model can read at once, end-of-sequence included.
        language: Code of the texts' language; None if that is not known.
        by_sentence: Whether each sentence of a text is a part of its own.
        counting: Whether to count the sentences of texts that are read as a whole.
        long: What to do with a text, or one sentence of it, that has more than `most` pieces.
    """

    tokenizer: TokenizerLike
    most: int
    language: str | None
    by_sentence: bool
    counting: bool
    long: Long

    def read(self, texts: Sequence[str], *, first_line: int) -> list[ReadText]:
        """Turn texts into the pieces of their parts.

        Args:
            texts: One line each.
            first_line: Number of the first in messages.

        Returns:
            One for each text.

        Raises:
            DataError: A text is too long, and that is to be refused; or cannot be split so far.
        """
        found = [self._units(text) for text in texts]
        encoded = iter(self.tokenizer.encode([unit for _, _, units in found for unit in units]))
        pieces = [list(islice(encoded, len(units))) for _, _, units in found]
        if self.long == "refuse":
            self._refuse(pieces, first_line)
        first = first_bytes(self.tokenizer.byte_ids)
        for (read, lead, units), rows in zip(found, pieces, strict=True):
            for unit, ids in zip(units, rows, strict=True):
                self._add(read, lead, unit, ids)
                if not first.isdisjoint(ids):
                    read.spelt += sum(number in first for number in ids)
        return [read for read, _, _ in found]

    def _units(self, given: str) -> tuple[ReadText, str, list[str]]:
        """A text, what each part of it must begin with, and the sentences or the whole of it."""
        text = normalize(given)
        lead = self.tokenizer.lead(text)
        said = text.removeprefix(lead)
        sentences: list[str] = []
        if self.by_sentence or self.counting:
            found = sentences_of(said, language=self.language)
            sentences = [stripped for one in found if (stripped := one.strip())]
        units = sentences if self.by_sentence else [said] if said.strip() else []
        whole = 0 if self.by_sentence else len(sentences)
        return ReadText(text, text != given, whole), lead, [lead + unit for unit in units]

    def _add(self, read: ReadText, lead: str, unit: str, ids: list[int]) -> None:
        eos = self.tokenizer.eos_id
        read.unknown += ids.count(self.tokenizer.unk_id)
        if len(ids) <= self.most:
            found = [ids]
        elif self.long == "truncate":
            found = [[*ids[: self.most - 1], eos]]
            read.dropped += len(ids) - self.most
        else:
            found = self._split(lead, unit.removeprefix(lead))
            read.too_long = True
        read.parts += [part for part in found if part not in ([], [eos])]

    def _split(self, lead: str, text: str) -> list[list[int]]:
        parts = split_text(
            text,
            lambda part: len(self.tokenizer.encode([lead + part])[0]) <= self.most,
            language=self.language,
        )
        found = self.tokenizer.encode([lead + part for part in parts])
        if any(len(ids) > self.most for ids in found):
            raise DataError(
                f"input: {text[:40]!r} cannot be split into parts of at most '{self.most}' pieces, "
                f"what stands before every part ({lead!r}) takes too many; raise the limit"
            )
        return found

    def _refuse(self, pieces: Sequence[Sequence[list[int]]], first_line: int) -> None:
        longest = [max(map(len, rows), default=0) for rows in pieces]
        too_long = [place for place, length in enumerate(longest) if length > self.most]
        if too_long:
            named = ", ".join(
                f"line {first_line + place} has '{longest[place]}' pieces" for place in too_long[:3]
            )
            more = f" and {len(too_long) - 3} more" if len(too_long) > 3 else ""
            raise DataError(
                f"input: {named}{more}, needed at most {self.most}; split them into sentences, or "
                "choose to split or to truncate"
            )


def check_lines(texts: Sequence[str], first_line: int) -> None:
    """Refuse texts with a line break, because there is one output line for each.

    Args:
        texts: What is to be one line each.
        first_line: Number of the first in messages.

    Raises:
        DataError: Naming the first three; or the texts are one string, or one is no string.
    """
    refuse_string(texts)
    for number, text in enumerate(texts, first_line):
        if not isinstance(text, str):
            raise DataError(
                f"input: text {number} is {text!r} ({type(text).__name__}), needed a string; "
                "write '' for a line without text"
            )
    broken = [place for place, text in enumerate(texts) if "\n" in text]
    if broken:
        named = ", ".join(str(first_line + place) for place in broken[:3])
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        raise DataError(
            f"input: text {named}{more} contains a line break, needed one line for each text, "
            "because there is one output line for each; split it or replace the break by a space"
        )
