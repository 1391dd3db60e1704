"""The commands that make corpora."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import AsJson
from seq2seq.cli.output import print_json

PRONOUNS_EXAMPLES = (
    "corpus pronouns --languages es --out corpora/pronouns",
    "corpus pronouns --languages es,de,fr,vi --out corpora/other --seed 2 --json",
)


def pronouns(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder to write to.", show_default=False)
    ],
    languages: Annotated[
        str,
        typer.Option(
            metavar="CODES",
            help="Target languages, separated by commas: es, de, fr, vi, or vi-cl, which is "
            "Vietnamese with classifiers for pronouns.",
        ),
    ] = "es",
    seed: Annotated[int, typer.Option(metavar="N", help="Where chance starts from.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Write the corpus in which a translation shows what "it" was taken for.

    The same seed gives the same bytes. DIR gets one JSON Lines file for every split and language,
    which recipes read as they are, and manifest.json. The network is not touched.
    """
    from seq2seq.pronouns.corpus import write_corpus

    codes = [code.strip() for code in languages.split(",")]
    report = write_corpus(out, codes, seed=seed)
    if as_json:
        print_json(asdict(report))
        return
    for file in report.files:
        typer.echo(f"{file.rows:>8,} rows  {file.items:>8,} items  {out / file.name}")
