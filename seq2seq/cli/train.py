"""The command that trains a model."""

import os
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import AsJson, Overrides, RecipeFile, recipe_file
from seq2seq.cli.output import print_report
from seq2seq.memory import use_faster_malloc
from seq2seq.shipped_recipes import find_recipe

INTERRUPTED = 130  # as a shell counts it, so that `train && translate` stops here

EXAMPLES = (
    "train demo",
    "train my-recipe.toml --run runs/long --set train.steps=20000",
    "train my-recipe.toml --run runs/long --set train.steps=20000 --resume",
    "train my-recipe.toml --run runs/two --set train.processes=2",
)


def train(
    recipe: RecipeFile,
    overrides: Overrides = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="DIR",
            help="Run folder. [default: runs/NAME-OF-RECIPE]",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue the run from its last checkpoint; begin it, "
            "and say so, where there is none.",
        ),
    ] = False,
    device: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Where to compute: cpu, cuda, or auto, CUDA if it is there."
        ),
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a model as a recipe describes it, and score it.

    Reads and cleans the data, trains the tokenizer and the model (or, where the recipe names one
    as init, trains that model further with its own tokenizer), keeps the checkpoint that scores
    best on the dev set, translates the test sets and scores them. Everything lands in the run
    folder; its best/ is a stock Hugging Face model folder. Progress goes to stderr. A recipe that
    names a built-in corpus, such as demo, has it made first. The network is touched only where the
    recipe names a dataset or a model on the Hub.

    torchrun may start it on one or several machines, with or without a disk in common; data and
    recipe must be the same on each, and the model lands on the first.

    Ctrl-C and SIGTERM save a checkpoint first and exit with 130; --resume continues to the very
    same model.
    """
    from seq2seq.preset import largest_feature_bytes
    from seq2seq.recipe_file import load_recipe

    path, changes = find_recipe(recipe), overrides or ()
    try:
        use_faster_malloc(largest_feature_bytes(load_recipe(path, changes)))
    finally:  # not sooner: the program that starts again would say it again
        recipe_file(recipe)
    from seq2seq.train.run import train as train_recipe

    result = train_recipe(path, overrides=changes, run_folder=run, resume=resume, device=device)
    if os.environ.get("RANK", "0") != "0":  # under a launcher every process comes here
        return
    print_report(result, as_json=as_json)
    if result.finished is None:
        raise typer.Exit(INTERRUPTED)
