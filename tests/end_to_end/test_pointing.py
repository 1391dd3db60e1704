"""Guidance and bottleneck from a recipe: counted, refused where they cannot work, resumed."""

import json
from pathlib import Path

import pytest

from seq2seq.errors import DataError
from seq2seq.run import Run
from seq2seq.train.run import train
from tests.end_to_end.kill import KILLED, run_training
from tests.train.pointing import fillers, recipe_text, write_corpus
from tests.warm import Warm

STEPS = 24
BOTH = f"""
steps = {STEPS}
batch_tokens = 400
accumulate = 2
warmup_steps = 5
peak_lr = 0.01
validate_every_steps = 6
save_every_steps = 4
log_every_steps = 3
validation_beams = 1
guided_attention = {{ weight = 1.0, layer = 1, head = 0, schedule = "linear" }}
bottleneck = {{ share = 0.5, visible = ["pronoun", "cue"] }}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    write_corpus(tmp_path)
    path = tmp_path / "pointing.toml"
    path.write_text(recipe_text(tmp_path, train=BOTH), encoding="utf-8")
    return path


@pytest.mark.slow
def test_the_data_report_counts_the_rows_that_point(recipe: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    few = ("train.steps=1", "train.warmup_steps=0", "train.validate_every_steps=1")
    train(recipe, overrides=few, run_folder=run.folder)
    counts = json.loads(run.data_report.read_text())["marked_rows"]
    assert counts == {"rows": 136, "guided": 120, "decided": 60}
    plain = Run(tmp_path / "plain")
    off = ("train.guided_attention.weight=0", "train.bottleneck.share=0")
    train(recipe, overrides=[*few, *off], run_folder=plain.folder)
    assert "marked_rows" not in json.loads(plain.data_report.read_text())


def test_a_recipe_that_guides_without_items_is_refused(recipe: Path, tmp_path: Path) -> None:
    write_corpus(tmp_path, fillers())
    message = "train.guided_attention: none of 16 training rows carries an antecedent"
    with pytest.raises(DataError, match=message):
        train(recipe, run_folder=tmp_path / "run")


@pytest.mark.slow
def test_a_killed_run_ends_bit_for_bit_as_one_never_killed(
    trainer: Warm, recipe: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run_training(trainer, recipe, whole) == 0
    for moment, count in (("micro-batch", 14), ("update", 7), ("flush", 5)):
        code = run_training(trainer, recipe, killed, moment=moment, count=count)
        assert code == KILLED, moment
    assert run_training(trainer, recipe, killed) == 0
    assert_same_weights(killed, whole)
    lines = [json.loads(line) for line in Run(killed).metrics.read_text().splitlines()]
    guided = [line["guided_nats_per_sentence"] for line in lines if line["kind"] == "train"]
    assert guided[-1] < guided[0]
    shares = {line["bottleneck_share"] for line in lines if line["kind"] == "train"}
    assert max(shares) > 0


def assert_same_weights(run: Path, expected: Path) -> None:
    last = f"checkpoints/step-{STEPS:06d}"
    for name in ("model", "optimizer", "rng-0"):
        ours, theirs = (one / last / f"{name}.safetensors" for one in (run, expected))
        assert ours.read_bytes() == theirs.read_bytes(), name
