"""Asking again with something knocked out: the same answers as a whole pass, and what it costs."""

import numpy as np
import pytest
import torch

from seq2seq.probe.causes.experiment import WORTH_CONTROL, Experiment, Trial, effects_of
from seq2seq.probe.causes.knock_outs import edges_of
from seq2seq.probe.items.placement import inputs_of, place_cases
from seq2seq.probe.measures.routes import preference
from seq2seq.probe.model.interventions import BlockedEdges
from seq2seq.probe.statistics.bootstrap import accuracy_of
from tests.probe.carrying_model import carrying_model
from tests.probe.planted_model import cases, planted_model
from tests.probe.stock_models import scatter


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    model = planted_model()
    scatter(model.model)  # with weights this far from 0 every row matters
    return Experiment(model, place_cases(model, cases(start=0, count=6)).placed)


@pytest.mark.parametrize(
    "name", ["it off", "cue→nouns", "nouns→was", "decision→it", "decision→nouns"]
)
def test_a_knock_out_does_what_a_whole_pass_over_one_batch_does(
    experiment: Experiment, name: str
) -> None:
    knock_out, inputs = experiment.knock_outs[name], inputs_of(experiment.model, experiment.placed)
    cut = BlockedEdges(knock_out.stack, edges_of(knock_out, experiment.placed, inputs))
    whole = preference(experiment.model.read(inputs, interventions=[cut]), experiment.placed)
    found = experiment.preferences(knock_out)
    assert found == pytest.approx(whole.numpy(), abs=1e-5)
    assert np.abs(found - experiment.intact).max() > 1e-4  # something was taken


def test_several_knock_outs_are_taken_at_once(experiment: Experiment) -> None:
    one, other = experiment.knock_outs["it off"], experiment.knock_outs["decision→cue"]
    inputs = inputs_of(experiment.model, experiment.placed)
    cuts = [
        BlockedEdges(each.stack, edges_of(each, experiment.placed, inputs)) for each in (one, other)
    ]
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


def test_heads_are_no_part_of_what_is_remembered(experiment: Experiment) -> None:
    knock_out = experiment.knock_outs["it→nouns"]
    everywhere = experiment.preferences(knock_out)
    heads = torch.zeros(2, 4, dtype=torch.bool)
    heads[0, 0] = True
    assert np.abs(experiment.preferences(knock_out, heads=heads) - everywhere).max() > 1e-5


def test_what_costs_nothing_needs_no_control_except_for_the_pronoun() -> None:
    model = carrying_model("was")
    experiment = Experiment(model, place_cases(model, cases(start=0, count=6)).placed)
    assert experiment.trial(experiment.knock_outs["was off"]).control is not None
    assert experiment.trial(experiment.knock_outs["cue off"]).control is None
    assert experiment.trial(experiment.knock_outs["it off"]).control is not None
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
