"""The publishing command without a network: what it prints and refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.publish.finished_run import write_export, write_run

Cli = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = write_run(tmp_path / "run")
    write_export(run)
    return run.folder


def test_a_dry_run_lists_what_would_go_and_touches_nothing(
    cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seq2seq.publish.hub.upload_all", lambda *_, **__: 1 / 0)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    result = cli("publish", run, "tester/owl", "--dry-run")
    assert result.code == 0
    assert result.err == ""
    assert result.out.startswith("model tester/owl, licence mit\n")
    assert "README.md" in result.out
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_the_plan_as_json_and_the_card_as_a_file(cli: Cli, run: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    result = cli("publish", run, "tester/owl", "--dry-run", "--json", "--card", card)
    plan = json.loads(result.out)
    assert plan["kind"] == "model"
    assert plan["files"][0]["size"] == card.stat().st_size
    assert card.read_text(encoding="utf-8").startswith("---\n")


def test_a_space_is_planned_beside_the_model(cli: Cli, run: Path) -> None:
    arguments = ("publish", run, "tester/owl", "--dry-run", "--space", "--example", "An owl.")
    shown = cli(*arguments)
    assert shown.code == 0
    assert "\nspace tester/owl, licence apache-2.0\n" in shown.out
    plan = json.loads(cli(*arguments, "--json").out)
    assert (plan["kind"], plan["space"]["kind"]) == ("model", "space")
    assert "app.py" in [file["path"] for file in plan["space"]["files"]]


def test_an_example_without_a_space_has_no_place(cli: Cli, run: Path) -> None:
    result = cli("publish", run, "tester/owl", "--dry-run", "--example", "An owl.")
    assert (result.code, result.out) == (2, "")
    assert "--example without --space, which shows it; add --space" in result.err


def test_what_speaks_against_publishing_is_one_line_and_code_2(cli: Cli, run: Path) -> None:
    (run / "exports" / "hub" / "config.json").write_text("{ }")
    result = cli("publish", run, "tester/owl", "--dry-run")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert "config.json was changed since the export was checked" in result.err


def test_offline_the_upload_says_so(cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    result = cli("publish", run, "tester/owl")
    assert result.code == 2
    assert "no connection, or it was lost" in result.err
    assert "HF_HUB_OFFLINE" in result.err
    assert "hf_secret" not in result.err
