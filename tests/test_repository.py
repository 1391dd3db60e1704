"""Rules about the repository itself: sizes, docstrings, commands, recipes, links."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from seq2seq.cli.commands import command_line
from seq2seq.recipe_file import load_recipe
from seq2seq.shipped_recipes import find_recipe, shipped_recipe

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "seq2seq").rglob("*.py"))
SCRIPTS = [
    ROOT / ".ci" / "run",
    *sorted(
        path
        for path in (ROOT / "scripts").iterdir()
        if path.is_file() and not path.suffix and path.name != "Dockerfile"
    ),
]
RECIPES = sorted((ROOT / "recipes").glob("*.toml"))
FILE_LINES, FUNCTION_LINES = 400, 60
LONGER = {"seq2seq/recipe.py": 750}  # one schema, of which two lines in three are explanation
WITHOUT_TORCH = ("cli.app", "recipe_file", "recipe_reference", "run", "preset", "errors", "lines",
                 "score.report", "translate", "documents")  # fmt: skip


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands() -> Iterator[tuple[str, Any]]:
    waiting: list[tuple[str, Any]] = [("seq2seq", typer.main.get_command(command_line()))]
    while waiting:
        words, command = waiting.pop()
        children = getattr(command, "commands", None)
        if children is None:
            yield words, command
        else:
            waiting += [(f"{words} {child}", found) for child, found in children.items()]


COMMANDS = dict(sorted(commands()))


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    """Every module by its name, read once."""
    return {name(path): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def test_every_module_explains_itself(trees: dict[str, ast.Module]) -> None:
    assert [module for module, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_modules_and_functions_stay_short(trees: dict[str, ast.Module]) -> None:
    lines = {name(path): path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    most = {module: LONGER.get(module, FILE_LINES) for module in lines}
    assert {module: count for module, count in lines.items() if count > most[module]} == {}
    functions = [
        (module, node.name, code_lines(node))
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    assert [function for function in functions if function[2] > FUNCTION_LINES] == []


def code_lines(function: ast.FunctionDef) -> int:
    """Lines of a function; its docstring may be as long as it needs to be."""
    lines = 1 + (function.end_lineno or 0) - function.lineno
    first = function.body[0]
    if ast.get_docstring(function) is None:
        return lines
    return lines - (1 + (first.end_lineno or 0) - first.lineno)


@pytest.mark.parametrize("path", [p for p in MODULES if p.name == "__init__.py"], ids=name)
def test_packages_hold_no_code(path: Path) -> None:
    _, *rest = ast.parse(path.read_text(encoding="utf-8")).body
    allowed = ["__version__"] if path.parent == ROOT / "seq2seq" else []
    assert [ast.unparse(s).split(" = ")[0] for s in rest] == allowed


def test_nothing_writes_to_stdout_but_the_command_line(trees: dict[str, ast.Module]) -> None:
    prints = [
        (module, {ast.unparse(k.value) for k in node.keywords if k.arg == "file"})
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert [(module, aim) for module, aim in prints if aim != {"sys.stderr"}] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "common", "helpers", "base", "misc"}
    assert [name(path) for path in MODULES if path.stem in empty] == []


def test_modules_that_the_command_line_starts_with_load_neither_torch_nor_scipy() -> None:
    code = "import importlib, sys; found = []\n"
    code += "for name in sys.argv[1:]:\n"
    code += "    importlib.import_module(f'seq2seq.{name}')\n"
    code += "    if {'torch', 'scipy'} & sys.modules.keys(): sys.exit(name)\n"
    command = [sys.executable, "-c", code, *WITHOUT_TORCH]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_help_with_an_example_that_can_be_parsed(words: str) -> None:
    command = COMMANDS[words]
    assert command.help
    assert len(command.help.splitlines()[0]) <= 75
    missing = [p.name for p in command.params if not p.help and p.name != "help"]
    assert missing == []
    examples = re.findall(rf"^  ({words} .*|{words})$", command.epilog, flags=re.MULTILINE)
    assert examples
    for example in examples:
        before = example.removeprefix(words).partition(" < ")[0].partition(" | ")[0]
        arguments = shlex.split(before)
        command.make_context(words, arguments)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_stands_in_the_readme(words: str) -> None:
    assert f"\n{words} " in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_every_recipe_can_be_used_and_is_run_as_its_head_says(path: Path) -> None:
    load_recipe(path)
    command = shipped_recipe(path.stem).command
    words, *arguments = command.removeprefix("seq2seq ").split()
    context = COMMANDS[f"seq2seq {words}"].make_context(words, arguments)
    assert find_recipe(Path(context.params["recipe"])) == path
    assert load_recipe(path, context.params["overrides"] or ())


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_a_recipe_gives_only_what_differs_from_the_defaults(path: Path) -> None:
    recipe = load_recipe(path)
    if recipe.preset == "auto":
        return  # there a default is an answer to the preset
    for section in (recipe.tokenizer, recipe.model, recipe.train, recipe.decode):
        fields = type(section).model_fields
        same = [
            key for key in section.model_fields_set if getattr(section, key) == fields[key].default
        ]
        assert same == [], "what equals a default is left out, so that it cannot disagree with it"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "recipes/README.md"])
def test_links_and_paths_in_documents_lead_somewhere(document: str) -> None:
    path = ROOT / document
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http:", "https:"))]
    assert [link for link in local if not (path.parent / link).exists()] == []


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert sum(not line.startswith("<!--") for line in lines) <= 150, "what a reader sees"


def test_generated_documents_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "write_docs.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_scripts_can_be_run_from_anywhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o100, "chmod +x"
    if text.startswith("#!/bin/sh"):
        subprocess.run(["sh", "-n", path], check=True)
        assert 'cd "$(dirname "$0")/.."' in text


@pytest.mark.parametrize(
    ("arguments", "python", "said"),
    [
        ([], "/bin/false", "no Python 3.11 or newer found"),
        (["--all"], "python3", "--all: no such option, needed nothing or --dev"),
    ],
)
def test_install_says_what_it_needs(
    tmp_path: Path, arguments: list[str], python: str, said: str
) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    command = [str(tmp_path / "scripts" / "install"), *arguments]
    environment = {**os.environ, "PYTHON": python}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_top_level_holds_nothing_unexpected() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    assert {entry for entry in top if not entry.startswith(".")} <= {
        "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md",
        "documentation", "model_cards",
        "pyproject.toml", "recipes", "scripts", "seq2seq", "tests",
    }  # fmt: skip
