"""Tokens per second of training, measured with the project's own loop, alone or beside eole.

Tokens are pieces that are not padding, on both sides, each end-of-sentence piece included.
"""

import math
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scripts.benchmark.results import AsJson, Out, Report, Teller, note
from scripts.benchmark.shapes import DataFolder, Size, bench_recipe
from scripts.benchmark.timing import Summary, Window, in_turns, summary, times_as_fast

if TYPE_CHECKING:
    from scripts.benchmark.eole_peer import Eole

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
    shares: Annotated[
        bool,
        typer.Option(
            "--shares",
            help="Share out the pairs of each batch instead, as training does unasked.",
        ),
    ] = False,
    peer: Annotated[
        Literal["eole"] | None,
        typer.Option(help="In turns with eole, fp32 and bf16, in an environment made for it."),
    ] = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Tokens per second of whole updates: batches, forward, backward, clipping, optimizer.

    With --peer eole the same model is trained by eole on the same pieces in batches as large,
    stopped while ours works; the first time it is installed, which needs the network, in a folder
    that is kept (~/.cache/seq2seq, or SEQ2SEQ_CACHE).

    Example: scripts/bench train --data data/multi30k --size small
    Example: scripts/bench train --data data/multi30k --peer eole --out results/train-tiny.json
    """
    from seq2seq.memory import keep_freed_memory
    from seq2seq.train.launch import launched_workers, note_ready

    keep_freed_memory()
    say = Teller(out, as_json=as_json)
    command = [sys.executable, "-P", "-m", "scripts.benchmark", *sys.argv[1:]]
    with launched_workers(command, processes), tempfile.TemporaryDirectory() as name:
        note_ready()
        work = OurTraining(size, data, precision, Path(name), seconds=seconds, shares=shares)
        with ExitStack() as stack:
            peers = start_eole(stack, work, Path(name), seconds) if peer else {}
            turns = in_turns(
                {"seq2seq": work.window, **{name: one.turn for name, one in peers.items()}}, windows
            )
        report = work.report(summary(turns["seq2seq"]), updates=work.repeats * windows)
        if work.is_first:
            say(report | (beside_eole(turns, peers) if peer else {}))


def start_eole(
    stack: ExitStack, work: "OurTraining", folder: Path, seconds: float
) -> "dict[str, Eole]":
    """Trainings of eole in each number format, warm and stopped; the first process has them."""
    from scripts.benchmark.eole_peer import training

    files = folder / "eole"
    files.mkdir()
    formats: tuple[Literal["fp32", "bf16"], ...] = ("fp32", "bf16") if work.is_first else ()
    return {
        f"eole {precision}": stack.enter_context(
            training(
                work.prepared, work.size, files, precision=precision, seconds=seconds
            )
        )
        for precision in formats
    }  # fmt: skip


def beside_eole(turns: dict[str, list[Window]], peers: "dict[str, Eole]") -> Report:
    """The figures of eole; the faster of its number formats counts.

    Args:
        turns: By program, ours as ``seq2seq``.
        peers: The others.
    """
    from scripts.benchmark.eole_peer import REQUIREMENTS

    found = {name: summary(turns[name]) for name in peers}
    best = max(found, key=lambda name: found[name].rate)
    ours = summary(turns["seq2seq"])
    tokens = sum(window.amount for window in turns[best])
    rates = {
        f"{name.replace(' ', '_')}_tokens_per_second": round(one.rate)
        for name, one in found.items()
    }
    return rates | {
        "peer": REQUIREMENTS[0].replace("==", " "),
        "peer_setting": best.removeprefix("eole "),
        "peer_tokens_an_update": round(tokens / peers[best].updates),
        "times_as_fast": times_as_fast(ours, found[best]),
        "foreign_share": round(max(ours.foreign_share, found[best].foreign_share), 3),
    }


class OurTraining:
    """The real loop on the benchmark's corpus, warm.

    Attributes:
        prepared: Its text and tokenizer.
        repeats: Updates of a window.
    """

    def __init__(
        self, size: Size, data: Path, precision: str, folder: Path, *, seconds: float,
        shares: bool = False,
    ):  # fmt: skip
        from accelerate import PartialState

        from seq2seq.run import Run
        from seq2seq.train.ranks import broadcast
        from seq2seq.train.setup import prepare_run

        self.size, self.shares = size, shares
        self.state = PartialState(cpu=True)
        recipe = bench_recipe(size, data, folder)
        self.prepared = prepare_run(
            recipe,
            Run(folder / "run"),
            say=note,
            processes=1 if shares else self.state.num_processes,
        )
        self.loop, self.precision = new_loop(self.prepared, precision, folder, shares=shares)
        self.repeats = WARM_UP
        start = time.perf_counter()
        self.window()
        elapsed = time.perf_counter() - start
        self.repeats = broadcast(math.ceil(seconds / elapsed * WARM_UP), self.state.num_processes)
        self.loop.sums = {}

    @property
    def is_first(self) -> bool:
        """Whether this is the first of the processes that train."""
        return bool(self.state.is_main_process)

    def window(self) -> float:
        """Some updates.

        Returns:
            The tokens that they trained on.
        """
        before = self._tokens
        for _ in range(self.repeats):
            self.loop.update()
        return float(self._tokens - before)

    @property
    def _tokens(self) -> int:
        done = self.loop.progress
        return int(done.source_tokens + done.target_tokens)

    def report(self, found: Summary, *, updates: int) -> Report:
        """What all windows say."""
        import torch

        from seq2seq.train.hardware import peak_memory_bytes
        from seq2seq.train.ranks import sum_over_ranks

        loop, sums = self.loop, self.loop.sums
        memory = sum_over_ranks(loop.accelerator, peak_memory_bytes(torch.device("cpu")))[0]
        tokens = sums["source_tokens"] + sums["target_tokens"]
        mean_flops = (
            loop.flops_per_token[0] * sums["source_tokens"]
            + loop.flops_per_token[1] * sums["target_tokens"]
        ) / tokens
        return {
            "benchmark": "train",
            "size": self.size,
            "precision": self.precision,
            "tokens_per_second": round(found.rate),
            "best_window": round(found.best),
            "padding_share": round(1 - tokens / sums["padded_tokens"], 4),
            "matrix_peak_gflops": round(loop.peak_flops / 1e9, 1),
            "matrix_peak_share": round(found.rate * mean_flops / loop.peak_flops, 3),
            "peak_memory_gib": round(memory / 2**30, 2),
            "weights": sum(p.numel() for p in loop.criterion.parameters()),
            "tokens_an_update": round(tokens / updates),
            "processes": self.state.num_processes,
            "shared_batches": self.shares,
            "threads_each": torch.get_num_threads(),
            "quiet_windows": found.quiet,
            "foreign_share": round(found.foreign_share, 3),
        }


def new_loop(
    prepared: Any, precision: str, folder: Path, *, shares: bool = False
) -> tuple[Any, str]:
    """The training loop as ``seq2seq train`` builds it, without a dev set to decode."""
    import torch
    from accelerate import Accelerator, PartialState

    from seq2seq.train.batch_stream import BatchStream, BatchStreamSpec
    from seq2seq.train.build import (
        build_model,
        build_optimizer,
        compare_precisions,
        flops_per_token,
    )
    from seq2seq.train.checkpoint import Progress
    from seq2seq.train.criterion.transformer import TransformerCriterion
    from seq2seq.train.hardware import matrix_peak
    from seq2seq.train.log import TrainingLog
    from seq2seq.train.loop import Loop
    from seq2seq.train.precision import dtype_of
    from seq2seq.train.ranks import broadcast
    from seq2seq.train.selection import Validation
    from seq2seq.train.stop import Stop

    recipe, tokenizer, state = prepared.recipe, prepared.tokenizer, PartialState()
    torch.manual_seed(recipe.seed)
    model = build_model(recipe.model, tokenizer.vocab_size)
    criterion = TransformerCriterion(model, recipe.train)
    spec = BatchStreamSpec(
        recipe.train.batch_tokens, tokenizer.pad_id, recipe.seed,
        world_size=state.num_processes, rank=state.process_index, shares=shares,
    )  # fmt: skip
    stream = BatchStream(prepared.training, spec)
    chosen: Any = precision
    if precision == "auto":
        trial = compare_precisions(criterion, stream.worst()[0], state)
        note(trial.to_text())
        chosen = broadcast(trial.chosen, state.num_processes)
    accelerator = Accelerator(cpu=True, mixed_precision="bf16" if chosen == "bf16" else "no")
    wrapped, optimizer = accelerator.prepare(criterion, build_optimizer(criterion, recipe))
    loop = Loop(
        accelerator, wrapped, optimizer, stream,
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
