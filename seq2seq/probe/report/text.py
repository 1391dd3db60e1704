"""What a probe has found, for people, for machines and for a model card."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from seq2seq.files import write_text
from seq2seq.probe.causes.experiment import Effect
from seq2seq.probe.causes.head import matters
from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.report.item_record import ITEMS_FILE, write_record
from seq2seq.probe.report.parts import part_lines
from seq2seq.probe.report.result import Study
from seq2seq.probe.report.tables import (
    controls_table,
    effects_table,
    estimate,
    number,
    p_value,
    points,
    routes_table,
    share,
    written_table,
)
from seq2seq.probe.statistics.gap_score import gap_answers_text
from seq2seq.probe.statistics.selection import Choice, Finding
from seq2seq.text_table import markdown

SCHEMA = 1
GAP_FILE = "gap-answers.tsv"
COUNTED = "Layers and heads are counted from 0."


def to_json(study: Study) -> dict[str, Any]:
    """Everything, as it goes into ``probe.json``; accuracies and shares are 0 to 1."""
    fields = asdict(replace(study, record=None))
    del fields["record"], fields["parts"]["gap_answers"]  # files of their own have them
    for one, score in zip(fields["parts"]["gap"], study.parts.gap, strict=True):
        one |= {"precision": score.precision, "recall": score.recall, "f1": score.f1}
    carrier, written, verdict = study.carrier, study.written, study.verdict
    fields["carrier"] = None if carrier is None else asdict(carrier)
    fields["written"] = None if written is None else asdict(written)
    if verdict is not None:
        fields["verdict"]["used"] = verdict.used
    if study.joint is not None:
        found = study.joint.found
        fields["joint"]["found"] = None if found is None else found.name
    return {"schema": SCHEMA, **fields}


def write_study(study: Study, folder: Path) -> None:
    """Write ``probe.json``, ``items.jsonl``, and ``probe.md``, the section for a model card.

    Of GAP also the answers of the chosen measure, as the scorer of the set reads them.

    Args:
        study: what was found.
        folder: made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_json(study), ensure_ascii=False, indent=1)
    write_text(folder / "probe.json", text + "\n")
    write_text(folder / "probe.md", to_markdown(study))
    if study.record is not None:
        write_record(folder / ITEMS_FILE, study.record)
    if study.parts.gap_answers:
        write_text(folder / GAP_FILE, gap_answers_text(study.parts.gap_answers))


def verdict_lines(study: Study) -> list[str]:
    """Say in a few lines what was found: visible, used, carried by what, against which chance."""
    finding = study.finding
    lines = [
        f"visible: {_in_short(finding.measure)} prefers the "
        f"{'antecedent' if finding.sign == 1 else 'other noun'} in {share(finding)} of "
        f"{finding.items:,} items (p {p_value(finding.p)}; chosen on "
        f"{study.spec.selected_on}, reported on {study.spec.name})"
    ]
    if finding.pair is not None:
        lines.append(
            f"         both of a pair in {finding.pair:.1%}; selectivity "
            f"{100 * (finding.selectivity or 0):.0f} points"
        )
    if study.head is not None and study.wrong_queries:
        lines.append(_wrong_query_line(study.head, study.wrong_queries))
    if study.contrastive is not None:
        lines.append(f"translation: the right one is preferred in {estimate(study.contrastive)}")
    if study.generated:
        own = study.generated[0]
        lines.append(
            f"         written freely, the right gender is shown in {estimate(own.accuracy)}, in "
            f"both of a pair {own.pair.value:.1%}, readable {own.score.coverage:.1%}"
        )
    if study.verdict is not None:
        idle = "no: it attends, but is not used" if study.attends else "no"
        used = "yes" if study.verdict.used else idle
        head = study.verdict.measure
        other = "" if head == finding.measure else f"{_in_short(head)}, the best single head: "
        strongest = study.verdict.edge
        where = strongest.name.removeprefix("edge→gold, ")
        without = f"without the edge to the antecedent in {where}"
        lines.append(f"used: {used}; {other}{_effect(strongest, without)}")
    lines += part_lines(study)
    lines += _carrier_lines(study)
    if study.random:
        best = max(abs(one.accuracy - 0.5) for one in study.random)
        lines.append(
            f"chance: {len(study.random)} models with random weights stay within "
            f"{100 * best:.1f} points of one half"
        )
    return lines


def to_text(study: Study) -> str:
    """The verdict and its tables, for a terminal."""
    parts = ["\n".join(verdict_lines(study)), routes_table(study)]
    parts += [table for table in (written_table(study), controls_table(study)) if table]
    if study.effects:
        parts.append(effects_table(study))
    parts.append("\n".join((COUNTED, *study.problems)))
    return "\n\n".join(parts)


def to_markdown(study: Study) -> str:
    """A section for a model card, with what it does not show."""
    lines = [
        "## Pronoun probe",
        "",
        *(f"- {line.strip()}" for line in verdict_lines(study)),
        "",
        markdown(
            ("route", "layer", "head", "sign", "accuracy", "pairs", "p"),
            [
                (
                    f"{one.measure.route} {one.measure.variant}",
                    number(one.measure.layer),
                    number(one.measure.head),
                    "+" if one.sign == 1 else "−",
                    share(one),
                    "" if one.pair is None else f"{one.pair:.1%}",
                    p_value(one.p),
                )
                for one in study.by_route
            ],
        ),
        "",
        *_limits(study),
        "",
    ]
    return "\n".join(lines)


def _limits(study: Study) -> list[str]:
    """What the figures do not say, and every item that is in none of them."""
    lines = [
        f"{COUNTED} Intervals are cluster bootstraps (95 %); p is of the one measure that was "
        "chosen on other items.",
    ]
    if study.spec.origin:
        lines.append(f"The items are {study.spec.origin}; other text may differ.")
    used = "what is used was found by knock-out" if study.effects else "nothing was knocked out"
    lines.append(f"Attention is not an explanation; {used}.")
    if study.problems:
        lines += ["", *(f"- {problem}" for problem in study.problems)]
    return lines


def _carrier_lines(study: Study) -> list[str]:
    """Which word carries the answer; where it is written and read; or which words do together."""
    carrier, written, joint = study.carrier, study.written, study.joint
    if carrier is None:
        return []
    name = f"no single word; {carrier.name} costs most"
    if not study.knows:
        name = f"nothing, the model is at chance; {carrier.name} costs most"
    elif matters(carrier):
        name = carrier.name
    lines = [f"carried by: {name}; {_effect(carrier, 'knocked out')}"]
    if written is not None:
        word = written.name.removesuffix(" off")
        read = [f"{one.name} ({points(one)})" for one in study.readers if matters(one)]
        by = ", ".join(read) if read else "no single row"
        lines.append(f"         written in the row of {word!r} ({points(written)}); read by {by}")
    if joint is not None and joint.found is not None:
        lines.append(
            f"         redundant; together {joint.found.name}: {_effect(joint.found, 'without')}"
        )
    elif joint is not None:
        lines.append("         nor by any set of words of the clause, not even by all of them")
    return lines


def _wrong_query_line(head: Choice, wrong: Sequence[Finding]) -> str:
    """What the best single head gives from the row of another word: little, if it is about "it"."""
    worst = max(wrong, key=lambda one: abs(one.accuracy - 0.5))
    return (
        f"         {_in_short(head.measure)} read from the row of another word "
        f"({worst.measure.variant!r}) has {share(worst)}"
    )


def _effect(effect: Effect, what: str) -> str:
    control = "" if effect.control is None else f", other words {100 * effect.control.value:.0f}"
    return (
        f"{what} the answer is right in {estimate(effect.accuracy)}, a cost of "
        f"{100 * effect.cost.value:.0f} points{control}"
    )


def _in_short(measure: Measure) -> str:
    return f"{measure.place} ({measure.route}, {measure.variant})".lstrip()
