"""What the rest of the program needs of a tokenizer, whoever made it.

Two kinds exist: our own (``tokenizer``), one vocabulary that cuts both sides alike, and those that
published models bring along (``stock_tokenizer``), which may cut source and target by different
rules and put language tags in front. Fine-tuning must give a model the ids that it learnt from, so
the second kind is not converted into the first; the program asks both for the same few things. What
only some can do, cutting word by word for subword sampling, is a protocol of its own, and who needs
it asks for it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class Encoder(Protocol):
    """What the data side needs of a tokenizer."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides how text is cut."""
        ...

    @property
    def eos_id(self) -> int:
        """Id of the end-of-sentence piece."""
        ...

    @property
    def unk_id(self) -> int:
        """Id of the unknown piece."""
        ...

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Piece ids of each source, the end-of-sentence piece last."""
        ...

    def encode_target(self, texts: Sequence[str]) -> list[list[int]]:
        """Piece ids of each target, the end-of-sentence piece last."""
        ...


@runtime_checkable
class WordEncoder(Encoder, Protocol):
    """A tokenizer that cuts each word without its neighbours, as subword sampling needs."""

    def split_words(self, texts: Sequence[str]) -> list[list[str]]:
        """The words of each text that are cut without their neighbours."""
        ...

    def split_word(self, word: str) -> list[str]:
        """A word in parts of few pieces each, at places where one of its pieces ends."""
        ...

    def pieces(self) -> dict[str, int]:
        """Every piece that is written as text, with its id: none that is special or a byte."""
        ...

    @property
    def byte_ids(self) -> tuple[int, ...]:
        """Ids of the pieces for the bytes 0 to 255; none where unknown characters are unknown."""
        ...

    def piece_scores(self) -> dict[str, float]:
        """Log-probability of each piece, for a unigram vocabulary."""
        ...

    def merge_ranks(self) -> dict[tuple[str, str], int]:
        """Place of each merge, for byte-pair encoding."""
        ...


@runtime_checkable
class SpellsSpecial(Encoder, Protocol):
    """A tokenizer whose special pieces text can spell out: as text, without their meaning."""

    def spells_special(self, text: str) -> bool:
        """Whether a text holds the spelling of a special piece, such as ``</s>`` in HTML."""
        ...


@runtime_checkable
class TokenizerLike(Encoder, Protocol):
    """What training, translating and publishing need of a tokenizer."""

    @property
    def pad_id(self) -> int:
        """Id of the padding piece."""
        ...

    @property
    def vocab_size(self) -> int:
        """One more than the largest id."""
        ...

    @property
    def byte_ids(self) -> tuple[int, ...]:
        """Ids of the pieces for the bytes 0 to 255; none where unknown characters are unknown."""
        ...

    @property
    def first_id(self) -> int | None:
        """The piece that every target begins with, a language tag; None where there is none."""
        ...

    @property
    def sep_id(self) -> int | None:
        """The piece that separates sentences, which no text spells; None where there is none."""
        ...

    @property
    def file_names(self) -> tuple[str, ...]:
        """The files that ``save`` writes."""
        ...

    def lead(self, text: str) -> str:
        """What a source begins with, or ``encode`` lets it begin with: the prefix of a task."""
        ...

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Text of each sequence; special pieces, tags included, leave no trace."""
        ...

    def normalize(self, text: str) -> str:
        """The normal form of a text, which is what comes back after encoding and decoding."""
        ...

    def piece(self, number: int) -> str | None:
        """The spelling of an id; None where the vocabulary has none of that number."""
        ...

    def spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """First character and one past the last of each piece of a source."""
        ...

    def save(self, folder: Path, *, max_length: int = 512) -> None:
        """Write the files that stock programs load."""
        ...


def as_read(tokenizer: TokenizerLike, text: str) -> str:
    """A source as its model reads it: behind what every source begins with, which is said once.

    Args:
        tokenizer: The model's.
        text: The source; one without anything to read stays as it is.

    Returns:
        The text that is cut into pieces.
    """
    lead = tokenizer.lead(text)
    return text if text.startswith(lead) or not text.strip() else lead + text
