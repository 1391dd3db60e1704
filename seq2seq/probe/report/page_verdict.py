"""The verdict of a study in a few lines for a page: visible? used? carried by what?"""

from seq2seq.probe.causes.experiment import Effect
from seq2seq.probe.causes.head import matters
from seq2seq.probe.report.result import Study
from seq2seq.probe.report.wording import ROUTES, VARIANTS, in_short, in_words
from seq2seq.probe.statistics.bootstrap import Estimate, Interval
from seq2seq.viewer.content import Answer, Finding

CLEAR = 0.75  # half-way from chance to always; below, a link that is not by chance is weak


def found_in(study: Study) -> tuple[Finding, ...]:
    """Say what was found.

    Args:
        study: the whole of it.

    Returns:
        One line for each question, in the order in which a reader asks them.
    """
    lines = [_visible(study), _used(study), _carried(study), _translated(study)]
    return tuple(line for line in lines if line is not None)


def _visible(study: Study) -> Finding:
    finding = study.finding
    measure = finding.measure
    answer: Answer = "no"
    if finding.confirmed():
        answer = "yes" if finding.interval.low >= CLEAR else "unclear"
    said = {"yes": "yes", "unclear": "weakly", "no": "no"}[answer]
    noun = "the antecedent" if finding.sign == 1 else "the other noun"
    parts = [
        f"{ROUTES.get(measure.route, measure.route)} ({measure.place or 'all layers'}, "
        f"{VARIANTS.get(measure.variant, measure.variant)}) prefers {noun} in "
        f"{_share(Estimate(finding.accuracy, finding.interval))} of {finding.items:,} items"
    ]
    if finding.pair is not None:
        parts.append(f"in both of a pair {100 * finding.pair:.0f} %")
    if study.random:
        best = max(max(one.accuracy, 1 - one.accuracy) for one in study.random)
        parts.append(f"with random weights at most {100 * best:.0f} %")
    return Finding("Visible?", answer, "; ".join(parts), said)


def _used(study: Study) -> Finding:
    verdict = study.verdict
    if verdict is None:
        why = (
            "the model was not taken apart"
            if study.contrastive is not None
            else "there is no translation whose change would show it"
        )
        return Finding("Used?", "unclear", why, "not measured")
    strongest = verdict.edge
    where = strongest.name.partition(", ")[2] or "all heads"
    return Finding(
        "Used?",
        "yes" if verdict.used else "no",
        f"without the edge to the antecedent in {where} ({verdict.measure.place or 'all layers'}) "
        f"{_loss(strongest)}",
        None if verdict.used or not study.attends else "shown, but not used",
    )


def _carried(study: Study) -> Finding | None:
    carrier = study.carrier
    if carrier is None:
        return None
    when = f"when {in_words(carrier.name)}, {_loss(carrier)}"
    if matters(carrier) and study.knows:
        return Finding("Carried by?", "yes", when, in_short(carrier.name))
    return Finding("Carried by?", "no", f"it costs most {when}", "no single word")


def _translated(study: Study) -> Finding | None:
    if study.contrastive is None:
        return None
    low, high = study.contrastive.interval.low, study.contrastive.interval.high
    answer: Answer = "yes" if low >= CLEAR else "no" if high <= CLEAR else "unclear"
    detail = f"the right translation is preferred in {_share(study.contrastive)} of the items"
    return Finding("Translated rightly?", answer, detail)


def _loss(effect: Effect) -> str:
    control = ""
    if effect.control is not None:
        control = f"; the same with other words costs {100 * effect.control.value:.0f}"
    return (
        f"the answer is right in {_share(effect.accuracy)}, which costs "
        f"{100 * effect.cost.value:.0f} points{control}"
    )


def _share(estimate: Estimate) -> str:
    interval: Interval = estimate.interval
    return f"{100 * estimate.value:.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
