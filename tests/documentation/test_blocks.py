"""Every block of the documentation runs as it stands, or says why not and is at least parsed."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from torch.distributed.run import get_args_parser

from seq2seq.cli.commands import command_line
from seq2seq.recipe_file import load_recipe, parse_recipe
from tests.documentation.blocks import LANGUAGES, Block, blocks, pages, prose
from tests.documentation.shell import Shell
from tests.warm import Warm

FIRST = "start.md"
"""The page that the others go on from, in the same folder."""
REASONS = ("it installs packages", "it needs a GPU", "it needs several machines",
           "it needs the Hub", "it needs two idle cores", "it serves until Ctrl-C",
           "it takes hours", "it takes minutes")  # fmt: skip
BASE: dict[str, Any] = {
    "source_language": "en",
    "target_language": "es",
    "data": {
        "dev": {"source": "dev.en", "target": "dev.es"},
        "train": [{"source": "train.en", "target": "train.es"}],
    },
}
ALL = [block for page in pages() for block in blocks(page)]
NOT_RUN = [block for block in ALL if block.reason]
FRAGMENTS = [block for block in ALL if block.language == "toml" and not block.title]


def place(block: Block) -> str:
    return block.place


@pytest.fixture(scope="module")
def shell(trainer: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell in a folder where somebody has followed the first page."""
    with Shell(trainer, tmp_path_factory.mktemp("reader")) as shell:
        follow(FIRST, shell)
        yield shell


def follow(page: str, shell: Shell) -> None:
    """Do what a page says, from its first block to its last."""
    said = ""
    for block in blocks(page):
        if block.reason:
            continue
        if block.title:
            (shell.folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            said = shell.run("sh", "-eu", text=block.text)
        elif block.language == "python":
            said = shell.run("python", "-c", block.text)
        elif block.language == "text":
            missing = [line for line in block.text.splitlines() if line not in said]
            assert missing == [], f"{block.place}: the block before it says\n{said}"


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in pages() if any(map(place, blocks(page)))])
def test_every_block_of_a_page_runs_in_order(page: str, shell: Shell) -> None:
    if page != FIRST:
        follow(page, shell)


@pytest.mark.parametrize("page", pages())
def test_every_block_says_what_it_is_and_why_it_is_not_run(page: str) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, block.place
        assert not block.reason or block.reason.startswith(REASONS), block.place


@pytest.mark.parametrize("block", NOT_RUN, ids=place)
def test_commands_that_are_not_run_can_be_parsed(block: Block) -> None:
    if block.language == "python":
        compile(block.text, block.place, "exec")
    for words in commands_of(block.text) if block.language == "sh" else ():
        parse(words)


@pytest.mark.parametrize(
    "line", [line for one in NOT_RUN for line in one.text.splitlines() if line[:9] == "torchrun "]
)
def test_a_launcher_hands_on_what_stands_behind_the_program(line: str) -> None:
    read = get_args_parser().parse_args(shlex.split(line)[1:])
    assert (read.module, read.training_script) == (True, "seq2seq")
    parse(read.training_script_args)


@pytest.mark.parametrize("block", FRAGMENTS, ids=place)
def test_parts_of_recipes_can_be_used(block: Block) -> None:
    parse_recipe(merged(BASE, tomllib.loads(block.text)), where=block.place)


@pytest.mark.parametrize("block", [one for one in ALL if one.title.endswith(".toml")], ids=place)
def test_recipes_to_save_can_be_used(block: Block, tmp_path: Path) -> None:
    path = tmp_path / block.title
    path.write_text(block.text, encoding="utf-8")
    load_recipe(path)


@pytest.mark.parametrize("page", pages())
def test_no_page_holds_a_figure_that_was_measured(page: str) -> None:
    found = re.findall(
        r"\d+\.\d+ ?(?:%|BLEU|chrF|ROUGE|points|tokens)|\d[\d,.]* tokens/s", prose(page)
    )
    assert found == [], "include it from the file that has it"


def commands_of(text: str) -> Iterator[list[str]]:
    """Every call of seq2seq in lines of a shell, as words, up to a pipe or redirection."""
    for line in text.replace("\\\n", " ").splitlines():
        reader = shlex.shlex(line, posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        words = list(reader)
        for start in (n for n, word in enumerate(words) if word == "seq2seq"):
            rest = words[start + 1 :]
            end = next((n for n, word in enumerate(rest) if set(word) <= set("|&;<>")), len(rest))
            yield rest[:end]


def parse(words: list[str]) -> None:
    """Have a command read its arguments, without doing anything."""
    command: Any = typer.main.get_command(command_line())
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, words)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A table with the entries of another put over its own."""
    tables = {
        key: merged(base[key], value)
        for key, value in changes.items()
        if isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return {**base, **changes, **tables}
