"""The translating commands, with a model of random weights: what counts here is the lines."""

import gzip
import io
import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from seq2seq.cli import translate
from seq2seq.cli.progress import count_lines, progress_text
from seq2seq.context import store_context
from seq2seq.decode.options import Sampling
from seq2seq.documents import InContext, translate_in_context
from seq2seq.recipe import ContextSpec
from seq2seq.recipe_file import recipe_json
from seq2seq.run import Run
from seq2seq.tokenizer import Tokenizer
from seq2seq.translate import Translator
from seq2seq.translated import on_one_line
from tests.cli.random_model import LINES, tiny_recipe
from tests.pipeline.families import write_family

Cli = Callable[..., Any]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "input.en"
    path.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    return path


@pytest.fixture
def expected(model: Path) -> list[str]:
    return [one.text for one in Translator.load(model).translate(LINES)]


def test_every_line_has_its_line_and_counts_go_to_stderr(
    cli: Cli, model: Path, source: Path, expected: list[str]
) -> None:
    result = cli("translate", model, "--input", source)
    assert result.code == 0
    assert result.out.split("\n") == [*expected, ""]
    assert expected[1] == expected[3] == ""
    assert expected[0]
    assert "\n5 lines in " in result.err
    assert "2 empty" in result.err


def test_output_to_a_file_is_the_same_and_leaves_stdout_empty(
    cli: Cli, model: Path, source: Path, expected: list[str], tmp_path: Path
) -> None:
    packed = tmp_path / "input.gz"
    packed.write_bytes(gzip.compress(source.read_bytes()))
    output = tmp_path / "new.de"
    assert cli("translate", model, "--input", packed, "--output", output).out == ""
    assert output.read_text(encoding="utf-8").split("\n") == [*expected, ""]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["input.en", "input.gz", "new.de"]


def test_an_output_that_was_there_is_replaced_and_that_is_said(
    cli: Cli, model: Path, source: Path, expected: list[str], tmp_path: Path
) -> None:
    output = tmp_path / "old.de"
    output.write_text("precious\n" * 100, encoding="utf-8")
    output.chmod(0o600)
    result = cli("translate", model, "--input", source, "--output", output)
    assert f"{output}: replaced the file that was there\n" in result.err
    assert output.read_text(encoding="utf-8").split("\n") == [*expected, ""]
    assert output.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("command", ["translate", "summarize"])
@pytest.mark.parametrize("form", ["same", "link", "hard link", "left", "stdin"])
def test_an_output_that_is_the_input_is_refused(
    cli: Cli, model: Path, source: Path, monkeypatch: pytest.MonkeyPatch, command: str, form: str
) -> None:
    output, before = source, source.read_bytes()
    if form in ("link", "hard link"):
        output = source.with_name("other.en")
        (output.symlink_to if form == "link" else output.hardlink_to)(source)
    if form == "left":  # under the name that the output has until it is whole
        source = source.rename(source.with_name("input.en.part"))
    given: tuple[Any, ...] = ("--input", source)
    if form == "stdin":
        given = ()
        stdin = source.open("rb")
        monkeypatch.setattr(
            os, "fstat", lambda number, known=os.fstat: known(number or stdin.fileno())
        )
    result = cli(command, model, *given, "--output", output)
    assert result.code == 2
    assert ": the file that is read, which would be lost, needed another to write to" in result.err
    assert source.read_bytes() == before


def test_a_failed_translation_leaves_no_output_file(cli: Cli, model: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "bad.en", tmp_path / "bad.de"
    source.write_bytes(b"the fox\n" * 3 + b"\xff\n")
    result = cli("translate", model, "--input", source, "--output", output)
    assert (result.code, result.out) == (2, "")
    assert "line 4" in result.err
    assert not output.exists()


@pytest.mark.parametrize(
    ("name", "problem"),
    [("out.gz", "needed a name without .gz"), ("gone/out", "gone is no folder; make it first")],
)
def test_an_output_that_cannot_be_written_is_named(
    cli: Cli, model: Path, source: Path, tmp_path: Path, name: str, problem: str
) -> None:
    result = cli("translate", model, "--input", source, "--output", tmp_path / name)
    assert result.code == 2
    assert f"error: {tmp_path / name}: " in result.err
    assert problem in result.err


def test_n_best_numbers_the_lines_and_keeps_empty_ones(
    cli: Cli, model: Path, source: Path, expected: list[str]
) -> None:
    out = cli("translate", model, "--input", source, "--beam", 4, "--n-best", 3).out
    rows = [row.split("\t") for row in out.splitlines()]
    assert [int(number) for number, _, _ in rows] == [1, 1, 1, 2, 3, 3, 3, 4, 5, 5, 5]
    assert [row[1:] for row in rows if row[0] in "24"] == [["", ""], ["", ""]]
    scores = [float(score) for number, score, _ in rows if number == "1"]
    assert scores == sorted(scores, reverse=True)


def test_beams_are_those_asked_for(cli: Cli, model: Path, source: Path) -> None:
    greedy = Translator.load(model)
    options = replace(greedy.options, beams=1)
    texts = [one.text for one in greedy.translate(LINES, options)]
    assert cli("translate", model, "--input", source, "--beam", 1).out.split("\n")[:-1] == texts
    more = cli("translate", model, "--input", source, "--beam", 1, "--n-best", 2)
    assert (more.code, more.out) == (2, "")
    assert "search more beams" in more.err


def test_json_is_one_object_with_candidates_and_counts(
    cli: Cli, model: Path, source: Path, expected: list[str]
) -> None:
    content = json.loads(cli("translate", model, "--input", source, "--json").out)
    assert [one["text"] for one in content["translations"]] == expected
    assert content["translations"][0]["candidates"][0]["log_probability"] < 0
    assert (content["report"]["lines"], content["report"]["empty"]) == (5, 2)


def test_scores_are_asked_for_where_they_are_written(
    cli: Cli, model: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(translate, "_run", lambda _, options, job: asked.append(options.scored))
    for written in ([], ["--json"], ["--n-best", "2"]):
        cli("translate", model, "--input", source, *written)
    assert asked == [False, True, True]


def test_changed_placeholders_are_put_back_unless_that_is_not_wanted(
    cli: Cli, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tokenizer, "decode", lambda _, rows: ["das {{dog}"] * len(rows))
    source = tmp_path / "input.en"
    source.write_text("the {{dog}}\nthe {{dog}} or www.a.org\n", encoding="utf-8")
    result = cli("translate", model, "--input", source)
    assert result.out == "das {{dog}}\n" * 2
    assert "; 2 changed addresses or placeholders put back; 1 address or place" in result.err
    own = cli("translate", model, "--input", source, "--no-restore", "--json")
    content = json.loads(own.out)
    assert [one["text"] for one in content["translations"]] == ["das {{dog}"] * 2
    assert [one["candidates"][0]["missing"] for one in content["translations"]] == [1, 2]
    assert (content["report"]["restored"], content["report"]["missing"]) == (0, 3)
    assert "; 3 addresses or placeholders missing or changed in outputs" in own.err


def test_stdin_is_read_where_no_input_is_named(
    cli: Cli, model: Path, source: Path, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(source.read_bytes())))
    assert cli("translate", model).out.split("\n")[:-1] == expected


def test_lines_of_a_pipe_are_answered_in_order(
    cli: Cli, model: Path, source: Path, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.write(writing, source.read_bytes())
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        result = cli("translate", model)
    assert result.out.split("\n")[:-1] == expected
    assert "\n5 lines in " in result.err


def test_output_goes_through_links_and_into_pipes_and_leaves_nothing_after_a_mistake(
    cli: Cli, model: Path, source: Path, tmp_path: Path, expected: list[str]
) -> None:
    real, link, pipe = tmp_path / "real.de", tmp_path / "link.de", tmp_path / "pipe"
    real.write_text("old\n", encoding="utf-8")
    link.symlink_to(real)
    assert cli("translate", model, "--input", source, "--output", link).code == 0
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8").split("\n")[:-1] == expected
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")))
    read: list[str] = []
    reader.start()
    assert cli("translate", model, "--input", source, "--output", pipe).code == 0
    reader.join()
    assert read[0].split("\n")[:-1] == expected
    before = set(tmp_path.iterdir())
    missing = cli("translate", model, "--input", "gone.en", "--output", tmp_path / "new.de")
    assert (missing.code, set(tmp_path.iterdir())) == (2, before)
    refused = cli("translate", "no-model", "--input", source, "--output", tmp_path)
    assert (refused.code, refused.out) == (2, "")
    assert "a folder, needed the name of a file in it" in refused.err


def test_long_input_is_split_in_translation_and_cut_in_summarization(
    cli: Cli, model: Path, tmp_path: Path
) -> None:
    source = tmp_path / "long.en"
    source.write_text("a dog runs. " * 10 + "\nthe fox\n", encoding="utf-8")
    assert (
        "1 longer than the model can read, split" in cli("translate", model, "--input", source).err
    )
    summarized = cli("summarize", model, "--input", source)
    assert "pieces cut" in summarized.err
    assert summarized.out.count("\n") == 2
    refused = cli("summarize", model, "--input", source, "--long", "refuse")
    assert (refused.code, refused.out) == (2, "")
    assert "line 1 has" in refused.err


def test_a_run_reads_no_more_at_once_than_it_was_trained_on(
    cli: Cli, model: Path, tmp_path: Path
) -> None:
    run, source = Run(tmp_path / "run"), tmp_path / "long.en"
    shutil.copytree(model, run.best)
    source.write_text("a dog runs. the fox\n", encoding="utf-8")
    assert "can read" not in cli("translate", run.folder, "--input", source).err
    data = {"train": [{"file": "a.tsv"}], "dev": {"file": "b.tsv"},
            "cleaning": {"max_source_pieces": 6, "max_target_pieces": 32}}  # fmt: skip
    recipe = tiny_recipe(data=data, decode={"max_length_factor": 0.1, "max_length_extra": 1})
    run.recipe.write_text(recipe_json(recipe), encoding="utf-8")
    result = cli("translate", run.folder, "--input", source, "--json")
    assert "longer than the model can read, split" in result.err
    assert "cut off at the length limit" in result.err
    older = json.loads(run.recipe.read_text(encoding="utf-8"))
    del older["decode"]  # its defaults are those of the schema
    run.recipe.write_text(json.dumps(older), encoding="utf-8")
    assert (
        "longer than the model can read, split"
        in cli("translate", run.folder, "--input", source).err
    )


def test_a_folder_without_a_model_is_named(cli: Cli, tmp_path: Path) -> None:
    result = cli("translate", tmp_path)
    assert (result.code, result.out) == (2, "")
    assert "neither a run folder nor a model folder" in result.err
    unknown = cli("translate", "runs/dmo")
    assert (unknown.code, unknown.out) == (2, "")
    assert "runs/dmo: no such folder here, and the Hub does not give it: " in unknown.err


def test_settings_of_the_folder_that_are_not_followed_are_named(
    cli: Cli, model: Path, source: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    assert "note:" not in cli("translate", folder, "--input", source).err
    path = folder / "generation_config.json"
    odd = {"repetition_penalty": 1.3, "do_sample": True, "num_return_sequences": 1}
    path.write_text(json.dumps(json.loads(path.read_text()) | odd), encoding="utf-8")
    assert (
        "note: settings of the folder not followed: repetition_penalty 1.3, do_sample True; "
        "--engine transformers follows repetition_penalty 1.3"
    ) in cli("translate", folder, "--input", source).err
    stock = cli("translate", folder, "--input", source, "--engine", "transformers").err
    assert "not followed: do_sample True\n" in stock


def test_an_end_forced_at_the_limit_is_named_where_an_output_reaches_it(
    cli: Cli, model: Path, source: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    path = folder / "generation_config.json"
    plain = json.loads(path.read_text())
    blank = tmp_path / "blank.en"
    blank.write_text("\n \n", encoding="utf-8")
    note = "note: setting of the folder not followed: forced_eos_token_id 2; outputs cut off"
    for forced, given, said in ((2, source, True), (None, source, False), (2, blank, False)):
        search = plain | {"forced_eos_token_id": forced, "max_new_tokens": 5}
        path.write_text(json.dumps(search), encoding="utf-8")
        err = cli("translate", folder, "--input", given).err
        assert ("outputs cut off at the length limit" in err) == (given == source)
        assert (note in err) == said


def test_options_change_what_they_name(cli: Cli, model: Path, source: Path) -> None:
    def texts(*options: str) -> list[str]:
        return list(cli("translate", model, "--input", source, *options).out.split("\n"))

    plain = texts()
    assert texts("--length-penalty", "1.0", "--no-repeat-ngram", "0") == plain
    assert texts("--batch-tokens", "1") == plain
    assert texts("--no-repeat-ngram", "1") != plain
    shorter = texts("--length-penalty", "-3")
    assert sum(map(len, shorter)) < sum(map(len, plain))


def test_lines_of_several_sentences_are_counted_or_split(
    cli: Cli, model: Path, source: Path
) -> None:
    short = ("--max-length", 4)
    whole = cli("translate", model, "--input", source, "--split", "long", *short)
    assert "1 read as a whole, with fewer sentences in the output: some may be" in whole.err
    assert "1 of several sentences, read" in cli("translate", model, "--input", source, *short).err
    apart = cli("translate", model, "--input", source, "--split", "sentences")
    assert "1 of several sentences, read sentence by sentence" in apart.err
    parts = ["a dog.", "it runs.", "it runs far."]
    translator = Translator.load(model)
    joined = " ".join(one.text for one in translator.translate(parts) if one.text)
    assert apart.out.split("\n")[2] == joined
    summary = cli("summarize", model, "--input", source)
    assert "sentences" not in summary.err


@pytest.mark.parametrize(
    ("report", "split"),
    [({"several_sentences_share": 0.002}, True), ({"several_sentences_share": 0.3}, False)],
)
def test_a_run_knows_whether_it_was_trained_on_single_sentences(
    cli: Cli, model: Path, tmp_path: Path, report: dict[str, float], split: bool
) -> None:
    run, source = Run(tmp_path / "run"), tmp_path / "two.en"
    shutil.copytree(model, run.best)
    source.write_text("A dog runs. The fox.\n", encoding="utf-8")
    run.recipe.write_text(recipe_json(tiny_recipe()), encoding="utf-8")
    run.data_report.write_text(json.dumps(report), encoding="utf-8")
    two = ("translate", run.folder, "--input", source, "--forced-prefix", "A dog. It runs. It")
    apart, whole = cli(*two, "--split", "sentences"), cli(*two, "--split", "long")
    assert apart.out != whole.out
    assert "sentences" not in whole.err, "as many as the line has"
    asked = cli(*two)
    assert ("1 of several sentences, read sentence by sentence" in asked.err) == split
    assert asked.out == (apart if split else whole).out


GENERATED: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("--min-length", 6), {"min_new_tokens": 6}),
    (("--max-length", 5), {"max_new_tokens": 5}),
    (("--beam", 3, "--length-penalty", 2), {"num_beams": 3, "length_penalty": 2.0}),
    (("--no-repeat-ngram", 2), {"no_repeat_ngram_size": 2}),
    (("--forced-prefix", "the owl"), {"prefix": "the owl"}),
    (("--sample", "--temperature", 0.5, "--seed", 3), {"temperature": 0.5, "seed": 3}),
    (("--sample", "--top-k", 4, "--top-p", 0.9), {"top_k": 4, "top_p": 0.9, "seed": 1}),
]


def generated(folder: Path, line: str, *, limit: int, **asked: Any) -> str:
    """What the stock classes make of one line with the options that mean the same."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    ids, start = tokenizer(line)["input_ids"], [model.config.decoder_start_token_id]
    prefix = asked.pop("prefix", None)
    if prefix is not None:
        start += tokenizer(text_target=prefix)["input_ids"][:-1]
        asked["decoder_input_ids"] = torch.tensor([start])
    if "seed" in asked:
        torch.manual_seed(Sampling(seed=asked.pop("seed")).seed_of(ids, 0))
        asked = {"top_k": 0, "do_sample": True, "num_beams": 1, "early_stopping": False} | asked
    new = asked.pop("max_new_tokens", limit - (len(start) - 1))
    found = model.generate(
        input_ids=torch.tensor([ids]), max_length=None, max_new_tokens=new, **asked
    )
    return on_one_line(tokenizer.batch_decode(found, skip_special_tokens=True)[0]).strip()


@pytest.mark.parametrize(("options", "asked"), GENERATED, ids=lambda one: str(one))
def test_each_option_is_that_of_generate(
    cli: Cli, model: Path, tmp_path: Path, options: tuple[Any, ...], asked: dict[str, Any]
) -> None:
    lines, limit = ["the red fox", "the owl", "it runs far"], 31
    source = tmp_path / "few.en"
    source.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    plain = cli("translate", model, "--input", source, "--max-length", limit)
    both = options if "--max-length" in options else (*options, "--max-length", limit)
    result = cli("translate", model, "--input", source, *both)
    assert result.code == 0, result.err
    # A model that has learnt nothing may write the same with other beams, and never ends early.
    same = options[0] in ("--min-length", "--beam", "--no-repeat-ngram")
    assert same or result.out != plain.out, "it must matter"
    wanted = [generated(model, line, limit=limit, **asked) for line in lines]
    assert result.out.split("\n")[:-1] == wanted
    stock = cli("translate", model, "--input", source, "--engine", "transformers", *both)
    assert stock.out == result.out


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--temperature", 0.5, "--top-k", 3), "--temperature, --top-k: changes how outputs are"),
        (("--sample", "--beam", 4), "beams is '4' with sampling, which has none; ask for 1"),
        (("--sample", "--top-p", 0), "top_p is '0.0', needed above 0 and at most 1"),
        (("--min-length", 9, "--max-length", 5), "min_length is '9' with max_length '5'"),
        (("--device", "gpu"), "device: 'gpu' is no device, needed auto, cpu, cuda, cuda:N or mps"),
        (("--source-prefix", "translate: "), "this model is told nothing by a prefix"),
    ],
    ids=str,
)
def test_options_that_contradict_each_other_are_refused(
    cli: Cli, model: Path, source: Path, options: tuple[Any, ...], problem: str
) -> None:
    result = cli("translate", model, "--input", source, *options)
    assert (result.code, result.out) == (2, "")
    assert problem in result.err


def test_a_document_is_refused_by_a_model_of_single_sentences_and_with_what_has_no_meaning_there(
    cli: Cli, model: Path, source: Path, tmp_path: Path
) -> None:
    asked = ("translate", model, "--input", source, "--document")
    result = cli(*asked)
    assert (result.code, result.out) == (2, "")
    assert "trained on single sentences and knows no context" in result.err
    result = cli(*asked, "--resume", "--output", tmp_path / "out", "--forced-prefix", "a")
    assert result.code == 2
    assert "--document: with --forced-prefix, --resume" in result.err


def test_a_document_has_its_lines_and_the_model_is_given_what_it_wrote(
    cli: Cli, model: Path, source: Path, tmp_path: Path
) -> None:
    """Against the same model asked for the second sentence behind a context given by hand."""
    folder = tmp_path / "with-context"
    shutil.copytree(model, folder)
    store_context(folder, ContextSpec(source_sentences=1, target_sentences=1, separator="."))
    text = "the red fox\n\nthe owl\nit runs\n"
    source.write_text(text, encoding="utf-8")
    result = cli("translate", folder, "--input", source, "--document")
    lines = result.out.splitlines()
    assert (result.code, len(lines), lines[1]) == (0, 4, "")
    translator = Translator.load(folder)
    given = InContext("it runs", ("the owl",), (lines[2],))
    assert lines[3] == translate_in_context(translator, [given])[0].text
    assert lines[3] != translator.translate(["it runs"])[0].text
    assert "4 lines" in result.err


def test_drawing_gives_several_and_the_same_again(cli: Cli, model: Path, source: Path) -> None:
    asked = ("translate", model, "--input", source, "--sample", "--n-best", 4)
    first = cli(*asked, "--seed", 5)
    assert first.out == cli(*asked, "--seed", 5, "--batch-tokens", 1).out
    assert first.out != cli(*asked, "--seed", 6).out
    rows = [line.split("\t") for line in first.out.splitlines()]
    assert [row[0] for row in rows].count("1") == 4
    assert len({row[2] for row in rows if row[0] == "1"}) > 1


def test_a_summarizer_of_many_languages_is_told_them(cli: Cli, tmp_path: Path) -> None:
    folder, source = write_family("nllb", tmp_path / "nllb"), tmp_path / "few.en"
    source.write_text("the red fox sees a dog. an owl runs\n", encoding="utf-8")
    asked = ("summarize", folder, "--input", source, "--max-length", 9)
    refused = cli(*asked)
    assert (refused.code, "the target language is not given" in refused.err) == (2, True)
    told = [
        cli(*asked, "--source-language", "en", "--target-language", code) for code in ("fr", "de")
    ]
    assert [one.code for one in told] == [0, 0]
    assert told[0].out != told[1].out


def test_help_shows_options_in_groups(cli: Cli) -> None:
    for command in ("translate", "summarize"):
        text = cli(command, "-h").out
        titles = ["Arguments:", "Text in, text out:", "Languages:", "Search (", "Drawing at random"]
        places = [text.index(title) for title in [*titles, "Program:", "Options:", "Examples:"]]
        assert places == sorted(places)
        assert text.index("--beam") > text.index("Search (")


@pytest.mark.usefixtures("short_chunks")
def test_json_comes_in_parts_and_is_the_same_object(
    cli: Cli, model: Path, source: Path, tmp_path: Path
) -> None:
    whole = cli("translate", model, "--input", source, "--json")
    content = json.loads(whole.out)
    assert whole.out == json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    assert len(content["translations"]) == len(LINES)
    (tmp_path / "none.en").touch()
    empty = cli("translate", model, "--input", tmp_path / "none.en", "--json").out
    assert json.loads(empty)["translations"] == []


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are taken two by two."""
    monkeypatch.setattr("seq2seq.translate.CHUNK_LINES", 2)
    defaults = {**Translator.stream.__kwdefaults__, "chunk_lines": 2}
    monkeypatch.setattr(Translator.stream, "__kwdefaults__", defaults)


@pytest.mark.usefixtures("short_chunks")
def test_what_an_interrupted_command_has_done_is_kept_and_gone_on_with(
    cli: Cli, model: Path, source: Path, expected: list[str], tmp_path: Path
) -> None:
    output, kept = tmp_path / "new.de", tmp_path / "new.de.part"
    asked = ("translate", model, "--input", source, "--output", output)
    whole, seen = Translator.translate, []

    def interrupted(self: Translator, texts: Any, *given: Any, **options: Any) -> Any:
        if options["first_line"] > 2:
            raise KeyboardInterrupt
        return whole(self, texts, *given, **options)

    def noting(self: Translator, texts: Any, *given: Any, **options: Any) -> Any:
        seen.extend([options["first_line"], *texts])
        return whole(self, texts, *given, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Translator, "translate", interrupted)
        stopped = cli(*asked)
    assert stopped.code != 0
    assert f"what is done is in {kept}; add --resume to go on" in stopped.err
    assert not output.exists()
    assert kept.read_text(encoding="utf-8").split("\n") == [*expected[:2], ""]
    with kept.open("a", encoding="utf-8") as file:
        file.write("half a li")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Translator, "translate", noting)
        result = cli(*asked, "--resume")
    assert "note: 2 lines are there already" in result.err
    assert seen == [3, *LINES[2:4], 5, LINES[4]]
    assert output.read_text(encoding="utf-8").split("\n") == [*expected, ""]
    assert not kept.exists()


def test_nothing_to_go_on_with_is_said(cli: Cli, model: Path, source: Path, tmp_path: Path) -> None:
    asked = ("translate", model, "--input", source, "--resume")
    found = cli(*asked, "--output", tmp_path / "new.de")
    assert found.code == 2
    assert "new.de.part: no such file, needed what an interrupted command has left" in found.err
    assert "--resume: with no --output, needed --output F" in cli(*asked).err
    several = cli(*asked, "--output", tmp_path / "new.de", "--n-best", 2)
    assert "--resume: with --json or --n-best, needed" in several.err


@pytest.mark.parametrize(
    ("done", "before", "total", "seconds", "said"),
    [
        (1200, 0, 5000, 12.0, "1,200 of 5,000 lines, 0:38 left"),
        (1000, 2000, 5000, 3600.0, "3,000 of 5,000 lines, 2:00:00 left"),
        (7, 0, None, 1.0, "7 lines"),
        (7, 0, 5, 1.0, "7 lines"),
    ],
)
def test_progress_says_what_is_left(
    done: int, before: int, total: int | None, seconds: float, said: str
) -> None:
    assert progress_text(done, before, total, seconds) == said


def test_lines_of_a_plain_file_are_counted_ahead(source: Path, tmp_path: Path) -> None:
    assert count_lines(source) == len(LINES)
    assert count_lines(tmp_path / "gone") is None
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"a\n"))
    assert count_lines(tmp_path / "a.gz") is None
