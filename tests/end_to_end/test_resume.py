"""Kill a run at the worst moments, resume it, and ask for the very same model."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest
from safetensors.torch import load_file

from seq2seq.train.checkpoint import checkpoint_path, newest_sound_checkpoint, steps_saved
from tests.end_to_end.digits import digits_recipe, write_digits
from tests.end_to_end.kill import DRIVER, KILLED, run_training
from tests.warm import Warm

STEPS = 24
# Dropout, subword sampling, several micro-batches an update, averaging: all that could differ.
RECIPE = {
    "tokenizer": "vocab_size = 40\nsampling_alpha = 0.3",
    "train": f"""
steps = {STEPS}
batch_tokens = 128
accumulate = 3
warmup_steps = 5
peak_lr = 0.01
validate_every_steps = 6
save_every_steps = 4
log_every_steps = 5
keep_best = 2
precision = "fp32"
validation_beams = 2
""",
    "decode": "beams = 2\nmax_length_factor = 1.0\nmax_length_extra = 4",  # nothing is learnt
}
SEED = time.time_ns() % 1000  # of a random moment; printed where the test fails


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder, train=300, held_out=10)
    path = folder / "digits.toml"
    path.write_text(digits_recipe(folder, **RECIPE), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def uninterrupted(recipe: Path) -> Path:
    """A run in a process that shares nothing with the others, nor its order of hashes."""
    run = recipe.parent / "uninterrupted"
    command = [sys.executable, DRIVER, recipe, run, "never", "0"]
    subprocess.run(command, capture_output=True, check=True)
    return run


def assert_same_end(run: Path, expected: Path) -> None:
    """Bit for bit: weights, optimizer, random state, the model folder, the translations."""
    ours, theirs = (checkpoint_path(one / "checkpoints", STEPS) for one in (run, expected))
    for name in ("model.safetensors", "optimizer.safetensors", "rng-0.safetensors"):
        mine, other = load_file(ours / name), load_file(theirs / name)
        assert mine.keys() == other.keys()
        for key, tensor in mine.items():
            assert tensor.numpy().tobytes() == other[key].numpy().tobytes(), f"{name}: {key}"
    for name in ("best/model.safetensors", "translations/digits.txt", "scores.json"):
        assert (run / name).read_bytes() == (expected / name).read_bytes(), name
    assert logged(run) == logged(expected)


def logged(run: Path) -> list[dict[str, Any]]:
    """The log without what depends on how fast this machine was."""
    clock = ("time", "seconds", "tokens_per_second", "matrix_peak_share")
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [
        {key: value for key, value in line.items() if not key.endswith(clock)} for line in lines
    ]


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_bit_for_bit_as_one_never_killed(
    trainer: Warm, recipe: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "killed"
    kills = [
        ("micro-batch", 5),  # before anything was saved, inside the first update (3: the dry run)
        ("flush", 7),  # inside the first save, after the tokenizer's four: some files are there
        ("micro-batch", 17),  # inside a window: the dry run, 4 updates of 3, and 2 more
        ("candidate", 1),  # weights of a validation kept, its checkpoint not
        ("flush", 5),  # inside a save, the manifest not yet written
        ("update", 7),  # between two updates, after the last save
        ("micro-batch", random.Random(SEED).randint(4, 11)),
    ]
    for moment, count in kills:
        code = run_training(trainer, recipe, run, moment=moment, count=count)
        assert code == KILLED, (moment, count)
        half_written = list((run / "checkpoints").glob(".tmp-step-*"))
        assert bool(half_written) == (moment == "flush"), (moment, half_written)
    assert run_training(trainer, recipe, run) == 0
    assert_same_end(run, uninterrupted)


@pytest.mark.slow
def test_damaged_files_are_passed_over_or_made_again_and_change_nothing(
    trainer: Warm, recipe: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    """Of the encoded corpus, of the weights kept of the best, and of the newest checkpoint."""
    run = tmp_path / "damaged"
    checkpoints = run / "checkpoints"
    assert run_training(trainer, recipe, run, moment="update", count=9) == KILLED
    for path in (recipe.parent / "cache").iterdir():
        flip_bits(path, 40)

    assert run_training(trainer, recipe, run, moment="update", count=5) == KILLED
    assert steps_saved(checkpoints) == [8, 12]
    weights = checkpoints / "weights-000012.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    assert newest_sound_checkpoint(checkpoints)[0].name == "step-000008"

    assert run_training(trainer, recipe, run, moment="update", count=7) == KILLED
    flip_bits(checkpoint_path(checkpoints, 12) / "model.safetensors", 1)
    assert newest_sound_checkpoint(checkpoints)[1]
    assert newest_sound_checkpoint(checkpoints)[0].name == "step-000008"
    assert run_training(trainer, recipe, run) == 0
    assert_same_end(run, uninterrupted)


def flip_bits(path: Path, count: int) -> None:
    content = bytearray(path.read_bytes())
    for place in random.Random(SEED).sample(range(len(content)), count):
        content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.slow
def test_the_test_can_tell_runs_apart(
    trainer: Warm, recipe: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    """The negative twin: one random number drawn elsewhere, and the comparison fails."""
    other = tmp_path / "other.toml"
    other.write_text("seed = 2\n" + recipe.read_text(encoding="utf-8"), encoding="utf-8")
    run = tmp_path / "other"
    assert run_training(trainer, other, run) == 0
    with pytest.raises(AssertionError):
        assert_same_end(run, uninterrupted)


@pytest.mark.slow
def test_a_signal_saves_and_the_resumed_run_is_the_same(
    trainer: Warm, recipe: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    """SIGTERM as a cluster sends it, at whatever moment it happens to arrive."""
    run = tmp_path / "stopped"
    process = trainer.start((DRIVER, recipe, run, "never", "0"))
    process.wait_until_said("step 5/")
    os.kill(process.pid, SIGTERM)
    assert process.wait().returncode == 0
    saved = steps_saved(run / "checkpoints")[-1]
    assert 5 <= saved < STEPS
    assert run_training(trainer, recipe, run) == 0
    assert_same_end(run, uninterrupted)
