"""A program of others behind the calls of every engine: it runs one batch, the rest is here."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from seq2seq.decode.batches import DEFAULT_BATCH_TOKENS, Ids, length_batches
from seq2seq.decode.options import DecodeOptions, ForcedScore, Hypothesis
from seq2seq.engines.engine import Progress
from seq2seq.engines.limits import check_source_lengths, search_within_limits


class ForeignEngine(ABC):
    """An `Engine` for who can search and score a single batch."""

    @property
    @abstractmethod
    def positions(self) -> int:
        """The most pieces it can read."""

    @property
    def written(self) -> int:
        """The most pieces it can write; as many as it can read, unless a program knows better."""
        return self.positions

    def search(
        self,
        sources: Sequence[Ids],
        options: DecodeOptions,
        *,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Progress | None = None,
    ) -> list[list[Hypothesis]]:
        """Find the best targets for each source; see `Engine.search`."""
        self.check_options(options)
        return search_within_limits(
            lambda batch, limit: self._search_batch(batch, limit, options),
            sources,
            options,
            positions=self.positions,
            written=self.written,
            batch_tokens=batch_tokens,
            progress=progress,
        )

    def score(
        self,
        sources: Sequence[Ids],
        targets: Sequence[Ids],
        *,
        first_id: int | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
    ) -> list[ForcedScore]:
        """Score given targets; see `Engine.score`."""
        check_source_lengths(sources, self.positions)
        results: dict[int, ForcedScore] = {}
        lengths = [max(len(s), len(t)) for s, t in zip(sources, targets, strict=True)]
        for batch in length_batches(lengths, batch_tokens):
            rows = self._force([sources[p] for p in batch], [targets[p] for p in batch], first_id)
            results.update(zip(batch, rows, strict=True))
        return [results[place] for place in range(len(sources))]

    @abstractmethod
    def check_options(self, options: DecodeOptions) -> None:
        """Refuse what the program would do differently.

        Args:
            options: What to search for.

        Raises:
            ModelError: Naming every option that cannot be honoured.
        """

    @abstractmethod
    def _search_batch(
        self, sources: Sequence[Ids], limit: int, options: DecodeOptions
    ) -> list[list[Hypothesis]]:
        """All beams of each source under one limit, best first."""

    @abstractmethod
    def _force(
        self, sources: Sequence[Ids], targets: Sequence[Ids], first_id: int | None
    ) -> list[ForcedScore]:
        """Score one batch of given targets."""
