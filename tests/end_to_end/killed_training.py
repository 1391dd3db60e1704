"""Trains a recipe and kills itself with SIGKILL at a chosen moment; run by the resume tests.

    python killed_training.py RECIPE RUN MOMENT COUNT

MOMENT is what is counted, COUNT after how many of them in this process the kill comes:
"micro-batch" (inside an update, which has several), "flush" (inside a save, between two files),
"candidate" (after the weights of a validation were written, before its checkpoint), "update"
(between two updates), or "never". SIGKILL cannot be caught: nothing is cleaned up.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from seq2seq.train import checkpoint, checkpoint_writer, loop
from seq2seq.train.run import train

MOMENTS: dict[str, tuple[Any, str]] = {
    "micro-batch": (loop.Loop, "_backward"),
    "update": (loop.Loop, "update"),
    "candidate": (checkpoint_writer.CheckpointWriter, "keep_candidate"),
    "flush": (checkpoint, "_flush"),
}


def die_after(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        result = function(*args, **kwargs)
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return counted


if __name__ == "__main__":
    recipe, run, moment, count = sys.argv[1:5]
    torch.set_num_threads(1)
    if moment != "never":
        owner, name = MOMENTS[moment]
        setattr(owner, name, die_after(getattr(owner, name), int(count)))
    train(Path(recipe), run_folder=Path(run), resume=True)
