"""Number formats of training: which one, what Accelerate calls it, and the loss scale of fp16."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from accelerate import Accelerator

from seq2seq.errors import TrainingError
from seq2seq.train.hardware import out_of_memory

Precision = Literal["fp32", "tf32", "bf16", "fp16"]
HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}
ONLY_GPU = ("tf32", "fp16")
# Least share of the time that 16 bits must save: bf16, taken for 731 against 732 ms, was then the
# slower.
LEAST_GAIN = 0.07
# What every turn must save, or cost, for the fewest turns to be enough.
CLEAR_GAIN = 0.3
LEAST_TURNS, MOST_TURNS, TRIAL_SECONDS = 3, 9, 20.0


def dtype_of(precision: Precision) -> torch.dtype:
    """What the products of a number format are computed in."""
    return HALVES.get(precision, torch.float32)


def use_precision(precision: Precision, device: torch.device) -> None:
    """Let products of 32 bits be rounded as the number format says.

    Raises:
        TrainingError: The device does not have the format.
    """
    if precision in ONLY_GPU and device.type != "cuda":
        raise TrainingError(
            f"train.precision = '{precision}': this run computes on '{device.type}', needed an "
            "NVIDIA or AMD GPU; use bf16, fp32 or auto"
        )
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")


def half_precision(device: torch.device) -> Precision:
    """The format of 16 bits that a device computes in: fp16 where a GPU has no bf16 of its own."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "fp16"
    return "bf16"


@dataclass(frozen=True)
class PrecisionTrial:
    """What measuring two number formats found."""

    chosen: Precision
    seconds: dict[Precision, float]
    """Median of an update's forward and backward pass; infinite where memory ran out."""
    turns: int
    gain: float
    """Share of the time that the shorter format saves, the median over the turns; negative where it
    costs."""

    def to_text(self) -> str:
        """The choice with the times it rests on."""
        times = ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in self.seconds.items())
        if math.isfinite(self.gain):
            told, half = "saves" if self.gain >= 0 else "costs", list(self.seconds)[1]
            times += (
                f" an update, medians of {self.turns} turns; {half} {told} {abs(self.gain):.0%}"
            )
        return f"precision {self.chosen} ({times}, taken where it saves {LEAST_GAIN:.0%})"


def try_precisions(
    work: Callable[[Precision], None],
    *,
    half: Precision = "bf16",
    turns: int = MOST_TURNS,
    clock: Callable[[], float] = time.perf_counter,
) -> PrecisionTrial:
    """Time the same work in fp32 and 16 bits, and take 16 where they are clearly faster.

    Both are timed in each turn, the first of them changing, and compared within it, so that a busy
    moment or a machine that slows down decides nothing. On a tie fp32 stays, which is more exact.

    Args:
        work: Runs one forward and backward pass in the format it is given.
        half: The format of 16 bits.
        turns: Timed turns; fewer, but at least three, where they take long or all say clearly the
            same.
        clock: Seconds since any moment.

    Returns:
        The format, the times, and what they were compared by.
    """
    times: dict[Precision, list[float]] = {"fp32": [], half: []}
    begin = clock()
    for turn in range(turns + 1):  # the first turn warms up
        if turn > LEAST_TURNS and (clock() - begin > TRIAL_SECONDS or _all_clear(times)):
            break
        order = list(times) if turn % 2 else list(reversed(times))
        for precision in order:
            seconds = _timed(work, precision, clock)
            if turn:
                times[precision].append(seconds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    ratios = _ratios(times)
    if all(map(math.isfinite, medians.values())):
        gain = 1 - statistics.median(ratios)
    else:  # one of them does not fit into memory
        gain = math.inf if medians[half] < medians["fp32"] else -math.inf
    chosen: Precision = half if gain >= LEAST_GAIN else "fp32"
    return PrecisionTrial(chosen, medians, len(ratios), gain)


def _ratios(times: Mapping[Precision, Sequence[float]]) -> list[float]:
    """What the shorter format takes of the time of the longer one, by turn."""
    return [short / long for long, short in zip(*times.values(), strict=True)]


def _all_clear(times: Mapping[Precision, Sequence[float]]) -> bool:
    """Whether every turn found the same format to be much faster."""
    ratios = _ratios(times)
    return max(ratios) < 1 - CLEAR_GAIN or min(ratios) > 1 + CLEAR_GAIN


def _timed(
    work: Callable[[Precision], None], precision: Precision, clock: Callable[[], float]
) -> float:
    """Seconds of the work; infinite where memory ran out."""
    start = clock()
    try:
        work(precision)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        return math.inf
    return clock() - start


def loss_scale_state(accelerator: Accelerator) -> dict[str, float] | None:
    """What a resumed run needs to know of the loss scale of fp16; None in other formats."""
    return None if accelerator.scaler is None else accelerator.scaler.state_dict()


def restore_loss_scale(accelerator: Accelerator, state: Mapping[str, float] | None) -> None:
    """Put back what `loss_scale_state` gave."""
    if accelerator.scaler is not None and state is not None:
        accelerator.scaler.load_state_dict(dict(state))


def overflowed(accelerator: Accelerator, loss: float) -> float | None:
    """Whether gradients that are not finite come from the loss scale of fp16.

    Scaled by a number that is too large, gradients overflow though the loss does not. The scale has
    then been halved and the update left out, which is how a good scale is found.

    Args:
        accelerator: Of the run.
        loss: Of the update.

    Returns:
        The scale from now on; None where something else is wrong.

    Source:
        Micikevicius et al. 2018 (arXiv:1710.03740) §3.2.
    """
    if accelerator.scaler is None or not math.isfinite(loss):
        return None
    scale = accelerator.scaler.get_scale()
    return scale if scale >= 1.0 else None
