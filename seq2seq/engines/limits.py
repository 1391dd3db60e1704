"""Each source's own length limit, for programs that know only one limit for a whole batch."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from seq2seq.decode.batches import Ids, length_batches
from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.errors import ModelError

SearchBatch = Callable[[Sequence[Ids], int], list[list[Hypothesis]]]
"""Searches some sources under one limit and returns all beams of each, best first."""


def search_within_limits(
    search: SearchBatch,
    sources: Sequence[Ids],
    options: DecodeOptions,
    *,
    positions: int,
    written: int,
    batch_tokens: int,
    progress: Callable[[int], None] | None,
) -> list[list[Hypothesis]]:
    """Search as if every source had its own limit.

    A batch is searched with the largest limit in it. With early stopping the search for a source
    ends when the last of its beams does, so if none of them is longer than the source's own limit,
    that limit would have changed nothing; the other sources are searched again. Without early
    stopping a long beam may have come and gone unseen: only sources of one limit share a batch.

    Args:
        search: The other program.
        sources: Piece ids, end-of-sequence included.
        options: What to search for.
        positions: The most pieces that the program can read.
        written: The most that it can write.
        batch_tokens: Padded source pieces times beams in one batch.
        progress: Told after every batch how many sources are done.

    Returns:
        For each source its `n_best` hypotheses, best first.

    Raises:
        ModelError: If a source is empty or has more than `positions` pieces, or the program goes
            beyond its limit.
    """
    check_source_lengths(sources, positions)
    limits = options.length_limits([len(ids) for ids in sources], written)
    results: dict[int, list[Hypothesis]] = {}

    def work(places: Sequence[int]) -> None:
        limit = max(limits[place] for place in places)
        found = search([sources[place] for place in places], limit)
        again = defaultdict(list)
        for place, beams in zip(places, found, strict=True):
            longest = max(len(one.ids) for one in beams)
            if longest > limit:
                raise ModelError(
                    f"decode: the program wrote {longest} pieces, needed at most {limit}; its "
                    "generation settings do not reach it"
                )
            if longest > limits[place]:
                again[limits[place]].append(place)
            else:
                results[place] = beams[: options.n_best]
        for same_limit in again.values():
            work(same_limit)

    for group in _groups(limits, together=options.early_stopping is True or options.beams == 1):
        lengths = [len(sources[place]) * options.rows for place in group]
        for batch in length_batches(lengths, batch_tokens):
            work([group[place] for place in batch])
            if progress is not None:
                progress(len(results))
    return [results[place] for place in range(len(sources))]


def check_source_lengths(sources: Sequence[Ids], positions: int) -> None:
    """Refuse sources that a program has no positions for, and empty ones.

    Args:
        sources: Piece ids.
        positions: The most pieces that the program can read.

    Raises:
        ModelError: Naming the first three, counted from 1.
    """
    wrong = [(n, len(ids)) for n, ids in enumerate(sources, 1) if not 0 < len(ids) <= positions]
    if wrong:
        named = ", ".join(f"source {n} has '{length}' pieces" for n, length in wrong[:3])
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(
            f"decode: {named}{more}, needed 1 to {positions}; split or shorten the text"
        )


def _groups(limits: Sequence[int], *, together: bool) -> list[list[int]]:
    if together:
        return [list(range(len(limits)))]
    groups = defaultdict(list)
    for place, limit in enumerate(limits):
        groups[limit].append(place)
    return list(groups.values())
