"""Train every stock family for a few updates on this rank; the first writes losses and weights.

A test starts it on two ranks: one start of two processes serves all families.
"""

import sys
from pathlib import Path

import torch
from torch.distributed import destroy_process_group

from tests.train.test_stock_models import TRAINED, updates_of


def main(folder: Path) -> None:
    """Train each model in the folder of its name."""
    for name in TRAINED:
        loop = updates_of(folder / name, name)
        loop.run()
        if loop.accelerator.is_main_process:
            torch.save([one.detach() for one in loop.criterion.parameters()], folder / name / "end")
    loop.accelerator.wait_for_everyone()
    destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
