"""Processes beside this one, with small programs in the place of training."""

import os
import sys
from collections.abc import Sequence

import pytest
import torch

from seq2seq.errors import TrainingError
from seq2seq.train import beside
from seq2seq.train.beside import note_ready, processes_beside, train_command

READY = "import os, pathlib; pathlib.Path(os.environ['SEQ2SEQ_READY_FILE']).touch(); "


def program(text: str) -> Sequence[str]:
    return [sys.executable, "-c", text]


def test_one_process_starts_no_other():
    with processes_beside(["/no/such/program"], 1):
        assert "WORLD_SIZE" not in os.environ
        note_ready()


def test_a_process_of_a_launcher_starts_no_other(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with processes_beside(["/no/such/program"], 2):
        pass


def test_every_process_is_told_its_place_and_its_threads(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "OMP_NUM_THREADS")
    told = f"values = repr([os.environ[name] for name in {names}]); "
    told += f"open(r'{tmp_path}/' + os.environ['RANK'], 'w').write(values)"
    before = dict(os.environ)
    threads = torch.get_num_threads()
    torch.set_num_threads(7)
    try:
        with processes_beside(program(READY + told), 3):
            assert [os.environ[name] for name in names] == ["0", "0", "3", "3", "2"]
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 7
    finally:
        torch.set_num_threads(threads)
    assert (tmp_path / "1").read_text() == "['1', '1', '3', '3', '2']"
    assert (tmp_path / "2").read_text() == "['2', '2', '3', '3', '2']"
    assert dict(os.environ) == before


def test_one_that_fails_on_its_way_is_not_waited_for():
    broken = "import sys; sys.exit('the disk is full')"
    with (
        pytest.raises(TrainingError, match="process 2 ended with exit code 1: the disk is full"),
        processes_beside(program(broken), 2),
    ):
        pytest.fail("the block must not run")


def test_one_that_fails_at_work_explains_what_torch_says_of_it():
    broken = READY + "import sys; sys.exit('out of memory')"
    with (
        pytest.raises(TrainingError, match="process 2 ended with exit code 1: out of memory"),
        processes_beside(program(broken), 2),
    ):
        raise RuntimeError("Connection closed by peer")


def test_one_that_fails_at_the_end_is_told_of():
    broken = READY + "import sys; sys.exit(3)"
    with (
        pytest.raises(TrainingError, match="exit code 3: it said nothing"),
        processes_beside(program(broken), 2),
    ):
        pass


def test_an_error_of_this_process_stays_what_it_is_and_ends_the_others(monkeypatch, tmp_path):
    monkeypatch.setattr(beside, "PATIENCE_SECONDS", 0.3)
    place = tmp_path / "pid"
    waiting = READY + f"open(r'{place}', 'w').write(str(os.getpid())); import time; time.sleep(99)"

    def fail_later() -> None:
        with processes_beside(program(waiting), 2):
            while not (place.exists() and place.read_text()):
                pass
            raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        fail_later()
    with pytest.raises(ProcessLookupError):
        os.kill(int(place.read_text()), 0)


def test_the_command_is_the_same_training_again(tmp_path):
    command = train_command(tmp_path / "r.toml", ["seed=2", "train.steps=5"], tmp_path, resume=True)
    given = ["--set", "seed=2", "--set", "train.steps=5", "--run", str(tmp_path), "--resume"]
    assert command[1:] == ["-m", "seq2seq", "train", str(tmp_path / "r.toml"), *given]
