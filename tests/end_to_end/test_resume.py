"""Kill a run at the worst moments, resume it, and ask for the very same model."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from seq2seq.train.checkpoint import checkpoint_path, newest_sound_checkpoint, steps_saved
from tests.end_to_end.digits import digits_recipe, write_digits
from tests.warm import Warm

DRIVER = Path(__file__).parent / "killed_training.py"
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
}
SIGKILL = -9
SEED = time.time_ns() % 1000  # of a random moment; printed where the test fails


def run_training(
    trainer: Warm, recipe: Path, run: Path, *, moment: str = "never", count: int = 0
) -> int:
    return trainer.run((DRIVER, recipe, run, moment, str(count))).returncode


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder, train=300, held_out=20)
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
        assert code == SIGKILL, (moment, count)
        half_written = list((run / "checkpoints").glob(".tmp-step-*"))
        assert bool(half_written) == (moment == "flush"), (moment, half_written)
    assert run_training(trainer, recipe, run) == 0
    assert_same_end(run, uninterrupted)


@pytest.mark.slow
def test_a_damaged_checkpoint_is_passed_over_and_changes_nothing(
    trainer: Warm, recipe: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "damaged"
    assert run_training(trainer, recipe, run, moment="update", count=15) == SIGKILL
    checkpoints = run / "checkpoints"
    newest = checkpoint_path(checkpoints, steps_saved(checkpoints)[-1]) / "model.safetensors"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    assert newest_sound_checkpoint(checkpoints)[1]
    assert run_training(trainer, recipe, run) == 0
    assert_same_end(run, uninterrupted)


@pytest.mark.slow
def test_flipped_bits_in_the_encoded_corpus_change_nothing(
    trainer: Warm, recipe: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "rotten"
    assert run_training(trainer, recipe, run, moment="update", count=9) == SIGKILL
    for path in (recipe.parent / "cache").iterdir():
        content = bytearray(path.read_bytes())
        for place in random.Random(SEED).sample(range(len(content)), 40):
            content[place] ^= 1
        path.write_bytes(content)
    assert run_training(trainer, recipe, run) == 0
    assert_same_end(run, uninterrupted)


@pytest.mark.slow
def test_weights_among_the_best_that_were_damaged_are_made_again(
    trainer: Warm, recipe: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "worse"
    assert run_training(trainer, recipe, run, moment="update", count=13) == SIGKILL
    assert steps_saved(run / "checkpoints") == [8, 12]
    weights = run / "checkpoints" / "weights-000012.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    assert newest_sound_checkpoint(run / "checkpoints")[0].name == "step-000008"
    assert run_training(trainer, recipe, run) == 0
    assert_same_end(run, uninterrupted)


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
    command = [sys.executable, str(DRIVER), str(recipe), str(run), "never", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("step 5"):
                process.terminate()
                break
        process.stderr.read()
    assert process.returncode == 0
    saved = steps_saved(run / "checkpoints")[-1]
    assert 5 <= saved < STEPS
    assert run_training(trainer, recipe, run) == 0
    assert_same_end(run, uninterrupted)
