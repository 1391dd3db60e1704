"""The commands about recipes: which there are, what a key means, whether a file can be used."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import AsJson, Overrides, RecipeFile, recipe_file
from seq2seq.cli.output import print_json
from seq2seq.shipped_recipes import ShippedRecipe, as_json_object, copy_recipe, shipped_recipes

LIST_EXAMPLES = ("recipe list", "recipe list --json")
NEW_EXAMPLES = ("recipe new demo", "recipe new tatoeba-en-es recipes/mine.toml")
EXPLAIN_EXAMPLES = ("recipe explain", "recipe explain train", "recipe explain train.peak_lr")
CHECK_EXAMPLES = (
    "recipe check demo",
    "recipe check my-recipe.toml --set train.steps=1000 --json",
)


def list_recipes(as_json: AsJson = False) -> None:
    """Which recipes come with seq2seq, and what data does each need?

    'seq2seq train NAME' trains one as it is, 'seq2seq recipe new NAME' makes a copy to change.
    With --json also what each reached, in what time, and where its file lies.
    """
    recipes = shipped_recipes()
    if as_json:
        print_json({"recipes": [as_json_object(recipe) for recipe in recipes]})
        return
    typer.echo("\n".join(_lines(recipes)))


def _lines(recipes: Sequence[ShippedRecipe]) -> Iterator[str]:
    width = max(len(recipe.name) for recipe in recipes)
    for recipe in recipes:
        yield f"{recipe.name:<{width}}  {recipe.what}"
        yield f"{'':<{width}}  needs: {recipe.data}"


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A recipe of 'seq2seq recipe list'.")],
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="PATH",
            help="The new file, or a folder for it. [default: NAME.toml]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Copy a recipe that comes with seq2seq, to make it yours.

    Prints the name of the new file. A file that is there already is left alone, and that is an
    error.
    """
    typer.echo(copy_recipe(name, path))


def explain(
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="KEY", help="A key or a section. [default: all]", show_default=False
        ),
    ] = None,
) -> None:
    """Print the type, default and meaning of recipe keys."""
    from seq2seq import recipe_reference

    typer.echo(recipe_reference.explain(key))


def check(recipe: RecipeFile, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Say whether a recipe can be used, and every problem if not.

    Reads the recipe alone, not its data. With --json it prints the recipe with every default
    written out, and what it noted of the recipe on stderr.
    """
    from seq2seq.preset import fit_warmup
    from seq2seq.recipe_file import given_keys, language_notes, load_recipe, recipe_json

    given = load_recipe(recipe_file(recipe), overrides or ())
    checked, choices = fit_warmup(given)
    notes = language_notes(given)
    if as_json:
        typer.echo(recipe_json(checked), nl=False)
        for note in notes:
            typer.echo(f"note: {note}", err=True)
        return
    count = len(given_keys(given))
    typer.echo(f"{recipe}: can be used; it gives {count} keys itself, the rest are defaults")
    for line in [*(f"  {note}" for note in notes), *(choice.to_text() for choice in choices)]:
        typer.echo(line)
