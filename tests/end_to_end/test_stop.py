"""SIGTERM in the middle of a validation and of the final scoring: obeyed at once, nothing lost."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2seq.engines import engine, native
from seq2seq.train.checkpoint import checkpoint_path, steps_saved
from seq2seq.train.run import TrainResult, train
from tests.end_to_end.digits import digits_recipe, write_digits

TRAIN = """
steps = 4
batch_tokens = 128
warmup_steps = 2
peak_lr = 0.01
validate_every_steps = 2
save_every_steps = 4
keep_best = 1
precision = "fp32"
validation_beams = 1
"""
BATCHES = 3  # of a dev or test set: 12 sources, 4 at a time

Start = Callable[..., TrainResult]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    write_digits(tmp_path, train=60, held_out=4 * BATCHES)
    text = digits_recipe(tmp_path, tokenizer="vocab_size = 34", train=TRAIN)
    path = tmp_path / "digits.toml"
    path.write_text(text.replace("heads = 2", "heads = 2\ndropout = 0.2"), encoding="utf-8")
    return path


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """``start(recipe, run, at=n)`` trains, or resumes, and is sent SIGTERM in the n-th batch."""
    monkeypatch.setattr(
        engine, "length_batches", lambda lengths, _: [range(n, n + 4) for n in (0, 4, 8)]
    )
    beams, asked = native.search_beams, [0, 0]

    def search_beams(*arguments: Any) -> Any:
        asked[0] += 1
        if asked[0] == asked[1]:
            os.kill(os.getpid(), signal.SIGTERM)
        return beams(*arguments)

    monkeypatch.setattr(native, "search_beams", search_beams)

    def begin(recipe: Path, run: Path, *, at: int = 0) -> TrainResult:
        asked[:] = [0, at]
        result = train(recipe, run_folder=run, resume=True)
        assert not at or asked[0] == at, "batches were searched after the signal"
        return result

    return begin


def test_a_run_stopped_in_a_validation_and_in_its_scoring_ends_as_one_never_stopped(
    recipe: Path, start: Start, tmp_path: Path
) -> None:
    whole, run = tmp_path / "whole", tmp_path / "stopped"
    assert start(recipe, whole).finished is not None

    left = start(recipe, run, at=2)  # the second batch of the first validation
    assert (left.interrupted, left.finished) == ("training", None)
    assert "interrupted at step 2; saved in" in left.to_text()
    assert steps_saved(run / "checkpoints") == [2]

    left = start(recipe, run, at=2 * BATCHES + 1)  # after that validation again, and the last one
    assert (left.interrupted, left.finished) == ("scoring", None)
    assert "interrupted in the final scoring; all 4 steps are saved" in left.to_text()
    assert "--resume to score them" in left.to_text()
    assert not left.run.scores.exists()

    assert start(recipe, run).finished is not None
    for folder in (whole, run):
        assert steps_saved(folder / "checkpoints")[-1] == 4
    for name in ("model", "optimizer", "rng-0"):
        ours, theirs = (
            checkpoint_path(one / "checkpoints", 4) / f"{name}.safetensors" for one in (run, whole)
        )
        assert ours.read_bytes() == theirs.read_bytes(), name
    for name in ("scores.json", "translations/digits.txt", "best/model.safetensors"):
        assert (run / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_finished_run_that_is_trained_further_is_not_finished_until_it_is_scored_again(
    recipe: Path, start: Start, tmp_path: Path
) -> None:
    run = start(recipe, tmp_path / "run").run
    assert start(recipe, run.folder).run.scores.exists()
    recipe.write_text(recipe.read_text().replace("\nsteps = 4", "\nsteps = 6"), encoding="utf-8")
    assert start(recipe, run.folder, at=2).interrupted == "training"
    assert not run.scores.exists(), "they are those of fewer updates"
    assert start(recipe, run.folder).finished is not None
    assert run.scores.exists()
