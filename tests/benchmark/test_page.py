"""A page of results holds what its JSON files hold, and nothing that was disturbed."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scripts.benchmark.__main__ import app
from scripts.benchmark.page import table
from scripts.benchmark.plots import Lines, draw
from scripts.benchmark.results import Teller, shortened
from seq2seq.errors import DataError


def write(folder: Path, name: str, *reports: dict[str, Any]) -> None:
    say = Teller(folder / name, as_json=True)
    for report in reports:
        say(report)


def page(folder: Path, *options: str) -> str:
    result = CliRunner().invoke(app, ["page", str(folder), *options], catch_exceptions=False)
    assert result.exit_code == 0
    return (folder / "index.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    decode = {"benchmark": "decode", "model": "tiny", "peer": "other 1.0"}
    write(
        tmp_path,
        "decode.json",
        decode | {"search": "greedy", "times_as_fast": 1.25, "foreign_share": 0.01},
        decode | {"search": "beam 5", "times_as_fast": 0.75, "foreign_share": 0.5},
    )
    sweep = {"benchmark": "sweep width", "foreign_share": 0.0}
    write(
        tmp_path,
        "width.json",
        sweep | {"width": 64, "tokens_per_second": 9000},
        sweep | {"width": 128, "tokens_per_second": 4000},
        sweep | {"width": 9999, "failed": "not enough memory"},
    )
    return tmp_path


def test_what_others_disturbed_is_left_out_and_counted(folder: Path) -> None:
    text = page(folder)
    assert "1.25" in text
    assert "0.75" not in text
    assert "1 of 5 measurements are left out: other programs used more than 4% of" in text


def test_what_others_disturbed_is_shown_if_asked_for_with_their_share(folder: Path) -> None:
    text = page(folder, "--busy")
    assert "| beam 5 | 0.75 | 0.5 |" in text
    assert "**1 of 5 measurements were disturbed**" in text


def test_the_page_names_machine_command_and_commit_of_each_file(folder: Path) -> None:
    text = page(folder)
    results = json.loads((folder / "width.json").read_text(encoding="utf-8"))
    assert f"core of {results['processor']}" in text.replace("cores", "core")
    (line,) = [line for line in text.splitlines() if line.startswith("- `width.json`")]
    assert all(part in line for part in ("scripts/bench", results["date"], results["commit"]))


def test_failures_stand_in_the_table_and_in_no_plot(folder: Path) -> None:
    text = page(folder)
    assert "| 9,999 |  | not enough memory |" in text
    plot = (folder / "sweep-width-tokens-per-second.svg").read_text(encoding="utf-8")
    assert ">128<" in plot
    assert ">9,999<" not in plot


def test_every_plot_that_the_page_refers_to_is_there_and_no_other(folder: Path) -> None:
    text = page(folder)
    plots = {path.name for path in folder.glob("*.svg")}
    assert plots == {"decode.svg", "sweep-width-tokens-per-second.svg"}
    assert all(f"]({name})" in text for name in plots)


def test_the_same_figures_give_the_same_plot(tmp_path: Path) -> None:
    lines = Lines("speed", "width", "tokens", {"a": [(64, 3.0), (128, 2.0)], "b": [(64, 1.0)]})
    for name in ("one", "two"):
        draw(lines, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_all_rows_have_alike_is_said_once() -> None:
    rows = [{"benchmark": "x", "a": 1, "b": 2000}, {"benchmark": "x", "a": 1, "c": "p|q"}]
    assert list(table(rows)) == [
        "a 1.",
        "",
        "| b | c |",
        "|---|---|",
        "| 2,000 |  |",
        "|  | p\\|q |",
    ]


def test_files_of_before_say_nothing_of_what_was_preloaded(folder: Path) -> None:
    file = folder / "decode.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    del content["preloaded"]
    file.write_text(json.dumps(content), encoding="utf-8")
    assert "| 1.25 |" in page(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [("{}", "no 'command'"), ("[]", "bad.json"), ("{", "bad.json")],
)
def test_a_file_that_holds_no_results_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "bad.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        CliRunner().invoke(app, ["page", str(tmp_path)], catch_exceptions=False)


def test_an_empty_folder_and_another_ending_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no JSON file, needed what scripts/bench writes"):
        CliRunner().invoke(app, ["page", str(tmp_path)], catch_exceptions=False)
    with pytest.raises(DataError, match=r"needed the name of a \.json file"):
        Teller(tmp_path / "figures", as_json=False)


def test_commands_are_kept_without_the_folders_of_this_machine() -> None:
    assert list(map(shortened, ["--source", "/data/test.en", "runs/tiny"])) == [
        "--source", "test.en", "runs/tiny",
    ]  # fmt: skip
