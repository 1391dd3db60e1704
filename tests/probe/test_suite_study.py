"""Suites as probe sets: planted models that are seen through them, and what a suite must name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seq2seq.context import ContextFormat, SideFormat
from seq2seq.errors import DataError, ModelError
from seq2seq.evaluate.suites.contracat import read_contracat
from seq2seq.evaluate.suites.contrapro import read_contrapro
from seq2seq.evaluate.suites.ctxpro import read_ctxpro
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.formats.suite_items import KIND_OF_SUITE
from seq2seq.probe.items.placement import place_case, place_cases
from seq2seq.probe.items.sets import CaseSet, cases_of_suite, read_cases
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.result import StudySpec
from seq2seq.probe.suite_study import figures_of, probe_items, probe_suite
from tests.probe.linked_model import POINTING, WORKING, Link, Seen, linked_model
from tests.probe.planted_model import HEAD, LAYER, WORDS, cases, planted_model
from tests.probe.suite_files import record, written
from tests.stock_layouts import nllb

SPEC = StudySpec("ContraPro", "", resamples=49, random_twins=0)
PLAIN = replace(SPEC, causal=False)


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> CaseSet:
    path = written(
        tmp_path_factory.mktemp("suite"), [record(one) for one in cases(start=0, count=36)]
    )
    return probe_items(read_contrapro(path), path)


def test_contrapro_s_json_gives_the_questions_that_were_planted(items: CaseSet) -> None:
    planted = cases(start=0, count=36)
    assert (len(items.cases), items.problems) == (len(planted), ())
    for found, case in zip(items.cases, planted, strict=True):
        assert (found.text, found.pronoun, found.gold) == (case.text, case.pronoun, case.gold)
        assert [one.span for one in found.candidates] == [one.span for one in case.candidates]
        assert (found.good, found.bad) == (case.good, case.bad), "the other noun's pronoun"


def test_a_planted_link_is_seen_through_the_suite_on_items_it_was_not_chosen_on(
    items: CaseSet,
) -> None:
    shown = probe_suite(planted_model(), items, PLAIN)
    assert (shown.finding.measure.layer, shown.finding.measure.head) == (LAYER, HEAD)
    assert shown.verdict.visible.shown
    reported = {case.cluster for case in shown.record.cases}
    others = {case.cluster for case in items.cases} - reported
    assert sum(case.cluster in others for case in items.cases) == shown.items[0] == 24
    assert shown.items[1] == 48
    figures = figures_of(shown)
    assert figures.lines[0].startswith("In short: Attention (encoder layer 1 head 2) shows")
    assert (figures.items, figures.verdict["visible"]["shown"]) == (48, True)


def test_of_a_head_that_looks_anywhere_nothing_is_seen(items: CaseSet) -> None:
    assert not probe_suite(planted_model(honest=False), items, PLAIN).verdict.visible.shown


@pytest.mark.parametrize(("head", "used"), [(POINTING, True), (WORKING, False)])
def test_a_link_is_used_only_where_the_answer_hangs_on_it(
    items: CaseSet, head: tuple[int, int], used: bool
) -> None:
    def nearer(seen: Seen) -> float:
        return seen["it"][0] - seen["it"][1]

    verdict = probe_suite(linked_model(Link("it", head=head), rule=nearer), items, SPEC).verdict
    assert verdict.causes.by_head is not None
    assert verdict.causes.by_all_heads is not None
    assert (verdict.causes.by_head.used, verdict.causes.by_all_heads.used) == (used, True)


def test_a_model_of_many_languages_is_told_those_of_the_suite(
    items: CaseSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, told = StockModel.load(nllb(tmp_path / "nllb")), []

    def probe(model: StockModel, *_: Any, **__: Any) -> None:
        told.append((model.tokenizer.src_lang, model.tokenizer.tgt_lang))

    monkeypatch.setattr("seq2seq.probe.suite_study.probe_model", probe)
    before = model.tokenizer.tgt_lang
    probe_suite(model, items, SPEC, languages=("en", "de"))
    assert told == [("eng_Latn", "deu_Latn")]
    assert model.tokenizer.tgt_lang == before
    with pytest.raises(ModelError, match="'ja'"):
        probe_suite(model, items, SPEC, languages=("en", "ja"))


def test_what_an_item_lacks_is_counted(tmp_path: Path) -> None:
    plain = [record(one) for one in cases(start=0, count=4)]
    plain[0]["src segment"] = "the noun0 saw it because it was big ."
    plain[1]["ante distance"] = 1
    plain[2]["src segment"] = plain[2]["src segment"].replace("the noun3", "a one")
    plain[3]["errors"] = plain[3]["errors"][:1]
    found = read_cases(written(tmp_path, plain))
    assert found.kind == "contrapro"
    assert len(found.cases) == 4
    assert set(found.problems) == {
        "1 left out: the pronoun does not stand just once in its sentence (first: item 1)",
        "1 left out: the antecedent does not stand just once in a sentence that is given "
        "(first: item 2)",
        "1 left out: no other noun is found in the text (first: item 3)",
        "1 left out: no wrong translation has the pronoun of the other noun (first: item 4)",
    }


def test_a_noun_of_no_item_is_known_by_its_article_and_never_by_less(tmp_path: Path) -> None:
    one = record(cases(start=0, count=1)[0])
    for text, noun in (
        ("the noun0 saw the crane because it was big .", "crane"),
        ("the noun0 saw the big crane because it was big .", None),
        ("the noun0 saw crane because it was big .", None),
    ):
        path = written(tmp_path, [one | {"src segment": text}])
        if noun is None:
            with pytest.raises(DataError, match="no other noun is found"):
                read_cases(path)
        else:
            (case,) = read_cases(path).cases
            assert case.candidates[1].text == noun
            assert case.bad == one["errors"][0]["contrastive"], "the first of several"


def test_a_suite_that_names_no_antecedent_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    for code, text in (("en", "It is old .\n" * 2), ("de", "Er ist alt .\nSie ist alt .\n")):
        (tmp_path / f"dev.{code}").write_text(text, encoding="utf-8")
    (tmp_path / "dev.groups").write_text("0\n", encoding="utf-8")
    suite = read_contrapro(tmp_path / "dev")
    for one in (suite, replace(suite, name="Another")):
        with pytest.raises(DataError, match=f"{one.name}: .* name no pronoun and no antecedent"):
            cases_of_suite(one, tmp_path / "dev")


def test_a_suite_that_nobody_said_the_kind_of_is_given_none(tmp_path: Path) -> None:
    path = written(tmp_path, [record(one) for one in cases(start=0, count=2)])
    suite = read_contrapro(path)
    assert cases_of_suite(suite, path).kind == "contrapro"
    with pytest.raises(DataError) as refused:
        cases_of_suite(replace(suite, name="Another"), path)
    said = str(refused.value)
    assert said.startswith("Another: a suite of no known kind of items, needed ContraPro, ")
    assert all(name in said for name in KIND_OF_SUITE)


def test_too_few_clusters_are_refused_with_why(tmp_path: Path) -> None:
    path = written(tmp_path, [record(one) for one in cases(start=0, count=3)])
    with pytest.raises(DataError, match="can use 6 items in 3 clusters, needed 4 clusters"):
        probe_items(read_contrapro(path), path)


def test_ctxpro_and_contracat_give_questions_too(tmp_path: Path) -> None:
    planted = cases(start=0, count=2)
    records = [record(one) for one in planted]
    named = [one | {"expected": one["ref pronoun"], "rule": "gender"} for one in records]
    for one in named:
        del one["errors"]
    path = written(tmp_path, named, "gender.opensubtitles.en-de.dev.json")
    found = cases_of_suite(read_ctxpro(path), path)
    assert [case.text for case in found.cases] == [case.text for case in planted]
    assert {(case.good, case.bad) for case in found.cases} == {(None, None)}, "no wrong one to tell"
    assert read_cases(path).kind == "ctxpro"
    attack = tmp_path / "attack"
    attack.mkdir()
    written(attack, records)
    rows = [(case.text, text) for case in planted for text in (case.good, "x", case.bad)]
    (attack / "en.txt").write_text("".join(f"{one}\n" for one, _ in rows), encoding="utf-8")
    (attack / "de.txt").write_text("".join(f"{one}\n" for _, one in rows), encoding="utf-8")
    found = cases_of_suite(read_contracat(attack), attack)
    assert [case.gold for case in found.cases] == [case.gold for case in planted]


SEPARATOR = WORDS.index("weil")


def with_context(tmp_path: Path) -> tuple[Case, ...]:
    """The noun stands in the sentence before its pronoun."""
    records = [record(one) for one in cases(start=0, count=2)]
    for one in records:
        one |= {"src segment": "it was big .", "ante distance": 1}
    for code, line in (("en", "the noun0 saw the noun1 ."), ("de", "weil war .")):
        text = f"{line}\n" * (3 * 2)
        (tmp_path / f"contrapro.context.{code}").write_text(text, encoding="utf-8")
    return read_cases(written(tmp_path, records[:2])).cases


@pytest.mark.parametrize(("sentences", "target"), [(1, 0), (0, 0), (1, 1)])
def test_a_model_is_given_the_context_that_it_reads_and_no_more(
    tmp_path: Path, sentences: int, target: int
) -> None:
    (case, _) = with_context(tmp_path)
    assert case.text == "the noun0 saw the noun1 . it was big ."
    plain = planted_model()
    sides = SideFormat(sentences, (SEPARATOR,)), SideFormat(target, (SEPARATOR,))
    model = StockModel(plain.model, plain.tokenizer, name="m", context=ContextFormat(*sides))
    if not sentences or target:
        with pytest.raises(DataError, match=r"2 of 2 cases left out \(context.*0 of context"):
            place_cases(model, [case, replace(case, id="again")])
        return
    placed = place_case(model, case)
    sentence, before = (
        plain.tokenizer(text)["input_ids"] for text in ("it was big .", "the noun0 saw the noun1 .")
    )
    assert list(placed.source.ids) == sides[0].join(sides[0].context([before]), sentence)
    assert (placed.nouns, placed.words["it"]) == (((1,), (4,)), (7,))
    assert placed.source.spans[6] is None, "the separator stands for no character"
    alone = replace(case, starts=(), text="the noun0 saw the noun1 because it was big .")
    assert place_cases(model, [alone]).left_out == 0
