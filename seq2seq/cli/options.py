"""Options that several commands share, so that they read and behave alike everywhere."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from seq2seq.cli.plain_values import read_plainly
from seq2seq.shipped_recipes import find_recipe, is_shipped

PROGRAM = "Program"
"""Title of the options that change how a result is computed, not what it is."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key of the recipe, such as train.steps=100 or data.train.0.weight=2; the "
        "value is read as TOML. May be repeated.",
        show_default=False,
    ),
]

RecipeFile = Annotated[
    Path,
    typer.Argument(
        metavar="RECIPE",
        help="Recipe file (TOML), or the name of one that comes with seq2seq: see 'seq2seq recipe "
        "list'.",
        show_default=False,
    ),
]


Examples = Annotated[
    list[str] | None,
    typer.Option(
        "--example",
        metavar="TEXT",
        help="A text to choose on the page; the first stands there at once. May be repeated.",
        show_default=False,
    ),
]

AnyModel = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A run folder, a stock model folder, or owner/name or "
                   "owner/name@revision of a Hub model.",
                   show_default=False),
]  # fmt: skip

TargetLanguage = Annotated[
    str | None, typer.Option(metavar="CODE", help="Language it is to write.", show_default=False)
]

Device = Annotated[
    str,
    typer.Option(metavar="NAME", help="Where to compute: cpu, cuda, cuda:N, mps, or auto, a GPU if "
                 "there is one.", rich_help_panel=PROGRAM),
]  # fmt: skip


def recipe_file(given: Path) -> Path:
    """The file that a RECIPE means; says where a file hides a recipe that comes with seq2seq.

    Raises:
        RecipeError: There is neither such a file nor such a recipe.
    """
    found = find_recipe(given)
    first = os.environ.get("RANK", "0") == "0"  # a launcher starts many of the same
    if found == given and is_shipped(str(given)) and first:
        typer.echo(f"{given}: the file here is meant, not the recipe of seq2seq", err=True)
    return found


class GroupedCommand(TyperCommand):
    """A command of many options, which its help shows under the title each was given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; pydantic is loaded only for what is not plain."""
        read_plainly(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then each group of options in the order of its first."""
        groups: dict[str, list[Any]] = {}
        for parameter in self.get_params(ctx):
            said = parameter.get_help_record(ctx)
            argument = parameter.param_type_name == "argument"
            title = getattr(parameter, "rich_help_panel", None) or "Options"
            if said is not None:
                groups.setdefault("Arguments" if argument else title, []).append(said)
        groups["Options"] = groups.pop("Options", [])  # last, --help in it
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl(rows)
