"""The probe command: where it looks for sets, what it prints and writes."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seq2seq.probe.report.result import Study, StudySpec
from seq2seq.probe.study import probe_model
from seq2seq.recipe_file import parse_recipe, recipe_json
from tests.probe.planted_model import cases, planted_model


@pytest.fixture(scope="module")
def found() -> Study:
    spec = StudySpec("test", "dev", resamples=99, random_twins=1)
    return probe_model(
        planted_model(), cases(start=0, count=30), cases(start=30, count=40), spec=spec
    )


def test_the_command_prints_the_verdict_and_writes_beside_the_run(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: Study
) -> None:
    monkeypatch.setattr(
        "seq2seq.probe.model.stock_model.StockModel.load", lambda where, device: where
    )
    monkeypatch.setattr("seq2seq.probe.study.probe_model", lambda *_, **__: found)

    def write_page(*given: Any) -> Path:
        (given[-1] / "map-1.svg").touch()
        page: Path = given[-1] / "page"
        return page

    monkeypatch.setattr("seq2seq.probe.report.page.write_page", write_page)
    monkeypatch.setattr(
        "seq2seq.cli.probe._cases", lambda path, *_: ((), (f"{path.name}: 2 left out",), "gap")
    )
    monkeypatch.setattr(
        "seq2seq.probe.statistics.choosing_set.ChoosingSet",
        lambda model, *_, **__: SimpleNamespace(model=model),
    )
    (tmp_path / "dev.jsonl").touch()
    (tmp_path / "test.jsonl").touch()
    arguments = ("probe", tmp_path, "--items", tmp_path / "test.jsonl",
                 "--select-on", tmp_path / "dev.jsonl")  # fmt: skip
    result = cli(*arguments)
    assert result.code == 0
    assert result.out.startswith(
        "In short: Attention (encoder layer 1 head 2) shows the antecedent;"
    )
    assert result.err.endswith("probe/test/probe.html: open it in a browser\n")
    assert (tmp_path / "probe/test/probe.json").is_file()
    card = (tmp_path / "probe/card.md").read_text(encoding="utf-8")
    assert card.startswith("- In short: ")
    assert card.endswith("![What the chosen head attends to in one sentence](test/map-1.svg)\n")
    assert "heads-encoder" not in card, "a figure that is not there"
    assert json.loads(cli(*arguments, "--json").out)["items"] == [60, 80]
    (tmp_path / "other.jsonl").touch()
    several = (*arguments, "--items", tmp_path / "other.jsonl", "--out", tmp_path / "both")
    result = cli(*several)
    assert (result.code, result.out.count("Visible? ")) == (0, 2)
    assert "set   items" in result.out
    assert (tmp_path / "both/test/probe.json").is_file()
    assert (tmp_path / "both/other/probe.json").is_file()
    told = json.loads(cli(*several, "--json").out)
    assert (len(told["sets"]), told["differences"]) == (2, [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--route", "Q"), "route 'Q', needed one of E→"),
        (("--head", "3"), "head '3', needed a layer and a head from 0, such as 3.1"),
        (("--items", "test.jsonl"), "two sets are called 'test', needed a name each"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    cli, tmp_path: Path, monkeypatch, options: tuple[str, str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "seq2seq.probe.model.stock_model.StockModel.load", lambda where, device: where
    )
    Path("test.jsonl").touch()
    result = cli("probe", "m", "--items", "test.jsonl", "--select-on", "test.jsonl", *options)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


@pytest.mark.parametrize("option", ["--items", "--select-on"])
def test_items_that_the_probe_would_write_over_are_refused(
    cli: Any, tmp_path: Path, option: str
) -> None:
    items, other = tmp_path / "items.jsonl", {"--items": "--select-on", "--select-on": "--items"}
    items.touch()
    (tmp_path / "other.jsonl").touch()
    given = (option, items, other[option], tmp_path / "other.jsonl")
    result = cli("probe", "model", *given, "--out", tmp_path)
    assert result.code == 2
    assert f"{items}: the file that is read, which would be lost" in result.err


def test_items_that_are_neither_a_file_nor_a_set_are_refused(cli: Any, tmp_path: Path) -> None:
    result = cli("probe", tmp_path, "--items", "T9")
    assert (result.code, result.out) == (2, "")
    assert (
        "items 'T9', needed a file or a test set of the run that is one (there is none)"
        in result.err
    )


def test_a_set_that_is_two_texts_holds_no_items(cli: Any, tmp_path: Path) -> None:
    recipe = {
        "source_language": "en", "target_language": "de",
        "data": {"train": [{"file": "a.tsv"}], "dev": {"source": "v.en", "target": "v.de"},
                 "test": {"two": {"source": "t.en", "target": "t.de"}, "one": {"file": "i.jsonl"}}},
    }  # fmt: skip
    (tmp_path / "recipe.json").write_text(recipe_json(parse_recipe(recipe, where="test")))
    refused = cli("probe", tmp_path, "--items", "two")
    assert (refused.code, refused.out) == (2, "")
    assert "items 'two', needed a file or a test set of the run that is one (one)" in refused.err
    refused = cli("probe", tmp_path, "--items", "one")
    assert "names no file as its dev set, needed items to choose a head on" in refused.err
