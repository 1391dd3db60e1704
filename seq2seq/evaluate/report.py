"""What ``seq2seq evaluate`` prints and writes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seq2seq.evaluate.accuracy import (
    Accuracy,
    Right,
    accuracy_by,
    accuracy_of,
    accuracy_of_blocks,
    tags_of,
)
from seq2seq.evaluate.evaluation import MEASURES, Condition, Evaluation, ProbeFigures, SeedResult
from seq2seq.evaluate.gender_bias import gender_bias
from seq2seq.evaluate.item import Item
from seq2seq.files import write_objects, write_text
from seq2seq.run import write_json
from seq2seq.score.significance import PairedTest
from seq2seq.text_table import align

CONTRASTIVE = (
    "the right translation has a larger sum of log-probabilities than every wrong one; equal "
    "is wrong"
)
UNAMBIGUOUS = "generated, and it shows what is right and nothing that is wrong"


def to_json(found: Evaluation) -> dict[str, Any]:
    """One object for programs: every condition, every seed, every comparison."""
    suite = found.suite
    return {
        "suite": suite.name,
        "path": str(found.path),
        "languages": list(suite.languages),
        "items": len(suite.items),
        "clusters": len({item.cluster for item in suite.items}),
        "rules": {"contrastive": CONTRASTIVE, "generated": suite.rule, "unambiguous": UNAMBIGUOUS},
        "conditions": [_condition_json(one, suite.items) for one in found.conditions],
        "comparisons": {
            measure: {test.test: _test_json(test) for test in tests}
            for measure, tests in found.tests.items()
        },
        **({"probes": [asdict(one) for one in found.probes]} if found.probes else {}),
        "notes": list(found.notes),
        "seconds": round(found.seconds, 1),
    }


def to_text(found: Evaluation) -> str:
    """Tables for people: every condition by its number, then classes, comparisons, rules, notes."""
    suite, conditions = found.suite, found.conditions
    clusters = len({item.cluster for item in suite.items})
    languages = " to ".join(code or "the model's language" for code in suite.languages)
    parts = [f"{suite.name}, {languages}: {len(suite.items):,} items in {clusters:,} clusters"]
    parts.append(_overall(conditions, suite.items))
    parts += [_classes(conditions, suite.items, tag) for tag in tags_of(suite.items)]
    parts.append(_gender_bias(conditions, suite.items))
    parts.append(_comparisons(found.tests))
    parts += [_probe(one) for one in found.probes]
    rules = [f"contrastive: {CONTRASTIVE}"] if _measured(conditions, "contrastive") else []
    if _measured(conditions, "generated"):
        rules.append(f"generated: {suite.rule}")
    if _measured(conditions, "unambiguous"):
        rules.append(f"unambiguous: {UNAMBIGUOUS}")
    parts.append("\n".join(rules))
    if found.notes:
        parts.append("\n".join(f"note: {note}" for note in found.notes))
    return "\n\n".join(part for part in parts if part)


def write_evaluation(found: Evaluation, folder: Path) -> None:
    """Write evaluation.json, evaluation.txt and items.jsonl, one line an item and model.

    Args:
        found: what is written.
        folder: where to; it is made.
    """
    write_json(folder / "evaluation.json", to_json(found))
    write_text(folder / "evaluation.txt", to_text(found) + "\n")
    write_objects(folder / "items.jsonl", item_rows(found))


def item_rows(found: Evaluation) -> Iterator[dict[str, Any]]:
    """What every model answered to every item, and what of it is right."""
    for condition in found.conditions:
        for seed in condition.seeds:
            for place, item in enumerate(found.suite.items):
                asked = {"id": item.id, "cluster": item.cluster, **item.tags}
                yield {
                    "model": seed.model,
                    "context": condition.context,
                    **asked,
                    **_answer(seed, place),
                }


def _answer(seed: SeedResult, place: int) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if seed.answers.scores:
        row = seed.answers.scores[place]
        right = seed.contrastive[place]
        answer["log_probabilities"] = None if row is None else list(row)
        answer["contrastive"] = None if right is None else bool(right)
    if seed.answers.texts:
        judged = seed.judgements[place]
        answer["translation"] = seed.answers.texts[place]
        answer["generated"] = None if judged is None else judged.right
        answer["unambiguous"] = None if judged is None else judged.unambiguous
        if judged is not None and judged.shown:
            answer["shown"] = judged.shown
    return answer


def _condition_json(condition: Condition, items: Sequence[Item]) -> dict[str, Any]:
    report: dict[str, Any] = {
        "system": condition.system.name,
        "models": list(condition.system.models),
        "context": condition.context,
    }
    for measure in MEASURES:
        right = condition.right(measure)
        accuracy = accuracy_of(items, right)
        if accuracy is None:
            continue
        report[measure] = {
            **accuracy.to_json(),
            "seeds": [_seed_value(items, getattr(one, measure)) for one in condition.seeds],
            "by": {
                tag: {name: one.to_json() for name, one in accuracy_by(items, right, tag).items()}
                for tag in tags_of(items)
            },
            "blocks": [_blocks_json(items, getattr(one, measure)) for one in condition.seeds],
        }
    shown = [gender_bias(items, seed.judgements) for seed in condition.seeds]
    if any(shown):
        report["gender_bias"] = [None if one is None else one.to_json() for one in shown]
    report["scores"] = [
        {key: score.to_json() for key, score in seed.scores.items()} for seed in condition.seeds
    ]
    return report


def _blocks_json(items: Sequence[Item], right: Right) -> dict[str, Any] | None:
    blocks = accuracy_of_blocks(items, right)
    return None if blocks is None else blocks.to_json()


def _seed_value(items: Sequence[Item], right: Right) -> float | None:
    accuracy = accuracy_of(items, right)
    return None if accuracy is None else round(accuracy.value, 4)


def _test_json(test: PairedTest) -> dict[str, Any]:
    return {
        "signature": test.signature,
        "conditions": [
            {
                "condition": one.name,
                "accuracy": round(one.score, 4),
                "difference": None if one.difference is None else round(one.difference, 4),
                "p_value": one.p_value,
            }
            for one in test.systems
        ],
    }


def _measured(conditions: Sequence[Condition], measure: str) -> bool:
    return any(value is not None for one in conditions for value in one.right(measure))


def _overall(conditions: Sequence[Condition], items: Sequence[Item]) -> str:
    shown = [measure for measure in MEASURES if _measured(conditions, measure)]
    with_blocks = any(item.block for item in items)
    head = ["", "", *shown]
    if with_blocks:
        head += [f"blocks {measure}" for measure in shown[:2]]
    scores = list(dict.fromkeys(k for one in conditions for s in one.seeds for k in s.scores))
    head += [next(s.scores[k].name for one in conditions for s in one.seeds) for k in scores]
    rows = [head]
    for number, one in enumerate(conditions, start=1):
        cells = [str(number), one.name, *(_cell(items, one, measure) for measure in shown)]
        if with_blocks:
            cells += [_blocks_cell(items, one, measure) for measure in shown[:2]]
        cells += [_score_cell([seed.scores[key].value for seed in one.seeds]) for key in scores]
        rows.append(cells)
    return align(rows, left=(0, 1))


def _cell(items: Sequence[Item], condition: Condition, measure: str) -> str:
    accuracy = accuracy_of(items, condition.right(measure))
    if accuracy is None:
        return ""
    seeds = [_seed_value(items, getattr(seed, measure)) or 0.0 for seed in condition.seeds]
    spread = f" seeds {_percent(min(seeds))}–{_percent(max(seeds))}" if len(seeds) > 1 else ""
    return f"{_with_interval(accuracy)}{spread}"


def _blocks_cell(items: Sequence[Item], condition: Condition, measure: str) -> str:
    found = [accuracy_of_blocks(items, getattr(seed, measure)) for seed in condition.seeds]
    values = [one.value for one in found if one is not None]
    return f"{_percent(sum(values) / len(values))} %" if values else ""


def _score_cell(values: Sequence[float]) -> str:
    mean = f"{sum(values) / len(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.1f}–{max(values):.1f})"


def _classes(conditions: Sequence[Condition], items: Sequence[Item], tag: str) -> str:
    shown = [measure for measure in MEASURES[:2] if _measured(conditions, measure)]
    head = [f"by {tag}", "items"]
    head += [f"{n} {measure}" for n in range(1, len(conditions) + 1) for measure in shown]
    found = [accuracy_by(items, one.right(measure), tag) for one in conditions for measure in shown]
    names = list(dict.fromkeys(name for column in found for name in column))
    rows = [head]
    for name in names:
        count = sum(item.tags.get(tag) == name for item in items)
        cells = [_with_interval(column[name]) if name in column else "" for column in found]
        rows.append([name, f"{count:,}", *cells])
    return align(rows) if names else ""


def _gender_bias(conditions: Sequence[Condition], items: Sequence[Item]) -> str:
    rows = [["", "F1 male", "F1 female", "ΔG", "ΔS"]]
    for condition in conditions:
        for seed in condition.seeds:
            found = gender_bias(items, seed.judgements)
            if found is not None:
                against = (
                    "" if found.pro_less_anti is None else f"{100 * found.pro_less_anti:+z.1f}"
                )
                cells = (found.f1_male, found.f1_female, found.f1_male - found.f1_female)
                rows.append([seed.model, *(_percent(cell) for cell in cells), against])
    return align(rows) if len(rows) > 1 else ""


def _comparisons(found: Mapping[str, tuple[PairedTest, PairedTest]]) -> str:
    rows = [["against 1", "", "difference", "p by bootstrap", "p by randomization"]]
    for measure, (bootstrap, randomization) in found.items():
        pairs = zip(bootstrap.systems[1:], randomization.systems[1:], strict=True)
        for number, (one, other) in enumerate(pairs, start=2):
            cells = [f"{100 * (one.difference or 0):+z.1f}"]
            cells += [f"{test.p_value:.4f}" for test in (one, other)]
            rows.append([str(number), measure, *cells])
    return align(rows, left=(0, 1)) if len(rows) > 1 else ""


def _probe(one: ProbeFigures) -> str:
    head = (
        f"{one.question} {one.model}, {one.items:,} {one.asked}, head chosen on "
        f"{one.chosen_on:,} others"
    )
    return "\n".join((head, *one.lines, *one.left_out))


def _with_interval(accuracy: Accuracy) -> str:
    if accuracy.interval is None:
        return f"{_percent(accuracy.value)} %"
    low, high = accuracy.interval
    return f"{_percent(accuracy.value)} % [{_percent(low)}, {_percent(high)}]"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
