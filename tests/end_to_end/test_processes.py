"""Two processes train as one: the same updates as twice the micro-batches, and the same resume."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import PartialState
from safetensors.torch import load_file
from torch.distributed.run import get_args_parser

from seq2seq.errors import TrainingError
from seq2seq.recipe import load_recipe
from seq2seq.train.checkpoint import checkpoint_path, steps_saved
from seq2seq.train.setup import check_processes
from tests.end_to_end.digits import digits_recipe, write_digits
from tests.warm import Warm

DRIVER = Path(__file__).parent / "killed_training.py"
STEPS = 8


def train_text(accumulate: int) -> str:
    return f"""
steps = {STEPS}
batch_tokens = 256
accumulate = {accumulate}
warmup_steps = 4
peak_lr = 1e-3
validate_every_steps = 8
save_every_steps = 4
log_every_steps = 1
precision = "fp32"
validation_beams = 1
"""


def write_recipe(folder: Path, name: str, *, accumulate: int, dropout: float) -> Path:
    path = folder / f"{name}.toml"
    text = digits_recipe(folder, tokenizer="vocab_size = 40", train=train_text(accumulate))
    path.write_text(text.replace("heads = 2", f"heads = 2\ndropout = {dropout}"), encoding="utf-8")
    return path


def launch(recipe: Path, run: Path) -> int:
    """Train in two processes that torchrun starts, as a user would."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command = [*launcher, DRIVER, recipe, run, "never", "0"]
    return subprocess.run(command, capture_output=True, check=False).returncode


def run_both(
    trainer: Warm, recipe: Path, run: Path, *, moment: str = "never", count: int = 0
) -> list[int]:
    """Train in two processes that are told of each other as torchrun tells them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    shared |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    program = (DRIVER, recipe, run, moment, str(count))
    started = [
        trainer.start(program, environment={**shared, "RANK": rank, "LOCAL_RANK": rank})
        for rank in ("0", "1")
    ]
    return [one.wait().returncode for one in started]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder, train=400, held_out=20)
    return folder


def losses(run: Path) -> list[float]:
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [line["loss_nats_per_token"] for line in lines if line["kind"] == "train"]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoint_path(run / "checkpoints", STEPS) / "model.safetensors")


@pytest.mark.slow
def test_two_processes_make_the_updates_of_one_with_twice_the_micro_batches(
    trainer: Warm, folder: Path
) -> None:
    one, two = folder / "one", folder / "two"
    alone = write_recipe(folder, "alone", accumulate=2, dropout=0.0)
    shared = write_recipe(folder, "shared", accumulate=1, dropout=0.0)
    assert trainer.run((DRIVER, alone, one, "never", "0")).returncode == 0
    assert launch(shared, two) == 0
    assert losses(two) == pytest.approx(losses(one), abs=1e-4)
    ours, theirs = weights(two), weights(one)
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], atol=1e-3, rtol=0)
    assert (two / "scores.json").is_file()


@pytest.mark.slow
def test_two_killed_processes_resume_to_the_same_weights(trainer: Warm, folder: Path) -> None:
    recipe = write_recipe(folder, "dropout", accumulate=2, dropout=0.2)
    whole, killed = folder / "whole", folder / "killed"
    assert run_both(trainer, recipe, whole) == [0, 0]
    assert 0 not in run_both(trainer, recipe, killed, moment="micro-batch", count=14)
    assert steps_saved(killed / "checkpoints") == [4]
    assert run_both(trainer, recipe, killed) == [0, 0]
    for name, tensor in weights(killed).items():
        assert torch.equal(tensor, weights(whole)[name]), name


def test_fewer_processes_than_asked_for_are_refused(folder: Path) -> None:
    recipe = write_recipe(folder, "many", accumulate=1, dropout=0.0)
    with pytest.raises(
        TrainingError, match=r"train.processes = 2: 1 process\(es\) take part"
    ) as caught:
        check_processes(load_recipe(recipe, ["train.processes=2"]), PartialState())
    _, _, advice = str(caught.value).partition("torchrun ")
    words = advice.removesuffix("'").removesuffix(" …").split()
    read = get_args_parser().parse_args([*words, "recipe.toml", "--run", "folder"])
    assert (read.nproc_per_node, read.module, read.training_script) == ("2", True, "seq2seq")
    assert read.training_script_args == ["train", "recipe.toml", "--run", "folder"]
