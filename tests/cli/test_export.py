"""The export command as a shell sees it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2seq.publish.export_check import verify_check
from seq2seq.publish.held_out import run_pairs
from seq2seq.recipe_file import parse_recipe, recipe_json
from seq2seq.run import Run, describe_start, write_json
from tests.publish.small_models import edit_json, small_folder, write_pairs

Cli = Callable[..., Any]
pytest.importorskip("ctranslate2")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run folder as training leaves it, of a model that has learnt nothing."""
    run = Run(tmp_path / "run")
    small_folder("m2m_100", run.best)
    write_pairs(tmp_path / "dev.tsv", extra=("\tempty", "a dog\t" + "far " * 60))
    columns = {"source_field": "1", "target_field": "2"}
    recipe = parse_recipe(
        {
            "source_language": "en",
            "target_language": "de",
            "data": {
                "folder": str(tmp_path),
                "train": [{"file": "train.tsv"}],
                "dev": {"file": "dev.tsv"} | columns,
                "cleaning": {"max_source_pieces": 24, "max_target_pieces": 24},
            },
            "model": {"max_positions": 24},
            "decode": {"beams": 4},
        },
        where="test",
    )
    run.recipe.write_text(recipe_json(recipe), encoding="utf-8")
    return run


def test_a_run_is_exported_measured_and_then_translated_with(
    cli: Cli, run: Run, tmp_path: Path
) -> None:
    result = cli("export", run.folder, "--to", "ctranslate2", "--json")
    assert result.code == 0
    content = json.loads(result.out)
    measured = content["measured"]
    assert (measured["text"], measured["pairs"], measured["left_out"]) == ("dev.tsv", 100, 2)
    assert Path(content["folder"]) == run.exports / "ctranslate2"
    assert verify_check(run.exports / "ctranslate2").passed
    assert "comparing on 100 pairs of dev.tsv" in result.err
    source = tmp_path / "in.txt"
    source.write_text("the red fox\n\nan owl\n", encoding="utf-8")
    plain, fast = (
        cli("translate", run.folder, "--input", source, "--engine", engine)
        for engine in ("native", "ctranslate2")
    )
    assert fast.out == plain.out
    assert fast.out.count("\n") == 3
    assert "1 empty" in fast.err
    again = cli("export", run.folder, "--to", "ctranslate2")
    assert (again.code, again.out) == (2, "")
    assert "exists already" in again.err


def test_a_dev_set_that_changed_is_no_proof(cli: Cli, run: Run) -> None:
    run.environment.write_text(json.dumps({"data": {"dev": "0" * 64}}), encoding="utf-8")
    result = cli("export", run.folder, "--to", "hub")
    assert (result.code, result.out) == (2, "")
    assert f"dev.tsv: not the dev set of {run.folder} any more, needed text that" in result.err
    assert not run.exports.exists()


def test_the_dev_set_is_found_from_another_folder_than_training_stood_in(
    cli: Cli, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = json.loads(run.recipe.read_text(encoding="utf-8"))
    recipe["data"]["folder"] = "."
    write_json(run.recipe, recipe)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    refused = cli("export", run.folder, "--to", "hub")
    assert refused.code == 2
    assert "error: dev.tsv: no such file" in refused.err
    assert (
        f"it is the dev set of {run.folder}: stand where that was trained, or give" in refused.err
    )
    monkeypatch.chdir(tmp_path)
    write_json(run.environment, {"start": describe_start(run)})
    monkeypatch.chdir(tmp_path / "elsewhere")
    name, pairs = run_pairs(run)
    assert (name, len(list(pairs))) == ("dev.tsv", 102)


def test_too_little_text_is_no_proof(cli: Cli, run: Run, tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "few.tsv", 19)
    result = cli("export", run.folder, "--to", "hub", "--pairs", pairs)
    assert result.code == 2
    assert "few.tsv: 19 pairs can be compared (0 are empty or too long), needed at" in result.err
    assert not run.exports.exists()


def test_few_pairs_are_said_to_show_little(cli: Cli, run: Run, tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "few.tsv", 20)
    result = cli("export", run.folder, "--to", "hub", "--pairs", pairs)
    assert result.code == 0
    assert "comparing on 20 pairs of few.tsv; so few that a difference in fewer than" in result.err


def test_a_refused_export_is_exit_2_and_leaves_nothing(cli: Cli, run: Run) -> None:
    settings = run.best / "generation_config.json"
    edit_json(settings, lambda content: content.update(early_stopping=False))
    result = cli("export", run.folder, "--to", "hub")
    assert (result.code, result.out) == (2, "")
    assert "early_stopping 'false', true is needed" in result.err
    assert not run.exports.exists()


def test_a_format_is_needed(cli: Cli, run: Run) -> None:
    assert cli("export", run.folder).code == 2
    assert "'--to': 'bart' is not one of" in cli("export", run.folder, "--to", "bart").err
