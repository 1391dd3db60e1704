"""Searches in processes, and writes which of them did what as JSON.

    python searching_processes.py MODEL NOTES

MODEL is a stock folder; every search of a batch adds a line to NOTES. The machine has two threads.
A program of its own, because who forks must not have computed in threads before.
"""

import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import torch

from seq2seq.cli import app
from seq2seq.decode.options import DecodeOptions
from seq2seq.engines import automatic, comparison, native
from seq2seq.engines.automatic import fastest_engine
from seq2seq.engines.engine import Engine
from seq2seq.engines.load import load_engine
from seq2seq.errors import ModelError
from tests.publish.small_models import random_text

GREEDY = DecodeOptions(beams=1)
BEAMS = DecodeOptions(beams=2)
REFUSED = DecodeOptions(beams=2, max_length=3)
SMALL = 40  # pieces times beams: several batches


def main(folder: Path, notes: Path) -> dict[str, Any]:
    torch.set_num_threads(2)
    native.THREAD_TOKENS = 1  # type: ignore[misc]
    automatic.SAMPLE, automatic.ENOUGH = 10, 20  # type: ignore[misc]
    comparison.SLOWER = 1000.0  # type: ignore[misc]
    search_beams = native.search_beams

    def noting(model: Any, sources: Any, options: DecodeOptions, *rest: Any) -> Any:
        with notes.open("a") as file:
            file.write(f"{os.getpid() == parent} {torch.get_num_threads()}\n")
        if options == REFUSED:
            raise ModelError("decode: refused")
        return search_beams(model, sources, options, *rest)

    parent = os.getpid()
    native.search_beams = noting  # type: ignore[assignment]
    lines = random_text(30, seed=3)
    engine, _ = load_engine("native", folder)
    sources = automatic.open_tokenizer(folder, languages=(None, None)).encode(lines)

    def where(search: Callable[[], object]) -> list[str]:
        """Whether this process searched, and with how many threads; each answer once."""
        notes.write_text("")
        search()
        return sorted(set(notes.read_text().splitlines()))

    def several(engine: Engine, options: DecodeOptions = BEAMS, **given: Any) -> list[str]:
        return where(lambda: engine.search(sources, options, batch_tokens=SMALL, **given))

    found: dict[str, Any] = {}
    progress: list[int] = []
    with engine.in_processes():
        with engine.in_processes():
            pass
        found["several batches"] = several(engine, progress=progress.append)
        found["one batch"] = where(lambda: engine.search(sources[:1], BEAMS))
        prefixes = [[5, 6], *[[]] * (len(sources) - 1)]
        found["with prefixes"] = several(engine, prefixes=prefixes)
        in_processes = engine.search(sources, BEAMS, batch_tokens=SMALL, prefixes=prefixes)
        try:
            engine.search(sources, REFUSED, batch_tokens=SMALL)
        except ModelError as error:
            found["error"] = str(error)
    found["processes left"] = len(multiprocessing.active_children())
    found["progress"] = [len(progress) > 4, progress == sorted(progress), progress[-1]]
    with ThreadPoolExecutor(4) as pool:
        at_once = threading.Barrier(4)
        found["threads, processes"] = list(pool.map(in_a_block, [engine] * 4, [at_once] * 4))
    others = ExitStack()
    with engine.in_processes():
        in_thread(others.enter_context, engine.in_processes())
        found["threads, first"] = several(engine)
    found["threads, left by the first"] = several(engine)
    in_thread(others.close)
    found["threads, processes left"] = len(multiprocessing.active_children())
    chosen = fastest_engine(folder, say=lambda line: None)
    with chosen.in_processes():
        found["chosen, trial"] = several(chosen, GREEDY)
        found["processes left after the trial"] = len(multiprocessing.active_children())
        found["chosen, CTranslate2"] = several(chosen, GREEDY)
        found["chosen, native"] = several(chosen, GREEDY, prefixes=prefixes)
    for _ in range(2):
        with chosen.in_processes():
            with chosen.in_processes():
                pass
            found["chosen, second block"] = several(chosen, GREEDY, prefixes=prefixes)
    text, output = notes.with_name("in.txt"), notes.with_name("out.txt")
    text.write_text("".join(f"{line}\n" for line in lines))
    sys.argv[1:] = [
        *("translate", str(folder), "--input", str(text), "--output", str(output)),
        *("--engine", "native", "--beam", "2", "--batch-tokens", str(SMALL)),
    ]
    found["command"] = where(command)
    if torch.cpu._is_vnni_supported():
        rounded = fastest_engine(folder, eight_bits=True, say=lambda line: None)
        with rounded.in_processes():  # the first search compares some outputs in threads
            rounded.search(sources, BEAMS, prefixes=prefixes)
            found["in 8 bits"] = several(rounded, prefixes=prefixes)
    found["threads afterwards"] = torch.get_num_threads()
    found["outside"] = several(engine)
    with engine.in_processes():
        found["after threads"] = several(engine)
        found["same"] = in_processes == engine.search(
            sources, BEAMS, batch_tokens=SMALL, prefixes=prefixes
        )
    return found


def in_a_block(engine: Engine, at_once: threading.Barrier) -> int:
    """Enter a block together with other threads; how many processes there are when all have."""
    at_once.wait()
    with engine.in_processes():
        at_once.wait()
        count = len(multiprocessing.active_children())
        at_once.wait()
    return count


def in_thread(work: Callable[..., object], *given: object) -> None:
    thread = threading.Thread(target=work, args=given)
    thread.start()
    thread.join()


def command() -> None:
    with suppress(SystemExit):
        app.main()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
