"""Rows of a comparison, from probe files that are written by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import DataError
from seq2seq.probe.report.verdict_table import markdown_table, verdict_row


def figure(value: float, low: float | None = None) -> dict[str, Any]:
    return {"value": value, "interval": {"low": value if low is None else low, "high": 1.0}}


def effect(name: str, left: float, control: float = 0.0) -> dict[str, Any]:
    return {
        "name": name, "accuracy": figure(left), "cost": figure(1 - left),
        "control": figure(control), "change": 1.0,
    }  # fmt: skip


def probe(folder: Path, **changes: Any) -> Path:
    """A model that is always right, by way of "it": head 2 shows it, and it is used."""
    measure = {"route": "E→", "variant": "raw", "stack": "encoder", "layer": 1, "head": 2}
    fields = {
        "schema": 1,
        "provenance": {"items_sha256": "a"},
        "generated": [{"accuracy": figure(1.0), "pair": figure(0.9)}],
        "finding": {"measure": measure, "sign": 1, "accuracy": 0.95, "pair": 0.8,
                    "interval": {"low": 0.9, "high": 1.0}},
        "effects": [effect("it→gold", 0.1), effect("it off", 0.5)],
        "carrier": effect("it→gold", 0.1),
        "joint": None,
        "verdict": {"used": True, "effects": [effect("edge→gold, this head", 0.1),
                                              effect("edge→distractor, this head", 0.0)]},
    } | changes  # fmt: skip
    folder.mkdir()
    (folder / "probe.json").write_text(json.dumps(fields), encoding="utf-8")
    return folder


def cells(table: str, row: int = 0) -> list[str]:
    return [cell.strip() for cell in table.splitlines()[2 + row].strip("|").split("|")]


def test_a_measure_that_points_at_the_other_noun_is_not_said_to_show_the_right_one(
    tmp_path: Path,
) -> None:
    fields = json.loads((probe(tmp_path / "1") / "probe.json").read_text(encoding="utf-8"))
    finding = fields["finding"] | {"sign": -1, "accuracy": 0.6}
    finding["interval"] = {"low": 0.55, "high": 0.7}
    row = verdict_row("away", [tmp_path / "1", probe(tmp_path / "2", finding=finding)])
    _, _, _, measures, shown, *_, verdicts = cells(markdown_table([row]))
    assert measures == "E→ raw layer 1 head 2 (1); E→ raw layer 1 head 2 (other noun) (1)"
    assert shown == "67.5 (40.0–95.0), lowest bound 30.0 / –"
    assert verdicts == "shown, used (1); the other noun is shown, used (1)"


def test_a_row_holds_means_and_ranges_of_its_seeds(tmp_path: Path) -> None:
    folders = [
        probe(tmp_path / "1"),
        probe(tmp_path / "2", generated=[{"accuracy": figure(0.9), "pair": figure(0.8)}]),
    ]
    assert cells(markdown_table([verdict_row("guided", folders)])) == [
        "guided", "2", "95.0 (90.0–100.0) / 85.0 (80.0–90.0)", "E→ raw layer 1 head 2",
        "95.0 (95.0–95.0), lowest bound 90.0 / 80.0 (80.0–80.0)", "10.0 (10.0–10.0)",
        "50.0 (50.0–50.0)", "it→gold: 90.0 (90.0–90.0) points (others 0.0 (0.0–0.0))",
        "shown, used",
    ]  # fmt: skip


def test_a_head_that_shows_a_link_without_use_is_told_from_one_that_shows_none(
    tmp_path: Path,
) -> None:
    idle = {"used": False, "effects": [effect("edge→gold, this head", 1.0)]}
    chance = {"measure": {"route": "X", "variant": "alti", "layer": 0, "head": None},
              "sign": 1, "accuracy": 0.52, "pair": 0.2,
              "interval": {"low": 0.49, "high": 0.55}}  # fmt: skip
    ignorant = {"accuracy": figure(0.52, low=0.51), "pair": figure(0.1)}
    rows = [
        verdict_row("idle", [probe(tmp_path / "1", verdict=idle)]),
        verdict_row("blind", [probe(tmp_path / "2", verdict=idle, finding=chance)]),
    ]
    rows.append(verdict_row("lost", [probe(tmp_path / "3", generated=[ignorant])]))
    table = markdown_table(rows)
    said = [cells(table, row)[-1] for row in range(3)]
    assert said == ["shown, not used", "not shown, not used", "does not know"]
    assert cells(table, 1)[3:5] == ["X alti layer 0", "52.0, lowest bound 49.0 / 20.0"]


def test_seeds_that_differ_are_counted(tmp_path: Path) -> None:
    other = effect("nouns→cue", 0.6)
    folders = [
        probe(tmp_path / "1"), probe(tmp_path / "2"), probe(tmp_path / "3", carrier=other)
    ]  # fmt: skip
    assert cells(markdown_table([verdict_row("mixed", folders)]))[7].startswith(
        "it→gold (2); nouns→cue (1): "
    )


def test_where_no_single_word_carries_the_answer_the_set_that_does_is_named(
    tmp_path: Path,
) -> None:
    weak = effect("cue→gold", 0.95)
    joint = {"effects": [effect("it off + cue off", 0.5)], "found": "it off + cue off"}
    together = probe(tmp_path / "1", carrier=weak, joint=joint)
    lost = probe(tmp_path / "2", carrier=weak, joint={"effects": [], "found": None})
    matched = probe(tmp_path / "3", carrier=effect("cue→gold", 0.5, control=0.4))
    found = [
        cells(markdown_table([verdict_row("", [one])]))[7].partition(": ")[0]
        for one in (together, lost, matched)
    ]
    assert found == ["it off + cue off", "nothing (most cue→gold)", "nothing (most cue→gold)"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"schema": 0}, "schema 0, needed 1"), ({"verdict": None}, "no verdict in it"),
     ({"generated": []}, "no generated in it")],
)  # fmt: skip
def test_a_probe_that_lacks_what_a_row_needs_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        verdict_row("x", [probe(tmp_path / "1", **changes)])


def test_seeds_on_different_items_are_refused(tmp_path: Path) -> None:
    folders = [probe(tmp_path / "1"), probe(tmp_path / "2", provenance={"items_sha256": "b"})]
    with pytest.raises(DataError, match="2 different sets in 2 folders"):
        verdict_row("x", folders)


def test_a_folder_without_a_probe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"probe\.json: no such file"):
        verdict_row("x", [tmp_path])
