"""Asking again with something knocked out: the same answers as a whole pass, and what it costs."""

import numpy as np
import pytest
import torch

from seq2seq.probe.causes.experiment import WORTH_CONTROL, Experiment, Trial, effects_of
from seq2seq.probe.causes.knock_outs import KnockOut, intervention_of
from seq2seq.probe.items.placement import inputs_of, place_cases
from seq2seq.probe.measures.routes import preference
from seq2seq.probe.statistics.two_way import Dependence
from tests.probe.linked_model import carrying_model
from tests.probe.planted_model import cases, planted_model
from tests.probe.stock_models import scatter


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    model = planted_model()
    scatter(model.model)  # with weights this far from 0 every row matters
    return Experiment(model, place_cases(model, cases(start=0, count=6)).placed)


@pytest.mark.parametrize(
    "name", ["it off", "cue→nouns", "nouns→was", "it⇄nouns", "decision→it", "decision→nouns"]
)
def test_a_knock_out_does_what_a_whole_pass_over_one_batch_does(
    experiment: Experiment, name: str
) -> None:
    knock_out, inputs = experiment.knock_outs[name], inputs_of(experiment.model, experiment.placed)
    cut = intervention_of(knock_out, experiment.placed, inputs)
    whole = preference(experiment.model.read(inputs, interventions=[cut]), experiment.placed)
    found = experiment.preferences(knock_out)
    assert found == pytest.approx(whole.numpy(), abs=1e-5)
    assert np.abs(found - experiment.intact).max() > 1e-4  # something was taken


def test_several_knock_outs_are_taken_at_once(experiment: Experiment) -> None:
    one, other = experiment.knock_outs["it off"], experiment.knock_outs["decision→cue"]
    inputs = inputs_of(experiment.model, experiment.placed)
    cuts = [intervention_of(each, experiment.placed, inputs) for each in (one, other)]
    whole = preference(experiment.model.read(inputs, interventions=cuts), experiment.placed)
    assert experiment.preferences(one, other) == pytest.approx(whole.numpy(), abs=1e-5)


def test_the_same_question_is_answered_once(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = experiment.preferences(experiment.knock_outs["was off"])

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(experiment.model, "read", refuse)
    assert experiment.preferences(experiment.knock_outs["was off"]) is first


def test_the_same_in_other_heads_is_another_question(experiment: Experiment) -> None:
    everywhere = experiment.knock_outs["it→nouns"]
    heads = torch.zeros(2, 4, dtype=torch.bool)
    heads[0, 0] = True
    here = KnockOut(everywhere.name, everywhere.stack, everywhere.look, heads=heads)
    found = experiment.preferences(here) - experiment.preferences(everywhere)
    assert np.abs(found).max() > 1e-5


def test_what_costs_nothing_needs_no_control_except_for_the_pronoun() -> None:
    model = carrying_model("was")
    experiment = Experiment(model, place_cases(model, cases(start=0, count=6)).placed)
    assert experiment.trial(experiment.knock_outs["was off"]).control is not None
    assert experiment.trial(experiment.knock_outs["cue off"]).control is None
    assert experiment.trial(experiment.knock_outs["it off"]).control is not None
    assert 0 < WORTH_CONTROL < 0.2


def dependence(items: int, size: int) -> Dependence:
    """Blocks of so many items, and nouns that stand in no two of them."""
    numbers = [str(number // size) for number in range(items)]
    return Dependence(tuple(numbers), tuple((number,) for number in numbers))


def test_a_cost_is_what_is_lost_and_its_control_beside_it() -> None:
    after = np.where(np.arange(40) % 4 < 2, -1.0, 1.0)
    control = np.where(np.arange(40) < 2, -1.0, 1.0)
    trials = [Trial("free", np.ones(40)), Trial("it off", after, control)]
    free, effect = effects_of(np.ones(40), trials, dependence(40, 2))
    assert (free.cost.value, free.control, free.matched, free.p) == (0, None, None, 1)
    assert effect.accuracy.value == 0.5
    assert effect.cost.value == 0.5
    assert effect.cost.interval.low > 0.2
    assert effect.control is not None
    assert (effect.control.value, effect.matched) == (0.05, 1)
    assert effect.change == 1.0
    assert effect.matters


def test_a_control_is_of_the_items_that_have_one_and_of_none_if_those_are_few() -> None:
    after, control = -np.ones(40), np.where(np.arange(40) < 10, -1.0, 1.0)
    half = np.where(np.arange(40) < 20, control, np.nan)
    few = np.where(np.arange(40) < 12, control, np.nan)
    (one,) = effects_of(np.ones(40), [Trial("", after, half)], dependence(40, 2))
    (other,) = effects_of(np.ones(40), [Trial("", after, few)], dependence(40, 2))
    assert (one.matched, one.control and one.control.value) == (0.5, 0.5)
    assert (other.matched, other.control) == (0.3, None)
    assert (one.matters, other.matters) == (False, True)


def test_intervals_of_many_knock_outs_are_those_of_each_alone_and_p_values_are_not() -> None:
    trials = [Trial(str(n), np.where(np.arange(40) % (n + 3) == 0, -1.0, 1.0)) for n in range(3)]
    together = effects_of(np.ones(40), trials, dependence(40, 2))
    alone = [effects_of(np.ones(40), [one], dependence(40, 2))[0] for one in trials]
    for one, other in zip(together, alone, strict=True):
        assert one.cost.interval.low == pytest.approx(other.cost.interval.low)
        assert one.accuracy.interval.high == pytest.approx(other.accuracy.interval.high)
    assert min(one.p for one in together) == pytest.approx(3 * min(one.p for one in alone))


def test_a_preference_of_exactly_zero_is_half_right() -> None:
    (effect,) = effects_of(np.ones(4), [Trial("", np.zeros(4))], dependence(4, 1))
    assert effect.accuracy.value == 0.5
