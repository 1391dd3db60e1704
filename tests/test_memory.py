"""A faster malloc is taken by our own command alone, once."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from seq2seq import memory
from seq2seq.memory import LARGEST_BYTES_FOR_TBB, PRELOAD, tbb_malloc, use_faster_malloc
from seq2seq.shipped_recipes import recipes_folder

# Loaded by each Python that starts in its folder: tells that it started, and leaves out training.
STARTS = """
import os, sys
print("starts", os.getpid(), "libtbbmalloc_proxy" in open("/proc/self/maps").read(), flush=True)
class Run:
    @staticmethod
    def train(*_, **__):
        os.write(1, b"trains\\n")
        os._exit(0)
sys.modules["seq2seq.train.run"] = Run
"""
SCRIPT = "import sys\nfrom seq2seq.cli.app import main\nsys.exit(main())\n"
DEMO = ["demo", "--set", "train.precision=bf16"]
SWEEP = f"""
from typer.testing import CliRunner
from seq2seq.cli.commands import command_line
print("sweeps", flush=True)
CliRunner().invoke(command_line(), ["train", *{DEMO}], catch_exceptions=False)
"""

if not tbb_malloc():
    pytest.skip("oneTBB's malloc is for Linux on x86-64", allow_module_level=True)

OURS = ModuleType("__main__")
OURS.__file__ = "/usr/bin/seq2seq"


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
    monkeypatch.setitem(sys.modules, "__main__", OURS)
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


def test_nothing_starts_where_the_words_were_changed(
    replaced: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["seq2seq", "train", "b"])
    use_faster_malloc(LARGEST_BYTES_FOR_TBB)
    assert replaced == []


@pytest.mark.parametrize("folder", ["with blank", "with:colon"])
def test_nothing_starts_where_a_path_would_be_read_as_two(
    replaced: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setattr(memory, "tbb_malloc", lambda: [Path(folder, "libtbbmalloc.so.2")])
    use_faster_malloc(LARGEST_BYTES_FOR_TBB)
    assert replaced == []


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., list[str]]:
    """Runs a program, or lines from stdin, in a folder of its own; gives the lines it wrote."""
    (tmp_path / "sitecustomize.py").write_text(STARTS, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != PRELOAD}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *sys.path])

    def run(*words: str, stdin: str = "", **variables: str) -> list[str]:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=tmp_path, env=environment | variables,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        said, _ = process.communicate(stdin, timeout=60)
        return said.replace(str(process.pid), "PID").splitlines()

    return run


ONCE, AGAIN = ["starts PID False"], ["starts PID False", "starts PID True"]


@pytest.mark.parametrize("started", ["module", "script"])
def test_our_command_goes_on_as_itself_with_the_other_malloc(
    run: Callable[..., list[str]], tmp_path: Path, started: str
) -> None:
    (tmp_path / "seq2seq").write_text(SCRIPT, encoding="utf-8")
    command = {"module": ["-P", "-m", "seq2seq"], "script": [str(tmp_path / "seq2seq")]}[started]
    assert run(*command, "train", *DEMO) == [*AGAIN, "trains"]
    assert run(*command, "train", *DEMO, LD_PRELOAD="") == [*ONCE, "trains"]


def test_what_is_said_before_training_is_said_once(
    run: Callable[..., list[str]], tmp_path: Path
) -> None:
    recipe = (recipes_folder() / "demo.toml").read_text(encoding="utf-8")
    (tmp_path / "demo").write_text(recipe, encoding="utf-8")
    note = "demo: the file here is meant, not the recipe of seq2seq"
    assert run("-m", "seq2seq", "train", *DEMO) == [*AGAIN, note, "trains"]


def test_a_program_that_calls_our_command_runs_once(
    run: Callable[..., list[str]], tmp_path: Path
) -> None:
    (tmp_path / "sweep.py").write_text(SWEEP, encoding="utf-8")
    assert run("sweep.py", *DEMO) == [*ONCE, "sweeps", "trains"]
    assert run("sweep.py", "train", *DEMO) == [*ONCE, "sweeps", "trains"]
    assert run("-", *DEMO, stdin=SWEEP) == [*ONCE, "sweeps", "trains"]


def test_nothing_starts_for_tensors_that_would_go_back_to_the_system(
    replaced: list[tuple[list[str], str]],
) -> None:
    use_faster_malloc(LARGEST_BYTES_FOR_TBB + 1)
    assert replaced == []


@pytest.mark.parametrize(
    ("words", "starts"),
    [
        (["train", *DEMO], AGAIN),
        (["train", *DEMO, "--set", "train.precision=fp32"], ONCE),
        (["train", *DEMO, "--set", "model.ffn_width=2048"], ONCE),
    ],
)  # fmt: skip
def test_training_asks_for_it_where_tensors_are_small(
    run: Callable[..., list[str]], words: list[str], starts: list[str]
) -> None:
    assert run("-m", "seq2seq", *words) == [*starts, "trains"]
