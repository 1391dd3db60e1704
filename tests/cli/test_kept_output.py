"""What a command has written survives it: killed at any moment, it ends with the same bytes."""

import gc
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import seq2seq.cli.app
from seq2seq.cli import writers
from seq2seq.cli.kept_output import open_kept, part_of, record_of
from seq2seq.cli.made_with import digest_of
from seq2seq.cli.shard import Lines, lines_of_shard
from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines
from seq2seq.translate import Candidate, Translation, Translator

Cli = Callable[..., Any]
SEARCH = ("--beam", "1", "--max-length", "6")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "many.en"
    path.write_text("".join(f"the fox {n}\n" for n in range(47)), encoding="utf-8")
    return path


def dies(arguments: list[str], moment: int) -> bool:
    """Run the command in a process of its own, killed before its n-th write; whether it was.

    A line is written in two halves, so that some deaths leave half a line.
    """
    child = os.fork()
    if child == 0:
        gc.freeze()  # a program with threads, left by another test, would wait for them for ever
        left = moment

        def count() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        class HalfLines(writers.LineWriter):
            def __call__(self, translations: Any) -> None:
                for one in translations:
                    for half in (one.text[:2], f"{one.text[2:]}\n"):
                        count()
                        self.stream.write(half)
                        self.stream.flush()

        stream = Translator.stream
        try:
            Translator.stream = lambda self, *given, **options: stream(  # type: ignore[method-assign]
                self, *given, **options, chunk_lines=5
            )
            seq2seq.cli.translate.LineWriter = HalfLines  # type: ignore[attr-defined,misc]
            sys.argv = ["seq2seq", *arguments]
            seq2seq.cli.app.main()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_killed_at_twenty_moments_it_ends_with_the_same_bytes(
    cli: Cli, model: Path, source: Path, tmp_path: Path
) -> None:
    whole, output = tmp_path / "whole.de", tmp_path / "new.de"
    asked = ["translate", str(model), "--input", str(source), *SEARCH, "--engine", "native"]
    assert cli(*asked, "--output", whole).code == 0
    moments = random.Random(5)
    deaths = 0
    while not output.exists():
        resume = ["--resume"] * part_of(output).exists()
        # what was done is kept, so that a life of a few lines is enough to come to an end
        deaths += dies([*asked, "--output", str(output), *resume], moments.randint(1, 9))
        assert deaths < 100
    assert deaths >= 20
    assert output.read_bytes() == whole.read_bytes()
    assert not part_of(output).exists()


@pytest.mark.parametrize("shard", [(), ("--shard", "2/2")])
def test_resumed_lines_are_translated_with_the_whole_chunk_they_are_in(
    cli: Cli, model: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    shard: tuple[str, ...],
) -> None:  # fmt: skip
    def chunk_named(self: Any, texts: list[str], *given: Any, **options: Any) -> list[Translation]:
        texts_of = [f"{text} of {texts[0]} and {len(texts)}" for text in texts]
        return [Translation((Candidate(text, 0.0, 0.0, ended=True),), 1) for text in texts_of]

    monkeypatch.setattr(Translator, "translate", chunk_named)
    monkeypatch.setattr("seq2seq.translate.CHUNK_LINES", 5)
    defaults = {**Translator.stream.__kwdefaults__, "chunk_lines": 5}
    monkeypatch.setattr(Translator.stream, "__kwdefaults__", defaults)
    output = tmp_path / "new.de"
    asked = ("translate", model, "--input", source, "--output", output, *shard)
    assert cli(*asked).code == 0
    whole = output.read_bytes()
    lines = whole.splitlines(keepends=True)
    for done in range(1, len(lines) + 1):
        part_of(output).write_bytes(b"".join(lines[:done]) + b"half")
        result = cli(*asked, "--resume")
        assert output.read_bytes() == whole
        left = len(lines) - done
        assert f"\n{left} line{'s' * (left != 1)} in " in result.err


def test_a_command_that_fails_keeps_what_it_has_done(
    cli: Cli, model: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Translator.stream
    monkeypatch.setattr(
        Translator, "stream", lambda self, *given, **options: stream(
            self, *given, **options, chunk_lines=5
        ),
    )  # fmt: skip
    good = source.read_bytes()
    source.write_bytes(good + b"\xff\n")
    output = tmp_path / "new.de"
    asked = ("translate", model, "--input", source, "--output", output, *SEARCH)
    failed = cli(*asked)
    assert failed.code == 2
    assert f"what is done is in {part_of(output)}; add --resume" in failed.err
    assert part_of(output).read_bytes().count(b"\n") == 45
    source.write_bytes(good)
    again = cli(*asked)
    assert again.code == 2
    assert "an interrupted command has left 45 lines; add --resume to go on behind" in again.err
    assert "note: 45 lines are there already" in cli(*asked, "--resume").err
    assert output.read_bytes().count(b"\n") == 47


@pytest.fixture
def left(cli: Cli, model: Path, source: Path, tmp_path: Path) -> tuple[Any, ...]:
    """A command that has left two lines, and that goes on behind them."""
    return leave_two_lines(cli, model, source, tmp_path / "new.de")


def leave_two_lines(cli: Cli, model: Path, source: Path, output: Path) -> tuple[Any, ...]:
    good = source.read_text(encoding="utf-8")
    source.write_bytes(b"the fox\nthe owl\n\xff\n")
    asked = ("translate", model, "--input", source, "--output", output, *SEARCH)
    with pytest.MonkeyPatch.context() as patch:
        defaults = {**Translator.stream.__kwdefaults__, "chunk_lines": 1}
        patch.setattr(Translator.stream, "__kwdefaults__", defaults)
        assert cli(*asked).code == 2
    assert part_of(output).read_bytes().count(b"\n") == 2
    source.write_text(good, encoding="utf-8")
    return (*asked, "--resume")


def test_lines_of_another_model_input_or_search_are_not_gone_on_with(
    cli: Cli, model: Path, source: Path, left: tuple[Any, ...], tmp_path: Path
) -> None:
    kept = part_of(tmp_path / "new.de").read_bytes()
    copy, other = tmp_path / "copy", tmp_path / "other.en"
    shutil.copytree(model, copy)
    change_last_byte(copy / "model.safetensors")
    other.write_bytes(source.read_bytes())
    command, _, *options = left
    models = f"'{model.resolve()}' then, '{copy.resolve()}' now"
    for given, said in (
        ((command, copy, *options), f"the model's files differ, {models}"),
        ((*left, "--input", other), f"--input '{source.resolve()}' then, '{other.resolve()}' now"),
        ((*left, "--length-penalty", "2"), "--length-penalty not given then, 2.0 now"),
        ((*left, "--no-restore"), "--no-restore not given then, given now"),
        ((*left, "--split", "long"), "--split not given then, 'long' now"),
    ):
        result = cli(*given)
        assert result.code == 2
        assert f"error: --resume: {said}, needed" in result.err
        assert "what is done is in" not in result.err
        assert part_of(tmp_path / "new.de").read_bytes() == kept
    on = cli(*left, "--split", "auto", "--batch-tokens", "512").err
    assert "note: the input was changed since; lines that are written already are not done" in on
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "copy", "many.en", "new.de", "other.en",
    ]  # fmt: skip


def change_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_copied_run_that_was_exported_meanwhile_is_the_same_model(
    cli: Cli, model: Path, source: Path, tmp_path: Path
) -> None:
    run, copy = tmp_path / "run", tmp_path / "copy"
    shutil.copytree(model, run / "best")
    command, _, *options = leave_two_lines(cli, run, source, tmp_path / "new.de")
    shutil.copytree(run, copy, copy_function=shutil.copy)  # with times of its own
    shutil.rmtree(run)
    shutil.copytree(model, copy / "exports" / "hub", copy_function=shutil.copy)
    kept, weights = tmp_path / "kept", copy / "best" / "model.safetensors"
    shutil.copy(weights, kept)
    change_last_byte(weights)
    assert "--resume: the model's files differ" in cli(command, copy, *options).err
    shutil.copy(kept, weights)
    assert cli(command, copy, *options).code == 0
    assert (tmp_path / "new.de").read_bytes().count(b"\n") == 47


@pytest.mark.parametrize(
    "name", ["model.safetensors", "tokenizer.json", "generation_config.json", "config.json"]
)
def test_a_changed_file_is_another_model(model: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    assert digest_of(copy) == digest_of(model)
    (copy / "README.md").write_text("a card\n", encoding="utf-8")
    assert digest_of(copy) == digest_of(model)
    change_last_byte(copy / name)
    assert digest_of(copy) != digest_of(model)


def test_retrained_weights_of_a_large_model_are_another_model(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    old = bytearray(64 << 20)
    weights.write_bytes(old)
    before = digest_of(tmp_path)
    old[40 << 20 : 41 << 20] = bytes([1]) * (1 << 20)  # a matrix, where most were frozen
    weights.write_bytes(old)
    assert digest_of(tmp_path) != before


def test_names_that_are_not_utf8_are_gone_on_with(cli: Cli, model: Path, tmp_path: Path) -> None:
    source = tmp_path / os.fsdecode(b"\xff.en")
    source.write_text("the fox\nthe owl\nthe fox\n", encoding="utf-8")
    asked = leave_two_lines(cli, model, source, tmp_path / "new.de")
    assert r"\\xff.en" in record_of(part_of(tmp_path / "new.de")).read_text(encoding="utf-8")
    assert cli(*asked).code == 0
    assert (tmp_path / "new.de").read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("option", ["--forced-prefix", "--source-prefix"])
def test_a_prefix_that_is_not_utf8_is_refused(cli: Cli, model: Path, option: str) -> None:
    result = cli("translate", model, option, os.fsdecode(b"a \xff"))
    assert result.code == 2
    assert rf"error: {option}: 'a \udcff' is not UTF-8, needed text in UTF-8" in result.err


def test_lines_of_which_nothing_is_known_are_gone_on_with_and_said_to_be(
    cli: Cli, source: Path, left: tuple[Any, ...], tmp_path: Path
) -> None:
    part, wrong = part_of(tmp_path / "new.de"), tmp_path / "wrong.en"
    record_of(part).unlink()
    wrong.write_text("the fox\n", encoding="utf-8")
    result = cli(*left, "--input", wrong)
    assert "--resume: 2 lines are there already, the input has 1" in result.err
    assert "what is done is in" not in result.err
    assert not record_of(part).exists()
    result = cli(*left)
    assert result.code == 0
    assert "note: nothing says what the lines that are there were made with" in result.err


def test_what_a_part_was_made_with_is_no_input(cli: Cli, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "new.de"
    source = record_of(part_of(output))
    source.write_text("{}\n", encoding="utf-8")
    result = cli("translate", model, "--input", source, "--output", output)
    assert result.code == 2
    assert f"{source}: the file that is read, which would be lost" in result.err
    assert source.read_text(encoding="utf-8") == "{}\n"


@pytest.mark.parametrize("several", [("--json",), ("--n-best", "2", "--beam", "2"), ()])
def test_what_lines_are_made_with_is_asked_only_where_it_is_kept(
    cli: Cli, model: Path, source: Path, tmp_path: Path, several: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked: list[Any] = []

    def noted(*given: Any) -> dict[str, Any]:
        asked.append(given)
        return {}

    monkeypatch.setattr("seq2seq.cli.translate.made_with", noted)
    for output in (tmp_path / "new.de", Path(os.devnull)):
        command = ("translate", model, "--input", source, "--output", output, *SEARCH, *several)
        assert cli(*command).code == 0
    assert len(asked) == (not several)


def test_a_record_that_cannot_be_written_leaves_no_empty_part(tmp_path: Path) -> None:
    output = tmp_path / ("n" * 250)  # with .part it can be written, with .part.json it cannot
    with (
        pytest.raises(DataError, match="cannot be written: File name too long"),
        open_kept(output, resume=False, made_with=dict),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_a_record_is_gone_before_its_output_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, replace = tmp_path / "new.de", Path.replace

    def killed(path: Path, target: Path) -> Path:
        if target == output:
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", killed)
    kept = open_kept(output, resume=False, made_with=dict)
    with suppress(KeyboardInterrupt), kept as (stream, _):
        assert record_of(part_of(output)).is_file()
        stream.write("one\n")
    assert [path.name for path in tmp_path.iterdir()] == ["new.de.part"]


@pytest.mark.parametrize("shard", [(), ("--shard", "1/2")])
@pytest.mark.parametrize("recorded", [True, False])
def test_more_lines_than_the_input_has_are_refused(
    cli: Cli, source: Path, left: tuple[Any, ...], tmp_path: Path, shard: tuple[str, ...],
    recorded: bool,
) -> None:  # fmt: skip
    part = part_of(tmp_path / "new.de")
    if not recorded or shard:
        record_of(part).unlink()  # of an older version
    source.write_text("the fox\nthe owl\n" if shard else "the fox\n", encoding="utf-8")
    result = cli(*left, *shard)
    assert result.code == 2
    assert "--resume: 2 lines are there already, the input has 1, needed the input" in result.err
    assert not (tmp_path / "new.de").exists()
    assert part.read_bytes().count(b"\n") == 2


def test_two_commands_do_not_write_to_one_file(tmp_path: Path) -> None:
    output = tmp_path / "new.de"
    with open_kept(output, resume=False) as (stream, _):
        stream.write("one\n")
        stream.flush()
        with (
            pytest.raises(DataError, match="another command is writing it"),
            open_kept(output, resume=True),
        ):
            pass
    assert output.read_text(encoding="utf-8") == "one\n"


def test_an_output_keeps_its_permissions_and_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "far" / "old.de", tmp_path / "new.de"
    target.parent.mkdir()
    target.write_text("precious\n", encoding="utf-8")
    target.chmod(0o640)
    link.symlink_to(target)
    with open_kept(link, resume=False) as (stream, _):
        assert part_of(link).stat().st_mode & 0o077 == 0
        stream.write("one\n")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "one\n"
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("parts", [1, 3, 50])
def test_parts_of_a_file_follow_each_other_and_make_the_whole(source: Path, parts: int) -> None:
    lines = list(iterate_lines(source))
    found: list[str] = []
    for number in range(1, parts + 1):
        before, count = lines_of_shard(source, f"{number}/{parts}")
        assert count is not None
        assert before == len(found)
        assert count in (len(lines) // parts, len(lines) // parts + 1)
        found += lines[before : before + count]
    assert found == lines
    assert lines_of_shard(source, None) == Lines(0, None)


def test_outputs_of_parts_are_those_of_the_whole_and_errors_name_lines_of_the_file(
    cli: Cli, model: Path, source: Path
) -> None:
    asked = ("translate", model, "--input", source, *SEARCH)
    whole = cli(*asked).out
    parts = [cli(*asked, "--shard", f"{number}/3").out for number in (1, 2, 3)]
    assert "".join(parts) == whole
    assert parts[0]
    numbered = cli(*asked[:-4], "--beam", "2", "--n-best", "2", "--max-length", "6",
                   "--shard", "3/3").out  # fmt: skip
    assert numbered.startswith("32\t")


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_what_is_no_part_is_refused(cli: Cli, model: Path, source: Path, shard: str) -> None:
    result = cli("translate", model, "--input", source, "--shard", shard)
    assert result.code == 2
    assert f"--shard {shard}: needed I/N, the I-th of N parts, such as 1/4" in result.err


def test_a_part_of_what_cannot_be_counted_first_is_refused(cli: Cli, model: Path) -> None:
    result = cli("translate", model, "--shard", "1/2")
    assert result.code == 2
    assert "the lines of - cannot be counted first, needed --input F, a file" in result.err
