"""Files of test suites that ask what the planted cases ask."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seq2seq.probe.items.case import Case


def record(case: Case) -> dict[str, Any]:
    """An item of ContraPro that asks what a planted case asks."""
    assert case.gold is not None
    good, bad = str(case.good), str(case.bad)
    said, other = ("er", "sie") if " er " in good else ("sie", "er")
    return {
        "ante distance": 0, "src pronoun": "it", "ref pronoun": said, "document id": case.cluster,
        "errors": [
            {"contrastive": good.replace(f" {said} ", " war "), "replacement": "es"},
            {"contrastive": bad, "replacement": other},
        ],
        "src segment": case.text, "ref segment": good,
        "src ante head": case.candidates[case.gold].text,
    }  # fmt: skip


def written(folder: Path, records: Sequence[dict[str, Any]], name: str = "contrapro.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(records, indent=1), encoding="utf-8")
    return path
