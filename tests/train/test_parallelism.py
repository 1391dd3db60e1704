"""How many processes and threads are started, tried and kept."""

import dataclasses
import json
from collections.abc import Mapping

import pytest
import torch

from seq2seq.recipe import Recipe
from seq2seq.recipe_file import parse_recipe
from seq2seq.run import Run
from seq2seq.train.checkpoint import Progress, checkpoint_path
from seq2seq.train.parallelism import Parallelism, processes_to_start, try_ways, ways_to_share

TEXT = {"source": "a.en", "target": "a.de"}
ONE, THREADS, TWO = Parallelism(1, 1), Parallelism(1, 2), Parallelism(2, 1)


def recipe(**train: object) -> Recipe:
    content = {
        "source_language": "en",
        "target_language": "de",
        "data": {"train": [TEXT], "dev": TEXT},
        "train": train,
    }
    return parse_recipe(content, where="test")


@pytest.mark.parametrize(
    ("processes", "threads", "ways"),
    [
        (1, 8, [(1, 1), (1, 8)]),
        (2, 2, [(1, 1), (1, 2), (2, 1)]),
        (6, 6, [(1, 1), (1, 6), (2, 1), (2, 3), (4, 1)]),
        (8, 20, [(1, 1), (1, 20), (2, 1), (2, 10), (4, 1), (4, 5), (8, 1), (8, 2)]),
    ],
)
def test_processes_double_and_share_the_threads(processes, threads, ways):
    found = ways_to_share(threads, processes=processes)
    assert [dataclasses.astuple(way) for way in found] == ways


def trial_of(seconds: Mapping[Parallelism, list[float]]) -> tuple[Parallelism, int]:
    """What is chosen where updates take these times, and in how many turns; the first warms up."""
    now, left = [0.0], {way: iter(times) for way, times in seconds.items()}

    def work(way: Parallelism) -> None:
        now[0] += next(left[way])

    trial = try_ways(work, list(seconds), agreed=lambda x: x, clock=lambda: now[0])
    assert trial.chosen.to_text() in trial.to_text()
    return trial.chosen, trial.turns


@pytest.mark.parametrize(
    ("one", "threads", "two", "chosen"),
    [
        (1.0, 1.3, 0.7, TWO),
        (1.0, 0.6, 0.7, THREADS),
        (1.0, 1.3, 0.95, ONE),  # within what a try cannot tell
        (1.0, 0.8, 0.78, THREADS),  # as above: fewer processes hold fewer models
    ],
)
def test_more_of_the_machine_is_taken_where_it_clearly_helps(one, threads, two, chosen):
    times = {ONE: [9.0] + [one] * 5, THREADS: [0.1] + [threads] * 5, TWO: [9.0] + [two] * 5}
    assert trial_of(times)[0] == chosen


def test_one_busy_turn_decides_nothing():
    times = {ONE: [1.0] * 6, TWO: [0.7, 0.7, 5.0, 0.7, 5.0, 0.7]}
    assert trial_of(times)[0] == TWO


def test_slow_updates_are_tried_three_times():
    assert trial_of({ONE: [10.0] * 6, TWO: [5.0] * 6}) == (TWO, 3)


def start(run, *, on_gpus=False, **train):
    return processes_to_start(recipe(**train), run, on_gpus=on_gpus)


def test_as_many_processes_start_as_may_be_tried(tmp_path, monkeypatch):
    run = Run(tmp_path)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 6)
    assert start(run) == 4
    assert start(run, processes=3) == 3
    assert start(run, on_gpus=True) == 1
    assert start(run, steps=100) == 1  # over before it is tried
    assert start(run, fsdp=True) == 1
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    assert start(run) == 8
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert start(run) == 1


def test_a_run_goes_on_as_it_began(tmp_path):
    run = Run(tmp_path)
    for step, text in {
        2: json.dumps(dataclasses.asdict(Progress(2, world_size=3))),
        4: "{",
    }.items():
        checkpoint = checkpoint_path(run.checkpoints, step)
        checkpoint.mkdir(parents=True)
        (checkpoint / "progress.json").write_text(text)
    assert start(run) == 3


def test_runs_of_earlier_versions_named_no_number(tmp_path):
    assert recipe(processes=None) == recipe(processes="auto")
