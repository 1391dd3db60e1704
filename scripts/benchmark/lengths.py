"""What long sources cost: window attention (LED) beside full attention, see ``--help``.

Each model and length is measured in a process of its own, so that the peak of its memory is its
own. Random weights and random pieces: speed and memory do not depend on what they say.
"""

import json
import sys
import time
from typing import Annotated, Any

import typer

from scripts.benchmark.results import AsJson, Out, Teller
from scripts.benchmark.timing import in_own_process

FAMILIES = {
    "m2m_100": "our Transformer, full attention",
    "bart": "BART of transformers, full attention",
    "led": "LED of transformers, a window and one global piece",
}
VOCABULARY = 8000
TARGET_PIECES = 128
WARM_UP, TURNS = 2, 5


def lengths(
    pieces: Annotated[list[int], typer.Option(help="Pieces of a source; give several.")] = [  # noqa: B006
        512,
        1024,
        2048,
        4096,
        8192,
    ],
    budget: Annotated[int, typer.Option(help="Source pieces of a batch.")] = 8192,
    window: Annotated[int, typer.Option(help="LED's window, in pieces.")] = 512,
    family: Annotated[
        list[str] | None, typer.Option(help="Only these: m2m_100, bart or led.")
    ] = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Tokens per second and memory of a training update, by length of the source.

    Forward, backward and optimizer in 32 bits, width 256, three layers on each side, targets of 128
    pieces; the median of five updates. Uses no data and no network.

    Example: scripts/bench lengths --pieces 512 --pieces 4096
    """
    say = Teller(out, as_json=as_json)
    for length in pieces:
        for name in family or FAMILIES:
            say(
                {"benchmark": "lengths", "family": name, "source_pieces": length}
                | in_own_process(__name__, name, length, budget, window)
            )


def measure(family: str, length: int, budget: int, window: int) -> dict[str, Any]:
    """Time updates of one model in this process."""
    import numpy as np
    import torch

    from seq2seq.data.batches import collate
    from seq2seq.data.ragged import Ragged
    from seq2seq.recipe import ModelSpec, TrainSpec
    from seq2seq.train.build import build_model, build_stock_model
    from seq2seq.train.criterion.criterion import Update
    from seq2seq.train.hardware import peak_memory_bytes, wait_for
    from seq2seq.train.trainable import NativeModel, StockModel, TrainableModel

    spec = ModelSpec.model_validate(
        {"family": family, "width": 256, "ffn_width": 1024, "heads": 4, "encoder_layers": 3,
         "decoder_layers": 3, "max_positions": max(length, TARGET_PIECES),
         "attention_window": window}
    )  # fmt: skip
    torch.manual_seed(1)
    trainable: TrainableModel = (
        NativeModel(build_model(spec, VOCABULARY))
        if spec.is_native
        else StockModel(build_stock_model(spec, VOCABULARY))
    )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    criterion = trainable.criterion(TrainSpec()).to(device).train()
    optimizer = torch.optim.AdamW(criterion.parameters(), fused=True)
    random, pairs = np.random.default_rng(1), max(1, budget // length)
    sources = Ragged.of(random.integers(4, VOCABULARY, (pairs, length)))
    targets = Ragged.of(random.integers(4, VOCABULARY, (pairs, TARGET_PIECES)))
    batch = collate(sources, targets, pad_id=1)
    times = []
    for _ in range(WARM_UP + TURNS):
        start = time.perf_counter()
        criterion(batch.to(device), Update(1, {})).loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        wait_for(device)
        times.append(time.perf_counter() - start)
    seconds = sorted(times[WARM_UP:])[TURNS // 2]
    return {
        "pairs": pairs,
        "window": window if family == "led" else None,
        "tokens_per_second": round((batch.source_tokens + batch.target_tokens) / seconds),
        "peak_memory_gib": round(peak_memory_bytes(device) / 2**30, 2),
        "device": str(device),
    }


if __name__ == "__main__":
    name, *numbers = sys.argv[1:]
    print(json.dumps(measure(name, *map(int, numbers))))
