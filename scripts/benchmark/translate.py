"""``seq2seq translate`` as a user starts it, beside another program called directly."""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import typer

from scripts.benchmark.ctranslate2_peer import (
    CTranslate2,
    Precision,
    check_plain,
    converted,
    named,
    release,
)
from scripts.benchmark.results import AsJson, Out, Report, Teller, note
from scripts.benchmark.timing import Window, in_turns, summary, times_as_fast
from seq2seq.errors import DataError, ModelError

PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")
LINES_AND_SECONDS = re.compile(r"^([\d,]+) lines? in ([\d.]+) s", re.MULTILINE)


def translate(
    model: Annotated[Path, typer.Argument(help="Run folder or stock model folder.")],
    source: Annotated[Path, typer.Option(help="Text to translate, one segment a line.")],
    lines: Annotated[int, typer.Option(min=1, help="Lines of it.")] = 1000,
    beams: Annotated[list[int], typer.Option(help="Beams; give several.")] = [1, 5],  # noqa: B006
    precision: Annotated[
        Literal["fp32", "int8", "both"], typer.Option(help="Of the matrices of both programs.")
    ] = "both",
    max_length: Annotated[
        int | None, typer.Option(help="Pieces of an output at most. [default: as the model says]")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each program.")] = 5,
    peer: Annotated[Literal["ctranslate2"], typer.Option(help="The other.")] = "ctranslate2",
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Seconds of ``seq2seq translate`` with start-up, against CTranslate2 called directly.

    Both are started anew for each turn, read the same file, cut it into the same pieces, search
    with the same beams, and write text. Ours runs with its defaults (``--engine auto``, which has
    tried CTranslate2 before the first turn that counts), but does not split lines into sentences;
    CTranslate2 with the fastest of several numbers of threads and batches, found before. Reads and
    translates here; the network is not used.

    Example: scripts/bench translate runs/tiny --source test.en --out results/translate-tiny.json
    """
    from seq2seq.translate import Translator

    say = Teller(out, as_json=as_json)
    translator = Translator.load(model, engine="native")
    check_plain(translator.options)
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        converted(translator.model, translator.tokenizer) as theirs,
    ):
        text = Path(folder, "source.txt")
        write_lines(source, lines, text)
        for number_format in PRECISIONS if precision == "both" else [precision]:
            for count in beams:
                ours = OurCommand(model, text, count, number_format, max_length)
                other = CTranslate2(
                    theirs, translator, text, precision=number_format, beams=count,
                    max_length=max_length,
                )  # fmt: skip
                say({"model": model.name} | compare(ours, other, lines, rounds))


def compare(ours: "OurCommand", other: CTranslate2, lines: int, rounds: int) -> Report:
    """Both programs in turns, with one search."""
    note("seq2seq: a first turn, which does not count")
    ours.run()
    setting = other.best_setting("translating")
    translating: dict[str, list[float]] = {"seq2seq": [], "ctranslate2": []}

    def our_turn() -> float:
        translating["seq2seq"].append(ours.run())
        return lines

    def their_turn() -> float:
        translating["ctranslate2"].append(other.run(setting)["translating"])
        return lines

    turns = in_turns({"seq2seq": our_turn, "ctranslate2": their_turn}, rounds)
    return {
        "benchmark": "translate",
        "search": named(ours.beams),
        "precision": ours.precision,
        "lines": lines,
        "peer": release(),
        "peer_setting": str(setting),
        "engine": ours.engine,
        **figures(turns, translating),
        "same_output": f"{count_equal(ours.output, other.output)} of {lines}",
    }


def figures(turns: dict[str, list[Window]], translating: dict[str, list[float]]) -> Report:
    """Medians and ratios.

    Args:
        turns: Whole processes, by program.
        translating: Seconds of the same turns without start-up.
    """
    whole = {name: summary(windows) for name, windows in turns.items()}
    inner = {
        name: summary(
            [
                Window(window.amount, seconds, window.foreign)
                for window, seconds in zip(windows, translating[name], strict=True)
            ]
        )
        for name, windows in turns.items()
    }
    lines = {name: windows[0].amount for name, windows in turns.items()}
    ours, peer = "seq2seq", "ctranslate2"
    return {
        "lines_per_second": round(inner[ours].rate, 1),
        "peer_lines_per_second": round(inner[peer].rate, 1),
        "times_as_fast": times_as_fast(inner[ours], inner[peer]),
        "wall_seconds": round(lines[ours] / whole[ours].rate, 3),
        "peer_wall_seconds": round(lines[peer] / whole[peer].rate, 3),
        "wall_ratio": round(whole[peer].rate / whole[ours].rate, 3),
        "quiet_turns": whole[ours].quiet,
        "foreign_share": round(max(one.foreign_share for one in whole.values()), 3),
    }


class OurCommand:
    """``seq2seq translate`` of a file, each time in a process of its own."""

    def __init__(
        self, model: Path, source: Path, beams: int, precision: Precision, max_length: int | None
    ):
        self.beams, self.precision = beams, precision
        self.output = source.with_name("seq2seq.txt")
        self.engine = ""
        self._command = [
            sys.executable, "-m", "seq2seq", "translate", str(model), "--input", str(source),
            "--output", str(self.output), "--beam", str(beams), "--split", "long",
        ]  # fmt: skip
        if max_length is not None:
            self._command += ["--max-length", str(max_length)]
        if precision == "int8":
            self._command += ["--quantize", "int8"]

    def run(self) -> float:
        """Translate once.

        Returns:
            Seconds without start-up, as the command says them.
        """
        ended = subprocess.run(self._command, stderr=subprocess.PIPE, text=True, check=False)
        if ended.returncode:
            raise ModelError(f"seq2seq translate: exit code {ended.returncode}: {ended.stderr}")
        for line in ended.stderr.splitlines():
            if line.startswith("engine: "):  # behind ": on" stands what a trial found, once
                self.engine = line.removeprefix("engine: ").partition(": on ")[0]
        return said_seconds(ended.stderr)


def said_seconds(text: str) -> float:
    """The seconds that ``seq2seq translate`` said it took."""
    found = LINES_AND_SECONDS.search(text)
    if found is None:
        raise ModelError(f"seq2seq translate: said no seconds, needed 'N lines in X s': {text}")
    return float(found[2])


def write_lines(source: Path, most: int, target: Path) -> list[str]:
    """Copy the first lines of a text, which may be compressed.

    Returns:
        The lines.
    """
    from seq2seq.lines import read_lines

    found = read_lines(source)[:most]
    if len(found) < most:
        raise DataError(f"{source}: has {len(found):,} lines, needed {most:,}; give --lines")
    target.write_text("".join(f"{line}\n" for line in found), encoding="utf-8")
    return found


def count_equal(one: Path, other: Path) -> int:
    """Lines that two files have alike."""
    pairs = zip(
        one.read_text(encoding="utf-8").splitlines(),
        other.read_text(encoding="utf-8").splitlines(),
        strict=True,
    )
    return sum(mine == theirs for mine, theirs in pairs)
