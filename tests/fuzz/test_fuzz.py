"""A short run of what ``scripts/check --fuzz`` does at length, and proof that it can fail."""

import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.inputs import KINDS, Input, make
from tests.fuzz.runs import find_problems

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_no_spoiled_input_ends_in_a_traceback_or_loses_a_line():
    program = [sys.executable, "-m", "tests.fuzz", "--count", "150", "--seed", "3"]
    ended = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=400)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("150 inputs, 0 with something wrong\n")


@pytest.mark.parametrize(
    ("code", "out", "said", "problem"),
    [
        (1, b"", "Traceback (most recent call last)\n", "traceback"),
        (1, b"", "", "exit code 1"),
        (2, b"", "", "exit code 2 without a word"),
        (0, b"one\n", "", "1 lines out for 2 in"),
        (-signal.SIGALRM, b"", "", "no end within"),
        (-signal.SIGSEGV, b"", "", "exit code -11"),
    ],
)
def test_what_goes_wrong_is_seen(tmp_path, code, out, said, problem):
    found = find_problems(Input((), lines=2), code, out, said, tmp_path)
    assert any(problem in one for one in found)


def test_what_goes_right_is_not_blamed(tmp_path):
    assert find_problems(Input((), lines=2), 0, b"a\nb\n", "2 lines\n", tmp_path) == []
    assert find_problems(Input((), lines=2), 2, b"", "error: no such file\n", tmp_path) == []


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
