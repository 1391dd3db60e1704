"""What is plain on a command line is read as typer and pydantic read it, and the rest by them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main

import seq2seq.cli.options
from seq2seq.cli.commands import command_line

GIVEN = [
    [],
    ["--input", "in.txt", "--output", "-", "--beam", "1", "--max-length", "007", "--json"],
    ["--temperature", "0.5", "--top-k", "3", "--seed", "12345678901", "--sample", "--no-restore"],
    ["--engine", "native", "--quantize", "int8", "--long", "refuse", "--forced-prefix", ""],
    ["--shard", "1/2", "--n-best", " 3", "--batch-tokens", "+64", "--beam", "1_0"],
]
REFUSED = [
    ["--beam", "0"],
    ["--beam", "two"],
    ["--beam", "1.5"],
    ["--engine", "eole"],
    ["--temperature", "warm"],
]


def read(arguments: list[str]) -> Any:
    """What the command gets, or what is said instead."""
    command: Any = typer.main.get_command(command_line())
    translate = command.commands["translate"]
    try:
        return translate.make_context("translate", ["MODEL", *arguments]).params
    except Exception as error:  # of the classes that typer brings along
        return str(error)


@pytest.fixture
def by_typer(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], Any]:
    def read_by_typer(arguments: list[str]) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(seq2seq.cli.options, "read_plainly", lambda parameters: None)
            return read(arguments)

    return read_by_typer


@pytest.mark.parametrize("arguments", GIVEN, ids=" ".join)
def test_values_are_those_that_typer_reads(
    arguments: list[str], by_typer: Callable[[list[str]], Any]
) -> None:
    found, expected = read(arguments), by_typer(arguments)
    assert isinstance(found, dict)
    assert {name: (type(one), one) for name, one in found.items()} == {
        name: (type(one), one) for name, one in expected.items()
    }


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_what_is_wrong_is_said_by_typer(
    arguments: list[str], by_typer: Callable[[list[str]], Any]
) -> None:
    assert isinstance(read(arguments), str)
    assert read(arguments) == by_typer(arguments)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "in").touch(mode=0)
    assert "is not readable" in read(["--input", str(tmp_path / "in")])
