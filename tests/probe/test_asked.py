"""Asking again with something knocked out: the same answers as a whole pass, and what it costs."""

import numpy as np
import pytest
import torch

from seq2seq.probe.asked import WORTH_CONTROL, Asked, Trial, accuracy_of, effects_of
from seq2seq.probe.carrier import edges_of
from seq2seq.probe.intervention import KnockOut
from seq2seq.probe.placed import inputs_of, place_cases
from seq2seq.probe.routes import preference
from tests.probe.carrying_model import carrying_model
from tests.probe.planted_model import cases, planted_model
from tests.probe.stock_models import scatter


@pytest.fixture(scope="module")
def asked() -> Asked:
    model = planted_model()
    scatter(model.model)  # with weights this far from 0 every row matters
    return Asked(model, place_cases(model, cases(start=0, count=6)).placed)


@pytest.mark.parametrize(
    "name", ["it off", "cue→nouns", "nouns→was", "decision→it", "decision→nouns"]
)
def test_a_knock_out_does_what_a_whole_pass_over_one_batch_does(asked: Asked, name: str) -> None:
    knock, inputs = asked.knocks[name], inputs_of(asked.model, asked.placed)
    cut = KnockOut(knock.stack, edges_of(knock, asked.placed, inputs))
    whole = preference(asked.model.read(inputs, interventions=[cut]), asked.placed)
    found = asked.preferences(knock)
    assert found == pytest.approx(whole.numpy(), abs=1e-5)
    assert np.abs(found - asked.intact).max() > 1e-4  # something was taken


def test_several_knock_outs_are_taken_at_once(asked: Asked) -> None:
    one, other = asked.knocks["it off"], asked.knocks["decision→cue"]
    inputs = inputs_of(asked.model, asked.placed)
    cuts = [KnockOut(each.stack, edges_of(each, asked.placed, inputs)) for each in (one, other)]
    whole = preference(asked.model.read(inputs, interventions=cuts), asked.placed)
    assert asked.preferences(one, other) == pytest.approx(whole.numpy(), abs=1e-5)


def test_the_same_question_is_answered_once(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    first = asked.preferences(asked.knocks["was off"])

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(asked.model, "read", refuse)
    assert asked.preferences(asked.knocks["was off"]) is first


def test_heads_are_no_part_of_what_is_remembered(asked: Asked) -> None:
    knock = asked.knocks["it→nouns"]
    everywhere = asked.preferences(knock)
    heads = torch.zeros(2, 4, dtype=torch.bool)
    heads[0, 0] = True
    assert np.abs(asked.preferences(knock, heads=heads) - everywhere).max() > 1e-5


def test_what_costs_nothing_needs_no_control_except_for_the_pronoun() -> None:
    model = carrying_model("was")
    asked = Asked(model, place_cases(model, cases(start=0, count=6)).placed)
    assert asked.trial(asked.knocks["was off"]).control is not None
    assert asked.trial(asked.knocks["cue off"]).control is None
    assert asked.trial(asked.knocks["it off"]).control is not None
    assert 0 < WORTH_CONTROL < 0.2


def test_a_cost_is_what_is_lost_and_its_control_beside_it() -> None:
    clusters = [str(number // 2) for number in range(40)]
    after = np.where(np.arange(40) % 4 < 2, -1.0, 1.0)
    control = np.where(np.arange(40) < 2, -1.0, 1.0)
    trials = [Trial("free", np.ones(40)), Trial("it off", after, control)]
    free, effect = effects_of(np.ones(40), trials, clusters=clusters)
    assert (free.cost.value, free.control) == (0, None)
    assert effect.accuracy.value == 0.5
    assert effect.cost.value == 0.5
    assert effect.cost.interval.low > 0.2
    assert effect.control is not None
    assert effect.control.value == 0.05
    assert effect.change == 1.0


def test_intervals_of_many_knock_outs_are_those_of_each_alone() -> None:
    clusters = [str(number // 2) for number in range(40)]
    trials = [Trial(str(n), np.where(np.arange(40) % (n + 2) == 0, -1.0, 1.0)) for n in range(3)]
    together = effects_of(np.ones(40), trials, clusters=clusters)
    alone = [effects_of(np.ones(40), [one], clusters=clusters)[0] for one in trials]
    for one, other in zip(together, alone, strict=True):
        assert one.cost.interval.low == pytest.approx(other.cost.interval.low)
        assert one.accuracy.interval.high == pytest.approx(other.accuracy.interval.high)
    assert accuracy_of(trials[0].after, clusters).value == 0.5


def test_a_preference_of_exactly_zero_is_half_right() -> None:
    (effect,) = effects_of(np.ones(4), [Trial("", np.zeros(4))], clusters=["a", "b", "c", "d"])
    assert effect.accuracy.value == 0.5
