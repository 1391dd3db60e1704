"""What a run tells while it trains: one live line, one JSON line a log point, and the trackers."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from accelerate import Accelerator

from seq2seq.files import parse_json, write_text
from seq2seq.train.checkpoint import Progress

Value = float | int | str | bool | None
START = Progress()


class TrainingLog:
    """Writes metrics for programs and a line for people; silent on all ranks but the first.

    Where a resumed run stands, its lines of updates and validations beyond that are about what will
    be done again, and are dropped from the file.
    """

    def __init__(
        self,
        path: Path,
        accelerator: Accelerator,
        *,
        resumed: Progress = START,
        stream: TextIO | None = None,
    ):
        self._accelerator = accelerator
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._width = 0
        self._speaks = accelerator.is_main_process
        if self._speaks:
            path.parent.mkdir(parents=True, exist_ok=True)
            forget_after(path, resumed)
            self._file: TextIO | None = path.open("a", encoding="utf-8", buffering=1)
        else:
            self._file = None

    def say(self, text: str) -> None:
        """Print a line that stays."""
        if self._speaks:
            self._clear()
            self._stream.write(text + "\n")
            self._stream.flush()

    def progress(self, text: str) -> None:
        """Show where the run is: over the last such line on a terminal, as a new line elsewhere."""
        if not self._speaks:
            return
        self._clear()
        self._stream.write(text if self._live else text + "\n")
        self._stream.flush()
        self._width = len(text) if self._live else 0

    def record(self, kind: str, step: int, values: Mapping[str, Value]) -> None:
        """Append one line to ``metrics.jsonl`` and send its numbers to the trackers."""
        if self._file is not None:
            line = {"kind": kind, "step": step, "time": round(time.time(), 3), **values}
            self._file.write(json.dumps(line) + "\n")
        numbers = {
            f"{kind}/{name}": value
            for name, value in values.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        self._accelerator.log(numbers, step=step)

    def close(self) -> None:
        """Finish the live line and the trackers."""
        if self._file is not None:
            self._clear()
            self._file.close()
        self._accelerator.end_training()

    def _clear(self) -> None:
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0


def forget_after(path: Path, progress: Progress) -> None:
    """Keep the whole lines of a metrics file up to a place; one torn by a kill goes too."""
    if not path.is_file():
        return
    kept, text = [], path.read_text(encoding="utf-8", errors="surrogateescape")
    for line in text.splitlines():
        try:
            record = parse_json(line)
            done = progress.validated_step if record["kind"] == "dev" else progress.step
            keep = record["step"] <= done
        except (ValueError, KeyError, TypeError):
            keep = False
        if keep:
            kept.append(line + "\n")
    if "".join(kept) != text:
        write_text(path, "".join(kept))


def progress_line(progress: Progress, values: Mapping[str, Value], *, steps: int) -> str:
    """Where a run of so many updates stands, for people."""
    step = progress.step
    left = progress.elapsed_seconds / step * (steps - step)
    return (
        f"step {step:,}/{steps:,}  epoch {values['epoch']}  "
        f"loss {values['loss_nats_per_token']:.3f}  lr {values['learning_rate']:.2e}  "
        f"{values['tokens_per_second']:,.0f} tokens/s "
        f"({values['matrix_peak_share']:.0%} of matrix peak)  {duration(left)} left"
    )


def duration(seconds: float) -> str:
    """A time span as people say it: ``45 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
