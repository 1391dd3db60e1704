"""A null study on a model: keep its scores, shuffle which noun is meant, count what is found."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from seq2seq.probe.items.placement import place_cases
from seq2seq.probe.items.sets import read_cases
from seq2seq.probe.measures.routes import score_routes
from seq2seq.probe.measures.scores import Scores
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.statistics.null_study import Unit, null_study


def main(
    model: Annotated[Path, typer.Argument(help="Run folder or stock model folder.")],
    items: Annotated[Path, typer.Option(help="The set that is tested.")],
    select_on: Annotated[Path, typer.Option(help="The set that the measure is chosen on.")],
    most: Annotated[int, typer.Option(help="Use the first N cases of each set.")] = 1000,
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


def _scores(model: StockModel, path: Path, most: int) -> Scores:
    found = read_cases(path)
    placing = place_cases(model, found.cases[:most])
    for problem in (*found.problems, *placing.problems):
        typer.echo(f"{path}: {problem}", err=True)
    return score_routes(model, placing.placed).scores


if __name__ == "__main__":
    typer.run(main)
