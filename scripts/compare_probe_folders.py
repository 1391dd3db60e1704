"""Compare the folders that `seq2seq probe` wrote, or tabulate seeds and models. See ``--help``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.errors import DataError, Seq2SeqError
from seq2seq.probe.report.compare import Difference, SeedsRow, compare_probes, seeds_table
from seq2seq.probe.report.verdict import share
from seq2seq.probe.report.verdict_table import markdown_table, verdict_row
from seq2seq.probe.report.wording import COUNTED

Folder = Annotated[Path, typer.Argument(help="A folder with items.jsonl, such as RUN/probe/T1.")]
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def difference(one: Folder, other: Folder) -> None:
    """Compare two probes, first less second; the same texts are paired.

    Example: scripts/compare_probes difference runs/es/probe/T1 runs/vi/probe/T1
    """
    for found in compare_probes(one, other):
        typer.echo(_difference_line(found))


@app.command()
def seeds(
    folders: Annotated[list[Path], typer.Argument(help="Folders of several training seeds.")],
) -> None:
    """Tabulate mean and standard deviation over training seeds, probed on one set.

    Example: scripts/compare_probes seeds runs/s1/probe/T1 runs/s2/probe/T1 runs/s3/probe/T1
    """
    for row in seeds_table(folders):
        typer.echo(_seeds_line(row))


@app.command()
def verdicts(
    models: Annotated[list[str], typer.Argument(help="NAME=FOLDER[,FOLDER...], a seed a folder.")],
) -> None:
    """Write a Markdown table, a row a model: what is right, shown, used, and carried by what.

    Example: scripts/compare_probes verdicts guided=g1/probe/T1,g2/probe/T1 plain=u1/probe/T1
    """
    rows = []
    for given in models:
        name, equals, folders = given.partition("=")
        if not equals or not folders:
            raise DataError(f"{given!r}: no folders in it, needed NAME=FOLDER[,FOLDER...]")
        rows.append(verdict_row(name, [Path(folder) for folder in folders.split(",")]))
    typer.echo(f"{markdown_table(rows)}\n\n{COUNTED}")


def _difference_line(found: Difference) -> str:
    tests = "" if found.p is None else f"; McNemar p {found.p:.4g}"
    if found.p_pairs is not None:
        tests += f", over pairs {found.p_pairs:.4g}"
    return (
        f"{found.question:<12}{found.one:>7.1%} against {found.other:>6.1%}: difference "
        f"{share(found.difference)} ({found.sample}{tests})"
    )


def _seeds_line(row: SeedsRow) -> str:
    values = " ".join(f"{100 * value:.1f}" for value in row.values)
    return f"{row.question:<26}{share(row.mean):>24}  sd {100 * row.deviation:4.1f}  of {values}"


if __name__ == "__main__":
    try:
        app()
    except Seq2SeqError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
