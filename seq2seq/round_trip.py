"""How much of a text survives being cut into pieces and put together again."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from seq2seq.chunks import chunks_of
from seq2seq.tokenizer_like import TokenizerLike, as_read
from seq2seq.vocabulary import first_bytes

EXAMPLES = 3  # lines that a report shows


@dataclass(frozen=True)
class RoundTripReport:
    """How much of a text survives being cut into pieces and put together again."""

    lines: int
    exact: int
    pieces: int
    unknown: int
    spelt: int
    """Characters without a piece of their own, spelt in bytes."""
    examples: tuple[tuple[int, str, str], ...]
    """Line number, normal form and what came back, of the first lines that differ."""

    @classmethod
    def of(
        cls, tokenizer: TokenizerLike, sources: Iterable[str], targets: Iterable[str] = ()
    ) -> "RoundTripReport":
        """Encode and decode every text, each side by its own rules; targets are counted on."""
        lines = exact = pieces = unknown = spelt = 0
        first = first_bytes(tokenizer.byte_ids)
        differing: list[tuple[int, str, str]] = []
        read = (as_read(tokenizer, text) for text in sources)
        encoded_batches = chain(
            ((batch, tokenizer.encode(batch)) for batch in chunks_of(read, 10_000)),
            ((batch, tokenizer.encode_target(batch)) for batch in chunks_of(targets, 10_000)),
        )
        for batch, encoded in encoded_batches:
            for text, ids, back in zip(batch, encoded, tokenizer.decode(encoded), strict=True):
                lines += 1
                pieces += len(ids)
                unknown += ids.count(tokenizer.unk_id)
                spelt += sum(number in first for number in ids) if first else 0
                normal = tokenizer.normalize(text)
                exact += back == normal
                if back != normal and len(differing) < EXAMPLES:
                    differing.append((lines, normal, back))
        return cls(lines, exact, pieces, unknown, spelt, tuple(differing))

    @property
    def exact_share(self) -> float:
        """Share of lines that come back in their normal form."""
        return self.exact / self.lines if self.lines else 1.0

    @property
    def unknown_share(self) -> float:
        """Share of pieces that are the unknown piece."""
        return self.unknown / self.pieces if self.pieces else 0.0

    def to_json(self) -> dict[str, Any]:
        """The counts, for programs."""
        return {
            "lines": self.lines,
            "exact": self.exact,
            "pieces": self.pieces,
            "unknown_pieces": self.unknown,
            "characters_in_bytes": self.spelt,
        }

    def to_text(self) -> str:
        """One line for people, and one for each example."""
        head = (
            f"round trip: {self.exact:,} of {self.lines:,} lines come back as they were "
            f"({100 * self.exact_share:.2f} %); {self.unknown:,} of {self.pieces:,} pieces unknown "
            f"({100 * self.unknown_share:.4f} %)"
        )
        if self.spelt:
            head += f"; {self.spelt:,} characters spelt in bytes"
        return "\n  ".join([head, *(f"line {n}: {a!r} became {b!r}" for n, a, b in self.examples)])
