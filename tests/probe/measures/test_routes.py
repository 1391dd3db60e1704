"""Which measures a set has: decided for all of it, and contributions only where they are cheap."""

from dataclasses import replace

import numpy as np

from seq2seq.probe.items.placement import place_cases
from seq2seq.probe.measures.routes import score_routes
from tests.probe.planted_model import cases, planted_model

MODEL = planted_model()
SOME = place_cases(MODEL, cases(start=0, count=3)).placed


def test_measures_are_those_of_all_cases_however_they_lie_in_batches(monkeypatch) -> None:
    one = replace(SOME[4], words={k: v for k, v in SOME[4].words.items() if k != "cue"})
    mixed = (*SOME[:4], one, SOME[5])
    together = score_routes(MODEL, mixed)
    monkeypatch.setattr("seq2seq.probe.items.placement.MOST_TEXTS", 1)
    apart = score_routes(MODEL, mixed)
    assert apart.scores.measures == together.scores.measures
    assert "Ec→" not in {measure.route for measure in apart.scores.measures}
    assert "Ec→: some cases name no cue" in apart.skipped
    assert np.allclose(apart.scores.gold, together.scores.gold, atol=1e-5)


def test_contributions_of_long_texts_are_weighed_only_if_they_are_asked_for(monkeypatch) -> None:
    monkeypatch.setattr("seq2seq.probe.measures.routes.MOST_VECTORS", 100)
    plain, asked, never = (
        score_routes(MODEL, SOME, contributions=wanted) for wanted in (None, True, False)
    )
    weighed = [
        "alti" in {measure.variant for measure in one.scores.measures}
        for one in (plain, asked, never)
    ]
    assert weighed == [False, True, False]
    (said,) = plain.skipped
    assert said.startswith("alti: left out, since texts of up to")
    assert asked.skipped == never.skipped == ()


def test_only_so_many_layers_are_run_where_nothing_else_is_measured() -> None:
    plain = [replace(one, decision=None) for one in SOME]
    first, whole = (score_routes(MODEL, plain, contributions=True, layers=n) for n in (1, None))
    assert {one.layer for one in first.scores.measures} == {0}
    assert {one.layer for one in whole.scores.measures} == {0, 1}
    rows = [whole.scores.measures.index(one) for one in first.scores.measures]
    assert np.allclose(first.scores.gold, whole.scores.gold[rows], atol=1e-6)
    assert (
        score_routes(MODEL, SOME, layers=1).scores.measures
        == score_routes(MODEL, SOME).scores.measures
    )
