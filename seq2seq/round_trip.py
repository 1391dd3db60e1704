"""How much of a text survives being cut into pieces and put together again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.chunks import chunks_of
from seq2seq.tokenizer_like import TokenizerLike, as_read
from seq2seq.vocabulary import first_bytes

EXAMPLES = 3  # lines that a report shows


@dataclass(frozen=True)
class RoundTrip:
    """How much of one text survives.

    Attributes:
        lines: lines read.
        exact: those that come back in their normal form.
        pieces: what they were cut into.
        unknown: how many of these are the unknown piece.
        spelt: characters without a piece of their own, spelt in bytes.
        examples: line number, normal form and what came back, of the first lines that differ.
    """

    lines: int = 0
    exact: int = 0
    pieces: int = 0
    unknown: int = 0
    spelt: int = 0
    examples: tuple[tuple[int, str, str], ...] = ()

    @classmethod
    def of(
        cls,
        tokenizer: TokenizerLike,
        texts: Iterable[str],
        encode: Callable[[Sequence[str]], list[list[int]]],
    ) -> "RoundTrip":
        """Encode and decode every line."""
        lines = exact = pieces = unknown = spelt = 0
        first = first_bytes(tokenizer.byte_ids)
        differing: list[tuple[int, str, str]] = []
        for batch in chunks_of(texts, 10_000):
            encoded = encode(batch)
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

    def __add__(self, other: "RoundTrip") -> "RoundTrip":
        """The counts of both, without examples: their line numbers are those of one text."""
        return RoundTrip(
            self.lines + other.lines,
            self.exact + other.exact,
            self.pieces + other.pieces,
            self.unknown + other.unknown,
            self.spelt + other.spelt,
        )

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
            f"{self.exact:,} of {self.lines:,} lines come back as they were "
            f"({100 * self.exact_share:.2f} %); {self.unknown:,} of {self.pieces:,} pieces unknown "
            f"({100 * self.unknown_share:.4f} %)"
        )
        if self.spelt:
            head += f"; {self.spelt:,} characters spelt in bytes"
        return "\n  ".join([head, *(f"line {n}: {a!r} became {b!r}" for n, a, b in self.examples)])


@dataclass(frozen=True)
class RoundTripReport:
    """How much of a parallel text survives, each side for itself.

    A tokenizer that knows one language and not the other loses one side whole, which a figure of
    both would hide.
    """

    source: RoundTrip
    target: RoundTrip

    @classmethod
    def of(
        cls, tokenizer: TokenizerLike, sources: Iterable[str], targets: Iterable[str] = ()
    ) -> "RoundTripReport":
        """Encode and decode every text, each side by its own rules."""
        read = (as_read(tokenizer, text) for text in sources)
        return cls(
            RoundTrip.of(tokenizer, read, tokenizer.encode),
            RoundTrip.of(tokenizer, targets, tokenizer.encode_target),
        )

    @property
    def both(self) -> RoundTrip:
        """The counts of both sides together."""
        return self.source + self.target

    def to_json(self) -> dict[str, Any]:
        """The counts of both sides together and of each, for programs."""
        sides = {"source": self.source.to_json(), "target": self.target.to_json()}
        return self.both.to_json() | sides

    def to_text(self, name: str = "") -> str:
        """A line for each side that has text, and one for each example.

        Args:
            name: of the data, to begin each side's line with.
        """
        start = f"{name}: round trip" if name else "round trip"
        sides = {"source": self.source, "target": self.target}
        return "\n".join(
            f"{start} of the {side}: {trip.to_text()}" for side, trip in sides.items() if trip.lines
        )
