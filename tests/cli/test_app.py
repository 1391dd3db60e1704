"""The command line: what goes to stdout, what to stderr, and with which exit code."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
import typer

import seq2seq
from seq2seq.cli.commands import command_line
from seq2seq.errors import DataError
from seq2seq.pronouns.draw import Draw
from seq2seq.pronouns.grammar import grammar_of
from seq2seq.pronouns.lexicon import load_lexicon
from seq2seq.pronouns.patterns import load_patterns
from seq2seq.pronouns.splits import natural_items
from tests.pronouns.item_files import write_items

Cli = Callable[..., Any]
RECIPE = """
source_language = "en"
target_language = "es"
[data]
dev = { file = "dev.tsv" }
train = [{ file = "train.tsv" }]
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_help_goes_to_stdout_and_lists_the_commands(cli: Cli) -> None:
    result = cli("-h")
    assert result.code == 0
    assert "train" in result.out
    assert "Usage: seq2seq [OPTIONS]" in result.out
    assert cli("--help") == result


def test_the_version_is_printed(cli: Cli) -> None:
    assert cli("--version") == (0, f"{seq2seq.__version__}\n", "")


def test_help_of_a_command_shows_its_examples_line_by_line(cli: Cli) -> None:
    lines = cli("recipe", "explain", "-h").out.splitlines()
    assert "    seq2seq recipe explain train.peak_lr" in lines


@pytest.mark.parametrize("arguments", [["sing"], ["train"], ["train", "--steps", "3"], ["score"]])
def test_wrong_usage_is_exit_2_and_says_so_on_stderr(cli: Cli, arguments: list[str]) -> None:
    result = cli(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Usage: seq2seq" in result.err


def test_a_mistake_of_the_user_is_one_line_without_traceback(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "gone.toml"
    needed = "no such file, needed a recipe (TOML); check the path"
    assert cli("recipe", "check", path) == (2, "", f"error: {path}: {needed}\n")


def test_a_recipe_is_checked_with_its_overrides(cli: Cli, recipe: Path) -> None:
    assert "can be used" in cli("recipe", "check", recipe).out
    result = cli("recipe", "check", recipe, "--set", "train.steps=0", "--set", "sede=1")
    assert result.code == 2
    assert "train.steps = 0" in result.err
    assert "did you mean 'seed'" in result.err


@pytest.mark.parametrize("given", [(), ("--set", "train.warmup_steps=4000")])
def test_a_warm_up_that_does_not_fit_is_shortened_and_said(
    cli: Cli, recipe: Path, given: tuple[str, ...]
) -> None:
    checked = cli("recipe", "check", recipe, "--set", "train.steps=300", *given).out.splitlines()
    assert len(checked) == 2
    assert checked[1].startswith("  train.warmup_steps = 60  (a fifth of train.steps = 300; ")


def test_a_checked_recipe_is_printed_with_every_default_as_json(cli: Cli, recipe: Path) -> None:
    content = json.loads(cli("recipe", "check", recipe, "--set", "seed=7", "--json").out)
    assert (content["seed"], content["train"]["label_smoothing"]) == (7, 0.1)


def test_a_key_is_explained(cli: Cli) -> None:
    assert cli("recipe", "explain", "seed").out.startswith("seed  (whole number, default 1)\n")
    assert cli("recipe", "explain", "sede").code == 2


@dataclass(frozen=True)
class Trained:
    """Stands for the result of a training run, and remembers what was asked for."""

    asked: dict[str, Any]
    finished: object = "scores"

    def to_text(self) -> str:
        return f"trained {self.asked['recipe_path'].name}"

    def to_json(self) -> dict[str, Any]:
        return {key: str(value) for key, value in self.asked.items()}


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training that is over at once, and interrupted where the run folder is called so."""
    from seq2seq.train import run

    def train(recipe_path: Path, **options: Any) -> Trained:
        finished = None if options["run_folder"] == Path("interrupted") else "scores"
        return Trained({"recipe_path": recipe_path, **options}, finished)

    monkeypatch.setattr(run, "train", train)


@pytest.mark.usefixtures("training")
def test_training_passes_on_what_was_asked(cli: Cli, recipe: Path) -> None:
    assert cli("train", recipe) == (0, "trained small.toml\n", "")
    options = [
        "--set",
        "seed=2",
        "--set",
        "train.steps=9",
        "--run",
        "here",
        "--resume",
        "--device",
        "cpu",
    ]
    assert json.loads(cli("train", recipe, *options, "--json").out) == {
        "recipe_path": str(recipe),
        "overrides": "['seed=2', 'train.steps=9']",
        "run_folder": "here",
        "resume": "True",
        "device": "cpu",
    }


@pytest.mark.usefixtures("training")
def test_an_interrupted_training_says_so_with_its_exit_code(cli: Cli, recipe: Path) -> None:
    result = cli("train", recipe, "--run", "interrupted")
    assert result == (130, "trained small.toml\n", "")


@pytest.mark.usefixtures("training")
def test_one_of_several_processes_prints(
    cli: Cli, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    assert cli("train", recipe) == (0, "", "")


def test_a_language_that_the_corpus_does_not_speak_is_named(cli: Cli, tmp_path: Path) -> None:
    result = cli("corpus", "pronouns", "--languages", "tlh", "--out", tmp_path / "a")
    assert (result.code, result.out) == (2, "")
    assert "tlh" in result.err
    assert not (tmp_path / "a").exists()


def test_scores_are_printed_for_people_and_for_programs(cli: Cli, tmp_path: Path) -> None:
    text = ["the cat sat on the mat today", "a dog barked at me in the night"]
    output = write(tmp_path / "output.en", *text)
    reference = write(tmp_path / "reference.en", *text)
    shown = cli("score", output, "--reference", reference)
    assert shown.code == 0
    assert "BLEU" in shown.out
    assert "100.00" in shown.out
    result = cli("score", output, "--reference", reference, "--metric", "bleu", "--json")
    scores = json.loads(result.out)
    assert scores["bleu"]["score"] == pytest.approx(100)
    assert "tok:13a" in scores["bleu"]["signature"]
    assert "chrf" not in scores


def test_the_language_of_scores_is_that_of_the_name_or_the_one_given(
    cli: Cli, tmp_path: Path
) -> None:
    lines = ["今天天气很好。", "孩子们在花园里玩。"]
    output, reference = write(tmp_path / "a.zh", *lines), write(tmp_path / "b.zh", *lines)
    plain = write(tmp_path / "b.txt", *lines)

    def bleu(*arguments: object) -> dict[str, Any]:
        shown = cli("score", output, *arguments, "--metric", "bleu", "--json")
        return json.loads(shown.out) | {"stderr": shown.err}

    named, given = bleu("--reference", reference), bleu("--reference", plain, "--language", "zh")
    assert named["bleu"] == given["bleu"]
    assert "tok:zh" in named["bleu"]["signature"]
    assert (named["notes"], named["stderr"]) == ([], "")
    guessed = bleu("--reference", plain)
    assert guessed["bleu"]["score"] == pytest.approx(100)
    assert guessed["stderr"] == f"note: {guessed['notes'][0]}\n"
    char = bleu("--reference", reference, "--tokenize", "char")
    assert "tok:char" in char["bleu"]["signature"]
    wrong = bleu("--reference", reference, "--tokenize", "13a")
    assert (wrong["bleu"]["score"], len(wrong["notes"])) == (0, 2)
    text = cli("score", output, "--reference", reference).out
    assert "language      zh (from the references' names)" in text
    refused = cli("score", output, "--reference", reference, "--tokenize", "flores200")
    assert refused.code == 2
    assert "never fetched from the network" in refused.err
    both = cli("compare", output, output, "--reference", reference, "--metric", "chrf++", "--json")
    assert list(json.loads(both.out))[1] == "chrf++"


def test_the_default_metrics_are_those_that_the_help_names(cli: Cli, tmp_path: Path) -> None:
    path = write(tmp_path / "a.en", "one two three four five")
    for command, systems in (("score", [path]), ("compare", [path, path])):
        report = json.loads(cli(command, *systems, "--reference", path, "--json").out)
        named = " ".join(cli(command, "-h").out.split()).split("repeatable. [default: ")[1]
        assert [key for key in report if key in ("bleu", "chrf", "ter", "rouge1")] == named.split(
            "]"
        )[0].split(", ")


def test_the_doctor_takes_a_file_a_recipe_or_a_run(cli: Cli, tmp_path: Path) -> None:
    pairs = write(tmp_path / "train.tsv", "one\teins", "two\tzwei")
    write(tmp_path / "dev.tsv", "three\tdrei")
    fields = ["--source-field", "1", "--target-field", "2"]
    assert "2 pairs read" in cli("doctor", pairs, *fields).out
    head = f'source_language = "en"\ntarget_language = "de"\n[data]\nfolder = "{tmp_path}"'
    columns = 'source_field = "1", target_field = "2"'
    recipe = write(
        tmp_path / "r.toml",
        head,
        f'dev = {{ file = "dev.tsv", {columns} }}',
        f'train = [{{ file = "train.tsv", {columns} }}]',
    )
    assert json.loads(cli("doctor", recipe, "--json").out)["cleaning"]["read"] == 2
    assert cli("doctor", recipe, "--set", "data.cleaning.overlap=keep").code == 0
    assert "not a run folder" in cli("doctor", tmp_path).err
    refused = cli("doctor", pairs, "--set", "seed=2")
    assert (refused.code, refused.out) == (2, "")
    assert "needed a recipe" in refused.err


def items(folder: Path) -> tuple[Path, list[str], list[str]]:
    """Some quads of the built-in corpus, with their good and their bad translations."""
    draw = Draw(load_lexicon("es"), load_patterns("es"), grammar_of("es"), "es", Random(0))
    found = natural_items(draw)[:8]
    write_items(folder / "some.es.jsonl", found)
    return folder / "some.es.jsonl", [i.good for i in found], [i.bad for i in found]


def test_items_add_the_gender_that_is_shown(cli: Cli, tmp_path: Path) -> None:
    path, good, bad = items(tmp_path)
    for texts, accuracy in ((good, 1.0), (bad, 0.0), ([*good[:4], *bad[4:]], 0.5)):
        output = write(tmp_path / "output.es", *texts)
        report = json.loads(cli("score", output, "--items", path, "--metric", "bleu", "--json").out)
        assert report["gender"]["some.es"]["all"]["accuracy"] == accuracy
        assert (report["bleu"]["score"] > 99.9) == (accuracy == 1)
    shown = cli("score", output, "--items", path).out
    assert "some.es all" in shown
    both = cli("score", output, "--items", path, "--reference", output)
    assert (both.code, both.out) == (2, "")
    assert "leave out one or the other" in both.err


def test_unequal_files_are_a_mistake_of_the_user(cli: Cli, tmp_path: Path) -> None:
    long, short = write(tmp_path / "a", "one", "two"), write(tmp_path / "b", "one")
    result = cli("score", long, "--reference", short)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (DataError("corpus: it is bad"), 2, "error: corpus: it is bad\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_exit_codes(
    cli: Cli,
    recipe: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
    code: int,
    said: str,
) -> None:
    def fail(*arguments: object) -> None:
        raise fault

    monkeypatch.setattr("seq2seq.recipe_file.load_recipe", fail)
    assert cli("recipe", "check", recipe) == (code, "", said)


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, after some lines of Python."""
    program = f"{code}\nfrom seq2seq.cli.app import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("shown", [False, True])
def test_a_fault_of_ours_is_exit_1_and_shows_where_only_if_asked(
    cli: Cli, recipe: Path, monkeypatch: pytest.MonkeyPatch, shown: bool
) -> None:
    monkeypatch.setattr("seq2seq.recipe_file.load_recipe", lambda *_: 1 / 0)
    if shown:
        monkeypatch.setenv("SEQ2SEQ_TRACEBACK", "1")
    result = cli("recipe", "check", recipe)
    assert (result.code, result.out) == (1, "")
    *trace, last = result.err.splitlines()
    assert last == (
        "error: a fault of ours: ZeroDivisionError: division by zero; run it again with "
        "SEQ2SEQ_TRACEBACK=1 to see where, and report it"
    )
    assert ("Traceback (most recent call last):" in trace) is shown
    assert bool(trace) is shown


def test_ctrl_c_before_the_command_listens_is_no_traceback(
    cli: Cli, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("seq2seq.cli.app.command_line", interrupted)
    assert cli("recipe", "check", recipe) == (130, "", "error: interrupted\n")


def test_a_file_of_the_system_that_fails_is_named_and_no_fault_of_ours(
    cli: Cli, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/out")

    monkeypatch.setattr("seq2seq.recipe_file.load_recipe", full)
    result = cli("recipe", "check", recipe)
    assert result.code == 2
    assert result.err == "error: /data/out: cannot be read or written: No space left on device\n"


@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        (">&-", 2, "error: standard output: it is closed, needed a place for results"),
        (">/dev/full", 2, "error: standard output: cannot be written: No space left on device\n"),
        ("2>&-", 0, ""),
        ("<&-", 0, ""),
    ],
)
def test_a_standard_output_that_is_closed_or_full_is_said(
    redirection: str, code: int, said: str
) -> None:
    command = f'"{sys.executable}" -m seq2seq --version {redirection}'
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert result.returncode == code
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == bool(said)


@pytest.mark.parametrize("arguments", [["--help"], ["recipe", "explain", "seed"]])
def test_a_reader_that_has_left_ends_the_command_in_silence(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-m", "seq2seq", *arguments],
        stdout=writing, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (result.returncode, result.stderr) == (141, b"")


def test_an_error_that_nobody_hears_keeps_its_exit_code() -> None:
    command = [sys.executable, "-m", "seq2seq", "recipe", "check", "gone.toml"]
    reading, writing = os.pipe()
    os.close(reading)
    with Path("/dev/full").open("wb") as full:
        for stderr in (writing, full):
            result = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, check=False)
            assert (result.returncode, result.stdout) == (2, b"")
    os.close(writing)


def test_sigterm_tidies_up_what_is_unfinished(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "folder"
    out.mkdir()
    code = (
        "import os, pathlib, time, seq2seq.recipe_file as r, seq2seq.files as f\n"
        "def stopped(*_):\n"
        f"    with f.replacing(pathlib.Path({str(out / 'out')!r})):\n"
        f"        assert len(os.listdir({str(out)!r})) == 1\n"
        f"        os.kill(os.getpid(), {int(signal.SIGTERM)})\n"
        "        time.sleep(20)\n"
        "r.load_recipe = stopped"
    )
    result = run(code, "recipe", "check", str(recipe))
    assert (result.returncode, result.stdout, result.stderr) == (143, "", "")
    assert list(out.iterdir()) == []


def test_ctrl_c_is_exit_130_without_a_traceback(recipe: Path) -> None:
    # What a shell starts in the background ignores Ctrl-C, and a signal may take a moment.
    stop = f"[os.kill(os.getpid(), {int(signal.SIGINT)}), time.sleep(20)]"
    code = (
        "import os, signal, time, seq2seq.recipe_file as r\n"
        f"signal.signal({int(signal.SIGINT)}, signal.default_int_handler)\n"
        f"r.load_recipe = lambda *a: {stop}"
    )
    result = run(code, "recipe", "check", str(recipe))
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


def test_python_m_and_the_installed_command_are_the_same_program() -> None:
    by_module = subprocess.run(
        [sys.executable, "-m", "seq2seq", "--help"], capture_output=True, text=True, check=True
    )
    assert by_module.stdout == run("", "--help").stdout


@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},  # nothing but ASCII
    ],
)
def test_text_is_utf8_whatever_the_locale_says(tmp_path: Path, locale: dict[str, str]) -> None:
    path = tmp_path / "prüfung.toml"
    path.write_text(RECIPE, encoding="utf-8")
    environment = {**os.environ, **locale}
    result = subprocess.run(
        [sys.executable, "-m", "seq2seq", "recipe", "check", str(path)],
        capture_output=True, check=False, env=environment,
    )  # fmt: skip
    assert "prüfung.toml: can be used" in result.stdout.decode("utf-8")


def test_a_name_that_is_no_text_can_be_told(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "seq2seq", "score", b"nix\xe9.txt", "--reference", "r.txt"],
        capture_output=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 2
    assert b"nix\\udce9.txt: no such file" in result.stderr


def test_items_refuse_a_second_reference(cli: Cli, tmp_path: Path) -> None:
    result = cli("score", "out", "--items", "items.jsonl", "--tokenized-reference", "ref")
    assert (result.code, result.out) == (2, "")
    assert "items bring their own source and reference, --reference, --tokenized" in result.err


def test_a_tokenised_reference_brings_its_protocol(cli: Cli, tmp_path: Path) -> None:
    output, raw, tokenised = (tmp_path / name for name in ("out.de", "ref.de", "ref.tok.de"))
    output.write_text("Ein Hund, ein Haus.\n")
    raw.write_text("Ein Hund, ein Haus.\n")
    tokenised.write_text("ein hund , ein haus .\n")
    result = cli("score", output, "--reference", raw, "--tokenized-reference", tokenised, "--json")
    scores = json.loads(result.out)
    assert scores["bleu_tokenized_lc"]["score"] == 100
    assert "bleu_tokenized" not in scores  # without capitals the reference says nothing of case


def test_one_command_is_the_same_with_and_without_the_others() -> None:
    whole: Any = typer.main.get_command(command_line())
    for name, command in whole.commands.items():
        alone: Any = typer.main.get_command(command_line([name, "--help"]))
        assert list(alone.commands) == [name]
        helps = [one.get_help(typer.Context(one)) for one in (command, alone.commands[name])]
        assert helps[0] == helps[1]
    for words in ([], ["--version"], ["-h", "train"], ["trian"]):
        found: Any = typer.main.get_command(command_line(words))
        assert list(found.commands) == list(whole.commands)
