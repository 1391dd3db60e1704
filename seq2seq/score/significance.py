"""Is one system better than another, or was it the choice of test sentences?

Two paired tests on the same segments. Bootstrap resampling draws test sets from the segments;
approximate randomization swaps the two systems' outputs at random. Both are defined once, in
``resampling.py``, for every metric.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from seq2seq.errors import ScoreError
from seq2seq.score.figure import Figure, Measure, with_test
from seq2seq.score.resampling import (
    bootstrap,
    bootstrap_p_value,
    interval_of,
    randomize,
)
from seq2seq.score.result import Segments

TestName = Literal["bootstrap", "randomization"]


@dataclass(frozen=True)
class ComparedSystem:
    """One system in a paired test.

    Attributes:
        name: the system.
        score: its score.
        difference: its score minus the baseline's; None for the baseline itself.
        p_value: how often a difference this large would appear if the systems were equally
            good; None for the baseline.
        resamples: how many resamples that was counted in.
        interval: the 95 % bootstrap interval of the score; None under randomization.
        exact: whether the resamples are all there are, so that nothing was left to chance.
    """

    name: str
    score: float
    difference: float | None
    p_value: float | None
    resamples: int | None
    interval: tuple[float, float] | None
    exact: bool = False


@dataclass(frozen=True)
class PairedTest:
    """Every system against the first, by one metric and one test.

    Attributes:
        metric: as papers write it, "BLEU".
        test: "bootstrap" or "randomization".
        signature: the metric's signature, with the test's samples and seed; "ar:exact" where all
            swaps were tried, "ar:10000,exact" where that holds for some of the systems.
        systems: the baseline first.
        notes: sentences on what a reader of the scores should know.
    """

    metric: str
    test: TestName
    signature: str
    systems: tuple[ComparedSystem, ...]
    notes: tuple[str, ...] = ()


def paired_tests(
    systems: Sequence[tuple[str, Segments]],
    measures: Sequence[Measure],
    *,
    resamples: int,
    trials: int,
) -> dict[str, tuple[PairedTest, PairedTest]]:
    """Compare systems with the first of them, by paired bootstrap and by randomization.

    Args:
        systems: name and output of each, the baseline first; composed and parallel.
        measures: the metrics, each with its references.
        resamples: of the bootstrap.
        trials: most of the randomization.

    Returns:
        For each metric (ROUGE gives four) the bootstrap's result and the randomization's.
    """
    found: dict[str, tuple[PairedTest, PairedTest]] = {}
    for measure in measures:
        measured = [(name, measure(text)) for name, text in systems]
        for key in measured[0][1]:
            figures = [(name, one[key]) for name, one in measured]
            found[key] = tests_of(figures, resamples=resamples, trials=trials)
    return found


def tests_of(
    figures: Sequence[tuple[str, Figure]], *, resamples: int, trials: int
) -> tuple[PairedTest, PairedTest]:
    """Compare systems with the first of them by one figure.

    Args:
        figures: name and figure of each system, the baseline first, of the same rows.
        resamples: of the bootstrap.
        trials: most of the randomization.

    Returns:
        The bootstrap's result and the randomization's.
    """
    return _bootstrap(figures, resamples), _randomization(figures, trials)


def check_count(systems: int) -> None:
    """Refuse to compare fewer than two systems.

    Args:
        systems: how many were given.
    """
    if systems < 2:
        raise ScoreError(f"compare: {systems} systems given, needed two or more; name another file")


def _bootstrap(figures: Sequence[tuple[str, Figure]], resamples: int) -> PairedTest:
    scores = bootstrap([figure.statistics for _, figure in figures], resamples)
    systems = []
    for (name, figure), mine in zip(figures, scores, strict=True):
        value = figure.statistics.score
        difference = value - figures[0][1].statistics.score
        p_value = bootstrap_p_value(mine, scores[0], difference)
        interval = interval_of(mine, figure.statistics.most)
        systems.append(ComparedSystem(name, value, difference, p_value, resamples, interval))
    return _test("bootstrap", figures, f"bs:{resamples}", systems)


def _randomization(figures: Sequence[tuple[str, Figure]], trials: int) -> PairedTest:
    baseline = figures[0][1].statistics
    systems = []
    for name, figure in figures:
        value = figure.statistics.score
        found = randomize(figure.statistics, baseline, trials)
        difference = value - baseline.score
        systems.append(
            ComparedSystem(
                name, value, difference, found.p_value, found.swaps, None, exact=found.exact
            )
        )
    ways = dict.fromkeys("exact" if one.exact else str(trials) for one in systems[1:])
    return _test("randomization", figures, f"ar:{','.join(ways)}", systems)


def _test(
    test: TestName,
    figures: Sequence[tuple[str, Figure]],
    signed: str,
    systems: Sequence[ComparedSystem],
) -> PairedTest:
    """The result, in which the baseline is compared with nothing."""
    baseline = figures[0][1]
    first = replace(systems[0], difference=None, p_value=None, resamples=None, exact=False)
    notes = dict.fromkeys(note for _, figure in figures for note in figure.notes)
    return PairedTest(
        metric=baseline.name,
        test=test,
        signature=with_test(baseline.signature, signed),
        systems=(first, *systems[1:]),
        notes=tuple(notes),
    )
