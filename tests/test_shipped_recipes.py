"""Recipes that come with the program: found by name, hidden by files, copied and never over one."""

from pathlib import Path

import pytest

from seq2seq.errors import RecipeError
from seq2seq.recipe_file import load_recipe
from seq2seq.shipped_recipes import (
    copy_recipe,
    find_recipe,
    recipes_folder,
    shipped_recipe,
    shipped_recipes,
)

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_all_recipes_of_the_repository_are_listed() -> None:
    names = [recipe.name for recipe in shipped_recipes()]
    assert names == sorted(path.stem for path in (ROOT / "recipes").glob("*.toml"))
    assert "demo" in names


def test_an_installed_package_has_its_recipes_in_it(tmp_path: Path) -> None:
    package = tmp_path / "seq2seq"
    (tmp_path / "recipes").mkdir()  # of a neighbour
    assert recipes_folder(package) == tmp_path / "recipes"
    (package / "recipes").mkdir(parents=True)
    assert recipes_folder(package) == package / "recipes"


def test_a_name_means_the_recipe_from_any_folder() -> None:
    assert find_recipe(Path("demo")) == ROOT / "recipes" / "demo.toml"
    assert shipped_recipe("demo").command == "seq2seq train demo"


def test_a_file_is_meant_before_a_name_and_a_folder_is_not() -> None:
    Path("xsum").mkdir()
    assert find_recipe(Path("xsum")) == ROOT / "recipes" / "xsum.toml"
    Path("demo").write_text("seed = 1\n", encoding="utf-8")
    assert find_recipe(Path("demo")) == Path("demo")
    assert find_recipe(Path("./demo")) == Path("demo")


@pytest.mark.parametrize("given", ["none.toml", "a/b", "a/b.toml", "."])
def test_what_looks_like_a_path_is_left_to_its_reader(given: str) -> None:
    assert find_recipe(Path(given)) == Path(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("dmeo", "dmeo: neither a file nor a recipe that comes with seq2seq; did you mean 'demo'?"),
        ("zzzzzz", "comes with seq2seq; there are aeslc, "),
        ("recipes/demo.toml", "no such file, needed a recipe .*; 'demo' alone names the one"),
    ],
)
def test_a_wrong_name_is_refused_with_the_right_one(given: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        find_recipe(Path(given))
    with pytest.raises(RecipeError, match="no such recipe comes with seq2seq"):
        copy_recipe(given)


def test_a_copy_says_the_same_and_names_itself_in_its_commands() -> None:
    for recipe in shipped_recipes():
        copy = copy_recipe(recipe.name, Path("new folder") / f"{recipe.name}.toml")
        assert load_recipe(copy) == load_recipe(recipe.path)
    text = Path("new folder/scat-en-fr.toml").read_text(encoding="utf-8")
    assert text.count("seq2seq train 'new folder/scat-en-fr.toml' ") == 2
    assert "seq2seq train scat-en-fr" not in text


def test_a_copy_goes_to_a_folder_or_here_and_never_over_a_file() -> None:
    assert copy_recipe("demo") == Path("demo.toml")
    Path("mine").mkdir()
    assert copy_recipe("demo", Path("mine")) == Path("mine/demo.toml")
    Path("demo.toml").write_text("mine\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"demo\.toml: is there already, .* another PATH"):
        copy_recipe("demo")
    assert Path("demo.toml").read_text(encoding="utf-8") == "mine\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "# What: it\nseed = 1\n",
            r"one\.toml: line 2 is 'seed = 1', needed a comment '# Data: …'",
        ),
        ("# What: it\n# Data: all\n", r"one\.toml: ends before its '# Score: …', needed five"),
    ],
)
def test_a_recipe_must_describe_itself(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "one.toml").write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=said):
        shipped_recipes(tmp_path)
