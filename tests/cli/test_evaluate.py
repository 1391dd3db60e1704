"""The command that evaluates models on test suites, with models of random weights."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from seq2seq.cli.evaluate import HELP
from seq2seq.context import store_context
from seq2seq.errors import ModelError
from seq2seq.evaluate.evaluation import open_for
from seq2seq.evaluate.suites.names import SuiteName
from seq2seq.evaluate.suites.read import read_suite
from seq2seq.model.stock import save_model
from seq2seq.probe.items.formats.suite_items import KIND_OF_SUITE
from seq2seq.recipe import ContextSpec
from seq2seq.tokenizer import Tokenizer
from tests.evaluate.random_models import random_translator
from tests.probe.marked_items import records, scat_file
from tests.probe.planted_model import cases
from tests.probe.suite_files import record, written
from tests.stock_layouts import nllb

Cli = Callable[..., Any]
ROWS = [
    {"source": "They sleep.", "good": "Elles dorment.", "bad": "Ils dorment.",
     "source_context": "The girls come.", "target_context": "Les filles viennent."},
    {"source": "It is old.", "good": "Il est vieux.", "bad": "Elle est vieille.",
     "source_context": "", "target_context": ""},
    {"source": "It is new.", "good": "Elle est neuve.", "bad": "Il est neuf.",
     "source_context": "", "target_context": ""},
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite of three items, and models a and b."""
    folder = tmp_path_factory.mktemp("evaluate")
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    (folder / "fr.jsonl").write_text(lines, encoding="utf-8")
    for seed, name in enumerate("ab"):
        texts = [text for row in ROWS for text in row.values()]
        translator = random_translator(texts, seed=seed)
        save_model(translator.model, folder / name)
        assert isinstance(translator.tokenizer, Tokenizer)
        translator.tokenizer.save(folder / name, max_length=64)
    return folder


def test_systems_seeds_and_items_are_printed_and_written(
    cli: Cli, folder: Path, tmp_path: Path
) -> None:
    seeds = f"{folder / 'a'},{folder / 'b'}"
    result = cli(
        "evaluate", "contrastive-fr", folder / "fr.jsonl", folder / "a", seeds, "--json",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert report == json.loads((tmp_path / "out" / "evaluation.json").read_text("utf-8"))
    one, two = report["conditions"]
    assert (one["contrastive"]["items"], len(two["contrastive"]["seeds"])) == (3, 2)
    assert two["contrastive"]["seeds"][0] == one["contrastive"]["accuracy"]
    assert set(report["comparisons"]) == {"contrastive", "generated", "unambiguous"}
    assert report["conditions"][0]["scores"][0]["bleu"]["signature"].startswith("nrefs:1|")
    items = [
        json.loads(x)
        for x in (tmp_path / "out" / "items.jsonl").read_text("utf-8").split("\n")[:-1]
    ]
    assert len(items) == 3 * 3
    assert sum(item["contrastive"] for item in items[:3]) / 3 == pytest.approx(
        one["contrastive"]["accuracy"], abs=1e-4
    )
    assert all(len(item["log_probabilities"]) == 2 and item["translation"] for item in items)


def test_the_help_describes_every_suite_and_names_those_that_can_be_probed(cli: Cli) -> None:
    said = cli("evaluate", "--help").out
    described = re.findall(r"^([a-z-]+) {2,}\S", HELP, re.MULTILINE)
    assert sorted(described) == sorted(get_args(SuiteName))
    assert all(name in said for name in described)
    probed = re.search(r"in the items of ([\w, ]+) that name", " ".join(HELP.split()))
    assert probed is not None
    assert sorted(re.split(", | and ", probed[1])) == sorted(map(str.lower, KIND_OF_SUITE))


def test_a_suite_that_would_be_written_over_is_refused(cli: Cli, folder: Path) -> None:
    items = folder / "items.jsonl"
    items.write_bytes((folder / "fr.jsonl").read_bytes())
    result = cli("evaluate", "contrastive-fr", items, folder / "a", "--out", folder)
    assert result.code == 2
    assert f"{items}: the file that is read, which would be lost" in result.err
    assert items.read_bytes() == (folder / "fr.jsonl").read_bytes()


def test_people_read_a_table_and_the_rules(cli: Cli, folder: Path) -> None:
    result = cli(
        "evaluate", "contrastive-fr", folder / "fr.jsonl", folder / "a", "--only", "contrastive",
        "--most", 2,
    )  # fmt: skip
    assert result.code == 0, result.err
    assert "EN-FR contrastive pronouns, en to fr: 2 items in 2 clusters" in result.out
    assert "contrastive: the right translation has a larger sum of log-probabilities" in result.out
    assert "note: 2 of 3 items, whole clusters drawn at random (seed 12345)" in result.out
    assert "generated" not in result.out


@pytest.mark.slow
def test_a_probe_of_the_same_items_stands_beside_the_figures(
    cli: Cli, planted: Path, tmp_path: Path
) -> None:
    arguments = ("evaluate", "contrapro", planted / "contrapro.json", planted / "m", "--only",
                 "contrastive", "--probe", "--out", tmp_path)  # fmt: skip
    result = cli(*arguments, "--json")
    assert result.code == 0, result.err
    report = json.loads(result.out)
    (probe,) = report["probes"]
    assert report["conditions"][0]["contrastive"]["items"] == 16
    assert (probe["items"], probe["chosen_on"]) == (12, 4)
    assert probe["lines"][0].startswith(
        "In short: too few to tell: 4 items in 2 clusters to choose on and 12 in 6 to report"
    )
    assert probe["verdict"]["visible"]["shown"] is None
    text = (tmp_path / "evaluation.txt").read_text("utf-8")
    assert "items that name pronoun and antecedent, head chosen on 4 others" in text
    assert probe["lines"][0] in text
    kept = json.loads((tmp_path / "probe" / "m" / "probe.json").read_text("utf-8"))
    assert kept["verdict"] == probe["verdict"]


@pytest.mark.slow
def test_marked_words_are_asked_of_a_model_that_reads_context(cli: Cli, tmp_path: Path) -> None:
    path = scat_file(tmp_path)
    sides = ("source", "target", "target_context")
    translator = random_translator((line[side] for line in records() for side in sides),
                                   context=(0, 1))  # fmt: skip
    save_model(translator.model, tmp_path / "m")
    assert isinstance(translator.tokenizer, Tokenizer)
    names = {**translator.tokenizer.config, "tokenizer_class": "PreTrainedTokenizerFast"}
    Tokenizer(translator.tokenizer.backend, names).save(tmp_path / "m", max_length=64)
    store_context(tmp_path / "m", ContextSpec(target_sentences=1, separator="|"))
    result = cli("evaluate", "scat", path, tmp_path / "m", "--only", "contrastive", "--probe",
                 "--json")  # fmt: skip
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert [one["context"] for one in report["conditions"]] == [0, 1]
    context, *others = report["probes"]
    assert (context["items"], context["chosen_on"]) == (43, 21)
    assert (context["verdict"]["seen"], context["verdict"]["used_from"]) == (False, [])
    assert [one["items"] for one in others] == [0, 0]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Items of ContraPro in eight documents, and a model m that knows their words."""
    folder = tmp_path_factory.mktemp("planted")
    asked = cases(start=0, count=8)
    written(folder, [record(one) for one in asked])
    texts = [text for one in asked for text in (one.text, str(one.good), str(one.bad))]
    translator = random_translator(texts)
    save_model(translator.model, folder / "m")
    assert isinstance(translator.tokenizer, Tokenizer)
    names = {**translator.tokenizer.config, "tokenizer_class": "PreTrainedTokenizerFast"}
    Tokenizer(translator.tokenizer.backend, names).save(folder / "m", max_length=64)
    return folder


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("contrastive-fr", "fr.jsonl", "a", "--probe"), "these files name no pronoun"),
        (("contrastive-fr", "missing", "a"), "no missing.current.src"),
        (("contrastive-fr", "fr.jsonl", "a,,b"), "an empty name between commas"),
        (("contrapro", "fr.jsonl", "a"), "needed 'src segment'"),
    ],
)
def test_a_mistake_is_one_line(
    cli: Cli,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    problem: str,
) -> None:
    monkeypatch.chdir(folder)
    result = cli("evaluate", *arguments)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert problem in result.err


def test_a_model_of_several_languages_is_told_those_of_the_suite(tmp_path: Path) -> None:
    (tmp_path / "fr.jsonl").write_text(json.dumps(ROWS[0]) + "\n", encoding="utf-8")
    french = read_suite("contrastive-fr", tmp_path / "fr.jsonl")
    german = replace(french, languages=("en", "de"))
    folder = nllb(tmp_path / "nllb")
    translator = open_for(str(folder), german, device="cpu")
    assert translator.languages == ("en", "de")
    with pytest.raises(ModelError, match="'ja'"):
        open_for(str(folder), replace(german, languages=("en", "ja")), device="cpu")
    with pytest.raises(ModelError, match="no such"):
        open_for(str(tmp_path / "nothing" / "here" / "at all"), german, device="cpu")


def test_a_model_that_says_its_languages_is_told_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = read_suite("contrastive-fr", folder / "fr.jsonl")
    spanish = random_translator(["They sleep ."])
    spanish.languages = ("en", "es")
    calls = []

    def load(name: str, **told: str) -> Any:
        calls.append(told)
        return spanish

    monkeypatch.setattr("seq2seq.evaluate.evaluation.Translator.load", load)
    assert open_for("model", suite, device="cpu") is spanish  # and its languages can be checked
    assert calls == [{"device": "cpu"}]
