"""What is found of words that people marked: are they seen, are they used, and how sure is that?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from seq2seq.probe.causes.experiment import Effect
from seq2seq.probe.items.marked import Where
from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.report.verdict import p_value, share
from seq2seq.probe.report.wording import ROUTES, VARIANTS
from seq2seq.probe.statistics.bootstrap import Estimate
from seq2seq.probe.statistics.selection import ALPHA
from seq2seq.probe.statistics.visible import Visible


@dataclass(frozen=True)
class Hidden:
    """What hiding the marked words from some rows costs, beside unmarked words.

    Attributes:
        rows: which rows of which heads.
        marked: what hiding the marked words costs in decisions; its control are words that draw
            about as much attention there.
        other: what hiding the unmarked words costs.
        more: how much more the marked words cost.
        fall: how much more the preference for the right pronoun falls, in nats.
        p: of that fall, by exchanging both in whole clusters, as one of all rows that are tried.
    """

    rows: str
    marked: Effect
    other: Effect
    more: Estimate
    fall: Estimate
    p: float

    @property
    def used(self) -> bool:
        """Whether the preference falls more without the marked words than by chance."""
        return self.p <= ALPHA and self.fall.interval.low > 0


@dataclass(frozen=True)
class BetweenNouns:
    """The items in which marked and unmarked words are nouns: both behind an article or the like.

    Attributes:
        items: how many.
        seen: in what share of them the chosen head attends more to the marked one.
        fall: how much more the preference falls without it, in nats; hidden from most rows.
    """

    items: int
    seen: Estimate
    fall: Estimate


@dataclass(frozen=True)
class MarkedVerdict:
    """What is found of the marked words of one place.

    Attributes:
        where: the place.
        items: how many were reported.
        chosen_on: how many others the head was chosen on.
        left_out: why other items are not among them, each with its number.
        preferred: share of items with the right pronoun preferred; None where there are too few,
            as the following.
        visible: the chosen head beside the best rule without attention.
        random: the same of models with random weights, each with its own choice.
        head: the best single head, from which words are hidden.
        mass: the attention that it gives the marked and the unmarked words.
        hidden: from this head up to all rows.
        nouns: items in which a noun is held against a noun; None if those are too few.
        moved: the same questions with the marks on the unmarked words.
        too_few: what is said instead of a verdict where there are items, but too few for one.
    """

    where: Where
    items: int
    chosen_on: int
    left_out: tuple[str, ...]
    preferred: Estimate | None = None
    visible: Visible | None = None
    random: tuple[Visible, ...] = ()
    head: Measure | None = None
    mass: tuple[float, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    nouns: BetweenNouns | None = None
    moved: "MarkedVerdict | None" = None
    too_few: str = ""

    @property
    def seen(self) -> bool:
        """Whether attention shows the marked words better than chance and every rule."""
        return self.visible is not None and self.visible.shown and self.visible.sign == 1

    @property
    def knows(self) -> bool:
        """Whether the right pronoun is preferred more often than by chance."""
        return self.preferred is not None and self.preferred.interval.low > 0.5

    @property
    def used_from(self) -> tuple[str, ...]:
        """The rows from which the marked words are used; none of a model at chance."""
        return tuple(one.rows for one in self.hidden if self.knows and one.used)


def lines_of(verdict: MarkedVerdict) -> list[str]:
    """A sentence that sums up, and a line with its figures for each question."""
    if not verdict.items + verdict.chosen_on:
        return ["In short: nothing to see: the model reads no marked word there."]
    if verdict.visible is None or verdict.preferred is None:
        return [f"In short: {verdict.too_few}."]
    seen = "are seen" if verdict.seen else "are not shown to be seen"
    used = "they are not shown to be used"
    if verdict.used_from:
        widest = verdict.hidden[-1]
        used = (
            f"they are used by {verdict.used_from[0]} and cost {_points(widest.more)} points more "
            f"than the others, hidden from {widest.rows}"
        )
    if not verdict.knows:
        used = "the answers are at chance, so that nothing could be used"
    lines = [
        f"In short: the marked words {seen}; {used}.",
        _seen_line(verdict, verdict.visible),
        *(_hidden_line(one, verdict) for one in verdict.hidden),
        f"Right pronoun preferred: in {share(verdict.preferred)} of these items.",
    ]
    if verdict.nouns is not None:
        some = verdict.nouns
        lines.append(
            f"A noun beside a noun, both behind a determiner, {some.items:,} items: the marked one "
            f"is attended more in {share(some.seen)}; hidden from {verdict.hidden[-1].rows} it "
            f"lowers the preference by {_nats(some.fall)} nats more."
        )
    else:
        lines.append("A noun beside a noun: too few items to tell.")
    if verdict.moved is not None:
        lines.append(f"Marks moved to the unmarked words: {_twin(verdict.moved)}.")
    return lines


def _twin(moved: MarkedVerdict) -> str:
    if moved.visible is None:
        return f"too few items to tell ({moved.items:,} to report)"
    seen = "seen, a failed control" if moved.seen else "not seen"
    used = f"used by {', '.join(moved.used_from)}, a failed control" if moved.used_from else ""
    accuracy = share(moved.visible.accuracy)
    return f"{seen} ({accuracy} of {moved.items:,} items); {used or 'not used'}"


def _seen_line(verdict: MarkedVerdict, shown: Visible) -> str:
    less = shown.sign == -1
    said = "yes" if verdict.seen else "no" if less and shown.shown else "not shown"
    random = ""
    if verdict.random:
        called = sum(one.shown and one.sign == 1 for one in verdict.random)
        best = max(one.accuracy.value for one in verdict.random)
        random = (
            f"; of {len(verdict.random)} models with random weights {called} would be called seen "
            f"(at most {100 * best:.1f} %)"
        )
    return (
        f"Seen? {said}. {'Less' if less else 'More'} attention goes to the marked words than to "
        f"like unmarked ones in {share(shown.accuracy)} of {shown.items:,} items "
        f"({ROUTES[shown.measure.route]}, {shown.measure.place or 'all layers'}, "
        f"{VARIANTS[shown.measure.variant]}); the best rule without attention ({shown.rule}) has "
        f"{100 * shown.rule_accuracy:.1f} %, p {p_value(shown.p)}; the best single head gives "
        f"{verdict.mass[0]:.3f} of its attention to them, {verdict.mass[1]:.3f} to the "
        f"others{random}"
    )


def _hidden_line(one: Hidden, verdict: MarkedVerdict) -> str:
    said = "yes" if one.rows in verdict.used_from else "not shown"
    control = "there are none"
    if one.marked.control is not None:
        control = f"{100 * one.marked.control.value:.1f}"
    return (
        f"Used by {one.rows}? {said}. Hidden, the marked words cost "
        f"{100 * one.marked.cost.value:z.1f} points, the unmarked ones "
        f"{100 * one.other.cost.value:z.1f}: {_points(one.more)} more; the preference falls by "
        f"{_nats(one.fall)} nats more, p {p_value(one.p)} of all rows; other words that draw as "
        f"much attention cost: {control}"
    )


def _points(estimate: Estimate) -> str:
    low, high = estimate.interval.low, estimate.interval.high
    return f"{100 * estimate.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _nats(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} [{estimate.interval.low:.2f}, {estimate.interval.high:.2f}]"


def marked_fields(verdict: MarkedVerdict) -> Mapping[str, Any]:
    """The verdict with what follows from its figures; null where there are too few to tell."""
    fields = asdict(verdict)
    for one, found in ((fields, verdict), (fields["moved"], verdict.moved)):
        if found is not None:
            answers = {"seen": found.seen, "knows": found.knows, "used_from": found.used_from}
            one |= dict.fromkeys(answers) if found.too_few else answers
    return fields
