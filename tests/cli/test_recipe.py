"""The commands about recipes, as a shell sees them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_recipes_are_listed_for_people_and_for_programs(cli: Cli) -> None:
    result = cli("recipe", "list")
    assert (result.code, result.err) == (0, "")
    assert "\ndemo " in result.out
    assert "needs: none: the built-in pronoun corpus" in result.out
    listed = json.loads(cli("recipe", "list", "--json").out)["recipes"]
    demo = next(one for one in listed if one["name"] == "demo")
    assert demo["command"] == "seq2seq train demo"
    assert Path(demo["path"]).is_file()
    assert set(demo) == {"name", "what", "data", "score", "time", "command", "path"}


def test_a_copy_is_named_and_a_second_is_refused(cli: Cli) -> None:
    assert cli("recipe", "new", "demo") == (0, "demo.toml\n", "")
    code, out, err = cli("recipe", "new", "demo")
    assert (code, out) == (2, "")
    assert err.startswith("error: demo.toml: is there already")


def test_a_file_hides_a_recipe_and_that_is_said(cli: Cli) -> None:
    assert cli("recipe", "check", "demo").err == ""
    Path("demo").write_text("seed = 1\n", encoding="utf-8")
    code, _, err = cli("recipe", "check", "demo")
    assert code == 2
    assert err.startswith("demo: the file here is meant, not the recipe of seq2seq\nerror: demo: ")


def test_commands_take_a_recipe_by_its_name(cli: Cli) -> None:
    assert cli("train", "dmeo").err.endswith("; did you mean 'demo'?\n")
    code, _, err = cli("doctor", "demo", "--set", "data.folder=none")
    assert code == 2
    assert "training makes it" in err


def test_a_code_of_no_language_is_said_and_still_usable(cli: Cli) -> None:
    code, out, err = cli("recipe", "check", "tatoeba-en-zh", "--set", "target_language=cn")
    assert (code, err) == (0, "")
    assert "\n  target_language = 'cn': no known code of a language, " in out
    assert "did you mean 'zh'?\n" in out
    given = ("recipe", "check", "tatoeba-en-zh", "--set", "target_language=cn", "--json")
    _, out, err = cli(*given)
    assert json.loads(out)["target_language"] == "cn"
    assert err.startswith("note: target_language = 'cn': no known code of a language, ")
    assert "language = " not in cli("recipe", "check", "tatoeba-en-zh").out
