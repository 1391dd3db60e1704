"""Train tiny models with compiled layers and without, and print what each came to as JSON.

The first half of the compiler alone: what it traces runs as it is written. What the second half
makes of it, C++ or Triton, takes minutes to write. In a process of its own, because the checks of
shapes that surround every function in a test would be traced with it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch._dynamo.utils import counters

from seq2seq.recipe import TrainSpec
from seq2seq.train import compiling
from seq2seq.train.criterion.criterion import TARGET_TOKENS, Criterion, Update
from seq2seq.train.criterion.stock import StockCriterion
from seq2seq.train.selection import Validation
from tests.train.test_loop import metrics, new_criterion, new_loop
from tests.train.test_stock_models import tiny

STEPS = 4


def graphs() -> int:
    """Programs that were traced until now."""
    return int(counters["stats"]["unique_graphs"])


def train(folder: Path, criterion: Criterion, spec: TrainSpec) -> dict[str, Any]:
    """What training of a few updates came to."""
    loop = new_loop(
        folder, criterion=criterion, clip_norm=0.0, peak_lr=0.1, steps=STEPS, validate_every_steps=2
    )
    loop.optimizer = torch.optim.SGD(criterion.parameters())  # shows the size of the gradient
    batch, before, during = loop.stream.worst()[0], graphs(), []

    def validate(given: Criterion) -> Validation:
        traced = graphs()
        with torch.no_grad():
            given(batch, Update(1, {TARGET_TOKENS: torch.tensor(1.0)}))
        during.append(graphs() - traced)
        return Validation("bleu", 0.0, 0.0, 1.0, {})

    loop.validate = validate
    with compiling.layers_compiled(criterion, spec, torch.device("cpu")):
        loop.run()
    return {
        "losses": [line["loss_nats_per_token"] for line in metrics(folder, "train")],
        "graphs": graphs() - before,
        "graphs_of_validations": during,
        "names": sorted(criterion.state_dict()),
        "weights": [float(one.detach().double().sum()) for one in criterion.parameters()],
        "is_as_it_was": "forward" not in vars(criterion),
    }


def main(folder: Path) -> None:
    """Train each model both ways."""
    compiling.BACKEND = "eager"
    found: dict[str, dict[str, Any]] = {}
    for name in ("native", "stock"):
        for compiled in (False, True):
            spec = TrainSpec(compile=compiled)
            torch.manual_seed(3)
            criterion = new_criterion() if name == "native" else StockCriterion(tiny("t5"), spec)
            way = "compiled" if compiled else "plain"
            found.setdefault(name, {})[way] = train(folder / name / way, criterion, spec)
    sys.stdout.write(json.dumps(found | {"breaks": sum(counters["graph_break"].values())}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
