"""A faster malloc is taken by our own command alone, once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq import memory
from seq2seq.memory import LARGEST_BYTES_FOR_TBB, PRELOAD, tbb_malloc, use_faster_malloc

SHOW = """
import os, sys
from seq2seq.memory import LARGEST_BYTES_FOR_TBB, use_faster_malloc
use_faster_malloc(LARGEST_BYTES_FOR_TBB)
print("libtbbmalloc_proxy" in open("/proc/self/maps").read(), os.getpid(), *sys.argv[1:], sep="|")
"""

if not tbb_malloc():
    pytest.skip("oneTBB's malloc is for Linux on x86-64", allow_module_level=True)


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], str]]:
    """Commands that would have taken the place of this process, and what they preload."""
    seen: list[tuple[list[str], str]] = []

    def note(program: str, command: list[str], environment: dict[str, str]) -> None:
        assert program == command[0] == sys.executable
        seen.append((command[1:], environment[PRELOAD]))

    monkeypatch.setattr(os, "execve", note)
    monkeypatch.delenv(PRELOAD, raising=False)
    monkeypatch.setattr(sys, "argv", ["seq2seq", "train", "a b"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "-P", "-m", "seq2seq", "train", "a b"])
    return seen


def test_the_same_command_starts_again_with_the_libraries_in_their_order(
    replaced: list[tuple[list[str], str]],
) -> None:
    use_faster_malloc(LARGEST_BYTES_FOR_TBB)
    ((command, libraries),) = replaced
    assert command == ["-P", "-m", "seq2seq", "train", "a b"]
    names = [Path(library).name for library in libraries.split(" ")]
    assert [name.partition(".")[0] for name in names] == ["libtbbmalloc", "libtbbmalloc_proxy"]


def test_nothing_starts_where_a_preload_is_set(
    replaced: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PRELOAD, "")  # which is how to go without
    use_faster_malloc(LARGEST_BYTES_FOR_TBB)
    assert replaced == []


@pytest.mark.parametrize(
    "started", [["python", "notebook.py"], ["python", "-m", "seq2seq", "train", "b"], ["python"]]
)
def test_nothing_starts_where_the_process_is_not_our_command(
    replaced: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch, started: list[str]
) -> None:
    monkeypatch.setattr(sys, "orig_argv", started)
    use_faster_malloc(LARGEST_BYTES_FOR_TBB)
    assert replaced == []


def test_nothing_starts_where_no_words_were_given(
    replaced: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["seq2seq"])
    use_faster_malloc(LARGEST_BYTES_FOR_TBB)
    assert replaced == []


@pytest.mark.parametrize("folder", ["with blank", "with:colon"])
def test_nothing_starts_where_a_path_would_be_read_as_two(
    replaced: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setattr(memory, "tbb_malloc", lambda: [Path(folder, "libtbbmalloc.so.2")])
    use_faster_malloc(LARGEST_BYTES_FOR_TBB)
    assert replaced == []


def test_a_real_process_goes_on_as_itself_with_the_other_malloc() -> None:
    environment = {name: value for name, value in os.environ.items() if name != PRELOAD}
    command = [sys.executable, "-c", SHOW, "train", "a b"]
    for variables, expected in ((environment, "True"), (environment | {PRELOAD: ""}, "False")):
        process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)
        said, _ = process.communicate(timeout=60)
        assert said == f"{expected}|{process.pid}|train|a b\n"


def test_nothing_starts_for_tensors_that_would_go_back_to_the_system(
    replaced: list[tuple[list[str], str]],
) -> None:
    use_faster_malloc(LARGEST_BYTES_FOR_TBB + 1)
    assert replaced == []


@pytest.mark.parametrize(
    ("words", "starts_again"),
    [
        (["train", "demo"], True),
        (["train", "demo", "--set", "model.ffn_width=2048"], False),
        (["train", "demo", "--set", "train.batch_tokens=4096"], False),
        (["train", "demo", "--set", "train.precision=bf16"], True),
        (["train", "demo", "--set", "train.precision=fp32"], False),
        (["doctor", "demo"], False),
    ],
)  # fmt: skip
def test_training_asks_for_it_where_tensors_are_small(words: list[str], starts_again: bool) -> None:
    program = (
        "import os; os.execve = lambda *_: (os.write(1, b'again'), os._exit(0))\n"
        "import seq2seq.train.run as run; run.train = lambda *_, **__: os._exit(0)\n"
        "from seq2seq.cli.app import main; main()"
    )
    environment = {name: value for name, value in os.environ.items() if name != PRELOAD}
    said = subprocess.run(
        [sys.executable, "-c", program, *words],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    ).stdout  # fmt: skip
    assert ("again" in said) == starts_again
