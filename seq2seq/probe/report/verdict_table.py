"""One row for each model of a comparison: what is right, shown, used and carried, over its seeds.

Read from ``probe.json`` alone, so that a table of many models is made without any of them.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.files import read_json_object
from seq2seq.probe.causes.experiment import Effect
from seq2seq.probe.causes.head import matters
from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.report.page_verdict import CLEAR
from seq2seq.probe.report.text import SCHEMA
from seq2seq.probe.statistics.bootstrap import Estimate, Interval
from seq2seq.text_table import markdown

PROBE_FILE = "probe.json"
TWO_COINS = 0.25  # of pairs that chance gets right; whoever always says the same gets none
HEADINGS = (
    "model", "seeds", "written right: items / pairs", "measure chosen on dev",
    "right noun: items / pairs", "right without the best head's edge", "right without “it”",
    "carried by", "verdict",
)  # fmt: skip


@dataclass(frozen=True)
class VerdictRow:
    """A model, over its seeds. Figures are one a seed, in the order of the folders.

    Attributes:
        name: of the model.
        written: share of free translations that show the right gender.
        written_pairs: share of pairs with both right.
        measures: that were chosen, one a seed; marked if they point at the other noun.
        shown: share of items in which each prefers the antecedent, with its interval: less than
            one half for one that points at the other noun.
        shown_pairs: share of pairs in which it does in both; NaN for one that points away.
        edge: what is left of the answers without the head's, or all heads', edge to the antecedent.
        it_off: what is left of them with the pronoun's row isolated.
        carriers: the single word whose loss costs most and whether it costs enough to be named; a
            set of words where no single one does.
        used: whether the chosen head's edge is used.
    """

    name: str
    written: tuple[Estimate, ...]
    written_pairs: tuple[float, ...]
    measures: tuple[str, ...]
    shown: tuple[Estimate, ...]
    shown_pairs: tuple[float, ...]
    edge: tuple[float, ...]
    it_off: tuple[float, ...]
    carriers: tuple[Effect, ...]
    used: tuple[bool, ...]


def verdict_row(name: str, folders: Sequence[Path]) -> VerdictRow:
    """Read the probes of one model's seeds.

    Args:
        name: of the model.
        folders: of its probes, all on the same set.

    Returns:
        Its row.

    Raises:
        DataError: a folder has no ``probe.json`` of this version with a verdict and free
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
    effects = [{one["name"]: _effect(one) for one in probe["effects"]} for probe in probes]
    return VerdictRow(
        name,
        tuple(_estimate(one["accuracy"]) for one in intact),
        tuple(one["pair"]["value"] for one in intact),
        tuple(_measure(probe["finding"]) for probe in probes),
        tuple(_antecedent(probe["finding"]) for probe in probes),
        tuple(
            probe["finding"]["pair"] if probe["finding"]["sign"] == 1 else math.nan
            for probe in probes
        ),
        tuple(_edge(probe).accuracy.value for probe in probes),
        tuple(one["it off"].accuracy.value for one in effects),
        tuple(_carrier(probe) for probe in probes),
        tuple(probe["verdict"]["used"] for probe in probes),
    )


def markdown_table(rows: Sequence[VerdictRow]) -> str:
    """Write rows as a Markdown table; figures are means over seeds and their range, in percent."""
    table = []
    for row in rows:
        low = min(one.interval.low for one in row.shown)
        written, shown = (_spread([e.value for e in some]) for some in (row.written, row.shown))
        costs = _spread([one.cost.value for one in row.carriers])
        controls = _spread([one.control.value if one.control else 0.0 for one in row.carriers])
        carriers = [
            _named(one, knows=pairs > TWO_COINS)
            for one, pairs in zip(row.carriers, row.written_pairs, strict=True)
        ]
        cells = [
            row.name,
            f"{len(row.written)}",
            f"{written} / {_spread(row.written_pairs)}",
            _counted(row.measures),
            f"{shown}, lowest bound {100 * low:.1f} / {_spread(row.shown_pairs)}",
            _spread(row.edge),
            _spread(row.it_off),
            f"{_counted(carriers)}: {costs} points (others {controls})",
            _counted(
                [_verdict(*one) for one in zip(row.written_pairs, row.shown, row.used, strict=True)]
            ),
        ]
        table.append(cells)
    return markdown(HEADINGS, table)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"{path}: no such file, needed a probe; write it with `seq2seq probe RUN`")
    probe = read_json_object(path, error=DataError, needed="what `seq2seq probe RUN` writes")
    if probe.get("schema") != SCHEMA:
        raise DataError(
            f"{path}: schema {probe.get('schema')!r}, needed {SCHEMA}; probe the model again"
        )
    missing = [key for key in ("verdict", "generated", "effects") if not probe[key]]
    if missing:
        raise DataError(
            f"{path}: no {missing[0]} in it, needed one; probe an encoder-decoder with its "
            "knock-outs on a set of the corpus"
        )
    return probe


def _edge(probe: Mapping[str, Any]) -> Effect:
    """The costlier of two: the chosen head loses the antecedent, or all heads do."""
    found = [_effect(one) for one in probe["verdict"]["effects"]]
    return max(
        (one for one in found if one.name.startswith("edge→gold")), key=lambda one: one.cost.value
    )


def _carrier(probe: Mapping[str, Any]) -> Effect:
    carrier, joint = _effect(probe["carrier"]), probe["joint"]
    if matters(carrier) or joint is None or joint["found"] is None:
        return carrier
    return next(_effect(one) for one in joint["effects"] if one["name"] == joint["found"])


def _effect(fields: Mapping[str, Any]) -> Effect:
    control = fields["control"]
    return Effect(
        fields["name"],
        _estimate(fields["accuracy"]),
        _estimate(fields["cost"]),
        None if control is None else _estimate(control),
        fields["change"],
    )


def _estimate(fields: Mapping[str, Any]) -> Estimate:
    return Estimate(fields["value"], Interval(**fields["interval"]))


def _measure(finding: Mapping[str, Any]) -> str:
    measure = Measure(**{**finding["measure"], "stack": ""})
    return measure.name + ("" if finding["sign"] == 1 else " (other noun)")


def _antecedent(finding: Mapping[str, Any]) -> Estimate:
    """How often the antecedent is preferred; a finding counts the noun that its sign says."""
    value, low, high = (
        finding["accuracy"], finding["interval"]["low"], finding["interval"]["high"],
    )  # fmt: skip
    if finding["sign"] == -1:
        value, low, high = 1 - value, 1 - high, 1 - low
    return Estimate(value, Interval(low, high))


def _named(effect: Effect, *, knows: bool) -> str:
    return effect.name if knows and matters(effect) else f"nothing (most {effect.name})"


def _verdict(pairs: float, shown: Estimate, used: bool) -> str:
    if pairs <= TWO_COINS:
        return "does not know"
    low, high = shown.interval.low, shown.interval.high
    said = "shown" if low >= CLEAR else "weakly shown" if low > 0.5 else "not shown"
    if high < 0.5:
        said = "the other noun is shown"
    return f"{said}, {'used' if used else 'not used'}"


def _counted(values: Sequence[str]) -> str:
    """Each value once, the commonest first, and how often where they differ."""
    counts = Counter(values).most_common()
    if len(counts) == 1:
        return counts[0][0]
    return "; ".join(f"{value} ({count})" for value, count in counts)


def _spread(values: Sequence[float]) -> str:
    """Mean, and lowest to highest if there are several; a dash where one is unknown."""
    if any(math.isnan(value) for value in values):
        return "–"
    mean = 100 * sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.1f}"
    return f"{mean:.1f} ({100 * min(values):.1f}–{100 * max(values):.1f})"
