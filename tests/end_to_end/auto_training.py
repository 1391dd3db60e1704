"""Trains a recipe whose processes are tried, on a clock that makes some number of them the fastest.

    python auto_training.py RECIPE RUN PROCESSES MOMENT COUNT

MOMENT and COUNT as in ``killed_training.py``. The machine has two threads, and no run is too short
for a trial.
"""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from seq2seq.train import launch, parallelism, trial
from seq2seq.train.parallelism import Parallelism
from seq2seq.train.run import train
from tests.end_to_end.killed_training import MOMENTS, Fork, die_after


def fastest_in(processes: int) -> None:
    """Let an update take a tenth of the time in so many processes of one thread each."""
    now, update = [0.0], trial.TrialUpdates.update

    def timed(updates: trial.TrialUpdates, way: Parallelism) -> None:
        update(updates, way)
        now[0] += 0.1 if way == Parallelism(processes, 1) else 1.0

    trial.TrialUpdates.update = timed  # type: ignore[method-assign]
    trial.time = SimpleNamespace(perf_counter=lambda: now[0])  # type: ignore[assignment]


if __name__ == "__main__":
    recipe, run, processes, moment, count = sys.argv[1:6]
    fastest_in(int(processes))
    parallelism.FEWEST_STEPS = 1  # type: ignore[misc]
    starting: Any = SimpleNamespace(**vars(launch.subprocess) | {"Popen": Fork})
    launch.subprocess = starting
    torch.set_num_threads(2)
    sys.setswitchinterval(1000)  # see killed_training.py
    if moment != "never":
        owner, name = MOMENTS[moment]
        setattr(owner, name, die_after(getattr(owner, name), int(count)))
    train(Path(recipe), run_folder=Path(run), resume=True)
