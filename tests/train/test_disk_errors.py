"""A full or broken disk ends a run in one line, and what was saved before is kept."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.errors import TrainingError
from seq2seq.model.weights import write_weights
from seq2seq.run import Run
from seq2seq.train import checkpoint
from seq2seq.train.checkpoint import damage, newest_sound_checkpoint, steps_saved
from seq2seq.train.disk_errors import disk_errors_explained
from seq2seq.train.log import TrainingLog
from seq2seq.train.run import train
from tests.end_to_end.digits import digits_recipe, write_digits

TRAIN = """
steps = 4
batch_tokens = 128
warmup_steps = 2
validate_every_steps = 4
save_every_steps = 2
precision = "fp32"
validation_beams = 1
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    write_digits(tmp_path, train=60, held_out=4)
    path = tmp_path / "digits.toml"
    path.write_text(digits_recipe(tmp_path, tokenizer="vocab_size = 34", train=TRAIN), "utf-8")
    return path


def test_a_disk_that_is_full_at_the_second_save_leaves_the_first_and_a_resumed_run_ends(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, write = Run(tmp_path / "run"), checkpoint.write_weights

    def full(tensors: Any, path: Path) -> None:
        if path.parent.name == ".tmp-step-000004" and "optimizer" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(tensors, path)

    monkeypatch.setattr(checkpoint, "write_weights", full)
    with pytest.raises(TrainingError) as caught:
        train(recipe, run_folder=run.folder)
    assert "optimizer.safetensors: cannot be read or written (No space left on device)" in (
        said := str(caught.value)
    )
    assert said.endswith(
        "the checkpoint of step 2 is kept; mend this, then give the same command with --resume"
    )
    assert steps_saved(run.checkpoints) == [2]
    monkeypatch.setattr(checkpoint, "write_weights", write)
    assert train(recipe, run_folder=run.folder, resume=True).finished is not None
    assert damage(newest_sound_checkpoint(run.checkpoints)[0]) is None


@pytest.mark.parametrize("name", ["metrics.jsonl", "recipe.toml", "recipe.json", "checkpoints"])
def test_something_else_in_the_place_of_a_file_is_named(
    recipe: Path, tmp_path: Path, name: str
) -> None:
    run = Run(tmp_path / "run")
    place = run.folder / name
    if name == "checkpoints":
        run.folder.mkdir()
        place.touch()
    else:
        (place / "deeper").mkdir(parents=True)
    with pytest.raises(TrainingError, match=rf"{name}\b.*: cannot be read or written \(") as caught:
        train(recipe, run_folder=run.folder)
    assert str(caught.value).endswith(
        "nothing was saved yet; mend this, then give the command again"
    )


def test_a_training_that_fails_before_its_loop_leaves_no_file_of_its_folder_open(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs: list[Any] = []

    class Noted(TrainingLog):
        def __init__(self, *args: Any, **kwargs: Any):
            super().__init__(*args, **kwargs)
            logs.append(self)

    def fail(*_: Any, **__: Any) -> float:
        raise ValueError("no peak")

    monkeypatch.setattr("seq2seq.train.run.TrainingLog", Noted)
    monkeypatch.setattr("seq2seq.train.run.matrix_peak", fail)
    with pytest.raises(ValueError, match="no peak"):
        train(recipe, run_folder=tmp_path / "run")
    assert [log._file.closed for log in logs] == [True]


def test_a_run_folder_that_is_a_file_is_named(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(TrainingError, match=r"run: cannot be read or written \(File exists\)"):
        train(recipe, run_folder=tmp_path / "run")


def test_a_fault_that_has_nothing_to_do_with_the_run_stays_what_it_is(tmp_path: Path) -> None:
    for error in (ConnectionError("lost"), FileNotFoundError(2, "No such file", "/elsewhere/a")):
        with pytest.raises(type(error)), disk_errors_explained(Run(tmp_path)):
            raise error
    with pytest.raises(TrainingError, match="No space"), disk_errors_explained(Run(tmp_path)):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_what_safetensors_says_of_a_full_disk_is_what_the_system_said(tmp_path: Path) -> None:
    tensors = {"a": torch.zeros(100_000)}
    with pytest.raises(OSError, match="No such file or directory") as caught:
        write_weights(tensors, tmp_path / "nowhere" / "a.safetensors")
    assert caught.value.errno == errno.ENOENT
