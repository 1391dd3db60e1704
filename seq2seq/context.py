"""Context: the sentences before the one that is translated, as pieces that stand before its own.

    pieces of the sentence before, separator, pieces of the sentence, end

A separator stands behind every sentence of the context, on each side that has some; a sentence
without context is nothing but itself, as it is for a model of single sentences. All of this is done
with pieces, not with text: the separator of our own vocabulary is a special piece, which no text
spells, so that nothing a user writes can move the border between context and sentence.

On the target side the context is given, not written: a model that translates a document gets what
it wrote before as the beginning of its next output, and what is kept is what follows.

Source: concatenation of sentences, Tiedemann & Scherrer 2017 (arXiv:1708.05943), there with a mark
on each word of the context.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from seq2seq.errors import ModelError
from seq2seq.files import read_json_object
from seq2seq.run import write_json
from seq2seq.tokenizer_like import TokenizerLike

if TYPE_CHECKING:
    from seq2seq.recipe import ContextSpec

FILE, KEY = "tokenizer_config.json", "document_context"
Pieces = Sequence[int]


@dataclass(frozen=True, slots=True)
class SideFormat:
    """How context stands before the sentence on one side.

    Attributes:
        sentences: How many sentences of context there are at most; 0 is none.
        separator: The pieces behind each of them.
        head: How many pieces every text of this side begins with, a language tag for instance;
            context stands behind them.
    """

    sentences: int
    separator: tuple[int, ...]
    head: int = 0

    def context(self, encoded: Sequence[Pieces]) -> list[int]:
        """The context in front of a sentence.

        Args:
            encoded: Pieces of the sentences before it, oldest first, each with head and end; those
                beyond `sentences` are left out.

        Returns:
            Their own pieces, with a separator behind each sentence.
        """
        nearest = encoded[-self.sentences :] if self.sentences else ()
        return [piece for one in nearest for piece in (*one[self.head : -1], *self.separator)]

    def fitting(self, context: Sequence[int], room: int) -> list[int]:
        """The end of a context that still fits: its oldest pieces go first."""
        return list(context[len(context) - self.fits(len(context), room) :])

    def fits(self, pieces: int, room: int) -> int:
        """How many pieces of a context are kept; none where a separator alone would be left."""
        if pieces <= room:
            return pieces
        return room if room > len(self.separator) else 0

    def join(self, context: Sequence[int], sentence: Pieces) -> list[int]:
        """Context and sentence as the model reads them."""
        return [*sentence[: self.head], *context, *sentence[self.head :]]


@dataclass(frozen=True, slots=True)
class ContextFormat:
    """How a model reads the sentences before the one that it translates."""

    source: SideFormat
    target: SideFormat

    @classmethod
    def of(cls, tokenizer: TokenizerLike, *, source: int, target: int, separator: str) -> Self:
        """Find the separators of a tokenizer.

        Args:
            tokenizer: The model's.
            source: Sentences before each source.
            target: Sentences before each target.
            separator: What separates them in the vocabulary of a tokenizer without such a piece.

        Returns:
            The format.

        Raises:
            ModelError: The tokenizer cannot write the separator.
        """
        sides = []
        for sentences, encode in ((source, tokenizer.encode), (target, tokenizer.encode_target)):
            frame, written = encode([""])[0], encode([separator])[0]
            head, own = len(frame) - 1, tokenizer.sep_id
            pieces = tuple(written[head:-1]) if own is None else (own,)
            if not pieces or tokenizer.unk_id in pieces:
                raise ModelError(
                    f"data.context.separator = {separator!r}: the tokenizer has no pieces for it, "
                    "needed text that it can write"
                )
            sides.append(SideFormat(sentences, pieces, head))
        return cls(*sides)

    @property
    def sentences(self) -> int:
        """How many sentences before are needed: on the target side they are translated first."""
        return max(self.source.sentences, self.target.sentences)


def format_of(spec: "ContextSpec", tokenizer: TokenizerLike) -> ContextFormat | None:
    """The format that a recipe asks for; None for a model of single sentences.

    Raises:
        ModelError: The tokenizer cannot write the separator.
    """
    if not spec.used:
        return None
    return ContextFormat.of(
        tokenizer,
        source=spec.source_sentences,
        target=spec.target_sentences,
        separator=spec.separator,
    )


def store_context(folder: Path, spec: "ContextSpec") -> None:
    """Say in the settings of a folder's tokenizer how its model reads context, if it does.

    They go with the tokenizer into every format that the model is exported to.

    Raises:
        ModelError: There are no such settings.
    """
    path = folder / FILE
    settings = read_json_object(path, error=ModelError, needed="the settings of a tokenizer")
    known = settings.pop(KEY, None)  # of a model that was trained further
    if spec.used:
        settings[KEY] = {
            "source_sentences": spec.source_sentences,
            "target_sentences": spec.target_sentences,
            "separator": spec.separator,
        }
    if spec.used or known is not None:
        write_json(path, settings)


def stored_context(folder: Path, tokenizer: TokenizerLike) -> ContextFormat | None:
    """Read how the model of a folder reads context; None for a model of single sentences.

    Raises:
        ModelError: What is said there cannot be read.
    """
    said = _stored(folder)
    if said is None:
        return None
    if not isinstance(said, Mapping) or not _is_readable(said):
        raise ModelError(
            f"{folder / FILE}: '{KEY}' is {said!r}, needed source_sentences, target_sentences and "
            "separator; restore the file"
        )
    return ContextFormat.of(
        tokenizer,
        source=said["source_sentences"],
        target=said["target_sentences"],
        separator=said["separator"],
    )


def says_context(folder: Path) -> bool:
    """Whether the files of a folder say that its model reads context."""
    return _stored(folder) is not None


def _stored(folder: Path) -> Any:
    path = folder / FILE
    if not path.is_file():
        return None
    return read_json_object(path, error=ModelError, needed="the settings of a tokenizer").get(KEY)


def _is_readable(said: Mapping[str, Any]) -> bool:
    numbers = [said.get(f"{side}_sentences") for side in ("source", "target")]
    whole = all(type(number) is int and number >= 0 for number in numbers)
    return whole and any(numbers) and isinstance(said.get("separator"), str)
