"""The commands about recipes: what a key means, and whether a file can be used."""

from typing import Annotated

import typer

from seq2seq import reference
from seq2seq.cli.options import AsJson, Overrides, RecipeFile
from seq2seq.preset import fit_warmup
from seq2seq.recipe_file import given_keys, load_recipe, recipe_json

EXPLAIN_EXAMPLES = ("recipe explain", "recipe explain train", "recipe explain train.peak_lr")
CHECK_EXAMPLES = (
    "recipe check recipes/demo.toml",
    "recipe check recipes/demo.toml --set train.steps=1000 --json",
)


def explain(
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="KEY", help="A key or a section. [default: all]", show_default=False
        ),
    ] = None,
) -> None:
    """Print the type, default and meaning of recipe keys."""
    typer.echo(reference.explain(key))


def check(recipe: RecipeFile, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Say whether a recipe can be used, and every problem if not.

    Reads the recipe alone, not its data. With --json it prints the recipe with every default
    written out.
    """
    given = load_recipe(recipe, overrides or ())
    checked, choices = fit_warmup(given)
    if as_json:
        typer.echo(recipe_json(checked), nl=False)
        return
    count = len(given_keys(given))
    typer.echo(f"{recipe}: can be used; it gives {count} keys itself, the rest are defaults")
    for choice in choices:
        typer.echo(choice.to_text())
