"""Our own decoder, in turns with ``generate`` of transformers or with CTranslate2."""

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
from scripts.benchmark.results import AsJson, Out, Report, Teller
from scripts.benchmark.timing import Window, in_turns, summary, times_as_fast
from scripts.benchmark.translate import write_lines
from seq2seq.errors import DataError

Pieces = list[list[int]]


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
        Precision, typer.Option(help="Of both; our own program has fp32 alone.")
    ] = "fp32",
    max_length: Annotated[int, typer.Option(min=1, help="Pieces of an output at most.")] = 128,
    batch: Annotated[int, typer.Option(min=1, help="Sentences of a batch, with --peer hf.")] = 64,
    rounds: Annotated[int, typer.Option(min=1, help="Times that the text is translated.")] = 3,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Sentences per second of our own decoder, in turns with another program.

    Both get the same sentences as pieces, and outputs are compared. generate gets them sorted by
    length, and both get batches as large; beside CTranslate2 each program has its own best way:
    ours its defaults, CTranslate2 the fastest of several numbers of threads and batches. Reads
    and decodes here; the network is not used.

    Example: scripts/bench decode runs/tiny --source test.en --peer ctranslate2
    """
    from seq2seq.translate import Translator

    if precision != "fp32":  # our own program decodes in nothing else
        raise DataError(f"--precision: '{precision}', needed fp32: our own program has no other")
    say = Teller(out, as_json=as_json)
    translator = Translator.load(model, engine="native")
    with TemporaryDirectory(prefix="bench-") as folder:
        text = Path(folder, "source.txt")
        sources = translator.tokenizer.encode(write_lines(source, lines, text))
        for count in beams:
            report = (
                beside_generate(model, translator, sources, (count, max_length), batch, rounds)
                if peer == "hf"
                else beside_ctranslate2(translator, sources, text, (count, max_length), rounds)
            )
            say({"benchmark": "decode", "model": model.name, "precision": precision} | report)


def beside_generate(
    model: Path, translator: Any, sources: Pieces, search: tuple[int, int], batch: int,
    rounds: int,
) -> Report:  # fmt: skip
    """Ours and ``generate``, in batches as large, sorted by length."""
    from importlib.metadata import version

    from transformers import AutoModelForSeq2SeqLM

    from seq2seq.run import model_folder

    stock = AutoModelForSeq2SeqLM.from_pretrained(model_folder(model)).eval()
    rows, outputs = sorted(sources, key=len), dict[str, Pieces]()

    def ours() -> float:
        outputs["ours"] = []
        for part in batches(rows, batch):
            outputs["ours"] += search_ours(translator, part, search, batch_tokens=10**9)
        return len(rows)

    def theirs() -> float:
        outputs["theirs"] = run_stock(stock, rows, search, batch)
        return len(rows)

    turns = in_turns({"seq2seq": ours, "peer": theirs}, rounds)
    same = sum(a == b for a, b in zip(outputs["ours"], outputs["theirs"], strict=True))
    peer = {"peer": f"transformers {version('transformers')}", "peer_setting": f"batch of {batch}"}
    return named_search(search) | peer | figures(turns, same)


def beside_ctranslate2(
    translator: Any, sources: Pieces, text: Path, search: tuple[int, int], rounds: int
) -> Report:
    """Ours with its defaults, and CTranslate2 with its fastest setting."""
    written: Pieces = []

    def ours() -> float:
        written[:] = search_ours(translator, sources, search)
        return len(sources)

    with converted(translator.model, translator.tokenizer) as folder:
        other = CTranslate2(
            folder, translator, text, precision="fp32", beams=search[0], max_length=search[1],
            warm_up=True,
        )  # fmt: skip
        setting = other.best_setting("searching")
        seconds: list[float] = []

        def theirs() -> float:
            seconds.append(other.run(setting)["searching"])
            return len(sources)

        ours()  # as theirs, which is warm when its clock starts
        turns = in_turns({"seq2seq": ours, "peer": theirs}, rounds)
        found = other.output.read_text(encoding="utf-8").splitlines()
    turns["peer"] = [
        Window(window.amount, searching, window.foreign)
        for window, searching in zip(turns["peer"], seconds, strict=True)
    ]
    texts = translator.tokenizer.decode(written)
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


def search_ours(
    translator: Any, sources: Pieces, search: tuple[int, int], *, batch_tokens: int | None = None
) -> Pieces:
    """Our own decoder.

    Args:
        translator: The model.
        sources: What to translate.
        search: Beams, and pieces of an output at most.
        batch_tokens: Of a batch; None leaves it to the program.
    """
    from seq2seq.decode.lengths import DEFAULT_BATCH_TOKENS
    from seq2seq.decode.options import DecodeOptions

    options = DecodeOptions(beams=search[0], max_length=search[1])
    found = translator.engine.search(
        sources, options, batch_tokens=batch_tokens or DEFAULT_BATCH_TOKENS
    )
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
