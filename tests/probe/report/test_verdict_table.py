"""Rows of a comparison, from probe files that are written by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import DataError
from seq2seq.probe.report.verdict_table import HEADINGS, verdict_row


def figure(value: float) -> dict[str, Any]:
    return {"value": value, "interval": {"low": value, "high": 1.0}}


def use(both: float, exchanged: float | None, rows: str = "it") -> dict[str, Any]:
    """What is left of the answers with both nouns hidden, and exchanged."""
    return {
        "rows": rows, "both": {"accuracy": figure(both)},
        "exchanged": None if exchanged is None else {"accuracy": figure(exchanged)},
    }  # fmt: skip


def verdict(**changes: Any) -> dict[str, Any]:
    """A model that is mostly right, by way of "it": a head shows it, and all heads use it."""
    measure = {"route": "E→", "variant": "raw", "stack": "encoder", "layer": 1, "head": 2}
    return {
        "visible": {"measure": measure, "sign": 1, "accuracy": figure(0.95), "rule_accuracy": 0.5},
        "by_head": use(0.9, 0.8), "by_all_heads": use(0.6, 0.1),
        "by_group": use(0.5, 0.05, "it + cue"), "carried_by": "it off",
        "short": "shown, used by all heads",
    } | changes  # fmt: skip


def probe(folder: Path, **changes: Any) -> Path:
    fields = {
        "schema": 2,
        "provenance": {"items_sha256": "a"},
        "generated": [{"accuracy": figure(1.0), "pair": figure(0.9)}],
        "effects": [{"name": "it off"}],
        "verdict": verdict(),
    } | changes
    folder.mkdir()
    (folder / "probe.json").write_text(json.dumps(fields), encoding="utf-8")
    return folder


def test_a_row_holds_means_and_ranges_of_its_seeds(tmp_path: Path) -> None:
    other = verdict(
        carried_by=None, short="shown, not used", by_head=use(0.7, None), by_group=use(1.0, 1.0)
    )
    generated = [{"accuracy": figure(0.9), "pair": figure(0.8)}]
    folders = [probe(tmp_path / "1"), probe(tmp_path / "2", generated=generated, verdict=other)]
    row = verdict_row("guided", folders)
    assert len(row) == len(HEADINGS)
    assert list(row) == [
        "guided", "2", "95.0 (90.0–100.0) / 85.0 (80.0–90.0)", "E→ raw layer 1 head 2",
        "95.0 (95.0–95.0) / 50.0 (50.0–50.0)", "80.0 (70.0–90.0) / –",
        "60.0 (60.0–60.0) / 10.0 (10.0–10.0)", "75.0 (50.0–100.0) / 52.5 (5.0–100.0)",
        "it + cue (1); it (1)", "it off (1); – (1)",
        "shown, used by all heads (1); shown, not used (1)",
    ]  # fmt: skip


def test_a_measure_that_points_at_the_other_noun_is_marked(tmp_path: Path) -> None:
    away = verdict()
    away["visible"] = away["visible"] | {"sign": -1}
    row = verdict_row("away", [probe(tmp_path / "1", verdict=away)])
    assert row[3] == "E→ raw layer 1 head 2 (other noun)"


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"schema": 1}, "schema 1, needed 2; probe the model again"),
     ({"effects": []}, "no effects in it"), ({"generated": []}, "no generated in it")],
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
