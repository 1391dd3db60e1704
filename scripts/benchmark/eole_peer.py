"""A training of eole beside our own loop: the same pieces, the same shape, batches as large.

It gets an environment of its own, made once and kept, because its packages are not ours. It is
started once and runs through all turns; in between the whole process is stopped, so that a turn
holds updates alone, neither its start nor its reading of the corpus.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from scripts.benchmark.results import note
from scripts.benchmark.shapes import BATCH_TOKENS, SHAPES, Size
from seq2seq.errors import TrainingError
from seq2seq.files import cache_folder, replacing

SCRIPTS = Path(__file__).parent.parent
# eole 0.6.4 imports aiohttp at every start and does not ask for it.
REQUIREMENTS = ("eole==0.6.4", "aiohttp")
WARM_UP_UPDATES = 12
# It sorts so many pairs by length at once: the whole corpus. With its default of nine times as
# many, and two processes that read, these would be busy far into the turns and slow it down.
BUCKET_PAIRS = 29_000
# It counts the longer side with its padding: with so many, an update holds as many tokens as ours
# (7,484 and 7,594 on both sides together, means over the corpus).
PADDED_TOKENS = BATCH_TOKENS * 8 // 7
NEVER = 10**6
REPORT = re.compile(r"Step +(\d+)/.* bsz: +(\d+)/ *(\d+)/ *(\d+);")
SAID = 12  # lines that an error shows

Precision = Literal["fp32", "bf16"]


def environment() -> Path:
    """The Python of eole's environment, which is made where it is not there yet.

    Raises:
        TrainingError: It cannot be made.
    """
    folder = cache_folder() / f"benchmark-{REQUIREMENTS[0].replace('==', '-')}"
    python, ready = folder / "bin" / "python", folder / "installed.txt"
    if not ready.is_file():
        note(f"installing {REQUIREMENTS[0]} in {folder}, once for this machine; it takes minutes")
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(SCRIPTS / "install_cpu_torch"), str(python)],
            [*pip, "-c", str(SCRIPTS / "constraints-cpu.txt"), *REQUIREMENTS],
        ):
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            if said.returncode:
                raise TrainingError(
                    f"--peer eole: '{' '.join(command)}' ended with exit code {said.returncode}: "
                    f"{last_lines(said.stderr.splitlines())}\nneeded a registry of Python packages"
                )
        with replacing(ready) as file:
            file.write("\n".join(REQUIREMENTS) + "\n")
    return python


def settings(size: Size, files: Path, precision: Precision) -> dict[str, Any]:
    """The configuration of eole for one of the benchmark's models.

    Args:
        size: Which.
        files: Folder with the text as pieces, and the vocabulary, as `write_text` writes them.
        precision: Number format of the products.
    """
    shape = SHAPES[size]
    vocabulary = str(files / "vocabulary.txt")
    return {
        "seed": 1, "report_every": 1, "overwrite": True, "save_data": str(files / "data"),
        "src_vocab": vocabulary, "tgt_vocab": vocabulary, "share_vocab": True,
        "decoder_start_token": "</s>", "pad_token": "<pad>",
        "data": {"text": {"path_src": str(files / "source.txt"),
                          "path_tgt": str(files / "target.txt"), "transforms": []}},
        "model": {"architecture": "transformer", "hidden_size": shape["width"],
                  "transformer_ff": shape["ffn_width"], "heads": shape["heads"],
                  "layers": shape["layers"], "add_qkvbias": True, "add_ffnbias": True,
                  "share_embeddings": True, "share_decoder_embeddings": True,
                  "embeddings": {"word_vec_size": shape["width"], "position_encoding": True,
                                 "position_encoding_type": "SinusoidalInterleaved"}},
        "training": {"model_path": str(files / f"model-{precision}"), "compute_dtype": precision,
                     "batch_type": "tokens", "batch_size": PADDED_TOKENS,
                     "normalization": "tokens", "optim": "adamw", "learning_rate": 1e-3,
                     "max_grad_norm": 1.0, "label_smoothing": 0.1, "dropout": [shape["dropout"]],
                     "attention_dropout": [shape["dropout"]], "train_steps": NEVER,
                     "save_checkpoint_steps": NEVER, "valid_steps": NEVER,
                     "log_attention_entropy": False, "num_workers": 1,
                     "bucket_size": BUCKET_PAIRS},
    }  # fmt: skip


def write_text(prepared: Any, folder: Path) -> None:
    """The training text as pieces with spaces between them, and the vocabulary, one piece a line.

    Args:
        prepared: The text and tokenizer of our own run.
        folder: Where.
    """
    tokenizer = prepared.tokenizer
    names = [tokenizer.piece(number) for number in range(tokenizer.vocab_size)]
    (folder / "vocabulary.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    for side, name in enumerate(("source", "target")):
        with (folder / f"{name}.txt").open("w", encoding="utf-8") as file:
            for ids in tokenizer.encode(list(prepared.text.training_side(side))):
                file.write(" ".join(names[number] for number in ids[:-1]) + "\n")


def tokens_of(line: str) -> int | None:
    """Tokens of the update that a line of eole's log reports, counted as ours; None if of none.

    It tells means of one update: source pieces, which end with no piece of their own, target
    pieces, which do, and sentences. Our sources end with a piece, so the sentences are added.
    """
    found = REPORT.search(line)
    return None if found is None else sum(map(int, found.groups()[1:]))


class Eole:
    """A training that goes on for as long as it is let."""

    def __init__(self, process: "subprocess.Popen[str]", seconds: float):
        self._process, self._seconds = process, seconds
        self._said: list[str] = []
        self.updates = 0

    def warm_up(self) -> None:
        """Wait until it is under way, and stop it."""
        for _ in range(WARM_UP_UPDATES):
            self._next_update()
        self._signal(signal.SIGSTOP)
        self.updates = 0

    def turn(self) -> float:
        """Let it go on for some seconds.

        Returns:
            The tokens that it trained on.
        """
        start, tokens = time.perf_counter(), 0
        self._signal(signal.SIGCONT)
        while time.perf_counter() - start < self._seconds:
            tokens += self._next_update()
            self.updates += 1
        self._signal(signal.SIGSTOP)
        return tokens

    def end(self) -> None:
        """End it, whatever it does."""
        with suppress(ProcessLookupError):
            self._signal(signal.SIGKILL)
        self._process.communicate()

    def _next_update(self) -> int:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            tokens = tokens_of(line)
            if tokens is not None:
                return tokens
            self._said.append(line.rstrip())
        code = self._process.wait()
        raise TrainingError(
            f"--peer eole: ended with exit code {code} instead of training: "
            f"{last_lines(self._said)}"
        )

    def _signal(self, number: int) -> None:
        os.killpg(self._process.pid, number)  # it has processes of its own, which read text


def last_lines(lines: Sequence[str]) -> str:
    """The end of what a program said."""
    return "\n".join(lines[-SAID:])


@contextmanager
def training(
    prepared: Any, size: Size, folder: Path, *, precision: Precision,
    seconds: float,
) -> Iterator[Eole]:  # fmt: skip
    """A training of eole, warm and stopped.

    Args:
        prepared: The text and tokenizer of our own run.
        size: Which of the benchmark's models.
        folder: Where it may write.
        precision: Number format.
        seconds: Of a turn.
    """
    python = environment()
    if not (folder / "vocabulary.txt").is_file():
        write_text(prepared, folder)
    config = folder / f"{precision}.json"
    config.write_text(json.dumps(settings(size, folder, precision)))
    command = [str(python.with_name("eole")), "train", "-config", str(config)]
    others = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        env=others, cwd=folder, start_new_session=True,
    ) as process:  # fmt: skip
        peer = Eole(process, seconds)
        try:
            note(f"eole: starting with {precision}")
            peer.warm_up()
            yield peer
        finally:
            peer.end()
