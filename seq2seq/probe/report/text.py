"""What a probe has found, for people, for machines and for a model card."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from seq2seq.files import write_objects, write_text
from seq2seq.probe.causes.use import Use
from seq2seq.probe.report.item_record import ITEMS_FILE, item_fields
from seq2seq.probe.report.parts import caveats, part_lines
from seq2seq.probe.report.result import Study
from seq2seq.probe.report.tables import routes_explained, routes_table, tables_of
from seq2seq.probe.report.verdict import Verdict, answers, sentence, share, short
from seq2seq.probe.report.wording import COUNTED, NAMED
from seq2seq.probe.statistics.gap_score import gap_answers_text
from seq2seq.text_table import markdown

SCHEMA = 2
GAP_FILE = "gap-answers.tsv"


def to_json(study: Study) -> dict[str, Any]:
    """Everything, as it goes into ``probe.json``; accuracies and shares are 0 to 1."""
    fields = asdict(replace(study, record=None, placed=()))  # type: ignore[arg-type]
    # Files of their own have them.
    del fields["record"], fields["placed"], fields["parts"]["gap_answers"]
    for one, score in zip(fields["parts"]["gap"], study.parts.gap, strict=True):
        one |= {"precision": score.precision, "recall": score.recall, "f1": score.f1}
    fields["provenance"]["caveats"] = caveats(study)
    causes = fields["verdict"]["causes"]
    fields |= {name: causes[name] for name in ("effects", "joint", "without_head")}
    return {"schema": SCHEMA, **fields, "verdict": verdict_fields(study.verdict)}


def write_study(study: Study, folder: Path) -> None:
    """Write ``probe.json``, ``items.jsonl``, and ``probe.md``, the section for a model card.

    Of GAP also the answers of the chosen measure, as the scorer of the set reads them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_json(study), ensure_ascii=False, indent=1)
    write_text(folder / "probe.json", text + "\n")
    write_text(folder / "probe.md", to_markdown(study))
    write_objects(folder / ITEMS_FILE, item_fields(study.record))
    if study.parts.gap_answers:
        write_text(folder / GAP_FILE, gap_answers_text(study.parts.gap_answers))


def verdict_lines(study: Study) -> list[str]:
    """The sentence, and below it the figures of its words, a line each."""
    lines = []
    for one in answers(study.verdict):
        detail = f" {one.detail}" if one.detail else ""
        lines.append(f"{one.question} {one.said or one.answer}{'.' if detail else ''}{detail}")
    if study.generated:
        own = study.generated[0]
        lines.append(
            f"Written freely: the right gender in {share(own.accuracy)}, in both of a pair "
            f"{100 * own.pair.value:.1f} %, readable {100 * own.score.coverage:.1f} %"
        )
    return [*lines, *part_lines(study)]


def to_text(study: Study) -> str:
    """The verdict and its tables, for a terminal."""
    tables = map(str, tables_of(study))
    return "\n\n".join(
        ("\n".join(verdict_lines(study)), *tables, "\n".join((COUNTED, *study.problems)))
    )


def to_markdown(study: Study) -> str:
    """A section for a model card, with what it does not show."""
    routes = routes_table(study)
    lines = [
        "## Pronoun probe",
        "",
        *(f"- {line}" for line in verdict_lines(study)),
        "",
        markdown(routes.head, routes.rows),
        "",
        f"{NAMED} {routes_explained(study)}",
        "",
        *_limits(study),
        "",
    ]
    return "\n".join(lines)


def _limits(study: Study) -> list[str]:
    """What the figures do not say, and every item that is in none of them."""
    lines = [
        f"{COUNTED} Intervals (95 %) of the verdict are of items that share a block or a noun, "
        "those of the table of items that share a block; p is of the one measure that was chosen "
        "on other items.",
        *caveats(study),
    ]
    if study.problems:
        lines += ["", *(f"- {problem}" for problem in study.problems)]
    return lines


def verdict_fields(verdict: Verdict) -> dict[str, Any]:
    """The verdict with what follows from its figures; null where there are too few to tell."""
    fields = asdict(verdict)

    def told(answer: bool) -> bool | None:
        return None if verdict.too_few else answer

    fields["visible"]["shown"] = told(verdict.visible.shown)
    causes, found = fields.pop("causes"), verdict.causes
    for name in ("by_head", "by_all_heads", "by_group", "carrier", "readers"):
        fields[name] = causes[name]
        use = getattr(found, name)
        if isinstance(use, Use):
            fields[name] |= {
                "needed": told(verdict.knows and use.needed),
                "followed": told(verdict.knows and use.followed),
                "redirected": use.redirected,
            }
    carried = verdict.carried_by
    joint = None if found.joint is None else found.joint.found
    return fields | {
        "redundant": told(found.redundant),
        "joint": None if joint is None else asdict(joint),
        "sentence": sentence(verdict),
        "short": short(verdict),
        "knows": told(verdict.knows),
        "carried_by": None if carried is None else carried.name,
    }
