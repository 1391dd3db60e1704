"""The verdict of a probe: is the link visible, is it used, what carries the answer?

One object holds what terminal, page, card, table and ``probe.json`` say; none of them has a
definition of its own. Every word of its sentence is backed by a figure that it holds.
"""

from dataclasses import dataclass, field, replace

from seq2seq.probe.causes.experiment import Effect
from seq2seq.probe.causes.search import Carrier, Causes
from seq2seq.probe.causes.use import Use
from seq2seq.probe.head_controls.head import ControlFigure
from seq2seq.probe.report.wording import ROUTES, VARIANTS, in_short, in_words
from seq2seq.probe.statistics.bootstrap import Estimate
from seq2seq.probe.statistics.enough import TOO_FEW
from seq2seq.probe.statistics.selection import Finding as Measured
from seq2seq.probe.statistics.visible import Visible
from seq2seq.viewer.content import Answer, Finding

NOT_MEASURED = "not measured"
KEPT = 0.5  # of its attention to nouns, that a head may keep where "it" means nothing


@dataclass(frozen=True)
class Verdict:
    """What a probe comes to.

    Attributes:
        visible: the chosen measure beside the best rule without attention.
        supervised: whether training told the head that was chosen, or the one that is taken apart,
            where to look.
        random: the same of models with random weights, each with its own choice.
        chosen_on: name of the set on which measures, groups and carriers are chosen.
        reported_on: name of the set on which they are reported.
        translated: share of items in which the model prefers the good one of two translations;
            None without translations.
        causes: what knock-outs have shown; empty if nothing was knocked out.
        meaningless: what the head does where "it" means nothing; None without such a set.
        meaningful: what it does on the reported set.
        too_few: what is said instead of a verdict where one of the sets is too small for one;
            figures stand beside it, and nothing is claimed.
    """

    visible: Visible
    supervised: bool
    random: tuple[Visible, ...]
    chosen_on: str
    reported_on: str
    translated: Estimate | None = None
    causes: Causes = field(default_factory=Causes)
    meaningless: ControlFigure | None = None
    meaningful: ControlFigure | None = None
    too_few: str = ""

    @property
    def knows(self) -> bool:
        """Whether the right translation is preferred more often than by chance.

        A model at chance may still mix the genders of both nouns. Hiding one then leaves it the
        other, which costs much and says nothing of how the antecedent is found.
        """
        if self.translated is None or self.too_few:
            return False
        return self.translated.interval.low > 0.5

    @property
    def uses(self) -> dict[str, Use]:
        """Of "the head", "all heads" and "the group"; nothing if nothing was knocked out."""
        found = self.causes
        known = {
            "the head": found.by_head, "all heads": found.by_all_heads, "the group": found.by_group
        }  # fmt: skip
        return {name: use for name, use in known.items() if use is not None}

    @property
    def used_by(self) -> tuple[str, ...]:
        """The names of those uses that the answer hangs on."""
        return tuple(name for name, use in self.uses.items() if use.used)

    @property
    def ignores_question(self) -> bool:
        """Whether the head looks at nouns even where "it" means nothing."""
        if self.meaningless is None or self.meaningful is None:
            return False
        return self.meaningless.mass.value >= KEPT * self.meaningful.mass.value

    @property
    def carried_by(self) -> Effect | None:
        """What carries the choice: one word that both sets confirm, or a set of words."""
        if not self.knows:
            return None
        carrier, joint = self.causes.carrier, self.causes.joint
        if carrier is not None and carrier.confirmed:
            return carrier.found
        return None if joint is None else joint.found


def sentence(verdict: Verdict) -> str:
    """Sum a verdict up; the lines of `answers` have the figure of each word."""
    if verdict.too_few:
        return f"{verdict.too_few}."
    parts = [_shown(verdict)]
    if verdict.translated is None:
        return f"{parts[0]}; whether it is used cannot be asked without translations."
    if not verdict.uses:
        return f"{parts[0]}; whether it is used was not asked."
    if not verdict.knows:
        return f"{parts[0]}; the answers are at chance, so that nothing could be used."
    parts.append(_used(verdict))
    carried = verdict.carried_by
    parts.append(
        f"the choice is carried by {in_short(carried.name)}"
        if carried is not None
        else "no word, nor any set of words, was found to carry the choice"
    )
    return "; ".join(parts) + "."


def answers(verdict: Verdict) -> tuple[Finding, ...]:
    """The sentence, and a line with its figures for each question, as a reader asks them."""
    lines = [Finding("In short:", "unclear", "", sentence(verdict)), _visible_line(verdict)]
    for name, use in verdict.uses.items():
        lines.append(_use_line(f"Used by {name}?", use, verdict))
    if not verdict.uses:
        why = "nothing was knocked out"
        if verdict.translated is None:
            why = "there is no translation whose change would show it"
        lines.append(Finding("Used?", "unclear", why, NOT_MEASURED))
    if verdict.causes.carrier is not None:
        lines.append(_carrier_line(verdict, verdict.causes.carrier))
    if verdict.translated is not None:
        low, high = verdict.translated.interval.low, verdict.translated.interval.high
        answer: Answer = "yes" if low > 0.5 else "no" if high < 0.5 else "unclear"
        said = None if answer != "unclear" else "at chance"
        detail = (
            f"the right one of two given translations is the likelier one in "
            f"{share(verdict.translated)} of {verdict.visible.items:,} items"
        )
        lines.append(Finding("Translated rightly?", answer, detail, said))
    if verdict.meaningless is not None and verdict.meaningful is not None:
        lines.append(_control_line(verdict, verdict.meaningless, verdict.meaningful))
    return tuple(_unclear(one) if verdict.too_few else one for one in lines)


def _unclear(line: Finding) -> Finding:
    """The figures of a line without its answer."""
    said = line.said if line.said == NOT_MEASURED or not line.detail else TOO_FEW
    return replace(line, answer="unclear", said=said)


def short(verdict: Verdict) -> str:
    """The verdict in a cell of a table: "shown (supervised), used by all heads"."""
    if verdict.too_few:
        return TOO_FEW
    shown = "not shown"
    if verdict.visible.shown:
        shown = "shown" if verdict.visible.sign == 1 else "the other noun is shown"
        shown += " (supervised)" if verdict.supervised else ""
    if not verdict.uses:
        return f"{shown}, use not measured"
    if not verdict.knows:
        return f"{shown}, at chance"
    used = [name.replace("the head", "this head") for name in verdict.used_by]
    return f"{shown}, {f'used by {used[0]}' if used else 'not used'}"


def share(estimate: Estimate) -> str:
    """A share in percent with its interval."""
    interval = estimate.interval
    return f"{100 * estimate.value:.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def accuracy(finding: Measured) -> str:
    """The accuracy of a measure with its interval."""
    return share(Estimate(finding.accuracy, finding.interval))


def p_value(value: float) -> str:
    """Four digits, or that it is less."""
    return f"{value:.4f}" if value >= 0.0001 else "<.0001"


def _shown(verdict: Verdict) -> str:
    shown = verdict.visible
    if not shown.shown:
        return "Attention does not show the antecedent better than a rule that looks at none"
    noun = "the antecedent" if shown.sign == 1 else "which noun is not meant"
    trained = ", which was trained to show it," if verdict.supervised else ""
    return f"Attention ({shown.measure.place or 'all layers'}){trained} shows {noun}"


def _used(verdict: Verdict) -> str:
    by_group = verdict.causes.by_group
    group = "" if by_group is None else in_short(by_group.rows)
    match verdict.used_by:
        case ("the head", *_):
            return "the link of this head is used"
        case ("all heads", *_):
            return "the link is used, but by other heads than this one"
        case ("the group",) if verdict.causes.redundant:
            return f"the link is used redundantly: no row alone is, {group} together are"
        case ("the group",):
            return f"the link is used in other rows: {group}"
    return "no row's sight of the nouns is used"


def _visible_line(verdict: Verdict) -> Finding:
    shown = verdict.visible
    measure = shown.measure
    noun = "the antecedent" if shown.sign == 1 else "the other noun"
    parts = [
        f"{ROUTES.get(measure.route, measure.route)} ({measure.place or 'all layers'}, "
        f"{VARIANTS.get(measure.variant, measure.variant)}) prefers {noun} in "
        f"{share(shown.accuracy)} of {shown.items:,} items of {verdict.reported_on} (chosen on "
        f"{verdict.chosen_on}); the best rule without attention ({shown.rule}) has "
        f"{100 * shown.rule_accuracy:.1f} %, p {p_value(shown.p)}"
    ]
    if verdict.supervised:
        parts.append("training told this head where to look")
    if verdict.random:
        best = max(one.accuracy.value for one in verdict.random)
        count = sum(one.shown for one in verdict.random)
        parts.append(
            f"{len(verdict.random)} models with random weights reach {100 * best:.1f} % at most"
            if verdict.too_few
            else f"of {len(verdict.random)} models with random weights {count} would be called "
            f"visible (at most {100 * best:.1f} %)"
        )
    return Finding("Visible?", "yes" if shown.shown else "no", "; ".join(parts))


def _use_line(question: str, use: Use, verdict: Verdict) -> Finding:
    where = "all heads" if use.head is None else use.head.place or "all layers"
    hidden = "; ".join(
        f"{name} hidden, {_cost(effect)}"
        for name, effect in (
            ("both nouns", use.both), ("the antecedent", use.gold), ("the other noun", use.other),
        )
    )  # fmt: skip
    parts = [f"{in_short(use.rows)}, {where}: {hidden}"]
    if use.exchanged is not None:
        parts.append(f"the nouns exchanged, {_cost(use.exchanged)}")
    if use.redirected >= 0.01:
        parts.append(
            f"{100 * use.redirected:.0f} points of what the antecedent costs are redirection to "
            "the other noun, and no use"
        )
    if use.gold.matched is not None or use.both.matched is not None:
        parts.append(_controls(use))
    said = "no"
    if verdict.knows and use.used:
        said = " and ".join(
            word for word, holds in (("needed", use.needed), ("followed", use.followed)) if holds
        )
    elif not verdict.knows:
        said = "no, at chance"
    return Finding(question, "yes" if verdict.knows and use.used else "no", "; ".join(parts), said)


def _cost(effect: Effect) -> str:
    return f"{share(effect.accuracy)} right (cost {100 * effect.cost.value:z.0f})"


def _controls(use: Use) -> str:
    known = [one for one in use.effects if one.control is not None]
    if not known:
        return "no control: no other word draws about as much attention there"
    costs = ", ".join(
        f"{100 * one.control.value:z.0f} for {in_short(one.name)}"
        for one in known
        if one.control is not None
    )
    matched = min(one.matched or 0 for one in known)
    return f"the same with words that draw as much costs {costs} ({100 * matched:.0f} % of items)"


def _carrier_line(verdict: Verdict, carrier: Carrier) -> Finding:
    found = carrier.found
    detail = (
        f"when {in_words(found.name)}, {share(found.accuracy)} are right (cost "
        f"{100 * found.cost.value:z.0f}, p {p_value(found.p)} of all knock-outs, "
        f"{_control(found)}); chosen on {verdict.chosen_on}, where it costs "
        f"{100 * carrier.chosen.cost.value:z.0f}"
    )
    read = [one for one in verdict.causes.readers if one.matters]
    if read:
        costs = (f"{in_short(one.name)} (cost {100 * one.cost.value:z.0f})" for one in read)
        detail += f"; its row is read by {', '.join(costs)}"
    carried = verdict.carried_by
    if carried is None:
        return Finding("Carried by?", "no", f"it costs most {detail}", "no word found")
    if carried is not found:
        detail = (
            f"without {in_short(carried.name)} together {share(carried.accuracy)} are right (cost "
            f"{100 * carried.cost.value:z.0f}, {_control(carried)}); alone it costs most {detail}"
        )
    return Finding("Carried by?", "yes", detail, in_short(carried.name))


def _control(effect: Effect) -> str:
    if effect.control is None:
        return "no control"
    return f"other words {100 * effect.control.value:z.0f}"


def _control_line(
    verdict: Verdict, meaningless: ControlFigure, meaningful: ControlFigure
) -> Finding:
    detail = (
        f"the head gives both nouns {meaningless.mass.value:.3f} of its attention in "
        f"{meaningless.items:,} sentences where “it” means nothing, "
        f"{meaningful.mass.value:.3f} where it means one of them"
    )
    ignores = verdict.ignores_question
    return Finding(
        "Quiet where “it” means nothing?",
        "no" if ignores else "yes",
        detail,
        "no, a failed control" if ignores else None,
    )
