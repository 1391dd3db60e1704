"""A planted carrier is found, where it is written and where it is read; its twin names nothing."""

from dataclasses import replace

import numpy as np

from seq2seq.probe.causes.experiment import Effect, Experiment
from seq2seq.probe.causes.head import matters
from seq2seq.probe.causes.joint_sets import search_joint
from seq2seq.probe.causes.search import (
    Causes,
    carrier_of,
    find_causes,
    knock_outs_while_translating,
    row_written,
    single,
)
from seq2seq.probe.items.placement import place_cases, place_whole
from seq2seq.probe.statistics.bootstrap import Estimate, Interval
from seq2seq.probe.statistics.scored_sets import ScoredSets
from tests.probe.carrying_model import CarryingModel, carrying_model
from tests.probe.planted_model import cases


def scored_sets(model: CarryingModel) -> ScoredSets:
    dev, test = (
        place_cases(model, cases(start=start, count=count)).placed
        for start, count in ((0, 6), (6, 8))
    )
    return ScoredSets(model, dev, test, resamples=99, seed=1)


def causes(model: CarryingModel) -> Causes:
    scored = scored_sets(model)
    return find_causes(Experiment(model, scored.test), scored, ())


def test_a_single_carrier_is_found_with_the_row_that_reads_it() -> None:
    found = causes(carrying_model("was"))
    names = {one.name for one in single(found.effects) if matters(one)}
    assert names == {"was off", "was→nouns", "was→gold", "decision→was"}
    written = row_written(found.effects)
    assert written is not None
    assert (written.name, written.cost.value) == ("was off", 0.5)
    assert [one.name for one in found.readers if matters(one)] == ["decision→was"]
    assert found.joint is None  # one word explains it


def test_a_decision_that_reads_the_antecedent_itself_is_told_from_one_that_reads_a_word() -> None:
    found = causes(carrying_model("gold"))
    names = {one.name for one in single(found.effects) if matters(one)}
    assert names == {"decision→gold", "decision→nouns"}
    (gold,) = (one for one in found.effects if one.name == "decision→gold")
    assert (gold.cost.value, gold.control and gold.control.value) == (0.5, 0)


def test_carriers_that_stand_in_for_each_other_are_found_together_only() -> None:
    found = causes(carrying_model("it", "cue"))
    assert not any(matters(one) for one in single(found.effects))
    assert (row_written(found.effects), found.readers) == (None, ())
    assert found.joint is not None
    assert [one.name for one in found.joint.effects if matters(one)] == [
        "it off + cue off",
        "it→nouns + cue→nouns",
        "decision→it + decision→cue",
    ]
    both = found.joint.found
    assert both is not None
    assert (both.name, both.cost.value) == ("it off + cue off", 0.5)
    assert both.control is not None
    assert both.control.value == 0
    assert both.name in {one.name for one in found.trials}


def test_three_carriers_need_three() -> None:
    model = carrying_model("it", "was", "cue")
    scored = scored_sets(model)
    joint, _ = search_joint(Experiment(model, scored.dev), Experiment(model, scored.test))
    assert joint.found is not None
    assert joint.found.name == "it off + was off + cue off"


def test_the_twin_that_knows_without_looking_names_no_word_and_no_set() -> None:
    found = causes(carrying_model(knows=True))
    assert not any(matters(one) for one in found.effects)
    assert row_written(found.effects) is None
    assert found.joint is not None
    assert (found.joint.found, found.joint.effects) == (None, ())
    assert found.joint.tried == 4  # all words at once, of each kind; there is nothing to shrink


def test_a_model_at_chance_has_no_answer_to_take_away() -> None:
    found = causes(carrying_model())
    assert not any(matters(one) for one in found.effects)
    assert found.joint is None


def test_controls_of_a_set_are_different_words() -> None:
    model = carrying_model("it")
    experiment = Experiment(model, place_cases(model, cases(start=0, count=3)).placed)
    first, second = (experiment.match.cross(experiment.placed[0], rank)[1] for rank in (0, 1))
    assert first != second
    assert {first, second} <= set(experiment.placed[0].others)
    assert experiment.match.row(experiment.placed[0]) != experiment.match.row(
        experiment.placed[0], 1
    )


def effect(name: str, cost: float, control: float) -> Effect:
    """A knock-out of that cost, and of that cost with other words."""
    figures = (
        Estimate(value, Interval(value - 0.05, value + 0.05)) for value in (1 - cost, cost, control)
    )
    return Effect(name, *figures, change=1.0)


def test_a_dearer_knock_out_that_fails_its_control_does_not_hide_the_carrier() -> None:
    failing, edge = effect("cue off", 0.45, 0.2), effect("it→gold", 0.4, 0.01)
    row = effect("it off", 0.3, 0.02)
    whole = effect("clause→nouns", 0.5, 0.0)
    assert carrier_of([whole, failing, edge, row]) == edge
    assert row_written([failing, edge, row]) == row
    weak = effect("was off", 0.1, 0.0)
    assert (carrier_of([weak, failing]), row_written([weak, failing])) == (failing, None)
    assert (carrier_of([whole]), carrier_of([])) == (None, None)


def test_a_first_set_without_translations_shrinks_no_set_of_knock_outs() -> None:
    model = carrying_model("it", "cue")
    silent = [replace(case, good=None, bad=None) for case in cases(start=0, count=6)]
    dev, test = (place_cases(model, some).placed for some in (silent, cases(start=6, count=8)))
    scored = ScoredSets(model, dev, test, resamples=99, seed=1)
    found = find_causes(Experiment(model, test), scored, ())
    assert found.effects
    assert found.joint is None


def test_what_is_kept_up_while_translating_lies_in_the_encoder() -> None:
    model = carrying_model("was")
    scored = scored_sets(model)
    experiment = Experiment(model, scored.test)
    found = knock_outs_while_translating(experiment, scored.head.measure)
    knock_outs = [knock_out for knock_out, _ in found]
    assert [one.name for one in knock_outs[:2]] == ["it off", "it→gold"]
    assert {one.stack for one in knock_outs} == {"encoder"}


def test_a_sentence_without_a_question_is_read_to_its_end() -> None:
    model = carrying_model("was")
    case = cases(start=0, count=1)[0]
    placed = place_whole(model, case)
    assert placed.decision is not None
    assert len(placed.decision.prefix) == 1 + len(str(case.good).split()) + 1
    scored = scored_sets(model)
    verdict = find_causes(Experiment(model, scored.test), scored, [placed]).verdict
    assert verdict is not None
    assert verdict.elsewhere is not None
    assert np.isfinite(verdict.elsewhere)
