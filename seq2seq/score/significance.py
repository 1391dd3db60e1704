"""Is one system better than another, or was it the choice of test sentences?

Two paired tests on the same segments. Bootstrap resampling draws test sets from the segments;
approximate randomization swaps the two systems' outputs at random. For BLEU, chrF and TER both
are sacrebleu's; for ROUGE, a mean over segments, they are the few lines at the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from seq2seq.errors import ScoreError
from seq2seq.score.result import RESAMPLES, SEED, Segments, check_parallel, interval_of
from seq2seq.score.summary import ROUGE_NAMES, rouge_signature, segment_rouge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRIALS = 10_000
TestName = Literal["bootstrap", "randomization"]


@dataclass(frozen=True)
class Contender:
    """One system in a paired test.

    Attributes:
        name: the system.
        score: its score.
        difference: its score minus the baseline's; None for the baseline itself.
        p_value: how often a difference this large would appear if the systems were equally
            good; None for the baseline.
        interval: the 95 % bootstrap interval of the score; None under randomization.
    """

    name: str
    score: float
    difference: float | None
    p_value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class PairedTest:
    """Every system against the first, by one metric and one test.

    Attributes:
        metric: as papers write it, "BLEU".
        test: "bootstrap" or "randomization".
        signature: the metric's signature, with the test's samples and seed.
        contenders: the baseline first.
    """

    metric: str
    test: TestName
    signature: str
    contenders: tuple[Contender, ...]


def compare(
    systems: Sequence[tuple[str, Segments]],
    references: Sequence[Segments],
    *,
    metrics: Sequence[str] = ("bleu", "chrf"),
    lowercase: bool = False,
    resamples: int = RESAMPLES,
    trials: int = TRIALS,
) -> dict[str, tuple[PairedTest, PairedTest]]:
    """Compare systems with the first of them, by paired bootstrap and by randomization.

    Args:
        systems: name and output of each, the baseline first.
        references: one or more texts.
        metrics: of "bleu", "chrf", "chrf++", "ter" and "rouge".
        lowercase: ignore case in BLEU and chrF.
        resamples: of the bootstrap.
        trials: of the randomization.

    Returns:
        For each metric (ROUGE gives three) the bootstrap's result and the randomization's.

    Raises:
        ScoreError: fewer than two systems, or texts that are empty or not parallel.

    Source: Koehn 2004 (paired bootstrap); Riezler and Maxwell 2005 (randomization).
    """
    check_count(len(systems))
    texts = [(name, len(text)) for name, text in systems]
    texts += [(f"reference {n}", len(text)) for n, text in enumerate(references, start=1)]
    check_parallel(texts)
    found: dict[str, tuple[PairedTest, PairedTest]] = {}
    for metric in metrics:
        if metric == "rouge":
            found |= _compare_rouge(systems, references, resamples=resamples, trials=trials)
        else:
            found[metric] = (
                _sacrebleu_test(
                    _sacrebleu_metric(metric, references, lowercase=lowercase),
                    systems,
                    test="bootstrap",
                    samples=resamples,
                ),
                _sacrebleu_test(
                    _sacrebleu_metric(metric, references, lowercase=lowercase),
                    systems,
                    test="randomization",
                    samples=trials,
                ),
            )
    return found


def check_count(systems: int) -> None:
    """Refuse to compare fewer than two systems.

    Args:
        systems: how many were given.
    """
    if systems < 2:
        raise ScoreError(f"compare: {systems} systems given, needed two or more; name another file")


def _sacrebleu_metric(name: str, references: Sequence[Segments], *, lowercase: bool) -> Any:
    from sacrebleu.metrics import BLEU, CHRF, TER

    texts = [list(text) for text in references]
    match name:
        case "bleu":
            return BLEU(lowercase=lowercase, references=texts)
        case "chrf":
            return CHRF(lowercase=lowercase, references=texts)
        case "chrf++":
            return CHRF(lowercase=lowercase, word_order=2, references=texts)
        case _:
            return TER(references=texts)


def _sacrebleu_test(
    metric: Any, systems: Sequence[tuple[str, Segments]], *, test: TestName, samples: int
) -> PairedTest:
    from sacrebleu.significance import PairedTest as SacrebleuTest

    named = [(name, list(text)) for name, text in systems]
    short = {"bootstrap": "bs", "randomization": "ar"}[test]
    # sacrebleu finds the references in the metric, which read them when it was built.
    run = SacrebleuTest(named, {"metric": metric}, None, test_type=short, n_samples=samples)
    signatures, results = run()
    ((metric_name, signature),) = signatures.items()
    found = results[metric_name]
    baseline = found[0]
    contenders = [
        Contender(
            name=name,
            score=float(result.score),
            difference=None if number == 0 else float(result.score - baseline.score),
            p_value=_p_value(result, baseline) if number else None,
            interval=None if result.ci is None else _around(result.mean, result.ci),
        )
        for number, ((name, _), result) in enumerate(zip(systems, found, strict=True))
    ]
    return PairedTest(metric_name, test, str(signature), tuple(contenders))


def _p_value(result: Any, baseline: Any) -> float:
    """The p-value of sacrebleu, but 1 where the two scores are equal.

    sacrebleu counts samples whose difference is *larger* than the one observed. A system that
    is compared with itself never differs in any sample, so that count is 0 and the p-value is
    the smallest possible: the most significant of all results, for no difference at all.
    """
    return 1.0 if result.score == baseline.score else float(result.p_value)


def _around(mean: float, half: float) -> tuple[float, float]:
    return float(mean) - float(half), float(mean) + float(half)


def _compare_rouge(
    systems: Sequence[tuple[str, Segments]],
    references: Sequence[Segments],
    *,
    resamples: int,
    trials: int,
) -> dict[str, tuple[PairedTest, PairedTest]]:
    import numpy as np

    scored = [segment_rouge(text, references) for _, text in systems]
    names = [name for name, _ in systems]
    signatures = [rouge_signature(len(references), t) for t in (f"bs:{resamples}", f"ar:{trials}")]
    found = {}
    for key, metric in ROUGE_NAMES.items():
        columns = {n: np.asarray(s[key]) for n, s in enumerate(scored)}
        bootstrap = _bootstrap_contenders(names, columns, resamples)
        randomization = _randomized_contenders(names, columns, trials)
        found[key] = (
            PairedTest(metric, "bootstrap", signatures[0], bootstrap),
            PairedTest(metric, "randomization", signatures[1], randomization),
        )
    return found


def _bootstrap_contenders(
    names: Sequence[str], columns: Mapping[int, "NDArray[np.float64]"], resamples: int
) -> tuple[Contender, ...]:
    """Resample segments, the same ones for every system.

    With d the difference of two systems on a segment and d* that of a resample:
    p = (1 + #{|mean(d*) - mean(d)| >= |mean(d)|}) / (1 + resamples).
    """
    import numpy as np

    drawn = np.random.default_rng(SEED)
    size = len(columns[0])
    picks = [drawn.integers(size, size=size) for _ in range(resamples)]
    means = {n: np.array([column[pick].mean() for pick in picks]) for n, column in columns.items()}
    contenders = []
    for n, name in enumerate(names):
        observed = float((columns[n] - columns[0]).mean())
        shifted = (means[n] - means[0]) - observed
        contenders.append(
            Contender(
                name=name,
                score=float(columns[n].mean()),
                difference=observed if n else None,
                p_value=_share_as_large(shifted, observed) if n else None,
                interval=interval_of(means[n].tolist()),
            )
        )
    return tuple(contenders)


def _randomized_contenders(
    names: Sequence[str], columns: Mapping[int, "NDArray[np.float64]"], trials: int
) -> tuple[Contender, ...]:
    """Swap the two systems on each segment with probability one half.

    A swap turns the sign of the segment's difference d:
    p = (1 + #{|mean(±d)| >= |mean(d)|}) / (1 + trials).
    """
    import numpy as np

    contenders = []
    for n, name in enumerate(names):
        drawn = np.random.default_rng(SEED)
        differences = columns[n] - columns[0]
        observed = float(differences.mean())
        size = len(differences)
        swapped = np.array(
            [(differences * (1 - 2 * drawn.integers(2, size=size))).mean() for _ in range(trials)]
        )
        contenders.append(
            Contender(
                name=name,
                score=float(columns[n].mean()),
                difference=observed if n else None,
                p_value=_share_as_large(swapped, observed) if n else None,
                interval=None,
            )
        )
    return tuple(contenders)


def _share_as_large(sampled: "NDArray[np.float64]", observed: float) -> float:
    # Rounding must not make an equal difference look smaller.
    as_large = int((abs(sampled) >= abs(observed) - 1e-9).sum())
    return (1 + as_large) / (1 + len(sampled))
