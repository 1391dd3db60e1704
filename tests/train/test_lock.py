"""One training at a time in a run folder; a process that is gone holds nothing."""

import errno
import fcntl
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq.errors import CheckpointError
from seq2seq.run import Run
from seq2seq.train.lock import sole_training
from seq2seq.train.run import train
from tests.end_to_end.digits import digits_recipe, write_digits

HOLDER = """
import sys, time; from pathlib import Path
from seq2seq.run import Run
from seq2seq.train.lock import sole_training
with sole_training(Run(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(99)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Another process that is at work in the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_training_is_told_who_is_at_work_and_a_killed_one_holds_nothing(
    tmp_path: Path,
) -> None:
    write_digits(tmp_path, train=60, held_out=4)
    recipe = tmp_path / "digits.toml"
    recipe.write_text(digits_recipe(tmp_path), encoding="utf-8")
    run = Run(tmp_path / "run")
    with holder(run.folder) as other:
        said = rf"run: another training is at work there \(process {other.pid} on .+ since 20.+\)"
        for resume in (False, True):
            with pytest.raises(CheckpointError, match=said):
                train(recipe, run_folder=run.folder, resume=resume)
        assert os.listdir(run.folder) == [run.lock.name]  # noqa: PTH208 - nothing was touched
        other.send_signal(signal.SIGKILL)
    assert run.lock.exists()
    with sole_training(run):
        assert f"process {os.getpid()} on " in run.lock.read_text()


def test_a_lock_goes_with_its_training_and_an_empty_folder_of_its_own_too(tmp_path: Path) -> None:
    run = Run(tmp_path / "a" / "b")
    with sole_training(run):
        assert run.lock.exists()
    assert not run.folder.exists()
    run.folder.mkdir(parents=True)
    with sole_training(run):
        pass
    assert list(run.folder.iterdir()) == []
    with sole_training(run):
        run.metrics.touch()
    assert list(run.folder.iterdir()) == [run.metrics]


def test_a_file_that_is_taken_away_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, lock = Run(tmp_path), fcntl.flock

    def lock_late(descriptor: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        run.lock.unlink()  # by the training before, which ends at this very moment
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    with (
        sole_training(run),
        pytest.raises(CheckpointError, match="another training is at work"),
        sole_training(run),
    ):
        pytest.fail("the block must not run")


def test_a_disk_without_locks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with sole_training(Run(tmp_path)):
        pass
    said = f"warning: {tmp_path}: this disk has no locks (No locks available); see to it yourself"
    assert re.match(re.escape(said), capsys.readouterr().err)
