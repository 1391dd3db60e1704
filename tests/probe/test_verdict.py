"""Planted models, each with the verdict that is right of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from seq2seq.probe.items.case import Case
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.page import study_page
from seq2seq.probe.report.result import StudySpec
from seq2seq.probe.report.text import to_json, to_markdown, to_text
from seq2seq.probe.report.verdict import Verdict, answers, sentence, short
from seq2seq.probe.statistics.enough import LEAST, TOO_FEW
from seq2seq.probe.study import probe_model
from seq2seq.viewer.page import attention_page
from tests.probe.linked_model import POINTING, WORKING, Link, Seen, linked_model
from tests.probe.planted_model import HEAD, LAYER, cases, planted_model

SPEC = StudySpec("T1", "dev", resamples=49, random_twins=0)


def judged(model: StockModel, spec: StudySpec = SPEC, **given: object) -> Verdict:
    dev, test = cases(start=0, count=LEAST), cases(start=36, count=16)
    return probe_model(model, dev, test, spec=spec, **given).verdict  # type: ignore[arg-type]


def nearer(seen: Seen) -> float:
    """Says what the row "it" looks at more."""
    gold, other = seen["it"]
    return gold - other


def cheaper(verdict: Verdict) -> Verdict:
    """The same, but that hiding the other noun makes a little right that was wrong."""
    by_head = verdict.causes.by_head
    assert by_head is not None
    other = replace(by_head.other, cost=replace(by_head.other.cost, value=-0.001))
    return replace(verdict, causes=replace(verdict.causes, by_head=replace(by_head, other=other)))


def test_a_faithful_pointer_is_visible_needed_and_followed() -> None:
    verdict = judged(linked_model(Link("it", head=POINTING), rule=nearer))
    assert verdict.visible.shown
    assert verdict.causes.by_head is not None
    assert (verdict.causes.by_head.needed, verdict.causes.by_head.followed) == (True, True)
    assert verdict.causes.by_head.both.cost.value == 0.5
    assert verdict.causes.by_head.gold.cost.value == 1.0, "the other noun is told"
    assert verdict.causes.by_head.redirected == 0.5
    assert verdict.causes.by_head.other.cost.value == 0
    assert verdict.causes.by_head.exchanged is not None
    assert verdict.causes.by_head.exchanged.cost.value == 1.0
    assert short(verdict) == "shown, used by this head"
    line = next(one for one in answers(cheaper(verdict)) if one.question == "Used by the head?")
    low = 100 * 0.025 ** (1 / 12)  # of so many nouns, all right
    assert f"the other noun hidden, 100.0 % [{low:.1f}, 100.0] right (cost 0)" in line.detail
    assert "the link of this head is used" in sentence(verdict)


def test_a_head_that_eliminates_the_other_noun_is_used() -> None:
    model = linked_model(
        Link("it", gold=0.05, other=0.9, head=POINTING), rule=lambda seen: -nearer(seen)
    )
    verdict = judged(model)
    assert (verdict.visible.shown, verdict.visible.sign) == (True, -1)
    assert verdict.causes.by_head is not None
    assert verdict.causes.by_head.gold.cost.value == 0
    assert verdict.causes.by_head.both.cost.value == 0.5
    assert verdict.causes.by_head.used
    assert "which noun is not meant" in sentence(verdict)


def test_an_idle_head_beside_a_working_one_is_not_used_and_all_heads_are() -> None:
    verdict = judged(linked_model(Link("it", head=WORKING), rule=nearer))
    assert verdict.visible.measure.head == HEAD
    assert verdict.visible.measure.layer == LAYER
    assert verdict.causes.by_head is not None
    assert verdict.causes.by_all_heads is not None
    assert [one.cost.value for one in verdict.causes.by_head.effects] == [0, 0, 0, 0]
    assert (verdict.causes.by_head.used, verdict.causes.by_all_heads.used) == (False, True)
    assert "used, but by other heads" in sentence(verdict)


def test_a_word_outside_of_the_clause_is_found_to_carry_the_answer() -> None:
    word = "before second noun"
    verdict = judged(linked_model(Link(word), rule=lambda seen: seen[word][0] - seen[word][1]))
    assert verdict.causes.by_all_heads is not None
    assert not verdict.causes.by_all_heads.used
    assert verdict.causes.by_group is not None
    assert (verdict.causes.by_group.rows, verdict.causes.by_group.used) == (word, True)
    assert verdict.carried_by is not None
    assert verdict.carried_by.name == f"{word} off"
    assert "the word before the second noun" in sentence(verdict)
    (line,) = (one for one in answers(verdict) if one.question == "Carried by?")
    assert "read by the decision → the word before the second noun (cost 50)" in line.detail


def test_rows_that_stand_in_for_each_other_are_used_together() -> None:
    def rule(seen: Seen) -> float:
        said = [gold - other for gold, other in seen.values()]
        return max(said) if max(said) > 0 else min(said)

    verdict = judged(linked_model(Link("it"), Link("cue"), rule=rule))
    assert verdict.causes.by_all_heads is not None
    assert not verdict.causes.by_all_heads.needed
    assert verdict.causes.by_group is not None
    assert verdict.causes.by_group.rows == "it + cue"
    assert verdict.causes.by_group.needed
    assert verdict.causes.redundant
    assert verdict.causes.carrier is not None
    assert not verdict.causes.carrier.confirmed
    assert verdict.carried_by is not None
    assert "redundantly" in sentence(verdict)


def test_rows_that_read_both_nouns_alike_are_needed_and_not_followed() -> None:
    def rule(seen: Seen) -> float:
        return sum(gold + other for gold, other in seen.values())

    verdict = judged(linked_model(Link("it", 0.4, 0.4), Link("cue", 0.4, 0.4), rule=rule))
    assert verdict.causes.by_group is not None
    assert verdict.causes.by_group.rows == "it + cue"
    assert (verdict.causes.by_group.needed, verdict.causes.by_group.followed) == (True, False)


def test_a_decision_that_mixes_both_nouns_does_not_carry_the_choice() -> None:
    def rule(seen: Seen) -> float:
        gold, other = seen["decision"]
        chosen = seen["it"][0] > 0  # "it" has read the cue, and no noun
        return gold - other or float(chosen and gold > 0)

    verdict = judged(linked_model(Link("decision", 0.4, 0.4), Link("it", at_cue=True), rule=rule))
    assert verdict.carried_by is not None
    assert verdict.carried_by.name in ("it off", "decision→it")
    assert verdict.carried_by.cost.value == 0.5
    assert all(
        not use.used
        for use in (verdict.causes.by_head, verdict.causes.by_all_heads)
        if use is not None
    )


def test_being_told_the_wrong_noun_is_no_need() -> None:
    """It knows the answer anyway, but says what "it" is told if that is the other noun."""
    verdict = judged(linked_model(Link("it", head=POINTING), rule=lambda seen: nearer(seen) or 1.0))
    assert verdict.causes.by_head is not None
    assert verdict.causes.by_head.gold.cost.value == 1.0
    assert (verdict.causes.by_head.both.cost.value, verdict.causes.by_head.needed) == (0, False)
    assert verdict.causes.by_head.followed, "the answer goes where the row is told"
    assert verdict.causes.by_head.redirected == 1.0
    (line,) = (one for one in answers(verdict) if one.question == "Used by the head?")
    assert line.said == "followed"
    assert "100 points of what the antecedent costs are redirection" in line.detail


def test_a_model_that_knows_without_looking_uses_no_row() -> None:
    verdict = judged(linked_model(rule=lambda seen: 1.0))
    assert verdict.used_by == ()
    assert verdict.causes.by_group is not None
    assert verdict.causes.by_group.rows == "all words"
    assert verdict.carried_by is None
    assert short(verdict) == "shown, not used"


def unbalanced(some: list[Case]) -> list[Case]:
    """Three of four have the first noun right: of every other pair the second is left out."""
    return [
        case for number, case in enumerate(some) if case.gold == 0 or number % 6 == 1
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_weights_are_not_visible_where_the_first_noun_is_mostly_right(seed: int) -> None:
    model = planted_model()
    model = StockModel(model.model, model.tokenizer, name="plain").random_twin(seed)
    dev, test = unbalanced(cases(start=0, count=24)), unbalanced(cases(start=36, count=36))
    assert sum(case.gold == 0 for case in test) / len(test) == pytest.approx(0.75)
    spec = replace(SPEC, random_twins=2, causal=False)
    verdict = probe_model(model, dev, test, spec=spec).verdict
    assert verdict.visible.accuracy.value >= 0.6, "a head likes the first noun"
    assert verdict.visible.rule_accuracy == pytest.approx(0.75)
    assert not verdict.visible.shown
    assert not any(one.shown for one in verdict.random)
    assert "does not show the antecedent" in sentence(verdict)


def control_cases(change: Callable[[Case], Case] = lambda case: case) -> list[Case]:
    return [
        replace(change(case), correct=frozenset(), good=None, bad=None)
        for case in cases(start=20, count=6)
    ]


def test_a_head_that_looks_at_nouns_where_it_means_nothing_fails_its_control() -> None:
    model = linked_model(Link("it", head=POINTING), rule=nearer)
    verdict = judged(model, controls={"pleonastic": control_cases()})
    assert verdict.ignores_question
    (line,) = (one for one in answers(verdict) if one.question.startswith("Quiet"))
    assert (line.answer, line.said) == ("no", "no, a failed control")
    assert "0.950 of its attention" in line.detail


def test_a_supervised_head_is_said_to_be_so() -> None:
    model = linked_model(Link("it", head=POINTING), rule=nearer)
    told = replace(SPEC, supervised=(("encoder", LAYER, HEAD),), causal=False)
    elsewhere = replace(told, supervised=(("encoder", 0, HEAD), ("encoder", LAYER, 0)))
    layer = replace(told, supervised=(("encoder", LAYER, None),))
    assert "trained to show it" in sentence(judged(model, told))
    assert "trained" not in sentence(judged(model, elsewhere))
    assert judged(model, layer).supervised


@pytest.mark.parametrize(
    ("chosen_on", "reported", "told"),
    [(LEAST, LEAST, True), (LEAST - 1, LEAST, False), (LEAST, LEAST - 1, False)],
)
def test_of_too_few_items_nothing_is_claimed_anywhere(
    chosen_on: int, reported: int, told: bool
) -> None:
    """The model is the faithful pointer, which is seen and used."""
    model = linked_model(Link("it", head=POINTING), rule=nearer)
    dev, test = cases(start=0, count=chosen_on), cases(start=36, count=reported)
    spec = replace(SPEC, random_twins=1)
    study = probe_model(
        model, dev, test, spec=spec, controls={"pleonastic": control_cases()}
    )  # fmt: skip
    few = (
        f"too few to tell: {2 * chosen_on} items in {chosen_on} clusters to choose on and "
        f"{2 * reported} in {reported} to report, needed {LEAST} clusters of each"
    )
    fields = to_json(study)["verdict"]
    page = attention_page(study_page(study, model))
    said = {"terminal": to_text(study), "card": to_markdown(study), "page": page}
    for where, text in said.items():
        assert (few in text) is not told, where
        assert ("Attention (encoder layer" in text) is told, where
        assert ("would be called visible" in text) is told, where
        low = 100 * 0.025 ** (1 / reported)
        assert f"100.0 % [{low:.1f}, 100.0]" in text, f"{where}: figures stand"
    answered = {one.question: (one.answer, one.said) for one in answers(study.verdict)[1:]}
    assert {"Visible?", "Used by the head?", "Carried by?", "Translated rightly?"} <= {*answered}
    if told:
        assert answered["Visible?"] == ("yes", None)
        assert fields["short"] == "shown, used by this head"
    else:
        assert set(answered.values()) == {("unclear", TOO_FEW)}
        assert (fields["sentence"], fields["short"]) == (f"{few}.", TOO_FEW)
    use = fields["by_head"]
    known = [fields["visible"]["shown"], fields["knows"], use["needed"], use["followed"]]
    assert known == ([True] * 4 if told else [None] * 4)
    assert (fields["redundant"], fields["too_few"]) == ((False, "") if told else (None, few))
    if not told:
        assert fields["carried_by"] is None
