"""What every program that runs a model can do: search for targets, and score given ones.

Ids are those of the model's tokenizer everywhere, and `DecodeOptions` mean the same everywhere; an
engine refuses the options that it cannot honour. So whatever reads text and counts what is not
plain stands above this and is written once, and so are the batches: a program runs one of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from seq2seq.decode.lengths import DEFAULT_BATCH_TOKENS, Ids, check_lengths, length_batches
from seq2seq.decode.options import DecodeOptions, ForcedScore, Hypothesis
from seq2seq.errors import ModelError

EngineName = Literal["auto", "native", "transformers", "ctranslate2"]

Progress = Callable[[int], None]


def offset_progress(progress: Progress | None, done: int) -> Progress | None:
    """Progress of a search that follows others, in which so many sources were done."""
    return progress and (lambda more: progress(done + more))


@dataclass(frozen=True, slots=True)
class SearchBatch:
    """Sources that are searched at once.

    Attributes:
        sources: Piece ids, end-of-sequence included.
        options: What to search for.
        prefixes: For each source the pieces that its targets begin with; None where none has any.
    """

    sources: list[Ids]
    options: DecodeOptions
    prefixes: list[Ids] | None = None


class Engine(ABC):
    """A program with a model in it.

    Attributes:
        name: What messages call it.
    """

    name: str

    @property
    def class_name(self) -> str:
        """The class that holds the model, where there are several."""
        return type(self).__name__

    @property
    @abstractmethod
    def positions(self) -> int:
        """The most pieces it can read."""

    @property
    def target_positions(self) -> int:
        """The most pieces it can write; as many as it can read, unless a program knows better."""
        return self.positions

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """Pieces that it knows."""

    def search(
        self,
        sources: Sequence[Ids],
        options: DecodeOptions,
        *,
        prefixes: Sequence[Ids] | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Progress | None = None,
    ) -> list[list[Hypothesis]]:
        """Find the best targets for each source.

        Sources of like length share a batch, the longest first, so that a batch too large for the
        machine shows at once.

        Args:
            sources: Piece ids, end-of-sequence included.
            options: What to search for.
            prefixes: For each source the pieces that its targets begin with, behind those of
                `options`; they are no part of what is returned, nor of its length. None for none.
            batch_tokens: Padded source pieces times beams in one batch; a longer source goes alone.
            progress: Told after every batch how many sources are done.

        Returns:
            For each source, in the order given, its hypotheses, best first: at least one, at most
            `n_best`.

        Raises:
            ModelError: If an option cannot be honoured, or a source is empty or too long.
        """
        self.check_options(options)
        check_lengths("source", sources, self.positions)
        batches = []
        for group in self._groups(sources, options):
            lengths = [len(sources[place]) * options.rows for place in group]
            batches += [
                [group[n] for n in batch]
                for batch in self._batches(lengths, options.rows, batch_tokens)
            ]

        given = prefixes if any(prefixes or ()) else None
        works = [
            SearchBatch(
                [sources[place] for place in places],
                options,
                None if given is None else [given[place] for place in places],
            )
            for places in batches
        ]
        results: dict[int, list[Hypothesis]] = {}
        for places, found in zip(batches, self._search_all(works), strict=True):
            results.update(zip(places, found, strict=True))
            if progress is not None:
                progress(len(results))
        return [results[place] for place in range(len(sources))]

    def score(
        self,
        sources: Sequence[Ids],
        targets: Sequence[Ids],
        *,
        first_id: int | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
    ) -> list[ForcedScore]:
        """Score given targets instead of searching for them.

        The ids of a `Hypothesis` get the log-probability that the search gave them.

        Args:
            sources: Piece ids, end-of-sequence included.
            targets: One for each source, taken as they are: the probability of ending is counted
                only where the end-of-sequence piece is there.
            first_id: As in `DecodeOptions`: certain where a target begins with it.
            batch_tokens: Padded pieces of the longer side in one batch.

        Returns:
            One score for each pair, in the order given.

        Raises:
            ModelError: If the numbers differ, or a side is empty or too long.
        """
        if len(sources) != len(targets):
            raise ModelError(
                f"forced scoring: '{len(sources)}' sources and '{len(targets)}' targets, needed "
                "one target for each source"
            )
        check_lengths("source", sources, self.positions)
        check_lengths("target", targets, self.target_positions)
        results: dict[int, ForcedScore] = {}
        lengths = [max(len(s), len(t)) for s, t in zip(sources, targets, strict=True)]
        for batch in length_batches(lengths, batch_tokens):
            some = [sources[place] for place in batch], [targets[place] for place in batch]
            rows = self._score_batch(*some, first_id)
            results.update(zip(batch, rows, strict=True))
        return [results[place] for place in range(len(sources))]

    def warm_up(self, options: DecodeOptions) -> None:  # noqa: B027  # most have loaded all
        """Load now what the first search will need, where that would be loaded only then.

        Args:
            options: What will be searched for.
        """

    @contextmanager
    def in_processes(self) -> Iterator[None]:
        """Search in processes of their own where that is faster, until the block ends.

        They know the model as it is now. Begin the block before anything is searched. A block in a
        block changes nothing; threads that are in blocks at once share the processes.
        """
        yield

    def check_options(self, options: DecodeOptions) -> None:  # noqa: B027  # many refuse nothing
        """Refuse what the program would do differently, where there is such a thing.

        Args:
            options: What to search for.

        Raises:
            ModelError: Naming every option that cannot be honoured.
        """

    def _groups(self, sources: Sequence[Ids], options: DecodeOptions) -> list[list[int]]:
        """Places of the sources that may share a batch."""
        return [list(range(len(sources)))]

    def _batches(self, lengths: Sequence[int], rows: int, most: int) -> list[list[int]]:
        """Places of the sources of each batch, the longest first.

        Args:
            lengths: Pieces of each source, times `rows`.
            rows: Outputs of each source that are written side by side.
            most: Padded pieces of a batch that the caller allows.
        """
        return list(length_batches(lengths, most))

    def _search_all(self, batches: list[SearchBatch]) -> Iterator[list[list[Hypothesis]]]:
        """Search batches, one after the other or several at once; what is found is in order."""
        return map(self._search_batch, batches)

    def _search_batch(self, batch: SearchBatch) -> list[list[Hypothesis]]:
        """The best hypotheses for each source of one batch."""
        if batch.prefixes is None:
            return self._search(batch.sources, batch.options)
        return self._continue_prefixes(batch.sources, batch.options, batch.prefixes)

    @abstractmethod
    def _search(self, sources: Sequence[Ids], options: DecodeOptions) -> list[list[Hypothesis]]:
        """The best hypotheses for each source of one batch."""

    def _continue_prefixes(
        self, sources: Sequence[Ids], options: DecodeOptions, prefixes: Sequence[Ids]
    ) -> list[list[Hypothesis]]:
        """The best hypotheses that continue each prefix, which they leave out."""
        head = len(options.given)
        found = self._search_with_prefixes(sources, options, prefixes)
        return [
            [replace(one, ids=(*one.ids[:head], *one.ids[head + len(prefix) :])) for one in row]
            for row, prefix in zip(found, prefixes, strict=True)
        ]

    def _search_with_prefixes(
        self, sources: Sequence[Ids], options: DecodeOptions, prefixes: Sequence[Ids]
    ) -> list[list[Hypothesis]]:
        """The best hypotheses for each source of one batch, each source with its own prefix."""
        raise ModelError(
            f"{self.name} engine: it begins all outputs of a batch alike, and the context of a "
            "target needs a beginning for each; use engine native"
        )

    @abstractmethod
    def _score_batch(
        self, sources: Sequence[Ids], targets: Sequence[Ids], first_id: int | None
    ) -> list[ForcedScore]:
        """Score one batch of given targets."""
