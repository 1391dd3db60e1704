"""How speed and memory of training change with the size of batch, model and corpus.

Each value is measured in a process of its own, so that the peak of its memory is its own.
"""

import gzip
import json
import resource
import sys
import time
from itertools import accumulate
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import typer

from scripts.benchmark.results import AsJson, Out, Report, Teller, note
from scripts.benchmark.timing import in_own_process
from seq2seq.errors import DataError

Over = Literal["batch_tokens", "width", "pairs"]
VALUES: dict[Over, tuple[int, ...]] = {
    "batch_tokens": (1024, 2048, 4096, 8192, 16384),
    "width": (64, 128, 256, 512),
    "pairs": (10_000, 30_000, 100_000, 300_000),
}
WIDTH, BATCH_TOKENS = 256, 4096  # where they are not what changes
RANDOM_PAIRS = 5_000
WORDS, LONGEST = 30_000, 20
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
GIB = 2**30


def sweep(
    over: Annotated[
        Literal["batch_tokens", "width", "pairs", "all"],
        typer.Argument(help="What changes: tokens of a batch, width of the model, size of corpus."),
    ] = "all",
    value: Annotated[
        list[int] | None, typer.Option(help="Instead of the usual values; give several.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Of each measurement, after a warm-up.")] = 10.0,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Tokens per second and memory of training, by size of batch, of the model and of the corpus.

    Batch and width: a model of 6 + 6 layers (width 256, batches of 4,096 tokens where that is not
    what changes) on random pieces, in 32 bits. Corpus: seconds and peak memory from two text files
    of made-up sentences to the end of the first update of the tiny model of the benchmark, and its
    speed then. Uses no data and no network.

    Example: scripts/bench sweep batch_tokens --out results/batch.json
    """
    say = Teller(out, as_json=as_json)
    if value and over == "all":
        raise DataError("--value: with all three, needed what changes: sweep width --value 128")
    kinds = VALUES if over == "all" else [over]
    for kind in kinds:
        for number in value or VALUES[kind]:
            found = in_own_process(__name__, kind, number, seconds)
            say({"benchmark": f"sweep {kind}", kind: number} | found)


def measure_training(kind: Over, number: int, seconds: float) -> Report:
    """Updates of a random model on random pieces."""
    import torch

    from scripts.benchmark.gpu import RandomPairs, train

    width = number if kind == "width" else WIDTH
    batch_tokens = number if kind == "batch_tokens" else BATCH_TOKENS
    with TemporaryDirectory() as folder:
        found: dict[str, Any] = train(
            RandomPairs(RANDOM_PAIRS), "fp32", Path(folder), width, batch_tokens, seconds,
            torch.device("cpu"),
        )  # fmt: skip
    return {
        name: found[name] for name in ("tokens_per_second", "matrix_peak_share", "peak_memory_gib")
    }


def measure_corpus(pairs: int, seconds: float) -> Report:
    """From text to the first update, and the speed after it."""
    from accelerate import PartialState

    from scripts.benchmark.shapes import bench_recipe
    from scripts.benchmark.train import new_loop
    from seq2seq.run import Run
    from seq2seq.train.setup import prepare_run

    with TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder, pairs)
        PartialState(cpu=True)
        start = time.perf_counter()
        prepared = prepare_run(bench_recipe("tiny", folder, folder), Run(folder / "run"), say=note)
        loop, _ = new_loop(prepared, "fp32", folder)
        loop.update()
        first = time.perf_counter() - start
        peak = own_peak()
        before, start = (
            loop.progress.source_tokens + loop.progress.target_tokens,
            time.perf_counter(),
        )
        while time.perf_counter() - start < seconds:
            loop.update()
        tokens = loop.progress.source_tokens + loop.progress.target_tokens - before
        return {
            "tokens_per_second": round(tokens / (time.perf_counter() - start)),
            "seconds_to_first_update": round(first, 1),
            "peak_memory_gib": peak,
        }


def own_peak() -> float:
    """The most memory that this process held, in GiB."""
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(kib * 1024 / GIB, 2)


def write_corpus(folder: Path, pairs: int) -> None:
    """Files of made-up sentences, named as those of Multi30k.

    Rank decides how often a word occurs, as in text, so pieces and vocabulary are like those of
    text; no two sentences are alike.
    """
    random = Random(1)
    words = ["".join(random.choices(SYLLABLES, k=random.randint(1, 4))) for _ in range(WORDS)]
    weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))
    for side in ("en", "de"):
        for part, count in (("train", pairs), ("val", 100)):
            with gzip.open(folder / f"{part}.{side}.gz", "wt", 1, encoding="utf-8") as file:
                for _ in range(count):
                    length = random.randint(5, LONGEST)
                    file.write(
                        " ".join(random.choices(words, cum_weights=weights, k=length)) + "\n"
                    )


def main(kind: Over, number: int, seconds: float) -> None:
    """Measure one value and print what was found."""
    found = (
        measure_corpus(number, seconds)
        if kind == "pairs"
        else measure_training(kind, number, seconds)
    )
    print(json.dumps(found))


if __name__ == "__main__":
    chosen: Any = sys.argv[1]
    main(chosen, int(sys.argv[2]), float(sys.argv[3]))
