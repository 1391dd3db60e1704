"""Options that several commands share, so that they read and behave alike everywhere."""

from pathlib import Path
from typing import Annotated

import typer

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
    Path, typer.Argument(metavar="RECIPE", help="Recipe file (TOML).", show_default=False)
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
    typer.Argument(metavar="MODEL", help="A run folder, a stock model folder or a Hub model.",
                   show_default=False),
]  # fmt: skip
