"""Two processes train as one: the same updates as twice the micro-batches, and the same resume."""

import json
import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL

import pytest
import torch
from accelerate import PartialState
from safetensors.torch import load_file
from torch.distributed.run import get_args_parser

from seq2seq.errors import TrainingError
from seq2seq.model.stock import load_model
from seq2seq.recipe_file import load_recipe
from seq2seq.run import Run
from seq2seq.stock_tokenizer import open_tokenizer
from seq2seq.train.checkpoint import checkpoint_path, read_progress, steps_saved
from seq2seq.train.setup import check_processes
from seq2seq.train.validate import decode_options
from seq2seq.translate import Translator
from tests.end_to_end.digits import digits_recipe, write_digits
from tests.end_to_end.kill import DRIVER, KILLED, run_training
from tests.warm import Ended, Warm

STEPS = 8
AUTO_DRIVER = Path(__file__).parent / "auto_training.py"
ALONE = ("--set", "train.processes=1")


def train_text(accumulate: int) -> str:
    """An epoch has an even number of batches; of an odd one, two processes halve one."""
    return f"""
steps = {STEPS}
batch_tokens = 240
accumulate = {accumulate}
warmup_steps = 4
peak_lr = 1e-3
validate_every_steps = 8
save_every_steps = 4
log_every_steps = 1
precision = "fp32"
validation_beams = 1
"""


def write_recipe(
    folder: Path, name: str, *, accumulate: int, dropout: float, processes: int | None = None
) -> Path:
    path = folder / f"{name}.toml"
    train = train_text(accumulate)
    if processes is not None:
        train += f"processes = {processes}\n"
    text = digits_recipe(folder, tokenizer="vocab_size = 40\nbyte_fallback = false", train=train)
    path.write_text(text.replace("heads = 2", f"heads = 2\ndropout = {dropout}"), encoding="utf-8")
    return path


def launch(trainer: Warm, recipe: Path, run: Path) -> int:
    """Train in two processes that torchrun starts."""
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    return trainer.run((*launcher, DRIVER, recipe, run, "never", "0")).returncode


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder, train=400, held_out=20)
    return folder


@pytest.fixture(scope="module")
def alone(trainer: Warm, folder: Path) -> Path:
    """The run of one process, with twice the micro-batches."""
    run = folder / "one"
    assert run_training(trainer, write_recipe(folder, "alone", accumulate=2, dropout=0.0), run) == 0
    return run


def losses(run: Path) -> list[float]:
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [line["loss_nats_per_token"] for line in lines if line["kind"] == "train"]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoint_path(run / "checkpoints", STEPS) / "model.safetensors")


@pytest.mark.slow
def test_two_processes_make_the_updates_of_one_with_twice_the_micro_batches(
    trainer: Warm, folder: Path, alone: Path
) -> None:
    two = folder / "two"
    shared = write_recipe(folder, "shared", accumulate=1, dropout=0.0, processes=2)
    ended = trainer.run(("-m", "seq2seq", "train", shared, "--run", two))  # starts its own other
    assert ended.returncode == 0, ended.stderr
    assert losses(two) == pytest.approx(losses(alone), abs=1e-4)
    ours, theirs = weights(two), weights(alone)
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], atol=1e-3, rtol=0)
    assert (two / "scores.json").is_file()
    assert_translated_as_by_one(shared, Run(two))


def assert_translated_as_by_one(recipe: Path, run: Run) -> None:
    """Both processes translated a share of the test set, and of its words nothing else."""
    tokenizer, spec = open_tokenizer(run.best), load_recipe(recipe)
    texts = [line.split("\t")[0] for line in (recipe.parent / "test.tsv").read_text().splitlines()]
    options = decode_options(spec, beams=spec.decode.beams, first_id=None)
    alone = Translator(load_model(run.best), tokenizer).translate(texts, options)
    written = (run.translations / "digits.txt").read_text(encoding="utf-8").splitlines()
    assert written == [one.text for one in alone]
    assert len(set(written)) > 1


def train_where_fastest(
    trainer: Warm, recipe: Path, run: Path, processes: int, *, kill: str = "never", count: int = 0
) -> Ended:
    """Train in as many processes as a trial finds fastest, on a clock that says how many."""
    return trainer.run((AUTO_DRIVER, recipe, run, str(processes), kill, str(count)))


@pytest.mark.slow
def test_processes_that_a_trial_chose_share_out_the_pairs_of_micro_batches(
    trainer: Warm, folder: Path, alone: Path
) -> None:
    recipe = write_recipe(folder, "auto", accumulate=2, dropout=0.0)
    two, one = folder / "auto-two", folder / "auto-one"
    ended = train_where_fastest(trainer, recipe, two, 2)
    assert ended.returncode == 0, ended.stderr
    assert "2 processes of 1 thread (" in ended.stderr
    assert progress_of(two) == (2, 1, True)
    assert losses(two) == pytest.approx(losses(alone), abs=1e-4)
    for name, tensor in weights(two).items():
        torch.testing.assert_close(tensor, weights(alone)[name], atol=1e-3, rtol=0)
    ended = train_where_fastest(trainer, recipe, one, 1)
    assert ended.returncode == 0, ended.stderr
    assert progress_of(one) == (1, 1, True)
    assert weights_equal(weights(one), weights(alone))  # a trial leaves no trace


@pytest.mark.slow
def test_a_killed_run_goes_on_in_the_processes_that_a_trial_chose(
    trainer: Warm, folder: Path
) -> None:
    recipe = write_recipe(folder, "auto-dropout", accumulate=2, dropout=0.2)
    whole, killed = folder / "auto-whole", folder / "auto-killed"
    assert train_where_fastest(trainer, recipe, whole, 2).returncode == 0
    ended = train_where_fastest(trainer, recipe, killed, 2, kill="update", count=6)
    assert (ended.returncode, steps_saved(killed / "checkpoints")) == (KILLED, [4])
    ended = train_where_fastest(trainer, recipe, killed, 1)  # whatever were the fastest now
    assert ended.returncode == 0, ended.stderr
    assert "1 process of" not in ended.stderr
    assert weights_equal(weights(killed), weights(whole))
    refused = trainer.run(("-m", "seq2seq", "train", recipe, "--run", killed, "--resume", *ALONE))
    assert refused.returncode == 2
    assert "saved by 2 process(es), 1 take part" in refused.stderr


def progress_of(run: Path) -> tuple[int, int | None, bool]:
    """Processes, threads of each, and whether they share out micro-batches."""
    progress = read_progress(checkpoint_path(run / "checkpoints", STEPS))
    return progress.world_size, progress.threads, progress.shares


@pytest.mark.slow
def test_two_killed_processes_resume_to_the_weights_of_two_that_torchrun_started(
    trainer: Warm, folder: Path
) -> None:
    recipe = write_recipe(folder, "dropout", accumulate=2, dropout=0.2, processes=2)
    whole, killed = folder / "whole", folder / "killed"
    assert launch(trainer, recipe, whole) == 0
    assert run_training(trainer, recipe, killed, moment="micro-batch", count=16) == KILLED
    assert steps_saved(killed / "checkpoints") == [4]
    # The other process hears nothing of the first any more, and ends.
    assert run_training(trainer, recipe, killed) == 0
    for name, tensor in weights(killed).items():
        assert torch.equal(tensor, weights(whole)[name]), name


@pytest.mark.slow
def test_two_sharded_processes_make_the_updates_of_one_and_resume_exactly(
    trainer: Warm, folder: Path, alone: Path
) -> None:
    recipe = write_recipe(folder, "sharded", accumulate=1, dropout=0.0, processes=2)
    recipe.write_text(recipe.read_text().replace("processes = 2", "processes = 2\nfsdp = true"))
    whole, killed = folder / "sharded-whole", folder / "sharded-killed"
    assert run_training(trainer, recipe, whole) == 0
    assert losses(whole) == pytest.approx(losses(alone), abs=1e-4)
    best = load_file(whole / "best" / "model.safetensors")
    for name, tensor in load_file(alone / "best" / "model.safetensors").items():
        torch.testing.assert_close(best[name], tensor, atol=1e-3, rtol=0)

    assert run_training(trainer, recipe, killed, moment="update", count=6) == KILLED
    assert steps_saved(killed / "checkpoints") == [4]
    assert run_training(trainer, recipe, killed) == 0
    ends = [checkpoint_path(run / "checkpoints", STEPS) for run in (whole, killed)]
    for rank in (0, 1):
        for name in ("model", "optimizer", "rng"):
            parts = [end / f"{name}-{rank}.safetensors" for end in ends]
            assert parts[0].read_bytes() == parts[1].read_bytes(), parts[0].name
    for path in (whole / "best").iterdir():
        assert path.read_bytes() == (killed / "best" / path.name).read_bytes(), path.name


@pytest.mark.slow
def test_two_machines_without_a_common_disk_train_as_one_and_go_back_to_what_both_have(
    trainer: Warm, folder: Path
) -> None:
    """Each has a run folder of its own; one of them then loses its newest checkpoint."""
    recipe = write_recipe(folder, "machines", accumulate=1, dropout=0.2)
    runs = [folder / "machine-0", folder / "machine-1"]
    train_on_machines(trainer, recipe, runs)
    ends = [checkpoint_path(run / "checkpoints", STEPS) for run in runs]
    first = load_file(ends[0] / "model.safetensors")
    assert weights_equal(first, weights(runs[1]))
    assert [(run / "scores.json").is_file() for run in runs] == [True, False]
    shutil.rmtree(ends[1])
    said = train_on_machines(trainer, recipe, runs)
    assert "step-000008: not saved on every disk" in said
    assert "resuming at step 4" in said
    assert all(weights_equal(first, weights(run)) for run in runs)


def train_on_machines(trainer: Warm, recipe: Path, runs: Sequence[Path]) -> str:
    """Train as a launcher on each machine starts it; what the first process said."""
    port = free_port()
    started = [
        trainer.start(
            (DRIVER, recipe, run, "never", "0"),
            environment={
                "RANK": str(rank), "WORLD_SIZE": str(len(runs)), "LOCAL_RANK": "0",
                "LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
                "GLOO_SOCKET_IFNAME": "lo",
            },
        )
        for rank, run in enumerate(runs)
    ]  # fmt: skip
    ended = [one.wait() for one in started]
    assert [one.returncode for one in ended] == [0, 0], "\n".join(one.stderr for one in ended)
    return ended[0].stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def weights_equal(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_the_first_process_tells_why_another_has_failed(trainer: Warm, folder: Path) -> None:
    recipe = write_recipe(folder, "lost", accumulate=1, dropout=0.0, processes=2)
    steps = ("--set", "train.steps=100000", "--set", "train.validate_every_steps=100000")
    program = ("-m", "seq2seq", "train", recipe, "--run", folder / "lost", *steps)
    first = trainer.start(program)
    first.wait_until_said("step 3/")
    (other,) = children(first.pid)
    os.kill(other, SIGKILL)
    ended = first.wait()
    assert ended.returncode == 2
    assert "error: process 2 ended with exit code -9" in ended.stderr


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    return [int(one) for one in listed.split()]


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
