"""The tables of a probe for a terminal, and how a figure is written."""

from collections.abc import Iterable

from seq2seq.probe.asked import Effect
from seq2seq.probe.carrier import PRONOUN
from seq2seq.probe.resampling import Estimate
from seq2seq.probe.selection import Finding
from seq2seq.probe.study import Study
from seq2seq.score.table import pad

MOST_EFFECTS = 12


def routes_table(study: Study) -> str:
    """Each route with its own choice, the rules, and the head's row of other words."""
    rows = [f"{'route':<28}{'layer':>6}{'head':>6}{'accuracy':>24}{'pairs':>8}{'p':>8}"]
    for one in (*study.by_route, *study.baselines, *study.wrong_queries):
        name = f"{one.measure.route} {one.measure.variant}{'' if one.sign == 1 else ' (other)'}"
        pair = "" if one.pair is None else f"{one.pair:.1%}"
        rows.append(
            f"{name:<28}{number(one.measure.layer):>6}{number(one.measure.head):>6}"
            f"{share(one):>24}{pair:>8}{p_value(one.p_fwer):>8}"
        )
    return "\n".join(rows)


def effects_table(study: Study) -> str:
    """What knock-outs cost: the costliest, those of the pronoun, and sets of several."""
    shown = study.effects[:MOST_EFFECTS]
    shown += tuple(one for one in study.effects[MOST_EFFECTS:] if one.name in PRONOUN)
    together = () if study.joint is None else study.joint.effects
    wide = max(len(one.name) for one in (*shown, *together)) + 2
    head = f"{'knocked out':<{wide}}{'still right':>24}{'cost':>8}{'control':>9}"
    return "\n".join([head, *_effect_rows((*shown, *together), wide)])


def written_table(study: Study) -> str:
    """What free translations show, untouched and with knock-outs; empty if there are none."""
    if not study.generated:
        return ""
    genders = sorted(study.generated[0].score.recall)
    head = f"{'written freely':<24}{'right':>24}{'pairs':>8}{'quads':>8}{'readable':>10}"
    rows = [head + "".join(f"{gender:>8}" for gender in genders)]
    for one in study.generated:
        recall = "".join(f"{one.score.recall[gender]:>8.1%}" for gender in genders)
        rows.append(
            f"{one.name:<24}{estimate(one.accuracy):>24}{one.pair.value:>8.1%}"
            f"{one.quad.value:>8.1%}{one.score.coverage:>10.1%}{recall}"
        )
    return "\n".join(rows)


def beside_table(study: Study) -> str:
    """The head on control sets, and its accuracy by the model's answer; empty without either."""
    rows = []
    if study.controls:
        rows.append(f"{'head on':<28}{'mass on nouns':>14}{'first noun':>24}{'meant noun':>24}")
    for one in study.controls:
        meant = "" if one.accuracy is None else estimate(one.accuracy)
        meant += f"  ({one.left_out:,} left out)" if one.left_out else ""
        rows.append(
            f"{pad(one.name, 28)}{one.mass.value:>14.3f}{estimate(one.first):>24}{meant:>24}"
        )
    for answer in study.by_answer:
        right, wrong = (
            "too few" if part is None else estimate(part) for part in (answer.right, answer.wrong)
        )
        rows.append(
            f"where the {answer.answer} translation is right ({answer.items_right:,} items) the "
            f"measure is right in {right}, where it is wrong ({answer.items_wrong:,}) in {wrong}"
        )
    return "\n".join(rows)


def share(finding: Finding) -> str:
    """Its accuracy with interval."""
    return estimate(Estimate(finding.accuracy, finding.interval))


def estimate(figure: Estimate) -> str:
    """A share in percent with its interval."""
    interval = figure.interval
    return f"{figure.value:.1%} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def points(effect: Effect) -> str:
    """What a knock-out costs, in points."""
    return f"{100 * effect.cost.value:.0f} points"


def number(value: int | None) -> str:
    """A layer or head, or nothing."""
    return "" if value is None else str(value)


def p_value(value: float) -> str:
    """Four digits, or that it is less."""
    return f"{value:.4f}" if value >= 0.0001 else "<.0001"


def _effect_rows(effects: Iterable[Effect], wide: int) -> list[str]:
    rows = []
    for one in effects:
        control = "" if one.control is None else f"{100 * one.control.value:.1f}"
        rows.append(
            f"{one.name:<{wide}}{estimate(one.accuracy):>24}{100 * one.cost.value:>8.1f}"
            f"{control:>9}"
        )
    return rows
