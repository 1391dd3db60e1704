"""A planted carrier is found, where it is written and where it is read; its twin names nothing."""

from dataclasses import replace

import numpy as np

from seq2seq.probe.causes.experiment import Experiment
from seq2seq.probe.causes.joint_sets import search_joint
from seq2seq.probe.causes.search import Causes, find_causes, knock_outs_while_translating
from seq2seq.probe.items.placement import place_cases, place_whole
from seq2seq.probe.statistics.scored_sets import ScoredSets
from tests.probe.linked_model import LinkedModel, carrying_model
from tests.probe.planted_model import cases


def scored_sets(model: LinkedModel) -> ScoredSets:
    dev, test = (
        place_cases(model, cases(start=start, count=count)).placed
        for start, count in ((0, 6), (36, 8))
    )
    return ScoredSets(model, dev, test, resamples=99, seed=1)


def causes(model: LinkedModel) -> Causes:
    scored = scored_sets(model)
    return find_causes(Experiment(model, scored.test), scored, ())


def test_a_single_carrier_is_found_with_the_row_that_reads_it() -> None:
    found = causes(carrying_model("was"))
    names = {one.name for one in found.effects if one.matters}
    assert names == {"was off", "was→nouns", "was⇄nouns", "decision→was"}
    assert found.carrier is not None
    assert found.carrier.confirmed
    assert found.carrier.found.name == "was off"
    assert found.carrier.found.cost.value == 0.5
    assert [one.name for one in found.readers if one.matters] == ["decision→was"]
    assert found.joint is None  # one word explains it


def test_carriers_that_stand_in_for_each_other_are_found_together_only() -> None:
    found = causes(carrying_model("it", "cue"))
    assert found.carrier is not None
    assert not found.carrier.confirmed
    assert found.joint is not None
    assert [one.name for one in found.joint.effects if one.matters] == [
        "it off + cue off",
        "decision→it + decision→cue",
    ]
    both = found.joint.found
    assert both is not None
    assert (both.name, both.cost.value) == ("it off + cue off", 0.5)
    assert both.name in {one.name for one in found.trials}
    assert found.group == ("it", "cue")
    assert found.redundant


def test_three_carriers_need_three() -> None:
    model = carrying_model("it", "was", "cue")
    scored = scored_sets(model)
    joint, _ = search_joint(Experiment(model, scored.dev), Experiment(model, scored.test))
    assert joint.found is not None
    assert joint.found.name == "it off + was off + cue off"


def test_the_twin_that_knows_without_looking_names_no_word_and_no_set() -> None:
    found = causes(carrying_model(knows=True))
    assert not any(one.matters for one in found.effects)
    assert found.carrier is not None
    assert not found.carrier.confirmed
    assert found.joint is not None
    assert (found.joint.found, found.joint.effects) == (None, ())
    assert found.joint.tried == 3  # all words at once, of each kind; there is nothing to shrink


def test_a_model_at_chance_has_no_answer_to_take_away() -> None:
    found = causes(carrying_model())
    assert not any(one.matters for one in found.effects)
    assert found.joint is None


def test_controls_of_a_set_are_different_words() -> None:
    model = carrying_model("it")
    experiment = Experiment(model, place_cases(model, cases(start=0, count=3)).placed)
    pair = [experiment.knock_outs[name] for name in ("decision→it", "decision→was")]
    controls = experiment.match.control(*pair)
    looked = [[one.look(case)[1] for one in controls] for case in experiment.placed]
    matched = [words for words in looked if all(words)]
    assert matched
    for first, second in matched:
        assert first != second
    for case, words in zip(experiment.placed, looked, strict=True):
        assert {rows for some in words for rows in some} <= set(case.others)


def test_no_word_is_its_own_control() -> None:
    model = carrying_model("it")
    experiment = Experiment(model, place_cases(model, cases(start=0, count=3)).placed)
    for knock_out in experiment.knock_outs.values():
        (control,) = experiment.match.control(knock_out)
        for case in experiment.placed:
            (rows, words), (mine, matched) = knock_out.look(case), control.look(case)
            if knock_out.how == "alone":
                assert not set(mine) & set(rows)
            asked = {row for word in words for row in word}
            assert not asked & {row for word in matched for row in word}


def test_a_first_set_without_translations_chooses_no_carrier_and_no_group() -> None:
    model = carrying_model("it", "cue")
    silent = [replace(case, good=None, bad=None) for case in cases(start=0, count=6)]
    dev, test = (place_cases(model, some).placed for some in (silent, cases(start=6, count=8)))
    scored = ScoredSets(model, dev, test, resamples=99, seed=1)
    found = find_causes(Experiment(model, test), scored, ())
    assert found.effects
    assert (found.joint, found.carrier, found.group) == (None, None, ())


def test_what_is_kept_up_while_translating_lies_in_the_encoder() -> None:
    model = carrying_model("was")
    scored = scored_sets(model)
    experiment = Experiment(model, scored.test)
    found = knock_outs_while_translating(experiment, scored.head.measure)
    assert [one.name for one in found] == [
        "it off", "it→nouns", "it⇄nouns", "it→nouns, chosen head",
    ]  # fmt: skip
    assert {one.stack for one in found} == {"encoder"}


def test_a_sentence_without_a_question_is_read_to_its_end() -> None:
    model = carrying_model("was")
    case = cases(start=0, count=1)[0]
    placed = place_whole(model, case)
    assert placed.decision is not None
    assert len(placed.decision.prefix) == 1 + len(str(case.good).split()) + 1
    scored = scored_sets(model)
    without = find_causes(Experiment(model, scored.test), scored, [placed]).without_head
    assert without is not None
    assert without.elsewhere is not None
    assert np.isfinite(without.elsewhere)
