"""Trains in a process of its own, which kills itself at a chosen moment: see killed_training.py."""

from pathlib import Path
from signal import SIGKILL

from tests.warm import Warm

DRIVER = Path(__file__).parent / "killed_training.py"
KILLED = -SIGKILL


def run_training(
    trainer: Warm, recipe: Path, run: Path, *, moment: str = "never", count: int = 0
) -> int:
    """Train, or resume, and return the exit code: 0, or `KILLED`."""
    return trainer.run((DRIVER, recipe, run, moment, str(count))).returncode
