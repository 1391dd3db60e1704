"""The whole protocol on a planted head and on its twin that looks where a hash says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from seq2seq.errors import DataError
from seq2seq.probe.causes.search import Causes
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.placement import place_cases
from seq2seq.probe.measures.routes import rollout, score_routes
from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.model.contributions import rolled
from seq2seq.probe.report.item_record import read_record
from seq2seq.probe.report.parts import caveats, differences_of, several_sets_text
from seq2seq.probe.report.provenance import cases_hash, weights_hash
from seq2seq.probe.report.result import Study, StudySpec
from seq2seq.probe.report.text import to_json, to_markdown, to_text, write_study
from seq2seq.probe.report.wording import in_words
from seq2seq.probe.statistics.choosing_set import ChoosingSet
from seq2seq.probe.study import probe_model
from tests.probe.planted_model import HEAD, LAYER, cases, planted_model
from tests.probe.planted_scores import confirmed

SPEC = StudySpec("test", "dev", resamples=999, random_twins=2)
PLANTED = Measure("E→", "raw", "encoder", LAYER, HEAD)


def study(*, honest: bool) -> Study:
    model = planted_model(honest=honest)
    dev, test = cases(start=0, count=30), cases(start=30, count=40)
    spec = replace(SPEC, causal=honest)
    return probe_model(model, dev, test, spec=spec, unrelated=cases(start=70, count=2))


@pytest.fixture(scope="module")
def found() -> Study:
    return study(honest=True)


def test_a_planted_head_is_chosen_on_dev_and_confirmed_on_test(found: Study) -> None:
    assert found.chosen.measure == PLANTED
    assert found.chosen.sign == 1
    assert (found.finding.accuracy, found.finding.pair) == (1, 1)
    assert confirmed(found.finding, 0.01)
    assert found.finding.selectivity is not None
    assert found.finding.selectivity > 0.2


def test_its_twin_that_looks_elsewhere_is_not_found() -> None:
    twin = study(honest=False)
    assert twin.finding.accuracy < 0.75
    assert not confirmed(twin.finding, 0.01)
    assert not twin.verdict.visible.shown


def test_models_with_random_weights_and_blind_rules_stand_beside_it(found: Study) -> None:
    assert len(found.verdict.random) == 2
    assert all(one.accuracy.value < 0.9 for one in found.verdict.random)
    assert found.verdict.visible.shown
    by_name = {one.measure.variant: one for one in found.baselines}
    assert (by_name["first"].accuracy, by_name["first"].pair) == (0.5, 0)


def test_every_route_has_its_own_choice(found: Study) -> None:
    routes = [one.measure.route for one in found.by_route]
    assert routes == [
        "E→", "E←", "E↔", "Ec→", "X", "D", "CH", "CH direct", "CH via it", "CH via cue",
        "CH via others",
    ]  # fmt: skip


def test_the_paths_of_a_chain_add_up_to_the_chain() -> None:
    model = planted_model()
    scores = score_routes(model, place_cases(model, cases(start=0, count=4)).placed).scores
    rows = {one: number for number, one in enumerate(scores.measures)}
    for layer in range(2):
        parts = [
            scores.gold[rows[Measure(f"CH {path}", "raw", "", layer, None)]]
            for path in ("direct", "via it", "via cue", "via others")
        ]
        whole = scores.gold[rows[Measure("CH", "raw", "", layer, None)]]
        assert np.allclose(sum(parts), whole, atol=1e-6)


def test_a_noun_that_looks_is_read_in_its_own_row() -> None:
    model = planted_model()
    placed = place_cases(model, cases(start=0, count=1)).placed
    scores = score_routes(model, placed).scores
    maps = model.read(model.inputs([one.source.ids for one in placed], [(2,)] * 2)).maps["encoder"]
    row = scores.measures.index(Measure("E←", "raw", "encoder", 0, 3))
    by_hand = [float(maps[0, n, 3, one.nouns[0][0], one.words["it"][0]])
               for n, one in enumerate(placed)]  # fmt: skip
    assert scores.gold[row].tolist() == pytest.approx(by_hand, rel=1e-5)


def test_rollout_worked_by_hand() -> None:
    first = torch.tensor([[0.0, 1.0], [0.5, 0.5]])
    second = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    rolled = rollout(torch.stack([first, second])[:, None, None])
    assert torch.allclose(rolled[0, 0, 0], torch.tensor([[0.5, 0.5], [0.25, 0.75]]))
    assert torch.allclose(rolled[1, 0, 0], torch.tensor([[0.5, 0.5], [0.375, 0.625]]))


def test_contributions_are_scored_on_the_way_to_it_and_to_the_decision() -> None:
    model = planted_model()
    placed = place_cases(model, cases(start=0, count=1)).placed
    scores = score_routes(model, placed).scores
    inputs = model.inputs([one.source.ids for one in placed], [(2,)] * 2)
    rows = rolled(model.read(inputs, contributions=True).contributions["encoder"])
    row = scores.measures.index(Measure("E→", "alti", "encoder", 1, None))
    by_hand = [float(rows[1, n, one.words["it"][0], one.nouns[0][0]])
               for n, one in enumerate(placed)]  # fmt: skip
    assert scores.gold[row].tolist() == pytest.approx(by_hand, rel=1e-4)
    assert Measure("X", "alti", "cross", 1, None) in scores.measures


def test_a_model_without_defined_contributions_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seq2seq.probe.model.contributions._is_after", lambda _: None)
    model = planted_model()
    found = score_routes(model, place_cases(model, cases(start=0, count=1)).placed)
    assert any(line.startswith("alti: ") and "a norm of" in line for line in found.skipped)
    assert not [one for one in found.scores.measures if one.variant == "alti"]


def test_items_that_are_chosen_on_and_reported_are_refused() -> None:
    same = cases(start=0, count=4)
    with pytest.raises(DataError, match="8 cases stand in both sets"):
        probe_model(planted_model(), same, same, spec=SPEC)
    renamed = [replace(one, id=f"again {one.id}") for one in same]
    with pytest.raises(DataError, match="all 8 items left out: the set to choose on asks"):
        probe_model(planted_model(), same, renamed, spec=SPEC)


def test_the_report_is_written_for_machines_and_for_a_card(found: Study, tmp_path: Path) -> None:
    write_study(found, tmp_path / "probe")
    stored = json.loads((tmp_path / "probe/probe.json").read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(to_json(found)))
    assert (stored["schema"], stored["finding"]["accuracy"]) == (2, 1)
    verdict = stored["verdict"]
    assert (verdict["visible"]["shown"], verdict["knows"], verdict["carried_by"]) == (
        True,
        False,
        None,
    )
    assert [verdict["by_head"][how] for how in ("needed", "followed")] == [False, False]
    assert verdict["short"] == "shown, at chance"
    card = (tmp_path / "probe/probe.md").read_text(encoding="utf-8")
    assert card == to_markdown(found)
    assert "| ★ E→ raw | 1 | 2 | 100.0 % [91.2, 100.0] | 100.0% |" in card
    assert verdict["sentence"] in card
    assert "baseline nearest" in to_text(found)


def test_a_study_says_what_its_figures_hang_on(found: Study) -> None:
    assert found.provenance is not None
    assert found.provenance.seeds["draws"] == (SPEC.seed,)
    assert len(found.provenance.seeds["random weights"]) == SPEC.random_twins
    assert found.provenance.environment["versions"]["torch"]
    assert "eager" in found.provenance.attention
    assert any("corrected for their number" in line for line in caveats(found))
    assert to_json(found)["provenance"]["caveats"] == caveats(found)


def test_hashes_follow_weights_and_questions_and_nothing_else() -> None:
    model, asked = planted_model(), cases(start=0, count=4)
    assert weights_hash(model) == weights_hash(planted_model())
    assert weights_hash(model) != weights_hash(model.random_twin(1))
    assert cases_hash(asked) == cases_hash(cases(start=0, count=4))
    assert cases_hash(asked) != cases_hash(asked[::-1])


def test_every_item_is_written_with_its_knock_outs(found: Study, tmp_path: Path) -> None:
    write_study(found, tmp_path)
    items = read_record(tmp_path / "items.jsonl")
    assert [item["id"] for item in items] == [case.id for case in cases(start=30, count=40)]
    names = {effect.name for effect in found.verdict.causes.effects}
    assert names <= items[0]["knock_outs"].keys()
    assert {"it→gold, chosen head", "head ablated (mean)"} <= items[0]["knock_outs"].keys()
    assert np.mean([item["right"] for item in items]) == found.finding.accuracy
    off = np.array([item["knock_outs"]["it off"] for item in items])
    by_name = {effect.name: effect for effect in found.verdict.causes.effects}
    assert np.mean(off > 0) == pytest.approx(by_name["it off"].accuracy.value)
    assert items[0]["scores"]["E→ raw encoder layer 1 head 2"] == pytest.approx([0.9, 0.05])


def test_the_pronouns_own_knock_outs_are_shown_with_their_controls(found: Study) -> None:
    by_name = {effect.name: effect for effect in found.verdict.causes.effects}
    for name in ("it off", "it→nouns", "it⇄nouns", "decision→it"):
        assert by_name[name].matched is not None
        assert in_words(name) in to_text(found)


def test_the_head_stands_beside_its_habit_and_other_queries(found: Study) -> None:
    names = {one.measure.variant for one in found.baselines}
    # Its nouns have one piece each, and neither gender nor role: such rules do not apply.
    assert names == {
        "first", "nearest", "subject", "noun prior", "cue only, place", "the head's habit",
        "uniform",
    }  # fmt: skip
    assert [one.measure.variant for one in found.wrong_queries][:2] == ["conjunction", "was"]


def test_an_accuracy_is_parted_by_whether_the_model_is_right(found: Study) -> None:
    assert found.record.preference is not None
    wrong, right = (
        [case for case, one in zip(found.record.cases, found.record.preference > 0, strict=True)
         if one == good]
        for good in (False, True)
    )  # fmt: skip
    spec = StudySpec("test", "dev", resamples=99, random_twins=0, causal=False)
    found = probe_model(planted_model(), cases(start=0, count=8), [*right, *wrong[:10]], spec=spec)
    parts = [one for one in found.parts.by_tag if one.tag == "preferred translation"]
    assert [(one.value, one.items) for one in parts] == [("not right", 10), ("right", len(right))]
    assert [one.accuracy for one in parts] == [1, 1], "the planted head is right everywhere"
    (difference,) = found.parts.differences
    assert (difference.one, difference.other) == ("right", "not right")
    assert difference.difference.value == 0
    assert "by preferred translation: not right 100.0 % [69.2, 100.0] of 10" in to_text(found)


def test_an_unrelated_sentence_without_a_place_is_counted_and_stops_nothing() -> None:
    dev, test, (lost, kept) = cases(start=0, count=4), cases(start=4, count=4), cases(
        start=8, count=1
    )  # fmt: skip
    silent = replace(lost, correct=frozenset(), good=None)
    spec = StudySpec("test", "dev", resamples=99, random_twins=0)
    found = probe_model(planted_model(), dev, test, spec=spec, unrelated=[silent, kept])
    assert found.verdict.causes.without_head is not None
    assert found.verdict.causes.without_head.elsewhere is not None
    assert any("1 unrelated sentences left out" in line for line in found.problems)


def test_a_set_to_choose_on_is_scored_once_for_all_sets_that_are_reported(monkeypatch) -> None:
    model, asked = planted_model(), list[int]()

    def counted(model, placed, **given):
        asked.append(len(placed))
        return score_routes(model, placed, **given)

    monkeypatch.setattr("seq2seq.probe.statistics.choosing_set.score_routes", counted)
    monkeypatch.setattr("seq2seq.probe.statistics.scored_sets.score_routes", counted)
    choosing = ChoosingSet(model, cases(start=0, count=30))
    spec = StudySpec("test", "dev", resamples=99, random_twins=1, causal=False)
    one, two = (
        probe_model(model, choosing, cases(start=start, count=10), spec=spec, left_out=["3 lines"])
        for start in (30, 50)
    )
    assert asked == [60, 20, 60, 20, 20, 20], "twice the set to choose on: model, and its twin"
    assert one.chosen == two.chosen
    assert one.finding.accuracy == 1
    assert "3 lines" in to_markdown(one)
    assert "3 lines" in to_text(one)
    assert "3 lines" in to_json(one)["problems"]


def test_items_that_the_set_to_choose_on_asks_under_another_id_are_left_out() -> None:
    dev, test = cases(start=0, count=20), cases(start=20, count=10)
    same = [replace(case, id=f"again {case.id}", cluster="again") for case in dev[:3]]
    spec = StudySpec("test", "dev", resamples=49, random_twins=0, causal=False)
    found = probe_model(planted_model(), dev, [*test, *same], spec=spec)
    assert found.items == (40, 20)
    assert "3 items left out: the set to choose on asks the same of the same text" in found.problems


def test_a_route_or_a_head_that_is_asked_for_is_chosen_among(found: Study) -> None:
    model = planted_model()
    choosing = ChoosingSet(model, cases(start=0, count=20))
    spec = replace(SPEC, random_twins=0, causal=False, resamples=49, only=("X", None, None))
    across = probe_model(model, choosing, cases(start=30, count=10), spec=spec)
    assert across.chosen.measure.route == "X"
    other = replace(spec, only=(None, LAYER, HEAD - 1))
    one = probe_model(model, choosing, cases(start=30, count=10), spec=other)
    assert one.chosen.measure != PLANTED
    assert (one.chosen.measure.layer, one.chosen.measure.head) == (LAYER, HEAD - 1)
    with pytest.raises(DataError, match=r"none of [\d,]+ measures is of head 9.9, needed one"):
        probe_model(
            model, choosing, cases(start=30, count=10), spec=replace(spec, only=(None, 9, 9))
        )


def test_gap_answers_cover_undecided_items_and_parts_have_figures(tmp_path: Path) -> None:
    def as_gap(number: int, case: Case) -> Case:
        names = [replace(one, role=role) for one, role in zip(case.candidates, "AB", strict=True)]
        tags = (f"gender={'MF'[number % 2]}",)
        return replace(case, candidates=tuple(names), tags=tags, good=None, bad=None, cue=None)

    items = [as_gap(n, case) for n, case in enumerate(cases(start=30, count=10))]
    neither = [replace(items[0], id="neither", correct=frozenset(), cluster="one more")]
    spec = replace(SPEC, random_twins=0, kind="gap", resamples=49)
    found = probe_model(planted_model(), cases(start=0, count=20), [*items, *neither], spec=spec)
    assert found.chosen.measure == PLANTED
    overall, masculine, feminine = found.parts.gap
    assert (overall.true_positives, overall.false_positives, overall.false_negatives) == (20, 1, 0)
    assert (masculine.f1, feminine.f1) == (pytest.approx(20 / 21), 1)
    assert found.parts.gap_answers["neither"] == "A", "its cue says the first"
    assert [(one.value, one.items) for one in found.parts.by_tag] == [("F", 10), ("M", 10)]
    write_study(found, tmp_path)
    assert (tmp_path / "gap-answers.tsv").read_text("utf-8").count("\n") == 21
    assert json.loads((tmp_path / "probe.json").read_text("utf-8"))["parts"]["gap"][0]["f1"] > 0.97
    assert "by gender: F 100.0 %" in to_text(found)
    assert "F1 as the scorer of GAP counts it" in to_markdown(found)


def test_what_a_stereotype_helps_is_the_difference_of_two_sets() -> None:
    spec = replace(SPEC, random_twins=0, causal=False, resamples=49)
    choosing = ChoosingSet(planted_model(), cases(start=0, count=20))
    studies = []
    for side in ("pro", "anti"):
        items = [replace(c, tags=(f"stereotype={side}",)) for c in cases(start=30, count=10)]
        if side == "anti":  # half of them answered the other way
            items = [replace(c, correct=frozenset({0})) if n % 4 < 2 else c
                     for n, c in enumerate(items)]  # fmt: skip
            items = [replace(c, pair="") for c in items]
        one = replace(spec, name=f"{side}_stereotyped_type1.txt")
        studies.append(probe_model(planted_model(), choosing, items, spec=one))
    (found,) = differences_of(studies)
    assert (found.one, found.other) == ("pro_stereotyped_type1.txt", "anti_stereotyped_type1.txt")
    assert found.difference.value == pytest.approx(0.25)
    assert "pro_stereotyped_type1.txt − anti_stereotyped_type1.txt: +25.0" in several_sets_text(
        studies
    )
    assert differences_of(studies[:1]) == ()


def test_a_text_says_what_is_known_of_its_items_and_no_more(found: Study) -> None:
    assert "made by rule" not in to_markdown(found)
    known = replace(found, spec=replace(found.spec, origin="taken from Wikipedia"))
    assert "The items are taken from Wikipedia; other text may differ." in to_markdown(known)
    silent = replace(found, verdict=replace(found.verdict, causes=Causes()))
    assert "nothing was hidden" in to_markdown(silent)
