"""A program that hangs fails its test instead of stopping all of them."""

from pathlib import Path

import pytest

from tests.train.test_launch import running, wait_until
from tests.warm import Warm

HANG = """
import os, sys, time
child = os.fork()
if child:
    open(sys.argv[1], "w").write(str(child))
def wait_for_what_never_comes():
    time.sleep(99)
wait_for_what_never_comes()
"""


def test_programs_find_this_checkout_first_wherever_they_run(
    warm: Warm, tmp_path: Path, root: Path
) -> None:
    code = (
        "import sys, seq2seq, tests.warm; print(sys.path[0], seq2seq.__file__, tests.warm.__file__)"
    )
    ended = warm.run(("-c", code), folder=tmp_path, environment={"PYTHONPATH": ""})
    assert ended.stdout.split() == [
        str(path) for path in (root, root / "seq2seq" / "__init__.py", root / "tests" / "warm.py")
    ]


def test_what_hangs_is_ended_with_its_children_and_shows_where(
    warm: Warm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.warm.LIMIT_SECONDS", 0.5)
    ended = warm.run(("-c", HANG, tmp_path / "child"))
    assert ended.returncode < 0
    assert ended.stderr.count("in wait_for_what_never_comes") == 2, "it, and then its child"
    wait_until(lambda: not running(int((tmp_path / "child").read_text())))
    assert warm.run(("-c", "print(1)")).stdout == "1\n", "others are served as before"
