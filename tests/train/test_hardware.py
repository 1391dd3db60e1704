import os
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.errors import TrainingError
from seq2seq.memory import keep_freed_memory
from seq2seq.train import hardware
from seq2seq.train.hardware import (
    forget_peak_memory,
    matrix_peak,
    peak_memory_bytes,
    random_state_kept,
)
from seq2seq.train.precision import (
    PrecisionTrial,
    half_precision,
    try_precisions,
    use_precision,
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
    ("fp32", "bf16", "chosen", "turns"),
    [
        (0.732, 0.731, "fp32", 9),
        (0.5, 0.475, "fp32", 9),
        (0.5, 0.46, "bf16", 9),
        (0.5, 0.36, "bf16", 9),
        (0.5, 0.34, "bf16", 3),  # clear
        (0.5, 0.64, "fp32", 9),
        (0.5, 0.75, "fp32", 3),
    ],
)
def test_bf16_is_taken_only_where_it_is_clearly_faster(
    fp32: float, bf16: float, chosen: str, turns: int
) -> None:
    trial = Machine(fp32=[fp32] * 10, bf16=[bf16] * 10).trial()
    assert (trial.chosen, trial.turns) == (chosen, turns)
    assert trial.gain == pytest.approx(1 - bf16 / fp32)
    times = f"fp32 {1000 * fp32:.0f} ms, bf16 {1000 * bf16:.0f} ms an update"
    assert trial.to_text().startswith(f"precision {chosen} ({times}, medians of {turns} turns; ")
    told = f"costs {-trial.gain:.0%}" if bf16 > fp32 else f"saves {trial.gain:.0%}"
    assert trial.to_text().endswith(f"; bf16 {told}, taken where it saves 7%)")


def test_a_few_quick_moments_decide_nothing() -> None:
    """The best time of bf16 is far better, most of its turns are not."""
    machine = Machine(fp32=[1.0] * 10, bf16=[1.0, 0.5, 0.5, 1.0, 1.1, 1.0, 1.1, 0.5, 1.0, 1.0])
    assert machine.trial().chosen == "fp32"


def test_one_turn_that_is_not_clear_asks_for_more() -> None:
    machine = Machine(fp32=[1.0] * 10, bf16=[0.5, 0.5, 0.5, 0.8, *[0.5] * 6])
    assert machine.trial().turns == 9


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
    peak = matrix_peak(torch.float32, torch.device("cpu"), seconds=0.05)
    assert 1e8 < peak < 1e15


def test_the_memory_peak_is_at_least_what_is_in_use_now() -> None:
    keep_freed_memory()
    kept = torch.ones(30_000_000)
    statm = Path("/proc/self/statm")
    in_use = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0
    # The kernel brings its count of the peak up to date only now and then.
    assert peak_memory_bytes(torch.device("cpu")) >= max(0.8 * in_use, kept.nbytes)


def test_a_gpu_is_waited_for_once_in_a_row_of_products(monkeypatch: pytest.MonkeyPatch) -> None:
    products, waits = [], []
    mm = torch.mm

    def counted(*given: Any, **named: Any) -> torch.Tensor:
        products.append(1)
        return mm(*given, **named)

    monkeypatch.setattr(torch, "mm", counted)
    monkeypatch.setattr(hardware, "wait_for", lambda device: waits.append(len(products)))
    monkeypatch.setattr(hardware, "PEAK_SIZE", 8)
    matrix_peak(torch.float32, torch.device("cpu"), seconds=0.02)
    # Before the first row, and after rows of 1, 2, 4, ... products.
    assert waits == [2**n - 1 for n in range(len(waits))]
    assert len(waits) > 3


def test_only_the_device_in_use_has_its_random_state_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as torch says there are eight GPUs; asking any of them would start it."""
    asked: list[str] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: asked.append(f"get {device}"))
    monkeypatch.setattr(
        torch.cuda, "set_rng_state", lambda state, device: asked.append(f"set {device}")
    )
    before = torch.random.get_rng_state()
    with random_state_kept(torch.device("cpu")):
        torch.rand(3)
    assert asked == []
    with random_state_kept(torch.device("cuda", 5)):
        torch.rand(3)
    assert asked == ["get cuda:5", "set cuda:5"]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_peak_of_a_gpus_memory_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", begun.append)
    forget_peak_memory(torch.device("cpu"))
    forget_peak_memory(torch.device("cuda", 1))
    assert begun == [torch.device("cuda", 1)]


@pytest.mark.parametrize("precision", ["tf32", "fp16"])
def test_formats_that_only_gpus_have_are_refused_on_a_cpu(precision: Any) -> None:
    with pytest.raises(TrainingError, match=rf"train.precision = '{precision}': .* use bf16"):
        use_precision(precision, torch.device("cpu"))
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize(("has_bf16", "expected"), [(True, "bf16"), (False, "fp16")])
def test_a_gpu_without_bf16_is_given_fp16(
    has_bf16: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bf16)
    assert half_precision(torch.device("cuda")) == expected
    assert half_precision(torch.device("cpu")) == "bf16"
