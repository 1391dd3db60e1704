"""An update makes the host wait for the device once, whatever is trained."""

from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.recipe import TrainSpec
from seq2seq.train.criterion.stock import StockCriterion
from seq2seq.train.loop import Loop
from tests.host_waits import HostWaits
from tests.train import test_loop, test_pointing_loop
from tests.train.test_stock_models import tiny

GUIDED = {
    "guided_copy": {"weight": 1.0, "layer": 0, "head": 1},
    "rdrop_weight": 1.0,
    "accumulate": 2,
}


def native(folder: Path) -> Loop:
    return test_loop.new_loop(folder)


def everything(folder: Path) -> Loop:
    """Guided attention and copying, the bottleneck in every batch, R-Drop, two micro-batches."""
    return test_pointing_loop.new_loop(folder, share=1.0, **GUIDED)


def stock(family: str) -> Any:
    def loop(folder: Path) -> Loop:
        criterion = StockCriterion(tiny(family), TrainSpec(rdrop_weight=1.0))
        return test_loop.new_loop(folder, criterion=criterion, accumulate=2)

    return loop


def waits_of(loop: Loop, updates: int) -> list[str]:
    """What made the host wait, but for what lies on the host anyway or is a stock class's own.

    Marks are read before they are sent. Stock classes look whether a mask hides anything, which is
    theirs to mend. The loss looks for vanished probabilities on a CPU alone; that it does not on
    another device is tested beside it.
    """
    loop.optimizer = test_loop.adam(loop.criterion)
    loop.criterion.train()
    loop.update()  # makes the optimizer's state
    with HostWaits() as host:
        for _ in range(updates):
            loop.update()
    of_others = (
        "data/marks.py",
        "numpy, train/criterion/guided_attention.py",
        "criterion/stock.py",
        "nonzero.default, train/criterion/cross_entropy.py",
    )
    return [line for line in host.waits if not any(one in line for one in of_others)]


@pytest.mark.parametrize(
    "build", [native, everything, stock("t5"), stock("bart")], ids=["ours", "guided", "t5", "bart"]
)
def test_an_update_waits_once(build: Any, tmp_path: Path) -> None:
    waits = waits_of(build(tmp_path), 2)
    assert len(waits) == 2, waits
    assert all(line.startswith("tolist, train/loop.py") for line in waits), waits


def test_a_number_that_is_read_too_early_is_found(tmp_path: Path) -> None:
    loop = native(tmp_path)
    original = loop._clip
    loop._clip = lambda: torch.tensor(float(original()))  # type: ignore[method-assign]
    assert len(waits_of(loop, 1)) == 2
