"""The command that looks at data, a recipe or a run without changing anything."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from seq2seq.cli.options import AsJson, Overrides
from seq2seq.cli.output import Report, print_report
from seq2seq.errors import RecipeError
from seq2seq.shipped_recipes import find_recipe, is_shipped

EXAMPLES = (
    "doctor runs/demo",
    "doctor multi30k-en-de-files --set data.folder=data/multi30k",
    "doctor pairs.tsv --source-field 1 --target-field 2",
    "doctor memory.tmx --source-field en --target-field es",
    "doctor facebook/nllb-200-distilled-600M",
)


def doctor(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="RUN|RECIPE|DATA|MODEL",
            help="A run folder, a recipe (.toml, or a name of 'seq2seq recipe list'), a file of "
            "pairs, a stock model folder or a Hub model.",
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
    """What is wrong with this data or tokenizer, or what must this model be told?

    Reads all text and counts empty sides, odd lengths, duplicates and training pairs that stand in
    held-out data; for a run also what its tokenizer cannot spell. Of a model it reads the files:
    what it is, how much it reads and writes, its languages, its search. Changes nothing. The
    network is touched only where a recipe names a dataset on the Hub, or MODEL lies there.
    """
    path = Path(subject)
    if is_shipped(subject) and not path.exists():
        path = find_recipe(path)
    if overrides and path.suffix != ".toml":
        raise RecipeError(f"{subject}: --set was given, needed a recipe (.toml) to apply it to")
    fields = {"source_field": source_field, "target_field": target_field, "quoted": quoted}
    print_report(_examined(subject, path, overrides or (), fields), as_json=as_json)


def _examined(
    subject: str, path: Path, overrides: Sequence[str], fields: Mapping[str, Any]
) -> Report:
    from seq2seq.doctor import examine_file, examine_recipe, examine_run
    from seq2seq.recipe_file import load_recipe, parse_corpus

    if path.suffix == ".toml":
        return examine_recipe(load_recipe(path, overrides))
    if (path / "config.json").is_file() or not (path.exists() or _is_file_name(path)):
        from seq2seq.model_report import examine_model

        return examine_model(subject)
    if path.is_dir():
        return examine_run(path)
    return examine_file(parse_corpus({"file": subject, **fields}, where=subject))


def _is_file_name(path: Path) -> bool:
    """Whether a name that is not there looks like that of a file, and not of a model."""
    return re.fullmatch(r"\.[A-Za-z]\w*", path.suffix) is not None or len(path.parts) != 2
