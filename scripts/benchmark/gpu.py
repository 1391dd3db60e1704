"""Training and decoding on one GPU, within ten minutes and without any data: see ``--help``."""

import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from scripts.benchmark.results import Out, Teller

if TYPE_CHECKING:
    from seq2seq.data.prepare import EpochData

VOCABULARY = 8000
PAIRS, SHORTEST, LONGEST = 20_000, 5, 60
WARM_UP, COUNTED = 5, 5
COMPARED = 32
PEAK_SECONDS = 1.0


class RandomPairs:
    """Pairs of random pieces, as long as the sentences of a text."""

    def __init__(self, count: int):
        from seq2seq.data.prepare import EpochData
        from seq2seq.data.ragged import Ragged

        random = np.random.default_rng(1)

        def sentence() -> np.ndarray:
            pieces = random.integers(4, VOCABULARY, random.integers(SHORTEST, LONGEST))
            return np.append(pieces, 2)

        sources, targets = zip(*((sentence(), sentence()) for _ in range(count)), strict=True)
        self.data = EpochData(Ragged.of(sources), Ragged.of(targets))

    def epoch(self, _number: int) -> "EpochData":
        """The same pairs in every epoch."""
        return self.data


def gpu(
    width: Annotated[int, typer.Option(help="Of the model, with 6 + 6 layers.")] = 512,
    batch_tokens: Annotated[int, typer.Option(help="Tokens of a micro-batch.")] = 32768,
    seconds: Annotated[float, typer.Option(help="Seconds of each measurement.")] = 20.0,
    pairs: Annotated[int, typer.Option(help="Random pairs to train on.")] = PAIRS,
    device: Annotated[str, typer.Option(help="cuda, or cpu to try the program.")] = "cuda",
    out: Out = None,
) -> None:
    """Tokens and sentences per second, share of the card's peak, host waits, exact resume.

    Trains a random model on random pieces in each number format of the card, with one pause that a
    checkpoint bridges; decodes greedily and with 5 beams. Prints one JSON line for each
    measurement. Uses no data and no network.

    Example: scripts/bench gpu
    """
    import torch

    from seq2seq.environment import describe_environment

    say = Teller(out, as_json=True)
    place = torch.device(device)
    environment = describe_environment()
    card = torch.cuda.get_device_name(place) if place.type == "cuda" else environment["processor"]
    say({"benchmark": "gpu", "card": card, "torch": torch.__version__})
    data = RandomPairs(pairs)
    formats = ("fp32", "tf32", "bf16") if place.type == "cuda" else ("fp32", "bf16")
    for precision in formats:
        with tempfile.TemporaryDirectory() as folder:
            say(train(data, precision, Path(folder), width, batch_tokens, seconds, place))
    with tempfile.TemporaryDirectory() as folder:
        say(resume(data, Path(folder), width, batch_tokens, place))
    for beams in (1, 5):
        say(decode(data, beams, width, seconds, place))


def new_loop(
    data: RandomPairs, precision: Any, folder: Path, width: int, batch_tokens: int, device: Any
) -> Any:
    """The loop of ``seq2seq train`` around a random model."""
    import torch
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    from seq2seq.recipe import TrainSpec
    from seq2seq.train.batch_stream import BatchStream, BatchStreamSpec
    from seq2seq.train.build import flops_per_token
    from seq2seq.train.checkpoint import Progress
    from seq2seq.train.criterion.transformer import TransformerCriterion
    from seq2seq.train.hardware import matrix_peak
    from seq2seq.train.log import TrainingLog
    from seq2seq.train.loop import Loop
    from seq2seq.train.precision import HALVES, dtype_of, use_precision
    from seq2seq.train.selection import Validation
    from seq2seq.train.stop import Stop

    AcceleratorState._reset_state(reset_partial_state=True)
    use_precision(precision, device)
    accelerator = Accelerator(
        cpu=device.type == "cpu", mixed_precision=precision if precision in HALVES else "no"
    )
    spec = TrainSpec(
        steps=10**6, batch_tokens=batch_tokens, validate_every_steps=10**6, save_every_steps=10**6,
        log_every_steps=10**6,
    )  # fmt: skip
    torch.manual_seed(1)
    model = new_model(width)
    criterion = TransformerCriterion(model, spec)
    wrapped = accelerator.prepare_model(criterion)
    optimizer = torch.optim.AdamW(criterion.parameters(), lr=1e-4, fused=True)
    loop = Loop(
        accelerator, wrapped, accelerator.prepare_optimizer(optimizer),
        BatchStream(data, BatchStreamSpec(batch_tokens=batch_tokens, pad_id=1, seed=1)),  # type: ignore[arg-type]
        spec=spec, checkpoints=folder / "checkpoints", writes_checkpoints=True,
        progress=Progress(), validate=lambda _: Validation("bleu", 0.0, 0.0, 0.0, {}),
        stop=Stop(accelerator), log=TrainingLog(folder / "metrics.jsonl", accelerator),
        flops_per_token=flops_per_token(model),
        peak_flops=matrix_peak(dtype_of(precision), device, seconds=PEAK_SECONDS),
    )  # fmt: skip
    wrapped.train()
    return loop


def new_model(width: int) -> Any:
    """A random model of ours with 6 + 6 layers."""
    from seq2seq.recipe import ModelSpec
    from seq2seq.train.build import build_model

    shape = {"width": width, "ffn_width": 4 * width, "heads": 8, "encoder_layers": 6,
             "decoder_layers": 6, "max_positions": 2 * LONGEST}  # fmt: skip
    return build_model(ModelSpec.model_validate(shape), VOCABULARY)


def host_waits(work: Callable[[], object], device: Any) -> int | None:
    """How often the host waits for a GPU in some work, by torch's own warnings; None on a CPU."""
    import torch

    if device.type != "cuda":
        return None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            work()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("called a synchronizing" in str(one.message) for one in caught)


def train(
    data: RandomPairs, precision: str, folder: Path, width: int, batch_tokens: int,
    seconds: float, device: Any,
) -> dict[str, Any]:  # fmt: skip
    """Updates of one number format."""
    from seq2seq.train.hardware import forget_peak_memory, peak_memory_bytes, wait_for

    forget_peak_memory(device)
    loop = new_loop(data, precision, folder, width, batch_tokens, device)
    for _ in range(WARM_UP):
        loop.update()
    waits = host_waits(lambda: [loop.update() for _ in range(COUNTED)], device)
    loop.sums, updates = {}, 0
    wait_for(device)
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        loop.update()
        updates += 1
    wait_for(device)
    elapsed = time.perf_counter() - start
    source, target = loop.sums["source_tokens"], loop.sums["target_tokens"]
    flops = loop.flops_per_token[0] * source + loop.flops_per_token[1] * target
    return {
        "benchmark": f"gpu train {precision}",
        "tokens_per_second": round((source + target) / elapsed),
        "milliseconds_an_update": round(1000 * elapsed / updates, 1),
        "matrix_peak_tflops": round(loop.peak_flops / 1e12, 2),
        "matrix_peak_share": round(flops / elapsed / loop.peak_flops, 3),
        "peak_memory_gib": round(peak_memory_bytes(device) / 2**30, 2),
        "host_waits_an_update": None if waits is None else waits / COUNTED,
    }


def resume(
    data: RandomPairs, folder: Path, width: int, batch_tokens: int, device: Any
) -> dict[str, Any]:
    """Ten updates at once, and five, a checkpoint, and five more from that."""
    import torch

    from seq2seq.train.checkpoint import newest_sound_checkpoint, read_progress, restore

    ends = []
    for halves in (False, True):
        place = folder / str(halves)
        loop = new_loop(data, "bf16", place, width, batch_tokens, device)
        for _ in range(5 if halves else 10):
            loop.update()
        if halves:
            loop._save()
            checkpoint, _ = newest_sound_checkpoint(place / "checkpoints")
            loop = new_loop(data, "bf16", place, width, batch_tokens, device)
            optimizer = loop.optimizer.optimizer
            loop.sums = restore(checkpoint, loop._unwrapped, optimizer, rank=0)
            loop.progress = read_progress(checkpoint)
            loop.stream.seek(loop.progress.epoch, loop.progress.batch)
            for _ in range(5):
                loop.update()
        ends.append([p.detach().cpu() for p in loop.criterion.parameters()])
    largest = max(float((a - b).abs().max()) for a, b in zip(*ends, strict=True))
    equal = all(torch.equal(a, b) for a, b in zip(*ends, strict=True))
    return {"benchmark": "gpu resume", "bit_for_bit": equal, "largest_difference": largest}


def decode(
    data: RandomPairs, beams: int, width: int, seconds: float, device: Any
) -> dict[str, Any]:
    """Searches of a random model, which ends no sentence early: the longest outputs there are."""
    import torch

    from seq2seq.decode.options import DecodeOptions
    from seq2seq.engines.native import NativeEngine
    from seq2seq.train.hardware import wait_for

    torch.manual_seed(1)
    model = new_model(width).eval()
    first = data.data.source.take(np.arange(min(512, len(data.data))))
    sources = [first[row].tolist() for row in range(len(first))]
    options = DecodeOptions(beams=beams, max_length_factor=1.0, max_length_offset=0)
    expected = NativeEngine(model).search(sources[:COMPARED], options)
    engine = NativeEngine(model.to(device))
    found = engine.search(sources[:COMPARED], options)
    same = sum(one[0].ids == other[0].ids for one, other in zip(found, expected, strict=True))
    waits = host_waits(lambda: engine.search(sources[:COMPARED], options), device)
    steps = max(map(len, sources[:COMPARED]))
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        engine.search(sources, options)
        done += len(sources)
    wait_for(device)
    return {
        "benchmark": "gpu decode greedy" if beams == 1 else f"gpu decode beam {beams}",
        "sentences_per_second": round(done / (time.perf_counter() - start), 1),
        "same_as_on_cpu": f"{same} of {COMPARED}",
        "host_waits": waits,
        "steps": steps,
    }
