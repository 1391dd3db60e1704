"""Text as a model will read it: prefixed, tagged, and in parts where it is too long.

What the model is told in the text itself, a prefix of the task or a tag like ``>>fra<<``, is said
again before every part.
"""

from dataclasses import dataclass, replace
from typing import Any

from seq2seq.errors import DataError
from seq2seq.language_tags import lead_of, tagging
from seq2seq.normalization import normalize
from seq2seq.sentences import Long, split_text

ENDLESS = 10**6  # tokenizers that know no limit name one above


@dataclass(frozen=True, slots=True)
class Prepared:
    """One text as the model will read it.

    Attributes:
        parts: Ids of its parts; several if it was split.
        dropped: Pieces that were cut off.
        normalized: Whether the normal form of `seq2seq.normalization` changed the text.
    """

    parts: list[list[int]]
    dropped: int = 0
    normalized: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """How text becomes ids.

    Attributes:
        tokenizer: The model's stock tokenizer.
        language: Code of the text's language; None if that is not known.
        tagged: Whether the model is told it by a tag.
        prefix: What the text is to begin with.
        most: Pieces that the model can read at once; without limit if None.
        long: What to do with more.
    """

    tokenizer: Any
    language: str | None
    tagged: bool
    prefix: str
    most: int | None
    long: Long

    def read(self, given: str, *, number: int) -> Prepared:
        """Turn a text into ids.

        Args:
            given: The text.
            number: Its number in messages.

        Returns:
            Its parts.

        Raises:
            DataError: It is too long, and to be refused; or not even one character fits.
        """
        text = normalize(given)
        with tagging(self.tokenizer, self.language if self.tagged else None):
            found = self._read(text, number=number)
        return replace(found, normalized=text != given)

    def _read(self, text: str, *, number: int) -> Prepared:
        ids = self._encode(self.prefix + text)
        most = self._most()
        if most is None or len(ids) <= most:
            return Prepared([ids])
        match self.long:
            case "refuse":
                raise DataError(
                    f"input: text {number} has '{len(ids)}' pieces, needed at most {most}; "
                    "shorten it, or choose long='split' or long='truncate'"
                )
            case "truncate":
                kept = self._encode(self.prefix + text, most=most)
                return Prepared([kept], dropped=len(ids) - len(kept))
            case "split":
                return Prepared(self._split(text, most, number=number))

    def _split(self, text: str, most: int, *, number: int) -> list[list[int]]:
        tag = lead_of(self.tokenizer, text)
        lead, rest = tag or self.prefix, text[len(tag) :]
        parts = split_text(
            rest, lambda part: len(self._encode(lead + part)) <= most, language=self.language
        )
        found = [self._encode(lead + part) for part in parts]
        if any(len(ids) > most for ids in found):
            raise DataError(
                f"input: text {number} cannot be split into parts of at most '{most}' pieces, "
                f"what stands before every part ({lead!r}) takes too many; raise the limit"
            )
        return found

    def _most(self) -> int | None:
        if self.long != "truncate":
            return self.most
        known = int(self.tokenizer.model_max_length)
        limits = [n for n in (self.most, known) if n is not None and n < ENDLESS]
        return min(limits, default=None)

    def _encode(self, text: str, *, most: int | None = None) -> list[int]:
        cut = most is not None
        ids = self.tokenizer(text, truncation=cut, max_length=most, verbose=False).input_ids
        return list(ids)


def most_pieces(model: Any, tokenizer: Any) -> int | None:
    """Find how much a model can read at once.

    Args:
        model: A stock encoder-decoder.
        tokenizer: Its tokenizer.

    Returns:
        Pieces, special ones included; None for relative positions, which have no end.
    """
    config = model.config
    for name in ("max_encoder_position_embeddings", "max_position_embeddings"):
        if getattr(config, name, None):
            return int(getattr(config, name))
    # Two models in one: some encoders give up a few of their positions, their tokenizer knows.
    inner = getattr(getattr(config, "encoder", None), "max_position_embeddings", None)
    return min(int(inner), int(tokenizer.model_max_length)) if inner else None
