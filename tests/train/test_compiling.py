"""Compiled layers train as others do, and are compiled in training alone."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.errors import TrainingError
from seq2seq.recipe import TrainSpec
from seq2seq.train import compiling
from seq2seq.train.compiling import layers_compiled
from tests.train.test_loop import new_criterion
from tests.warm import Warm

DRIVER = Path(__file__).parent / "compiled_training.py"


@pytest.mark.slow
def test_compiled_layers_make_the_updates_of_others_and_are_left_as_they_were(
    trainer: Warm, tmp_path: Path
) -> None:
    ended = trainer.run((DRIVER, tmp_path))
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    assert found.pop("breaks") == 0, "each layer is one program"
    for name in ("native", "stock"):
        plain, compiled = found[name]["plain"], found[name]["compiled"]
        assert plain["losses"][-1] < plain["losses"][0]
        assert compiled["losses"] == pytest.approx(plain["losses"], abs=1e-5)
        assert compiled["weights"] == pytest.approx(plain["weights"], abs=1e-4)
        assert compiled["names"] == plain["names"]
        assert compiled["is_as_it_was"]
        assert plain["graphs"] == 0 < compiled["graphs"]
        assert compiled["graphs_of_validations"] == [0, 0]


def test_where_nothing_can_be_compiled_that_is_said_before_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no C++ compiler\nlong story")

    monkeypatch.setattr(compiling, "BACKEND", broken)
    criterion, spec, cpu = new_criterion(), TrainSpec(compile=True), torch.device("cpu")
    with pytest.raises(TrainingError) as caught, layers_compiled(criterion, spec, cpu):
        pass
    assert str(caught.value) == (
        "train.compile = true: nothing can be compiled for 'cpu' here (backend='broken' raised: "
        "RuntimeError: no C++ compiler), needed a C++ compiler; install it or remove train.compile"
    )
