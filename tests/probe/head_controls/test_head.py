"""Controls of a head whose map is known: it follows the cue, or it always likes one distance."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seq2seq.probe.head_controls.head import (
    control_figure,
    control_head,
    habit_scores,
    head_maps,
    wrong_query_scores,
)
from seq2seq.probe.items.placement import PlacedCase, place_cases
from seq2seq.probe.measures.accuracy import items_right
from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.model.reading import Inputs, Reading
from seq2seq.probe.statistics.scored_sets import ScoredSets
from seq2seq.probe.statistics.selection import Choice
from tests.probe.planted_model import (
    FIRST,
    HEAD,
    IT,
    LAYER,
    SECOND,
    PlantedModel,
    cases,
    planted_model,
)

PLANTED = Measure("E→", "raw", "encoder", LAYER, HEAD)


@pytest.fixture(scope="module")
def model() -> PlantedModel:
    return planted_model()


@pytest.fixture(scope="module")
def sets(model: PlantedModel) -> tuple[tuple[PlacedCase, ...], tuple[PlacedCase, ...]]:
    return (
        place_cases(model, cases(start=0, count=8)).placed,
        place_cases(model, cases(start=8, count=8)).placed,
    )


def test_a_row_of_the_head_is_read_where_the_word_stands(model, sets) -> None:
    maps = head_maps(model, sets[1], PLANTED)
    rows = maps.rows([one.words["it"] for one in sets[1]])
    gold = [float(rows[n, one.nouns[0][0]]) for n, one in enumerate(sets[1])]
    assert gold == pytest.approx([0.9] * len(gold))
    assert maps.lengths.tolist() == [len(one.source.ids) for one in sets[1]]


def test_a_head_that_follows_the_cue_beats_its_habit_and_uniform_attention(model, sets) -> None:
    scores = habit_scores((sets[0], head_maps(model, sets[0], PLANTED)), sets[1], PLANTED)
    right = items_right(scores.gold, scores.distractor).mean(axis=1)
    names = [one.variant for one in scores.measures]
    assert dict(zip(names, right, strict=True)) == {"the head's habit": 0.5, "uniform": 0.5}


def test_a_head_that_likes_a_distance_is_its_habit(model, sets) -> None:
    def always_first(placed):
        found = head_maps(model, placed, PLANTED)
        liking = np.zeros_like(found.maps)
        liking[:, IT, 1] = 1.0
        return placed, replace(found, maps=liking)

    scores = habit_scores(always_first(sets[0]), sets[1], PLANTED)
    assert scores.gold[0].tolist() == [float(one.nouns[0] == (1,)) for one in sets[1]]


def test_other_rows_of_the_planted_head_do_not_find_the_antecedent(model, sets) -> None:
    scores = wrong_query_scores(sets[1], head_maps(model, sets[1], PLANTED), PLANTED)
    assert scores is not None
    assert [one.variant for one in scores.measures] == ["conjunction", "was", "cue", "stop"]
    assert (items_right(scores.gold, scores.distractor).mean(axis=1) < 0.9).all()


def test_a_route_of_the_decision_row_is_controlled_by_the_row_before(model, sets) -> None:
    measure = Measure("X", "raw", "cross", 0, 1)
    maps = head_maps(model, sets[1], measure)
    scores = wrong_query_scores(sets[1], maps, measure)
    assert scores is not None
    assert [one.variant for one in scores.measures] == ["row before"]
    one = sets[1][0]
    assert one.decision is not None
    by_hand = maps.maps[0, one.decision.row - 1, list(one.nouns[0])].sum()
    assert scores.gold[0, 0] == pytest.approx(by_hand)


def test_mass_and_place_are_measured_where_nothing_is_meant(model) -> None:
    asked = cases(start=0, count=8)
    silent = [replace(one, correct=frozenset()) for one in asked]
    figure = control_figure("silent", model, silent, PLANTED)
    assert figure.accuracy is None
    assert figure.items == 16
    assert figure.mass.value == pytest.approx(0.95)
    assert figure.first.value == 0.5  # "big" means the first, "small" the second
    meant = control_figure("asked", model, asked, PLANTED)
    assert meant.accuracy is not None
    assert (meant.accuracy.value, meant.first.value) == (1, 0.5)


def test_control_sets_are_measured_beside_the_reported_set(model, sets) -> None:
    both = ScoredSets(model, *sets, resamples=99, seed=1)
    both.head = Choice(PLANTED, 1, 1.0)
    found = control_head(both, {"silent": cases(start=16, count=4)})
    assert [one.name for one in found.controls] == ["reported", "silent"]
    assert [one.variant for one in found.habits.measures] == ["the head's habit", "uniform"]
    assert len(found.wrong_queries) == 4
    assert found.problems == ()


class LookingBack(PlantedModel):
    """The planted head, turned round: the noun that is meant looks at "it"."""

    def read(self, inputs: Inputs, **given: Any) -> Reading:
        reading = super().read(inputs, **given)
        if "encoder" in reading.maps:
            planted = reading.maps["encoder"][LAYER, :, HEAD]
            for noun in (FIRST, SECOND):
                planted[:, noun, IT] = planted[:, IT, noun]
                planted[:, IT, noun] = 0.02
        return reading


def test_a_head_whose_nouns_look_at_it_has_controls_as_well(model, sets) -> None:
    back = LookingBack(model.model, model.tokenizer, name="back")
    measure = replace(PLANTED, route="E←")
    both = ScoredSets(back, *sets, resamples=99, seed=1)
    both.head = Choice(measure, 1, 1.0)
    found = control_head(both, {"silent": cases(start=16, count=4)})
    assert found.problems == ()
    assert found.habits is not None
    right = items_right(found.habits.gold, found.habits.distractor).mean(axis=1)
    assert right.tolist() == [0.5, 0.5]
    assert [one.measure.variant for one in found.wrong_queries] == [
        "conjunction", "was", "cue", "stop",
    ]  # fmt: skip
    assert all(one.accuracy < 0.9 for one in found.wrong_queries)
    reported, silent = found.controls
    assert reported.accuracy is not None
    assert silent.accuracy is not None
    assert reported.mass.value == pytest.approx(0.95)
    assert reported.accuracy.value == 1


def test_both_ways_are_the_mean_of_one_way_and_the_other(model, sets) -> None:
    test = sets[1]
    maps = head_maps(model, test, PLANTED)
    found = {
        route: wrong_query_scores(test, maps, replace(PLANTED, route=route))
        for route in ("E→", "E←", "E↔")
    }
    forth, back, both = (one for one in found.values() if one is not None)
    assert both.gold == pytest.approx((forth.gold + back.gold) / 2)
