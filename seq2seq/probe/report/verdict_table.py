"""One row for each model of a comparison: what is right, shown, used and carried, over its seeds.

Read from ``probe.json`` alone, so that a table of many models is made without any of them. What a
probe comes to is its own verdict; nothing is judged here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.files import read_json_object
from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.report.text import SCHEMA
from seq2seq.text_table import markdown

PROBE_FILE = "probe.json"
USES = {"by_head": "head", "by_all_heads": "all heads", "by_group": "group"}
HEADINGS = (
    "model", "seeds", "written right: items / pairs", "measure chosen on dev",
    "right noun / best rule without attention",
    *(f"right with both nouns hidden / exchanged: {name}" for name in USES.values()),
    "group", "carried by", "verdict",
)  # fmt: skip


@dataclass(frozen=True)
class VerdictRow:
    """A model, over its seeds. Figures are one a seed, in the order of the folders.

    Attributes:
        name: of the model.
        written: share of free translations that show the right gender.
        written_pairs: share of pairs with both right.
        measures: that were chosen, one a seed; marked if they point at the other noun.
        shown: share of items in which each prefers the noun that its sign says.
        rules: what the best rule without attention has right.
        hidden: by use ("by_head", "by_all_heads", "by_group") what is left of the answers with both
            nouns hidden.
        exchanged: in the same way with the nouns exchanged; nothing where they cannot be.
        groups: the words of the group.
        carriers: what carries the choice; a dash where nothing was found to.
        verdicts: each in a few words.
    """

    name: str
    written: tuple[float, ...]
    written_pairs: tuple[float, ...]
    measures: tuple[str, ...]
    shown: tuple[float, ...]
    rules: tuple[float, ...]
    hidden: Mapping[str, tuple[float, ...]]
    exchanged: Mapping[str, tuple[float, ...]]
    groups: tuple[str, ...]
    carriers: tuple[str, ...]
    verdicts: tuple[str, ...]


def verdict_row(name: str, folders: Sequence[Path]) -> VerdictRow:
    """Read the probes of one model's seeds.

    Args:
        name: of the model.
        folders: of its probes, all on the same set.

    Returns:
        Its row.

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
    return VerdictRow(
        name,
        tuple(one["accuracy"]["value"] for one in intact),
        tuple(one["pair"]["value"] for one in intact),
        tuple(_measure(one) for one in visible),
        tuple(one["accuracy"]["value"] for one in visible),
        tuple(one["rule_accuracy"] for one in visible),
        {use: _left(verdicts, use, "both") for use in USES},
        {use: _left(verdicts, use, "exchanged") for use in USES},
        tuple(one["by_group"]["rows"] for one in verdicts),
        tuple(one["carried_by"] or "–" for one in verdicts),
        tuple(one["short"] for one in verdicts),
    )


def markdown_table(rows: Sequence[VerdictRow]) -> str:
    """Write rows as a Markdown table; figures are means over seeds and their range, in percent."""
    table = [
        [
            row.name,
            f"{len(row.written)}",
            f"{_spread(row.written)} / {_spread(row.written_pairs)}",
            _counted(row.measures),
            f"{_spread(row.shown)} / {_spread(row.rules)}",
            *(f"{_spread(row.hidden[use])} / {_spread(row.exchanged[use])}" for use in USES),
            _counted(row.groups),
            _counted(row.carriers),
            _counted(row.verdicts),
        ]
        for row in rows
    ]
    return markdown(HEADINGS, table)


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


def _left(verdicts: Sequence[Mapping[str, Any]], use: str, how: str) -> tuple[float, ...]:
    """What is left of the answers; nothing if a seed has no such figure."""
    found = [one[use][how] for one in verdicts]
    if any(one is None for one in found):
        return ()
    return tuple(one["accuracy"]["value"] for one in found)


def _measure(visible: Mapping[str, Any]) -> str:
    measure = Measure(**{**visible["measure"], "stack": ""})
    return measure.name + ("" if visible["sign"] == 1 else " (other noun)")


def _counted(values: Sequence[str]) -> str:
    """Each value once, the commonest first, and how often where they differ."""
    counts = Counter(values).most_common()
    if len(counts) == 1:
        return counts[0][0]
    return "; ".join(f"{value} ({count})" for value, count in counts)


def _spread(values: Sequence[float]) -> str:
    """Mean, and lowest to highest if there are several; a dash where nothing is known."""
    if not values:
        return "–"
    mean = 100 * sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.1f}"
    return f"{mean:.1f} ({100 * min(values):.1f}–{100 * max(values):.1f})"
