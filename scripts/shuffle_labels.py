"""How often does the whole procedure find something where there is nothing? See ``--help``.

Real scores of a real model are kept; only which noun is called gold is drawn anew, for whole
clusters, quads or pairs at once. Then nothing links a score to the label, whatever else the model
attends to, and every find is false. The share of runs with one must be the nominal rate.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
import typer
from jaxtyping import Int
from scipy.stats import binomtest

from seq2seq.probe.items.placement import place_cases
from seq2seq.probe.items.sets import read_cases
from seq2seq.probe.measures.accuracy import Layout, items_right
from seq2seq.probe.measures.routes import score_routes
from seq2seq.probe.measures.scores import Scores, relabelled
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.statistics.bootstrap import SEED, Interval, cluster_numbers
from seq2seq.probe.statistics.permutation import max_t_sign_flip
from seq2seq.probe.statistics.selection import ALPHA, choose, row_of
from seq2seq.score.cluster_sample import draw_clusters
from seq2seq.score.resampling import LEVEL

Unit = Literal["cluster", "quad", "pair"]


@dataclass(frozen=True)
class NullStudy:
    """False finds among runs with shuffled labels.

    Attributes:
        unit: what was shuffled as a whole.
        runs: how many.
        alpha: the nominal rate.
        any_measure: runs in which some measure had p_fwer of at most alpha on test.
        any_interval: of that share, 95 %, exact binomial.
        chosen: runs in which the measure chosen on dev had, looked at alone, p of at most alpha
            on test.
        chosen_interval: of that share.
        confirmed: runs in which the chosen measure would have been reported as found.
        best_dev: mean over runs of the chosen measure's accuracy on dev: what looking at all
            measures makes of chance.
    """

    unit: Unit
    runs: int
    alpha: float
    any_measure: int
    any_interval: Interval
    chosen: int
    chosen_interval: Interval
    confirmed: int
    best_dev: float


def main(
    model: Annotated[Path, typer.Argument(help="Run folder or stock model folder.")],
    items: Annotated[Path, typer.Option(help="The set that is tested.")],
    select_on: Annotated[Path, typer.Option(help="The set that the measure is chosen on.")],
    most: Annotated[
        int, typer.Option(help="Use N cases of each set at most, whole blocks drawn.")
    ] = 1000,
    runs: Annotated[int, typer.Option(help="How often labels are shuffled, per unit.")] = 200,
) -> None:
    """Count false finds of the whole procedure, with labels shuffled by cluster, quad and pair.

    Every score of every head and route is the model's own; only the name of the right noun is
    drawn anew. The rate of runs with a find should be .05, or less.

    Example: scripts/null_study runs/m --items corpora/T1.es.jsonl --select-on corpora/dev.es.jsonl
    """
    opened = StockModel.load(model)
    dev, test = (_scores(opened, path, most) for path in (select_on, items))
    typer.echo(
        f"{len(test.measures):,} measures, {len(dev.layout.ids):,} items to choose on, "
        f"{len(test.layout.ids):,} to test in {len(set(test.layout.clusters)):,} clusters"
    )
    for unit in get_args(Unit):
        study = null_study(dev, test, unit=unit, runs=runs)
        some, chosen = study.any_interval, study.chosen_interval
        typer.echo(
            f"labels shuffled by {unit}: some measure found in {study.any_measure} of {runs} runs "
            f"[{some.low:.3f}, {some.high:.3f}], the chosen one in {study.chosen} "
            f"[{chosen.low:.3f}, {chosen.high:.3f}], reported as found in {study.confirmed}; its "
            f"mean accuracy on the first set {study.best_dev:.3f}"
        )


def null_study(
    dev: Scores,
    test: Scores,
    *,
    unit: Unit = "cluster",
    runs: int = 200,
    alpha: float = ALPHA,
    flips: int = 999,
    seed: int = SEED,
) -> NullStudy:
    """Shuffle labels, choose on dev, test, and count what is found.

    Args:
        dev: scores to choose on.
        test: scores of the same measures to test on.
        unit: what keeps its labels together: both nouns are exchanged in all items of it or none.
        runs: how often.
        alpha: the rate to check.
        flips: of the sign-flip test; one less than a round number makes its p-values exact.
        seed: of the shuffles and flips.

    Returns:
        The counts.

    Raises:
        DataError: a measure of dev is not among those of test.
    """
    rng = np.random.default_rng(seed)
    any_measure = chosen = confirmed = 0
    best_dev = 0.0
    for run in range(runs):
        choice = choose(_shuffled(dev, unit, rng))
        shuffled = _shuffled(test, unit, rng)
        effects = items_right(shuffled.gold, shuffled.distractor) - 0.5
        tested = max_t_sign_flip(effects, test.layout.clusters, flips=flips, seed=seed + run)
        row = row_of(choice, test)
        any_measure += bool((tested.p_fwer <= alpha).any())
        chosen += bool(tested.p[row] <= alpha)
        confirmed += bool(tested.p_fwer[row] <= alpha and effects[row].mean() * choice.sign > 0)
        best_dev += choice.accuracy / runs
    return NullStudy(
        unit=unit,
        runs=runs,
        alpha=alpha,
        any_measure=any_measure,
        any_interval=_exact_interval(any_measure, runs),
        chosen=chosen,
        chosen_interval=_exact_interval(chosen, runs),
        confirmed=confirmed,
        best_dev=best_dev,
    )


def _shuffled(scores: Scores, unit: Unit, rng: np.random.Generator) -> Scores:
    """The scores with the two nouns exchanged in half of the units, drawn anew."""
    units = _units(scores.layout, unit)
    return relabelled(scores, rng.integers(2, size=len(units))[units] == 1)


def _units(layout: Layout, unit: Unit) -> Int[np.ndarray, " items"]:
    """A number for each item, shared within a unit; an item outside any has its own."""
    match unit:
        case "cluster":
            return cluster_numbers(layout.clusters)
        case "quad":
            groups = layout.quads
        case "pair":
            groups = layout.pairs
    units = np.arange(len(layout.ids))
    units[groups] = groups[:, :1]
    return units


def _exact_interval(count: int, runs: int) -> Interval:
    """The 95 % interval of a share of independent runs (Clopper and Pearson 1934)."""
    found = binomtest(count, runs).proportion_ci(LEVEL)
    return Interval(float(found.low), float(found.high))


def _scores(model: StockModel, path: Path, most: int) -> Scores:
    found = read_cases(path)
    rows = draw_clusters([case.cluster for case in found.cases], most)
    placing = place_cases(model, [found.cases[row] for row in rows])
    for problem in (*found.problems, *placing.problems):
        typer.echo(f"{path}: {problem}", err=True)
    return score_routes(model, placing.placed).scores


if __name__ == "__main__":
    typer.run(main)
