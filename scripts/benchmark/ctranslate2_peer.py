"""CTranslate2 called directly, in a process of its own, with the setting that is fastest here."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypedDict

from scripts.benchmark.results import note
from seq2seq.decode.options import DecodeOptions
from seq2seq.errors import DataError, ModelError
from seq2seq.lines import read_lines
from seq2seq.translate import Translator

TOKENIZER = "tokenizer.json"
PROGRAM = Path(__file__).with_name("ctranslate2_program.py")

Precision = Literal["fp32", "int8"]
COMPUTE_TYPES: dict[Precision, str] = {"fp32": "float32", "int8": "int8"}


class Seconds(TypedDict):
    """What the other program took."""

    cutting: float
    searching: float
    translating: float


@dataclass(frozen=True)
class Setting:
    """How CTranslate2 is to share out the work."""

    inter_threads: int
    intra_threads: int
    batch_type: str
    max_batch_size: int

    def __str__(self) -> str:
        """For people: workers times threads, and the size of a batch."""
        threads = f"{self.inter_threads} x {self.intra_threads} threads"
        return f"{threads}, batches of {self.max_batch_size} {self.batch_type}"


BATCHES = (("examples", 32), ("examples", 64), ("tokens", 1024), ("tokens", 2048))


def choose(
    seconds: Callable[[Setting], float], *, cores: int
) -> tuple[Setting, dict[Setting, float]]:
    """The fastest setting: first the threads, with the first batches, then the batches.

    Args:
        seconds: Tries a setting.
        cores: Threads to share out.

    Returns:
        The setting, and the seconds of all that were tried.
    """
    threads = dict.fromkeys([(cores, 1), (1, cores)])
    tried: dict[Setting, float] = {}
    for inter, intra in threads:
        setting = Setting(inter, intra, *BATCHES[0])
        tried[setting] = seconds(setting)
    best = min(tried, key=tried.__getitem__)
    for batches in BATCHES[1:]:
        setting = Setting(best.inter_threads, best.intra_threads, *batches)
        tried[setting] = seconds(setting)
    return min(tried, key=tried.__getitem__), tried


class CTranslate2:
    """The same model in CTranslate2's format, and a text to translate with it.

    Args:
        model: In CTranslate2's format.
        translator: The model as this project opens it, for its pieces and its search.
        source: The text, one segment a line.
        precision: Of the matrices.
        beams: 1 is greedy search.
        max_length: Pieces of an output at most; as many as the model allows if None.
        warm_up: Whether to translate once before the clock starts.
    """

    def __init__(
        self, model: Path, translator: Translator, source: Path, *, precision: Precision,
        beams: int, max_length: int | None = None, warm_up: bool = False,
    ):  # fmt: skip
        self.output = source.with_name("ctranslate2.txt")
        options = replace(translator.options, beams=beams)
        if max_length is None:
            lengths = [len(ids) for ids in translator.tokenizer.encode(read_lines(source))]
            max_length = max(options.length_limits(lengths, translator.engine.positions))
        self._job: dict[str, Any] = {
            "model": str(model), "tokenizer": str(model / TOKENIZER), "source": str(source),
            "output": str(self.output), "beams": beams,
            "length_penalty": options.length_penalty, "max_length": max_length,
            "compute_type": COMPUTE_TYPES[precision], "warm_up": warm_up,
        }  # fmt: skip

    def run(self, setting: Setting) -> Seconds:
        """Translate once; the output lies in ``output``."""
        command = [sys.executable, str(PROGRAM), json.dumps(self._job | asdict(setting))]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if ended.returncode:
            raise ModelError(
                f"CTranslate2 called directly: exit code {ended.returncode} with "
                f"{setting}; what it wrote stands above"
            )
        found: Seconds = json.loads(ended.stdout)
        return found

    def best_setting(self, of: Literal["searching", "translating"]) -> Setting:
        """Try the settings and say which is fastest.

        Args:
            of: Which seconds decide.
        """
        cores = len(os.sched_getaffinity(0))
        best, tried = choose(lambda setting: self.run(setting)[of], cores=cores)
        for setting, seconds in tried.items():
            note(f"ctranslate2: {seconds:.2f} s with {setting}")
        return best


def named(beams: int) -> str:
    """What a search is called."""
    return "greedy" if beams == 1 else f"beam {beams}"


def release() -> str:
    """Name and release of the program."""
    return f"ctranslate2 {version('ctranslate2')}"


def check_plain(options: DecodeOptions) -> None:
    """Refuse a search for which the other program would need more than its own options.

    Raises:
        DataError: Naming what stands against it.
    """
    asked = {
        "a first piece": options.first_id is not None,
        "no_repeat_ngram": bool(options.no_repeat_ngram),
        "min_length": bool(options.min_length),
        "a prefix": bool(options.prefix),
    }
    if found := [name for name, is_asked in asked.items() if is_asked]:
        raise DataError(
            f"--peer ctranslate2: the model's search has {', '.join(found)}, needed a plain one; "
            "measure a model that was trained here"
        )


@contextmanager
def converted(model: Any, tokenizer: Any) -> Iterator[Path]:
    """A model in CTranslate2's format beside its tokenizer, in a folder that goes at the end.

    Args:
        model: One of ours.
        tokenizer: Its tokenizer.
    """
    from seq2seq.engines.to_ctranslate2 import write_ctranslate2

    with TemporaryDirectory(prefix="bench-ctranslate2-") as folder:
        write_ctranslate2(model, tokenizer, Path(folder), quantize=None)
        tokenizer.backend.save(str(Path(folder, TOKENIZER)))
        yield Path(folder)
