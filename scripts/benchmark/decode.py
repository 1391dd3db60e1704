"""Our own decoder, in turns with ``generate`` of transformers or with CTranslate2."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import typer

from scripts.benchmark.ctranslate2_peer import (
    CTranslate2,
    Precision,
    converted,
    named,
    release,
)
from scripts.benchmark.results import AsJson, Out, Report, Teller, note
from scripts.benchmark.timing import Window, in_turns, summary, times_as_fast
from scripts.benchmark.translate import write_lines
from seq2seq.errors import DataError

Pieces = list[list[int]]

# Sentences of a batch that `generate` is tried with, and of how many sentences.
BATCHES, SAMPLE = (8, 16, 32, 64, 128), 256


def decode(
    model: Annotated[Path, typer.Argument(help="Run folder or stock model folder.")],
    source: Annotated[Path, typer.Option(help="Text to translate, one segment a line.")],
    lines: Annotated[int, typer.Option(min=1, help="Lines of it.")] = 1000,
    beams: Annotated[list[int], typer.Option(help="Beams; give several.")] = [5, 1],  # noqa: B006
    peer: Annotated[
        Literal["hf", "ctranslate2"],
        typer.Option(help="The other: generate of transformers, or CTranslate2."),
    ] = "hf",
    precision: Annotated[
        Precision, typer.Option(help="Of the matrices of both; int8 beside CTranslate2.")
    ] = "fp32",
    max_length: Annotated[int, typer.Option(min=1, help="Pieces of an output at most.")] = 128,
    rounds: Annotated[int, typer.Option(min=1, help="Times that the text is translated.")] = 3,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Sentences per second of our own decoder, in turns with another program.

    Both get the same sentences as pieces, and outputs are compared. Each program has its own best
    way: ours its defaults; generate sentences sorted by length, in batches of the fastest of
    several sizes; CTranslate2 the fastest of several numbers of threads and batches. Reads and
    decodes here; the network is not used.

    Example: scripts/bench decode runs/tiny --source test.en --peer ctranslate2
    """
    from seq2seq.memory import keep_freed_memory
    from seq2seq.translate import Translator

    if peer == "hf" and precision == "int8":
        raise DataError("--precision: 'int8' with --peer hf, needed --peer ctranslate2 or fp32")
    keep_freed_memory()  # as seq2seq translate does
    say = Teller(out, as_json=as_json)
    exact = Translator.load(model, engine="native")
    ours = exact if precision == "fp32" else in_eight_bits(model)
    with TemporaryDirectory(prefix="bench-") as folder, ours.engine.in_processes():
        text = Path(folder, "source.txt")
        sources = ours.tokenizer.encode(write_lines(source, lines, text))
        for count in beams:
            search = count, max_length
            if peer == "hf":
                report = beside_generate(model, ours, sources, search, rounds)
            else:
                with converted(exact.model, exact.tokenizer) as theirs:
                    other = CTranslate2(
                        theirs, exact, text, precision=precision, beams=count,
                        max_length=max_length, warm_up=True,
                    )  # fmt: skip
                    report = beside_ctranslate2(ours, other, sources, search, rounds)
            say({"benchmark": "decode", "model": model.name, "precision": precision} | report)


def in_eight_bits(model: Path) -> Any:
    """Our own program with matrices of 8 bits."""
    from seq2seq.engines.load import load_eight_bits
    from seq2seq.translate import Translator

    return Translator.load(model, engine=load_eight_bits(model, device="cpu", say=note))


def beside_generate(
    model: Path, translator: Any, sources: Pieces, search: tuple[int, int], rounds: int
) -> Report:
    """Ours with its defaults, and ``generate`` with sorted sentences in the fastest batches."""
    from importlib.metadata import version

    from transformers import AutoModelForSeq2SeqLM

    from seq2seq.run import model_folder

    stock = AutoModelForSeq2SeqLM.from_pretrained(model_folder(model)).eval()
    rows, outputs = sorted(sources, key=len), dict[str, Pieces]()
    batch = fastest_batch(stock, rows, search)

    def ours() -> float:
        outputs["ours"] = search_ours(translator, rows, search)
        return len(rows)

    def theirs() -> float:
        outputs["theirs"] = run_stock(stock, rows, search, batch)
        return len(rows)

    turns = in_turns({"seq2seq": ours, "peer": theirs}, rounds)
    same = sum(a == b for a, b in zip(outputs["ours"], outputs["theirs"], strict=True))
    peer = {"peer": f"transformers {version('transformers')}", "peer_setting": f"batch of {batch}"}
    return named_search(search) | peer | figures(turns, same)


def fastest_batch(stock: Any, rows: Pieces, search: tuple[int, int]) -> int:
    """How many sentences of a batch ``generate`` is fastest with.

    Args:
        stock: The model.
        rows: Sentences, of which some are tried.
        search: Beams, and pieces of an output at most.
    """
    sample = rows[:: max(1, len(rows) // SAMPLE)]
    run_stock(stock, sample[: BATCHES[0]], search, BATCHES[0])
    seconds = {}
    for size in BATCHES:
        start = time.perf_counter()
        run_stock(stock, sample, search, size)
        seconds[size] = time.perf_counter() - start
        note(f"generate: {seconds[size]:.2f} s of {len(sample)} sentences in batches of {size}")
    return min(seconds, key=seconds.__getitem__)


def beside_ctranslate2(
    translator: Any, other: CTranslate2, sources: Pieces, search: tuple[int, int], rounds: int
) -> Report:
    """Ours with its defaults, and CTranslate2 with its fastest setting."""
    setting = other.best_setting("searching")
    written: Pieces = []
    seconds: list[float] = []

    def ours() -> float:
        written[:] = search_ours(translator, sources, search)
        return len(sources)

    def theirs() -> float:
        seconds.append(other.run(setting)["searching"])
        return len(sources)

    ours()  # as theirs, which is warm when its clock starts
    turns = in_turns({"seq2seq": ours, "peer": theirs}, rounds)
    turns["peer"] = [
        Window(window.amount, searching, window.foreign)
        for window, searching in zip(turns["peer"], seconds, strict=True)
    ]
    texts = translator.tokenizer.decode(written)
    found = other.output.read_text(encoding="utf-8").splitlines()
    same = sum(a == b for a, b in zip(texts, found, strict=True))
    peer = {"peer": release(), "peer_setting": str(setting)}
    return named_search(search) | peer | figures(turns, same)


def named_search(search: tuple[int, int]) -> Report:
    """What was searched for."""
    return {"search": named(search[0]), "max_length": search[1]}


def figures(turns: dict[str, list[Window]], same: int) -> Report:
    """Medians and their ratio.

    Args:
        turns: By program; ``peer`` is the other one.
        same: Outputs that both wrote alike.
    """
    lines = round(turns["peer"][0].amount)
    ours, peer = summary(turns["seq2seq"]), summary(turns["peer"])
    return {
        "sentences_per_second": round(ours.rate, 1),
        "peer_sentences_per_second": round(peer.rate, 1),
        "times_as_fast": times_as_fast(ours, peer),
        "same_output": f"{same} of {lines}",
        "quiet_turns": ours.quiet,
        "foreign_share": round(max(ours.foreign_share, peer.foreign_share), 3),
    }


def search_ours(translator: Any, sources: Pieces, search: tuple[int, int]) -> Pieces:
    """Our own decoder.

    Args:
        translator: The model.
        sources: What to translate.
        search: Beams, and pieces of an output at most.
    """
    from seq2seq.decode.options import DecodeOptions

    options = DecodeOptions(beams=search[0], max_length=search[1], scored=False)
    found = translator.engine.search(sources, options)
    return [list(hypotheses[0].ids) for hypotheses in found]


def run_stock(model: Any, sources: Pieces, search: tuple[int, int], batch: int) -> Pieces:
    """``generate`` with the settings under which both search for the same thing."""
    import torch

    beams, max_length = search
    pad, eos = model.config.pad_token_id, model.config.eos_token_id
    found = []
    for part in batches(sources, batch):
        longest = max(map(len, part))
        ids = torch.tensor([row + [pad] * (longest - len(row)) for row in part])
        with torch.inference_mode():
            output = model.generate(
                input_ids=ids, attention_mask=(ids != pad).long(), num_beams=beams,
                do_sample=False, max_new_tokens=max_length, max_length=None, length_penalty=1.0,
                early_stopping=beams > 1,
            )  # fmt: skip
        for row in output[:, 1:].tolist():
            found.append(row[: row.index(eos) + 1] if eos in row else row)
    return found


def batches(rows: Pieces, size: int) -> Iterator[Pieces]:
    """Consecutive rows, so many at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
