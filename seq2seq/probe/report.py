"""What a probe has found, for people, for machines and for a model card."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seq2seq.probe.carrier import Effect
from seq2seq.probe.causal import USED_COST
from seq2seq.probe.resampling import Estimate, Interval
from seq2seq.probe.selection import Finding, Measure
from seq2seq.probe.study import Study

SCHEMA = 1
MOST_EFFECTS = 12


def to_json(study: Study) -> dict[str, Any]:
    """Everything, as it goes into ``probe.json``; accuracies and shares are 0 to 1."""
    fields = asdict(study)
    carrier, verdict = study.carrier, study.verdict
    fields["carrier"] = None if carrier is None else asdict(carrier)
    if verdict is not None:
        fields["verdict"]["used"] = verdict.used
    return {"schema": SCHEMA, **fields}


def write_study(study: Study, folder: Path) -> None:
    """Write ``probe.json`` and ``probe.md``, the section for a model card.

    Args:
        study: what was found.
        folder: made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_json(study), ensure_ascii=False, indent=1)
    (folder / "probe.json").write_text(text + "\n", encoding="utf-8")
    (folder / "probe.md").write_text(to_markdown(study), encoding="utf-8")


def verdict_lines(study: Study) -> list[str]:
    """Say in a few lines what was found: visible, used, carried by what, against which chance."""
    finding = study.finding
    lines = [
        f"visible: {_measure(finding.measure)} prefers the "
        f"{'antecedent' if finding.sign == 1 else 'other noun'} in {_share(finding)} of "
        f"{finding.items:,} items (family-wise p {_p(finding.p_fwer)}; chosen on "
        f"{study.spec.selected_on}, reported on {study.spec.name})"
    ]
    if finding.pair is not None:
        lines.append(
            f"         both of a pair in {finding.pair:.1%}; selectivity "
            f"{100 * (finding.selectivity or 0):.0f} points"
        )
    if study.contrastive is not None:
        lines.append(f"translation: the right one is preferred in {_estimate(study.contrastive)}")
    if study.verdict is not None:
        idle = "no: it attends, but is not used" if finding.confirmed() else "no"
        used = "yes" if study.verdict.used else idle
        strongest = max(
            (one for one in study.verdict.effects if one.name.startswith("edge→gold")),
            key=lambda one: one.cost.value,
        )
        lines.append(f"used: {used}; {_effect(strongest, 'without it')}")
    carrier = study.carrier
    if carrier is not None:
        found = carrier.cost.value >= USED_COST and carrier.cost.interval.low > 0
        name = carrier.name if found else f"no single word; {carrier.name} costs most"
        lines.append(f"carried by: {name}; {_effect(carrier, 'knocked out')}")
    if study.random:
        best = max(abs(one.accuracy - 0.5) for one in study.random)
        lines.append(
            f"chance: {len(study.random)} models with random weights stay within "
            f"{100 * best:.1f} points of one half"
        )
    return lines


def to_text(study: Study) -> str:
    """The verdict and its tables, for a terminal."""
    parts = ["\n".join(verdict_lines(study)), _routes_table(study)]
    if study.effects:
        parts.append(_effects_table(study.effects))
    if study.problems:
        parts.append("\n".join(study.problems))
    return "\n\n".join(parts)


def to_markdown(study: Study) -> str:
    """A section for a model card, with what it does not show."""
    lines = [
        "## Pronoun probe",
        "",
        *(f"- {line.strip()}" for line in verdict_lines(study)),
        "",
        "| route | layer | head | sign | accuracy | pairs | p (family-wise) |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {one.measure.route} {one.measure.variant} | {_number(one.measure.layer)} | "
            f"{_number(one.measure.head)} | {'+' if one.sign == 1 else '−'} | {_share(one)} | "
            f"{'' if one.pair is None else f'{one.pair:.1%}'} | {_p(one.p_fwer)} |"
            for one in study.by_route
        ),
        "",
        "Layers and heads count from 0. Intervals are cluster bootstraps (95 %).",
        "The items are made by rule: they show what this model does with such sentences.",
        "Attention is not an explanation; what is used was found by knock-out.",
        "",
    ]
    return "\n".join(lines)


def _routes_table(study: Study) -> str:
    rows = [f"{'route':<22}{'layer':>6}{'head':>6}{'accuracy':>24}{'pairs':>8}{'p':>8}"]
    for one in (*study.by_route, *study.baselines):
        name = f"{one.measure.route} {one.measure.variant}{'' if one.sign == 1 else ' (other)'}"
        pair = "" if one.pair is None else f"{one.pair:.1%}"
        rows.append(
            f"{name:<22}{_number(one.measure.layer):>6}{_number(one.measure.head):>6}"
            f"{_share(one):>24}{pair:>8}{_p(one.p_fwer):>8}"
        )
    return "\n".join(rows)


def _effects_table(effects: Sequence[Effect]) -> str:
    rows = [f"{'knocked out':<24}{'still right':>24}{'cost':>8}{'control':>9}"]
    for one in effects[:MOST_EFFECTS]:
        control = "" if one.control is None else f"{100 * one.control.value:.1f}"
        rows.append(
            f"{one.name:<24}{_estimate(one.accuracy):>24}{100 * one.cost.value:>8.1f}{control:>9}"
        )
    return "\n".join(rows)


def _effect(effect: Effect, what: str) -> str:
    control = "" if effect.control is None else f", other words {100 * effect.control.value:.0f}"
    return (
        f"{what} the answer is right in {_estimate(effect.accuracy)}, a cost of "
        f"{100 * effect.cost.value:.0f} points{control}"
    )


def _share(finding: Finding) -> str:
    return _estimate(Estimate(finding.accuracy, finding.interval))


def _estimate(estimate: Estimate) -> str:
    interval: Interval = estimate.interval
    return f"{estimate.value:.1%} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def _measure(measure: Measure) -> str:
    place = [f"{measure.stack} " if measure.stack else ""]
    if measure.layer is not None:
        place.append(f"layer {measure.layer} ")
    if measure.head is not None:
        place.append(f"head {measure.head} ")
    return f"{''.join(place)}({measure.route}, {measure.variant})"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else "<.0001"
