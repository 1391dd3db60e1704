"""The tables of a probe for a terminal."""

from seq2seq.probe.causes.knock_outs import PRONOUN
from seq2seq.probe.report.result import Study
from seq2seq.probe.report.verdict import p_value, share
from seq2seq.probe.statistics.bootstrap import Estimate
from seq2seq.probe.statistics.selection import Finding
from seq2seq.text_table import align

MOST_EFFECTS = 12


def routes_table(study: Study) -> str:
    """Each route with its own choice, the rules, and the head's row of other words."""
    rows = [("route", "layer", "head", "accuracy", "pairs", "p")]
    for one in (*study.by_route, *study.baselines, *study.wrong_queries):
        name = f"{one.measure.route} {one.measure.variant}{'' if one.sign == 1 else ' (other)'}"
        rows.append((name, *finding_cells(one)))
    return align(rows)


def finding_cells(one: Finding) -> tuple[str, str, str, str, str]:
    """Layer, head, accuracy, pairs and p of a finding."""
    layer, head = (
        "" if each is None else str(each) for each in (one.measure.layer, one.measure.head)
    )
    pair = "" if one.pair is None else f"{one.pair:.1%}"
    return layer, head, accuracy(one), pair, p_value(one.p)


def effects_table(study: Study) -> str:
    """What knock-outs cost: the costliest, those of the pronoun, sets of several, and each use."""
    shown = study.effects[:MOST_EFFECTS]
    shown += tuple(one for one in study.effects[MOST_EFFECTS:] if one.name in PRONOUN)
    rows = [("knocked out", "still right", "cost", "control", "p of all")]
    shown += () if study.joint is None else study.joint.effects
    shown += tuple(effect for use in study.verdict.uses.values() for effect in use.effects)
    for one in {each.name: each for each in shown}.values():
        control = "" if one.control is None else f"{100 * one.control.value:.1f}"
        cost = f"{100 * one.cost.value:.1f}"
        rows.append((one.name, share(one.accuracy), cost, control, p_value(one.p)))
    return align(rows)


def written_table(study: Study) -> str:
    """What free translations show, untouched and with knock-outs; empty if there are none."""
    if not study.generated:
        return ""
    genders = sorted(study.generated[0].score.recall)
    rows = [("written freely", "right", "pairs", "quads", "readable", *genders)]
    for one in study.generated:
        shares = [one.pair.value, one.quad.value, one.score.coverage]
        shares += [one.score.recall[gender] for gender in genders]
        rows.append((one.name, share(one.accuracy), *(f"{each:.1%}" for each in shares)))
    return align(rows)


def controls_table(study: Study) -> str:
    """The head on control sets, and its accuracy by the model's answer; empty without either."""
    rows = [("head on", "mass on nouns", "first noun", "meant noun")]
    for one in study.controls:
        meant = "" if one.accuracy is None else share(one.accuracy)
        meant += f"  ({one.left_out:,} left out)" if one.left_out else ""
        rows.append((one.name, f"{one.mass.value:.3f}", share(one.first), meant))
    parts = [align(rows)] if study.controls else []
    for answer in study.by_answer:
        right, wrong = (
            "too few" if part is None else share(part) for part in (answer.right, answer.wrong)
        )
        parts.append(
            f"where the {answer.answer} translation is right ({answer.items_right:,} items) the "
            f"measure is right in {right}, where it is wrong ({answer.items_wrong:,}) in {wrong}"
        )
    return "\n".join(parts)


def accuracy(finding: Finding) -> str:
    """Its accuracy with interval."""
    return share(Estimate(finding.accuracy, finding.interval))
