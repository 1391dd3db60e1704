"""One row for each model of a comparison: what is right, shown, used and carried, over its seeds.

Read from ``probe.json`` alone, so that a table of many models is made without any of them. What a
probe comes to is its own verdict; nothing is judged here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.files import read_json_object
from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.report.text import SCHEMA

PROBE_FILE = "probe.json"
USES = {"by_head": "head", "by_all_heads": "all heads", "by_group": "group"}
HEADINGS = (
    "model", "seeds", "written right: items / pairs", "measure chosen on dev",
    "right noun / best rule without attention",
    *(f"right with both nouns hidden / exchanged: {name}" for name in USES.values()),
    "group", "carried by", "verdict",
)  # fmt: skip


def verdict_row(name: str, folders: Sequence[Path]) -> tuple[str, ...]:
    """The cells of one model; figures are means over its seeds and their range, in percent.

    Args:
        name: of the model.
        folders: of the probes of its seeds, all on the same set.

    Returns:
        A cell for each of `HEADINGS`. Use is what is left of the answers with both nouns hidden,
        and with the nouns exchanged.

    Raises:
        DataError: a folder has no ``probe.json`` of this version with knock-outs and free
            translations, or the sets differ.
    """
    probes = [_read(folder / PROBE_FILE) for folder in folders]
    sets = {probe["provenance"]["items_sha256"] for probe in probes}
    if len(sets) != 1:
        raise DataError(
            f"{name}: {len(sets)} different sets in {len(folders)} folders, needed one set; probe "
            "all seeds on the same items"
        )
    intact = [probe["generated"][0] for probe in probes]
    verdicts = [probe["verdict"] for probe in probes]
    visible = [one["visible"] for one in verdicts]
    return (
        name,
        f"{len(probes)}",
        f"{_spread(intact, 'accuracy')} / {_spread(intact, 'pair')}",
        _counted([_measure(one) for one in visible]),
        f"{_spread(visible, 'accuracy')} / {_spread(visible, 'rule_accuracy')}",
        *(
            f"{_left([one[use] for one in verdicts], 'both')} / "
            f"{_left([one[use] for one in verdicts], 'exchanged')}"
            for use in USES
        ),
        _counted([one["by_group"]["rows"] for one in verdicts]),
        _counted([one["carried_by"] or "–" for one in verdicts]),
        _counted([one["short"] for one in verdicts]),
    )


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"{path}: no such file, needed a probe; write it with `seq2seq probe RUN`")
    probe = read_json_object(path, error=DataError, needed="what `seq2seq probe RUN` writes")
    if probe.get("schema") != SCHEMA:
        raise DataError(
            f"{path}: schema {probe.get('schema')!r}, needed {SCHEMA}; probe the model again"
        )
    missing = [name for name in ("generated", "effects") if not probe[name]]
    if missing:
        raise DataError(
            f"{path}: no {missing[0]} in it, needed one; probe an encoder-decoder with its "
            "knock-outs on a set of the corpus"
        )
    return probe


def _left(uses: Sequence[Mapping[str, Any]], how: str) -> str:
    """What is left of the answers; a dash if a seed has no such figure."""
    found = [one[how] for one in uses]
    return "–" if None in found else _spread(found, "accuracy")


def _measure(visible: Mapping[str, Any]) -> str:
    measure = Measure(**{**visible["measure"], "stack": ""})
    return measure.name + ("" if visible["sign"] == 1 else " (other noun)")


def _counted(values: Sequence[str]) -> str:
    """Each value once, the commonest first, and how often where they differ."""
    counts = Counter(values).most_common()
    if len(counts) == 1:
        return counts[0][0]
    return "; ".join(f"{value} ({count})" for value, count in counts)


def _spread(found: Sequence[Mapping[str, Any]], name: str) -> str:
    """The mean of a figure, and its lowest to its highest value if there are several."""
    figures = [one[name] for one in found]
    values = [100 * (one["value"] if isinstance(one, dict) else one) for one in figures]
    mean = f"{sum(values) / len(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.1f}–{max(values):.1f})"
