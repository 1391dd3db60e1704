"""The command that looks at data, a recipe or a run without changing anything."""

from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import AsJson, Overrides
from seq2seq.cli.output import print_report
from seq2seq.errors import RecipeError
from seq2seq.recipe import load_recipe, parse_corpus

EXAMPLES = (
    "doctor runs/demo",
    "doctor recipes/multi30k-en-de-files.toml --set data.folder=data/multi30k",
    "doctor pairs.tsv --source-field 1 --target-field 2",
    "doctor memory.tmx --source-field en --target-field es",
)


def doctor(
    subject: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|RECIPE|DATA", help="A run folder, a .toml recipe, or a file of pairs."
        ),
    ],
    overrides: Overrides = None,
    source_field: Annotated[
        str, typer.Option(metavar="NAME", help="For DATA: column or language of the source.")
    ] = "source",
    target_field: Annotated[
        str, typer.Option(metavar="NAME", help="For DATA: column or language of the target.")
    ] = "target",
    quoted: Annotated[
        bool, typer.Option("--quoted", help="For DATA: the .tsv file quotes fields as CSV does.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What is wrong with this data or tokenizer?

    Reads all text and counts empty sides, odd lengths, duplicates and training pairs that stand in
    held-out data; for a run also what its tokenizer cannot spell. Changes nothing. The network is
    touched only where a recipe names a dataset on the Hub.
    """
    from seq2seq.doctor import examine_file, examine_recipe, examine_run

    if overrides and subject.suffix != ".toml":
        raise RecipeError(f"{subject}: --set was given, needed a recipe (.toml) to apply it to")
    if subject.is_dir():
        report = examine_run(subject)
    elif subject.suffix == ".toml":
        report = examine_recipe(load_recipe(subject, overrides or ()))
    else:
        fields = {"source_field": source_field, "target_field": target_field, "quoted": quoted}
        report = examine_file(parse_corpus({"file": str(subject), **fields}, where=str(subject)))
    print_report(report, as_json=as_json)
