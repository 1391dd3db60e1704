"""The recipes that come with this program: what each is for, and where its file lies.

An installed wheel holds them in the package; in a checkout they lie beside it.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seq2seq.errors import RecipeError
from seq2seq.files import read_text
from seq2seq.similar_names import suggest

PACKAGE = Path(__file__).parent
HEAD = ("What", "Data", "Score", "Time", "Run")
"""What the comments say with which every recipe begins, one a line and in this order."""


@dataclass(frozen=True)
class ShippedRecipe:
    """A recipe that comes with this program, as its first five lines describe it."""

    name: str
    """What commands call it: the name of its file, without ``.toml``."""
    what: str
    """What it trains."""
    data: str
    """What it reads, and where from."""
    score: str
    """What its model reached where it was run, with the commit."""
    time: str
    """How long that took, and on what machine."""
    command: str
    """How it is trained."""
    path: Path
    """Its file."""


def recipes_folder(package: Path = PACKAGE) -> Path:
    """Where the recipes lie: in an installed package, or beside it in a checkout."""
    installed = package / "recipes"
    return installed if installed.is_dir() else package.parent / "recipes"


def shipped_recipes(folder: Path | None = None) -> list[ShippedRecipe]:
    """Every recipe that comes with this program, by name.

    Args:
        folder: Where they lie; that of this installation by default.

    Raises:
        RecipeError: One does not begin with the five lines that describe it.
    """
    files = (folder or recipes_folder()).glob("*.toml")
    return [_described(path) for path in sorted(files, key=lambda path: path.stem)]


def shipped_recipe(name: str) -> ShippedRecipe:
    """One of them.

    Raises:
        RecipeError: There is none of this name.
    """
    if not is_shipped(name):
        raise RecipeError(f"{name}: no such recipe comes with seq2seq{suggest(name, _names())}")
    return _described(recipes_folder() / f"{name}.toml")


def find_recipe(given: Path) -> Path:
    """The file that is meant by a path, or by the name of a recipe that comes with this program.

    Args:
        given: As on the command line. A file that is there is meant, whatever its name; a folder
            is no recipe.

    Raises:
        RecipeError: There is neither such a file nor such a recipe.
    """
    if given.exists() and not given.is_dir():
        return given
    if is_shipped(str(given)):
        return recipes_folder() / f"{given}.toml"
    if given.suffix == ".toml" and is_shipped(given.stem):
        raise RecipeError(
            f"{given}: no such file, needed a recipe (TOML); '{given.stem}' alone names the one "
            "that comes with seq2seq"
        )
    if given.exists() or given.suffix or len(given.parts) != 1:
        return given  # a path, which its reader refuses
    known = suggest(str(given), _names())
    raise RecipeError(f"{given}: neither a file nor a recipe that comes with seq2seq{known}")


def is_shipped(name: str) -> bool:
    """Whether a recipe of this name comes with this program."""
    return name in _names()


def copy_recipe(name: str, path: Path | None = None) -> Path:
    """Write a recipe that comes with this program to a file of its own, to be changed.

    Args:
        name: Its name.
        path: The new file, or a folder that it goes to; ``NAME.toml`` here by default.

    Returns:
        The new file. Commands in its comments name it.

    Raises:
        RecipeError: There is no such recipe, or a file where the copy should go.
    """
    recipe = shipped_recipe(name)
    new = path or Path(f"{name}.toml")
    if new.is_dir():
        new = new / f"{name}.toml"
    text = read_text(recipe.path, error=RecipeError, needed="a recipe (TOML)")
    train = f"seq2seq train {shlex.quote(str(new))}"
    text = re.sub(rf"\bseq2seq train {re.escape(name)}(?=\s|$)", lambda _: train, text)
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        with new.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise RecipeError(
            f"{new}: is there already, needed the name of a new file; give another PATH"
        ) from None
    return new


def as_json_object(recipe: ShippedRecipe) -> Mapping[str, Any]:
    """One recipe for programs."""
    return asdict(recipe) | {"path": str(recipe.path)}


def _names() -> list[str]:
    return sorted(path.stem for path in recipes_folder().glob("*.toml"))


def _described(path: Path) -> ShippedRecipe:
    text = read_text(path, error=RecipeError, needed="a recipe (TOML)")
    said: dict[str, str] = {}
    for number, (name, line) in enumerate(zip(HEAD, text.splitlines(), strict=False), start=1):
        if not line.startswith(f"# {name}: "):
            raise RecipeError(f"{path}: line {number} is '{line}', needed a comment '# {name}: …'")
        said[name] = line.removeprefix(f"# {name}: ")
    if len(said) < len(HEAD):
        raise RecipeError(f"{path}: ends before its '# {HEAD[len(said)]}: …', needed five comments")
    return ShippedRecipe(
        name=path.stem,
        what=said["What"],
        data=said["Data"],
        score=said["Score"],
        time=said["Time"],
        command=said["Run"],
        path=path,
    )
