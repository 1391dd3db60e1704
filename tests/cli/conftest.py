"""The command as the shell would call it, in this process."""

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import seq2seq.cli.app


class Result(NamedTuple):
    """What a shell sees of a command."""

    code: int
    out: str
    err: str


class Cli:
    """Calls the command with arguments and catches how it ends."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys = capsys
        self.monkeypatch = monkeypatch

    def __call__(self, *arguments: str | Path) -> Result:
        self.monkeypatch.setattr(sys, "argv", ["seq2seq", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            seq2seq.cli.app.main()
        out, err = self.capsys.readouterr()
        code = caught.value.code
        return Result(code if isinstance(code, int) else 0, out, err)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return Cli(capsys, monkeypatch)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stock folder of a model that has learnt nothing."""
    from tests.cli.random_model import write_random_model  # most commands need no torch

    folder = tmp_path_factory.mktemp("model")
    write_random_model(folder)
    return folder
