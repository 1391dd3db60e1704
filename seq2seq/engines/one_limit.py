"""Programs that know only one length limit for a whole batch, though every source has its own."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence

from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.engines.engine import Engine
from seq2seq.errors import ModelError


class OneLimitEngine(Engine):
    """Searches as if every source had its own limit.

    A batch is searched with the largest limit in it. With early stopping the search for a source
    ends when the last of its beams does, so if all of them are shorter than the source's own limit,
    that limit would have changed nothing; the other sources are searched again, because at its
    limit the beams that are still open count too. A single beam may be as long as the limit.
    Without early stopping a long beam may have come and gone unseen: only sources of one limit
    share a batch.
    """

    @abstractmethod
    def _search_with_limit(
        self, sources: Sequence[Ids], limit: int, options: DecodeOptions
    ) -> list[list[Hypothesis]]:
        """All beams of each source under one limit, best first."""

    def _groups(self, sources: Sequence[Ids], options: DecodeOptions) -> list[list[int]]:
        if options.early_stopping is True or options.beams == 1:
            return super()._groups(sources, options)
        groups = defaultdict(list)
        for place, limit in enumerate(self._limits(sources, options)):
            groups[limit].append(place)
        return list(groups.values())

    def _limits(self, sources: Sequence[Ids], options: DecodeOptions) -> list[int]:
        return options.length_limits([len(ids) for ids in sources], self.target_positions)

    def _search(self, sources: Sequence[Ids], options: DecodeOptions) -> list[list[Hypothesis]]:
        limits = self._limits(sources, options)
        results: dict[int, list[Hypothesis]] = {}
        waiting: list[Sequence[int]] = [range(len(sources))]
        while waiting:
            places = waiting.pop()
            limit = max(limits[place] for place in places)
            found = self._search_with_limit([sources[place] for place in places], limit, options)
            again = defaultdict(list)
            for place, beams in zip(places, found, strict=True):
                longest = max(len(one.ids) for one in beams)
                if longest > limit:
                    raise ModelError(
                        f"decode: the program wrote {longest} pieces, needed at most {limit}; its "
                        "generation settings do not reach it"
                    )
                unchanged = limits[place] + (options.beams == 1)
                if limits[place] < limit and longest >= unchanged:
                    again[limits[place]].append(place)
                else:
                    results[place] = beams[: options.n_best]
            waiting += again.values()
        return [results[place] for place in range(len(sources))]
