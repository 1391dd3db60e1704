"""Whether CTranslate2 writes what our own program does, and how much sooner, on some lines."""

import time
from collections.abc import Sequence

from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.engines.agreement import EXACT, count_equal, differences
from seq2seq.engines.conversion import Agreement
from seq2seq.engines.engine import Engine

# CTranslate2 is given up only where it is clearly slower: other programs may have been at work.
SLOWER = 1.2


def compare(
    native: Engine, converted: Engine, sample: Sequence[Ids], options: DecodeOptions
) -> Agreement:
    """Let two programs search the same lines, and score what came out.

    Args:
        native: Our own program.
        converted: The other one.
        sample: Sources.
        options: What to search for.

    Returns:
        What was found, with what is beyond the tolerance of an export.
    """
    mine, own_seconds = _timed(native, sample, options)
    theirs, seconds = _timed(converted, sample, options)
    ids = [one.ids for one in mine]
    pieces, _ = differences(
        native.score(sample, ids, first_id=options.first_id),
        converted.score(sample, ids, first_id=options.first_id),
    )
    equal, lines = count_equal(mine, theirs), len(sample)
    least = EXACT.greedy if options.beams == 1 else EXACT.search
    problems = []
    if not (max(pieces) <= EXACT.piece and sum(pieces) <= EXACT.mean_piece * len(pieces)):
        problems.append(
            f"with CTranslate2 the log-probability of a piece differs by {max(pieces):.2g}"
        )
    if equal < least * lines:
        problems.append(f"with CTranslate2 {equal} of {lines} outputs are the same")
    if seconds > SLOWER * own_seconds:
        problems.append(f"CTranslate2 takes {seconds / own_seconds:.1f} times as long")
    return Agreement(
        lines, equal, options.beams, max(pieces), own_seconds / seconds, tuple(problems)
    )


def _timed(
    engine: Engine, sample: Sequence[Ids], options: DecodeOptions
) -> tuple[list[Hypothesis], float]:
    """The best output of each source, and the seconds without what only a first search takes."""
    engine.search(sample[:4], options)
    start = time.perf_counter()
    found = engine.search(sample, options)
    return [one[0] for one in found], time.perf_counter() - start
