"""Tokens per second of training, measured with the project's own loop.

Tokens are pieces that are not padding, on both sides, each end-of-sentence piece included.
"""

import math
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from scripts.benchmark.results import AsJson, Out, Report, Teller, note
from scripts.benchmark.shapes import DataFolder, Size, bench_recipe
from scripts.benchmark.timing import measure, summary

WARM_UP = 24


def train(
    data: DataFolder,
    size: Annotated[Size, typer.Option(help="Size of the model.")] = "tiny",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="Number format.")
    ] = "auto",
    seconds: Annotated[float, typer.Option(help="Seconds of a window.")] = 3.0,
    windows: Annotated[int, typer.Option(help="Windows, after a warm-up.")] = 8,
    processes: Annotated[
        int, typer.Option(help="Processes, each on batches of its own, all in one update.")
    ] = 1,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Tokens per second of whole updates: batches, forward, backward, clipping, optimizer.

    Example: scripts/bench train --data data/multi30k --size small
    """
    from seq2seq.train.beside import note_ready, processes_beside
    from seq2seq.train.hardware import keep_freed_memory

    keep_freed_memory()
    say = Teller(out, as_json=as_json)
    command = [sys.executable, "-P", "-m", "scripts.benchmark", *sys.argv[1:]]
    with processes_beside(command, processes), tempfile.TemporaryDirectory() as name:
        note_ready()
        report = train_report(size, data, precision, Path(name), seconds=seconds, windows=windows)
    say(report)


def train_report(
    size: Size, data: Path, precision: str, folder: Path, *, seconds: float, windows: int
) -> Report:
    """Measure updates of the real loop."""
    import torch
    from accelerate import PartialState

    from seq2seq.run import Run
    from seq2seq.train.hardware import peak_memory_bytes
    from seq2seq.train.ranks import agree, sum_over_ranks
    from seq2seq.train.setup import prepare_run

    state = PartialState(cpu=True)
    recipe = bench_recipe(size, data, folder)
    prepared = prepare_run(recipe, Run(folder / "run"), say=note, processes=state.num_processes)
    loop, chosen = new_loop(prepared, precision, folder)

    def update() -> float:
        before = loop.progress.source_tokens + loop.progress.target_tokens
        loop.update()
        return loop.progress.source_tokens + loop.progress.target_tokens - before

    warm_up = measure(update, repeats=WARM_UP, windows=1)
    repeats = agree(math.ceil(seconds / warm_up[0].seconds * WARM_UP), state.num_processes)
    loop.sums = {}
    found = summary(measure(update, repeats=repeats, windows=windows))
    sums = loop.sums
    peak_memory = sum_over_ranks(loop.accelerator, peak_memory_bytes(torch.device("cpu")))[0]
    tokens = sums["source_tokens"] + sums["target_tokens"]
    mean_flops = (
        loop.flops_per_token[0] * sums["source_tokens"]
        + loop.flops_per_token[1] * sums["target_tokens"]
    ) / tokens
    return {
        "benchmark": "train",
        "size": size,
        "precision": chosen,
        "tokens_per_second": round(found.rate),
        "best_window": round(found.best),
        "padding_share": round(1 - tokens / sums["padded_tokens"], 4),
        "matrix_peak_gflops": round(loop.peak_flops / 1e9, 1),
        "matrix_peak_share": round(found.rate * mean_flops / loop.peak_flops, 3),
        "peak_memory_gib": round(peak_memory / 2**30, 2),
        "weights": sum(p.numel() for p in loop.criterion.parameters()),
        "tokens_an_update": round(tokens / (repeats * windows)),
        "processes": state.num_processes,
        "threads_each": torch.get_num_threads(),
        "quiet_windows": found.quiet,
        "foreign_share": round(found.foreign_share, 3),
    }


def new_loop(prepared: Any, precision: str, folder: Path) -> tuple[Any, str]:
    """The training loop as ``seq2seq train`` builds it, without a dev set to decode."""
    import torch
    from accelerate import Accelerator, PartialState

    from seq2seq.train.build import (
        build_model,
        build_optimizer,
        compare_precisions,
        flops_per_token,
    )
    from seq2seq.train.checkpoint import Progress
    from seq2seq.train.criterion.transformer import TransformerCriterion
    from seq2seq.train.feed import Feed, FeedSpec
    from seq2seq.train.hardware import matrix_peak
    from seq2seq.train.log import TrainingLog
    from seq2seq.train.loop import Loop
    from seq2seq.train.precision import dtype_of
    from seq2seq.train.ranks import agree
    from seq2seq.train.selection import Validation
    from seq2seq.train.stop import Stop

    recipe, tokenizer, state = prepared.recipe, prepared.tokenizer, PartialState()
    torch.manual_seed(recipe.seed)
    model = build_model(recipe.model, tokenizer.vocab_size)
    criterion = TransformerCriterion(model, recipe.train)
    spec = FeedSpec(
        recipe.train.batch_tokens, tokenizer.pad_id, recipe.seed,
        world_size=state.num_processes, rank=state.process_index,
    )  # fmt: skip
    feed = Feed(prepared.training, spec)
    chosen: Any = precision
    if precision == "auto":
        trial = compare_precisions(criterion, feed.worst()[0], state)
        note(trial.to_text())
        chosen = agree(trial.chosen, state.num_processes)
    accelerator = Accelerator(cpu=True, mixed_precision="bf16" if chosen == "bf16" else "no")
    wrapped, optimizer = accelerator.prepare(criterion, build_optimizer(criterion, recipe))
    loop = Loop(
        accelerator, wrapped, optimizer, feed,
        spec=recipe.train, checkpoints=folder / "checkpoints", progress=Progress(),
        validate=lambda _: Validation("bleu", 0.0, 0.0, 0.0, {}),
        log=TrainingLog(folder / "metrics.jsonl", accelerator),
        flops_per_token=flops_per_token(model),
        peak_flops=matrix_peak(dtype_of(chosen), accelerator.device, seconds=2.0)
        * state.num_processes,
        stop=Stop(accelerator), writes_checkpoints=False,
    )  # fmt: skip
    wrapped.train()
    return loop, chosen
