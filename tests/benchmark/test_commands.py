"""Every command of scripts/bench explains itself, with an example that can be parsed."""

import re
import shlex

import pytest
import typer

from scripts.benchmark.__main__ import app

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_that_can_be_parsed(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert [p.name for p in command.params if not p.help and p.name != "help"] == []
    examples = re.findall(rf"Example: scripts/bench {name}(.*)", command.help)
    assert examples
    for example in examples:
        command.make_context(name, shlex.split(example))
