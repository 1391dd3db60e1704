"""What a run tells while it trains: one live line, one JSON line a log point, and the trackers."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self, TextIO

from accelerate import Accelerator

from seq2seq.files import parse_json, write_text
from seq2seq.train.checkpoint import Progress
from seq2seq.train.criterion.criterion import TARGET_TOKENS

Value = float | int | str | bool | None
START = Progress()
# What a loop adds up, beside the target tokens and the parts of the criterion.
SOURCE_TOKENS, PADDED_TOKENS = "source_tokens", "padded_tokens"
LOSS, SECONDS, GRADIENT_NORM = "loss", "seconds", "gradient_norm"


class TrainingLog:
    """Writes metrics for programs and a line for people; silent on all ranks but the first.

    A ``with`` block closes it.

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

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


def update_figures(
    sums: Mapping[str, float], flops_per_token: tuple[float, float], peak_flops: float
) -> dict[str, float]:
    """What the log says of some updates.

    Args:
        sums: Losses, tokens and seconds over all of them, and the last gradient norm.
        flops_per_token: Floating-point operations for a source and for a target token.
        peak_flops: What the machine can do in a second.

    Returns:
        Loss and negative log-likelihood in nats for each target token, and the speed.
    """
    source, target = sums[SOURCE_TOKENS], sums[TARGET_TOKENS]
    seconds = max(sums[SECONDS], 1e-9)
    flops = flops_per_token[0] * source + flops_per_token[1] * target
    return {
        "loss_nats_per_token": sums[LOSS] / target,
        "nll_nats_per_token": sums["nll"] / target,
        "gradient_norm": sums[GRADIENT_NORM],
        "tokens_per_second": (source + target) / seconds,
        "padding_share": 1 - (source + target) / sums[PADDED_TOKENS],
        "matrix_peak_share": flops / seconds / peak_flops,
    }


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
