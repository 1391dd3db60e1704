"""Speed on this machine, measured with the project's own loop and decoder: see ``--help``.

Tokens are pieces that are not padding, on both sides, each end-of-sentence piece included. Work is
timed in windows of a few seconds and the median window counts. Another busy program slows a window
down, so every window tells what share of the machine others used, and windows with more than a few
percent are left out where enough others remain.
"""

import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from measure_gpu import gpu
from measure_lengths import lengths

ROOT = Path(__file__).parent.parent
SHAPES = {
    "tiny": {"width": 128, "ffn_width": 256, "heads": 4, "layers": 4, "dropout": 0.3},
    "small": {"width": 512, "ffn_width": 2048, "heads": 8, "layers": 3, "dropout": 0.1},
}
MOST_FOREIGN = 0.04
WARM_UP = 24

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


app.command()(gpu)
app.command()(lengths)


@dataclass(frozen=True)
class Window:
    """A few seconds of work."""

    amount: float
    seconds: float
    foreign: float
    """Share of the machine's cores that other programs used meanwhile."""

    @property
    def rate(self) -> float:
        """Amount of work a second."""
        return self.amount / self.seconds


def busy_seconds() -> float:
    """Processor seconds that all programs of the machine have used since it started."""
    with Path("/proc/stat").open(encoding="ascii") as file:
        ticks = [int(value) for value in file.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def measure(
    work: Callable[[], float], *, repeats: int, windows: int, own_seconds: Callable[[], float]
) -> list[Window]:
    """Repeat some work in windows.

    Args:
        work: Does a little of it and returns how much.
        repeats: How often in a window.
        windows: How many.
        own_seconds: Processor seconds that this benchmark has used so far.
    """
    found = []
    for _ in range(windows):
        busy, own, start = busy_seconds(), own_seconds(), time.perf_counter()
        amount = sum(work() for _ in range(repeats))
        elapsed = time.perf_counter() - start
        foreign = (busy_seconds() - busy) - (own_seconds() - own)
        share = max(0.0, foreign / elapsed / (os.cpu_count() or 1))
        found.append(Window(amount, elapsed, share))
    return found


def summary(windows: Sequence[Window]) -> dict[str, float]:
    """Median rate of the quiet windows, or of all where fewer than three were quiet."""
    quiet = [window for window in windows if window.foreign <= MOST_FOREIGN]
    used = quiet if len(quiet) >= 3 else list(windows)
    return {
        "rate": statistics.median(window.rate for window in used),
        "best": max(window.rate for window in used),
        "windows": len(windows),
        "quiet_windows": len(quiet),
        "foreign_share": max(window.foreign for window in used),
    }


def bench_recipe(size: str, data: Path, folder: Path) -> Any:
    """The recipe of the benchmark: Multi30k en-de, a joint vocabulary of 8,000 pieces."""
    from seq2seq.recipe_file import parse_recipe

    shape = SHAPES[size]
    pair = {"source": "train.en.gz", "target": "train.de.gz"}
    content = {
        "source_language": "en", "target_language": "de",
        "data": {"folder": str(data), "cache": str(folder / "cache"), "train": [pair],
                 "dev": {"source": "val.en.gz", "target": "val.de.gz"}},
        "tokenizer": {"vocab_size": 8000},
        "model": {key: shape[key] for key in ("width", "ffn_width", "heads", "dropout")}
        | {"encoder_layers": shape["layers"], "decoder_layers": shape["layers"]},
        "train": {"batch_tokens": 4096, "warmup_steps": 2000, "peak_lr": 1e-3,
                  "steps": 10**6, "validate_every_steps": 10**6, "log_every_steps": 10**6},
    }  # fmt: skip
    return parse_recipe(content, where="benchmark")


@app.command()
def train(
    data: Annotated[Path, typer.Option(help="Folder of Multi30k: train.en.gz, val.de.gz, …")],
    size: Annotated[Literal["tiny", "small"], typer.Option(help="Size of the model.")] = "tiny",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="Number format.")
    ] = "auto",
    seconds: Annotated[float, typer.Option(help="Seconds of a window.")] = 3.0,
    windows: Annotated[int, typer.Option(help="Windows, after a warm-up.")] = 8,
    processes: Annotated[
        int, typer.Option(help="Processes, each on batches of its own, all in one update.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tokens per second of whole updates: batches, forward, backward, clipping, optimizer.

    Example: scripts/bench train --data data/multi30k --size small
    """
    from seq2seq.train.beside import note_ready, processes_beside
    from seq2seq.train.hardware import keep_freed_memory

    keep_freed_memory()
    command = [sys.executable, *sys.argv]
    with processes_beside(command, processes), tempfile.TemporaryDirectory() as name:
        note_ready()
        report = train_report(size, data, precision, Path(name), seconds=seconds, windows=windows)
    show(report, as_json=as_json)


def train_report(
    size: str, data: Path, precision: str, folder: Path, *, seconds: float, windows: int
) -> dict[str, Any]:
    """Measure updates of the real loop."""
    import torch
    from accelerate import PartialState

    from seq2seq.run import Run, describe_environment
    from seq2seq.train.hardware import peak_memory_bytes
    from seq2seq.train.ranks import agree, sum_over_ranks
    from seq2seq.train.setup import prepare_run

    state = PartialState(cpu=True)
    recipe = bench_recipe(size, data, folder)
    prepared = prepare_run(recipe, Run(folder / "run"), say=note)
    loop, chosen = new_loop(prepared, precision, folder)

    def update() -> float:
        before = loop.progress.source_tokens + loop.progress.target_tokens
        loop.update()
        return loop.progress.source_tokens + loop.progress.target_tokens - before

    def own_seconds() -> float:
        return sum_over_ranks(loop.accelerator, time.process_time())[0]

    warm_up = measure(update, repeats=WARM_UP, windows=1, own_seconds=own_seconds)
    repeats = agree(math.ceil(seconds / warm_up[0].seconds * WARM_UP), state.num_processes)
    loop.sums = {}
    found = summary(measure(update, repeats=repeats, windows=windows, own_seconds=own_seconds))
    sums = loop.sums
    peak_memory = sum_over_ranks(loop.accelerator, peak_memory_bytes(torch.device("cpu")))[0]
    tokens = sums["source_tokens"] + sums["target_tokens"]
    mean_flops = (
        loop.flops_per_token[0] * sums["source_tokens"]
        + loop.flops_per_token[1] * sums["target_tokens"]
    ) / tokens
    environment = describe_environment()
    return {
        "benchmark": f"train {size}",
        "precision": chosen,
        "tokens_per_second": round(found["rate"]),
        "best_window": round(found["best"]),
        "padding_share": round(1 - tokens / sums["padded_tokens"], 4),
        "matrix_peak_gflops": round(loop.peak_flops / 1e9, 1),
        "matrix_peak_share": round(found["rate"] * mean_flops / loop.peak_flops, 3),
        "peak_memory_gib": round(peak_memory / 2**30, 2),
        "weights": sum(p.numel() for p in loop.criterion.parameters()),
        "tokens_an_update": round(tokens / (repeats * windows)),
        "processes": state.num_processes,
        "threads_each": torch.get_num_threads(),
        "quiet_windows": f"{found['quiet_windows']} of {found['windows']}",
        "foreign_share": round(found["foreign_share"], 3),
        "processor": environment["processor"],
        "commit": environment["seq2seq"]["commit"],
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


@app.command()
def decode(
    model: Annotated[Path, typer.Argument(help="Run folder or stock model folder.")],
    source: Annotated[Path, typer.Option(help="Text to translate, one segment a line.")],
    beams: Annotated[list[int], typer.Option(help="Beams; give several.")] = [5, 1],  # noqa: B006
    batch: Annotated[int, typer.Option(help="Sentences of a batch, for both.")] = 64,
    rounds: Annotated[int, typer.Option(help="Times that the text is translated.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Sentences per second against ``generate`` of the stock class, turn by turn.

    Both get the same sentences, sorted by length, in batches as large; outputs are compared.

    Example: scripts/bench decode runs/multi30k-en-de --source data/multi30k/test_2016_flickr.en.gz
    """
    from transformers import AutoModelForSeq2SeqLM

    from seq2seq.lines import read_lines
    from seq2seq.model.stock import load_model
    from seq2seq.run import describe_environment, model_folder
    from seq2seq.tokenizer import load_tokenizer

    folder = model_folder(model)
    tokenizer, ours = load_tokenizer(folder), load_model(folder)
    stock = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    sources = sorted(tokenizer.encode(read_lines(source)), key=len)
    environment = describe_environment()
    for count in beams:
        report = decode_report(ours, stock, sources, count, batch, rounds)
        report |= {
            "processor": environment["processor"],
            "commit": environment["seq2seq"]["commit"],
        }
        show(report, as_json=as_json)


def decode_report(
    ours: Any, stock: Any, sources: list[list[int]], beams: int, batch: int, rounds: int
) -> dict[str, Any]:
    """Time both on the same batches."""
    runs: dict[str, Callable[[], list[list[int]]]] = {
        "seq2seq": lambda: run_ours(ours, sources, beams, batch),
        "generate": lambda: run_stock(stock, sources, beams, batch),
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    foreign, outputs = 0.0, {}
    for _ in range(rounds):
        for name, run in runs.items():
            busy, own, start = busy_seconds(), time.process_time(), time.perf_counter()
            outputs[name] = run()
            elapsed = time.perf_counter() - start
            rates[name].append(len(sources) / elapsed)
            used = (busy_seconds() - busy) - (time.process_time() - own)
            foreign = max(foreign, used / elapsed / (os.cpu_count() or 1))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    pairs = zip(outputs["seq2seq"], outputs["generate"], strict=True)
    same = sum(mine == theirs for mine, theirs in pairs)
    return {
        "benchmark": "decode greedy" if beams == 1 else f"decode beam {beams}",
        "sentences_per_second": round(medians["seq2seq"], 1),
        "generate_sentences_per_second": round(medians["generate"], 1),
        "times_as_fast": round(medians["seq2seq"] / medians["generate"], 2),
        "same_output": f"{same} of {len(sources)}",
        "foreign_share": round(max(0.0, foreign), 3),
    }


def run_ours(model: Any, sources: list[list[int]], beams: int, batch: int) -> list[list[int]]:
    """Our decoder with batches of about as many sentences."""
    from seq2seq.decode.options import DecodeOptions
    from seq2seq.engines.engine import NativeEngine

    found, engine = [], NativeEngine(model)
    for part in batches(sources, batch):
        options = DecodeOptions(beams=beams, max_length_factor=0.0, max_length_offset=128)
        found += engine.search(part, options, batch_tokens=10**9)
    return [list(hypotheses[0].ids) for hypotheses in found]


def run_stock(model: Any, sources: list[list[int]], beams: int, batch: int) -> list[list[int]]:
    """``generate`` with the settings under which both search for the same thing."""
    import torch

    pad, eos = model.config.pad_token_id, model.config.eos_token_id
    found = []
    for part in batches(sources, batch):
        longest = max(map(len, part))
        ids = torch.tensor([row + [pad] * (longest - len(row)) for row in part])
        with torch.inference_mode():
            output = model.generate(
                input_ids=ids, attention_mask=(ids != pad).long(), num_beams=beams,
                do_sample=False, max_new_tokens=128, max_length=None, length_penalty=1.0,
                early_stopping=beams > 1,
            )  # fmt: skip
        for row in output[:, 1:].tolist():
            found.append(row[: row.index(eos) + 1] if eos in row else row)
    return found


def batches(rows: list[list[int]], size: int) -> Iterator[list[list[int]]]:
    """Consecutive rows, so many at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def note(text: str) -> None:
    """Tell on stderr what is going on."""
    print(text, file=sys.stderr)


def show(report: dict[str, Any], *, as_json: bool) -> None:
    """Print a report for people or programs."""
    if as_json:
        print(json.dumps(report))
        return
    for key, value in report.items():
        print(f"{key:<30} {value}")
    print()


if __name__ == "__main__":
    app()
