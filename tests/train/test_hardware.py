import os
from pathlib import Path

import pytest
import torch

from seq2seq.train.hardware import (
    PrecisionTrial,
    keep_freed_memory,
    matrix_peak,
    peak_memory_bytes,
    try_precisions,
)


class Machine:
    """A clock that work moves on, by what each format takes in each of its turns."""

    def __init__(self, **seconds: list[float]):
        self.now = 0.0
        self.seconds = {name: iter(values) for name, values in seconds.items()}
        self.order: list[str] = []

    def work(self, name: str) -> None:
        self.order.append(name)
        took = next(self.seconds[name])
        if took < 0:
            raise MemoryError
        self.now += took

    def trial(self) -> PrecisionTrial:
        return try_precisions(self.work, clock=lambda: self.now)


@pytest.mark.parametrize(
    ("fp32", "bf16", "chosen"),
    [(0.732, 0.731, "fp32"), (0.5, 0.475, "fp32"), (0.5, 0.46, "bf16"), (0.5, 0.75, "fp32")],
)
def test_bf16_is_taken_only_where_it_is_clearly_faster(
    fp32: float, bf16: float, chosen: str
) -> None:
    trial = Machine(fp32=[fp32] * 10, bf16=[bf16] * 10).trial()
    assert (trial.chosen, trial.turns) == (chosen, 9)
    assert trial.gain == pytest.approx(1 - bf16 / fp32)
    times = f"fp32 {1000 * fp32:.0f} ms, bf16 {1000 * bf16:.0f} ms an update"
    assert trial.to_text().startswith(f"precision {chosen} ({times}, medians of 9 turns; ")
    told = f"costs {-trial.gain:.0%}" if bf16 > fp32 else f"saves {trial.gain:.0%}"
    assert trial.to_text().endswith(f"; bf16 {told}, taken where it saves 7%)")


def test_a_few_quick_moments_decide_nothing() -> None:
    """The best time of bf16 is far better, most of its turns are not."""
    machine = Machine(fp32=[1.0] * 10, bf16=[1.0, 0.5, 0.5, 1.0, 1.1, 1.0, 1.1, 0.5, 1.0, 1.0])
    assert machine.trial().chosen == "fp32"


def test_a_machine_that_slows_down_favours_neither() -> None:
    """Each run takes a fifth longer than the one before, whatever its format."""
    slower = (0.1 * 1.2**n for n in range(100))
    machine = Machine(fp32=slower, bf16=slower)  # type: ignore[arg-type]
    trial = machine.trial()
    assert trial.chosen == "fp32"
    assert machine.order[:6] == ["bf16", "fp32", "fp32", "bf16", "bf16", "fp32"]


def test_slow_updates_are_measured_three_times() -> None:
    assert Machine(fp32=[9.0] * 4, bf16=[5.0] * 4).trial().turns == 3


def test_a_format_that_does_not_fit_into_memory_is_not_chosen() -> None:
    assert Machine(fp32=[-1.0] * 10, bf16=[1.0] * 10).trial().chosen == "bf16"
    trial = Machine(fp32=[1.0] * 10, bf16=[-1.0] * 10).trial()
    assert trial.chosen == "fp32"
    assert "bf16 inf ms" in trial.to_text()


def test_a_peak_is_a_plausible_number_of_operations() -> None:
    peak = matrix_peak("fp32", torch.device("cpu"), seconds=0.05)
    assert 1e8 < peak < 1e15


def test_the_memory_peak_is_at_least_what_is_in_use_now() -> None:
    keep_freed_memory()
    kept = torch.ones(30_000_000)
    statm = Path("/proc/self/statm")
    in_use = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0
    # The kernel brings its count of the peak up to date only now and then.
    assert peak_memory_bytes(torch.device("cpu")) >= max(0.8 * in_use, kept.nbytes)
