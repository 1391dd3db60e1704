"""A short run of what ``scripts/check --fuzz`` does at length, and proof that it can fail."""

import signal
import time
from pathlib import Path
from random import Random

import numpy
import pytest

from tests.fuzz.inputs import KINDS, Input, make
from tests.fuzz.runs import find_problems, run
from tests.warm import Warm

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_no_spoiled_input_ends_in_a_traceback_or_loses_a_line(trainer: Warm):
    program = ("-m", "tests.fuzz", "--count", "150", "--seed", "3")
    ended = trainer.run(program, environment={"PYTHONPATH": str(ROOT)}, folder=ROOT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("150 inputs, 0 with something wrong\n")


@pytest.mark.parametrize(
    ("code", "out", "said", "problem"),
    [
        (1, b"", "Traceback (most recent call last)\n", "traceback"),
        (1, b"", "", "exit code 1"),
        (2, b"", "", "exit code 2 without a word"),
        (0, b"one\n", "", "1 lines out for 2 in"),
        (-signal.SIGALRM, b"", "", "no end"),
        (-signal.SIGSEGV, b"", "", "exit code -11"),
        (141, b"", "", "exit code 141"),
    ],
)
def test_what_goes_wrong_is_seen(tmp_path, code, out, said, problem):
    found = find_problems(Input((), lines=2), code, out, said, tmp_path)
    assert any(problem in one for one in found)


def test_what_goes_right_is_not_blamed(tmp_path):
    assert find_problems(Input((), lines=2), 0, b"a\nb\n", "2 lines\n", tmp_path) == []
    assert find_problems(Input((), lines=2), 2, b"", "error: no such file\n", tmp_path) == []


@pytest.mark.parametrize(
    ("interruption", "code", "other"),
    [("reader left", 141, 130), ("SIGINT", 130, 143), ("SIGTERM", 143, 1), ("SIGHUP", 129, 143)],
)
def test_an_interruption_has_its_own_exit_code(tmp_path, interruption, code, other):
    tried = Input((), interruption=interruption)
    assert find_problems(tried, code, b"", "", tmp_path) == []
    assert find_problems(tried, other, b"", "", tmp_path) == [f"exit code {other}"]


@pytest.mark.parametrize(
    ("interruption", "code"),
    [("reader left", 141), ("full disk", 2), ("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)],
)
def test_a_command_is_interrupted_as_it_works(monkeypatch, interruption, code):
    arguments = ("--version",)
    if interruption.startswith("SIG"):
        # No path is among its arguments: typer 0.29.0 has Pydantic build what reads one, and while
        # Pydantic builds, what a signal raises may be ignored.
        monkeypatch.setattr("seq2seq.cli.recipe.shipped_recipes", lambda: time.sleep(30))
        arguments = ("recipe", "list")
    tried = Input(arguments, interruption=interruption, after_seconds=0.01)
    monkeypatch.setitem(KINDS, "this", lambda _draw, _folder: tried)
    outcome = run("this", 1, 1)
    assert (outcome.code, outcome.problems) == (code, ())


def test_who_asks_for_the_memory_of_the_machine_is_refused_it_and_seen(monkeypatch):
    monkeypatch.setattr("seq2seq.cli.app.main", lambda: numpy.empty(7 << 30, dtype="u1"))
    monkeypatch.setitem(KINDS, "this", lambda _draw, _folder: Input(()))
    outcome = run("this", 1, 1)
    assert outcome.problems == ("exit code 1", "traceback")
    assert "MemoryError" in outcome.stderr


def test_files_outside_the_folder_are_seen(tmp_path):
    (tmp_path / "escaped").write_text("")
    assert find_problems(Input(()), 0, b"", "", tmp_path) == [
        "wrote outside its folder: ['escaped']"
    ]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_input_is_a_function_of_its_number(tmp_path, kind):
    made = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        tried = make(kind, 5, 7, folder)
        files = {
            p.relative_to(folder).as_posix(): p.read_bytes()
            for p in folder.rglob("*")
            if p.is_file()
        }
        made.append((tried, files))
    assert made[0] == made[1]
    assert Random(f"{kind} 5 7").random() != Random(f"{kind} 5 8").random()
