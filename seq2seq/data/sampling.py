"""Drawing cuts for a whole epoch at once, from a table of every word's cuts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from seq2seq.data.ragged import Ragged, RaggedFile, Rows, StoredRows, offsets_of
from seq2seq.data.segmentation import Choices

ROWS_AT_ONCE = 100_000  # bounds the memory of the intermediate arrays


@dataclass(frozen=True, eq=False)
class WordTable:
    """All cuts of all words: word ``w`` has the cuts ``first[w] … first[w + 1] - 1``."""

    cuts: Ragged
    first: Int[np.ndarray, " words_and_one"]
    upper: Float[np.ndarray, " cuts"]
    """Word number plus the sum of the probabilities up to and including each cut: one sorted array
    in which ``word + random number`` finds the cut."""

    @classmethod
    def of(cls, words: Iterable[Choices]) -> "WordTable":
        """Pack the choices of word 0, word 1 and so on."""
        listed = list(words)
        cuts = Ragged.of(cut for choices in listed for cut in choices.cuts)
        first = offsets_of(np.array([len(choices.cuts) for choices in listed], dtype=np.int64))
        upper = np.empty(len(cuts))
        for word, choices in enumerate(listed):
            upper[first[word] : first[word + 1]] = word + np.cumsum(choices.probabilities)
        return cls(cuts, first, upper)

    def plain(self, words: Int[np.ndarray, " drawn"]) -> Int[np.ndarray, " drawn"]:
        """The cut of each word that is used without sampling."""
        return np.asarray(self.first[words])

    def longest_row(self, words: Rows) -> int:
        """Pieces of the longest row if every word took its longest cut."""
        each = np.maximum.reduceat(self.cuts.lengths, self.first[:-1])
        return max(
            int(np.diff(offsets_of(each[chunk.values])[chunk.offsets]).max())
            for _, chunk in _chunks(words)
        )

    def draw(
        self, words: Int[np.ndarray, " drawn"], random: np.random.Generator
    ) -> Int[np.ndarray, " drawn"]:
        """A random cut for each word."""
        place = np.searchsorted(self.upper, words + random.random(len(words)), side="right")
        # rounding may put a sum of probabilities a hair below 1
        return np.asarray(np.clip(place, self.first[words], self.first[words + 1] - 1))


def sample_rows(
    words: Rows,
    table: WordTable,
    random: np.random.Generator,
    *,
    eos_id: int,
    limit: int,
    may_cut: Bool[np.ndarray, " rows"],
) -> StoredRows:
    """Draw a cut of every word of every row and end each row with the end-of-sentence piece.

    A row that comes out longer than ``limit`` takes its plain cut instead, which cleaning has
    found short enough: sampling loses no text and breaks no bound. Rows that are longer than the
    limit in their plain cut too, and are to be truncated, end at the limit.

    Args:
        words: Word numbers of each row.
        table: The words' cuts.
        random: Decides the draws; used the same number of times whatever comes out.
        eos_id: The end-of-sentence piece.
        limit: Most pieces of a row, the end included.
        may_cut: Rows whose plain cut is over the limit, to be truncated.

    Returns:
        Piece ids of each row, in a file.
    """
    file = RaggedFile()
    for rows, chunk in _chunks(words):
        cuts = _sample_chunk(chunk, table, random, limit - 1, may_cut[rows])
        file.write(append(cuts, eos_id))
    return file.rows()


def _chunks(words: Rows) -> Iterator[tuple[slice, Ragged]]:
    for start in range(0, max(len(words), 1), ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, len(words)))
        yield rows, words.take(np.arange(rows.start, rows.stop))


def append(rows: Ragged, value: int) -> Ragged:
    """Every row with one more value at its end."""
    offsets = rows.offsets + np.arange(len(rows) + 1)
    values = np.full(offsets[-1], value, dtype=rows.values.dtype)
    inside = np.ones(len(values), dtype=bool)
    inside[offsets[1:] - 1] = False
    values[inside] = rows.values
    return Ragged(values, offsets)


def _sample_chunk(
    words: Ragged,
    table: WordTable,
    random: np.random.Generator,
    most: int,
    may_cut: Bool[np.ndarray, " rows"],
) -> Ragged:
    chosen = table.draw(words.values, random)
    too_long = (_row_lengths(words, table, chosen) > most) & ~may_cut
    plain = np.repeat(too_long, words.lengths)
    chosen[plain] = table.plain(words.values[plain])
    pieces = table.cuts.take(chosen)
    rows = Ragged(pieces.values, pieces.offsets[words.offsets])
    return rows.cut(most) if may_cut.any() else rows


def _row_lengths(
    words: Ragged, table: WordTable, chosen: Int[np.ndarray, " drawn"]
) -> Int[np.ndarray, " rows"]:
    ends = offsets_of(table.cuts.lengths[chosen])
    return np.asarray(np.diff(ends[words.offsets]))
