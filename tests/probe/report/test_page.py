"""From a study to a page: the same figures, the planted head, and a limit on its size."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers as hf

from seq2seq.probe.causes.knock_outs import PRONOUN
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.placement import place_cases
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.attention_page import show_text
from seq2seq.probe.report.item_record import item_fields
from seq2seq.probe.report.page import fitted, study_page, write_page
from seq2seq.probe.report.result import Study, StudySpec
from seq2seq.probe.report.text import to_json, to_markdown, to_text, write_study
from seq2seq.probe.report.verdict import answers, sentence
from seq2seq.probe.report.wording import in_words
from seq2seq.probe.study import probe_model
from seq2seq.text_table import Bar
from seq2seq.viewer.content import AttentionPage, Head
from seq2seq.viewer.page import attention_page, example_size
from tests.probe.planted_model import HEAD, LAYER, WORDS, cases, planted_model, word_tokenizer
from tests.probe.stock_models import scatter

MODEL = planted_model()
TEST = cases(start=30, count=16)
HOSTILE = "</script><img src=x onerror=window.hacked=1>\u202e"


@pytest.fixture(scope="module")
def study() -> Study:
    spec = StudySpec("test", "dev", resamples=199, random_twins=1)
    return probe_model(MODEL, cases(start=0, count=16), TEST, spec=spec)


@pytest.fixture(scope="module")
def page(study: Study) -> AttentionPage:
    return study_page(study, MODEL)


def test_the_page_opens_at_the_chosen_head_and_stars_it(page: AttentionPage) -> None:
    assert page.start == Head("encoder", LAYER, HEAD)
    grid = page.grids[0]
    assert (grid.stack, grid.name, grid.chosen) == ("encoder", "it → noun", (LAYER, HEAD))
    assert grid.accuracy[LAYER, HEAD] == 1
    assert grid.significant is not None
    assert np.argwhere(grid.significant).tolist() == [[LAYER, HEAD]]


@pytest.mark.parametrize(
    ("route", "variant", "name", "word", "read_by"),
    [
        ("E←", "raw", "noun → it", "pronoun", True),
        ("Ec→", "norm", "cue → noun, attention × value norm", "cue", False),
        ("E→", "alti", "it → noun, contributions of all layers (ALTI)", "pronoun", False),
    ],
)
def test_the_page_opens_at_the_measure_that_was_chosen_whichever_it_is(
    study: Study, route: str, variant: str, name: str, word: str, read_by: bool
) -> None:
    """Its figures, its head or layer, its word, and the way in which that was looked at."""
    found = next(
        one for one in study.table
        if (one.measure.route, one.measure.variant, one.measure.layer) == (route, variant, 1)
    )  # fmt: skip
    by_route = tuple(found if one.measure.route == route else one for one in study.by_route)
    page = study_page(replace(study, finding=found, by_route=by_route), MODEL)
    head = found.measure.head
    assert page.start == Head("encoder", 1, head)
    grid = page.grids[0]
    assert (grid.name, grid.word, grid.read_by) == (name, word, read_by)
    assert (grid.chosen, grid.by_head) == ((1, head or 0), head is not None)
    assert grid.accuracy[1, head or 0] == found.accuracy
    assert [one.name for one in page.grids].count(name) == 1
    line, *_ = re.findall(r'<p class="said">(.*?)</p>', attention_page(page))
    assert re.sub("<.*?>", "", line).startswith(
        {"E←": "“it” is read by: ", "E→": "“it” reads: ", "Ec→": "“"}[route]
    )
    maps_are_another = any("the maps show attention itself" in note for note in page.notes)
    assert maps_are_another == (variant != "raw")


def test_the_page_of_any_text_opens_at_the_head_that_the_probe_chose(
    study: Study, tmp_path: Path
) -> None:
    write_study(study, tmp_path / "probe" / "T1")
    probed = StockModel(MODEL.model, MODEL.tokenizer, name=str(tmp_path))
    page = show_text(probed, TEST[0].text, target=TEST[0].good)
    assert page.start == Head("encoder", LAYER, HEAD)
    assert any("that the probe chose on dev" in note for note in page.notes)


def test_every_route_and_knock_out_stands_there_with_the_figures_of_the_study(
    study: Study, page: AttentionPage
) -> None:
    routes = next(one for one in page.tables if one.head[0] == "route")
    place = {name: column for column, name in enumerate(routes.head)}
    shown = (*study.by_route, *study.baselines, *study.wrong_queries)
    for row, found in zip(routes.rows, shown, strict=True):
        assert found.measure.route in str(row[0])
        assert str(row[place["right noun"]]).startswith(f"{100 * found.accuracy:.1f} % [")
        assert row[place["pairs"]] == ("" if found.pair is None else f"{found.pair:.1%}")
    assert routes.chosen == 0
    effects = {one.name: one for one in study.verdict.causes.effects}
    cost = routes.rows[0][place["cost of removing it"]]
    assert isinstance(cost, Bar)
    assert cost.share == effects["it→nouns"].cost.value
    (removals,) = (one for one in page.tables if one.head[0] == "taken away")
    costs = [float(str(row[1])) for row in removals.rows]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] == round(100 * study.verdict.causes.effects[0].cost.value, 1)
    assert {in_words(name) for name in PRONOUN} <= {str(row[0]) for row in removals.rows}
    for table in page.tables:
        assert str(table) in to_text(study)


def test_the_planted_link_reaches_its_noun_in_the_bars_of_each_sentence(
    page: AttentionPage,
) -> None:
    for example in page.examples:
        for reading in example.readings:
            share = reading.shares[0]
            assert share.path == f"it → noun (encoder layer {LAYER} head {HEAD})"
            assert (share.correct, share.distractor) == pytest.approx((0.9, 0.05), abs=1e-3)


def test_the_page_says_what_the_verdict_says(study: Study, page: AttentionPage) -> None:
    assert page.findings == answers(study.verdict)
    lines = {one.question: one for one in page.findings}
    assert lines["In short:"].said == sentence(study.verdict)
    assert lines["Visible?"].answer == "yes"
    assert "prefers the antecedent in 100.0 % [73.5, 100.0] of 32 items" in (
        lines["Visible?"].detail
    )
    assert (lines["Used by the head?"].answer, lines["Used by the head?"].said) == (
        "no", "no, at chance",
    )  # fmt: skip
    assert lines["Carried by?"].said == "no word found"
    assert lines["Translated rightly?"].said == "at chance"


def test_examples_that_do_not_fit_are_left_out_and_counted(page: AttentionPage) -> None:
    twice = replace(page, examples=(page.examples[0], *page.examples))
    one = len(attention_page(replace(page, examples=page.examples[:1])).encode())
    small = fitted(twice, one + 500)
    assert small.examples == page.examples[:1]
    assert small.notes[-1].startswith(f"{len(page.examples)} more examples would have made")
    assert len(attention_page(small).encode()) <= one + 500
    smaller = fitted(page, one - 1)
    assert maps_in(smaller) == [1, 1], "each twin keeps the maps of its first cut"
    bare = tuple(
        replace(one, variants=tuple(replace(cut, panels=()) for cut in one.variants))
        for one in page.examples[0].readings
    )
    whole = replace(page, examples=(replace(page.examples[0], readings=bare),))
    least = fitted(page, len(attention_page(whole).encode()))
    assert maps_in(least) == [0, 0]
    assert all(v.preference is not None for r in least.examples[0].readings for v in r.variants)
    assert "no room for the maps of every knock-out" in least.notes[-1]
    assert len(fitted(page, 1).examples[0].readings) == 1
    assert fitted(page) == page
    both = len(attention_page(replace(page, examples=page.examples[:1] * 2)).encode())
    assert example_size(page.examples[0]) == both - one


def test_layers_and_heads_are_counted_from_zero_everywhere_and_that_is_said(
    study: Study, tmp_path: Path
) -> None:
    place = f"encoder layer {LAYER} head {HEAD}"
    said = "ayers and heads are counted from 0."
    for text in (to_text(study), to_markdown(study)):
        assert text.startswith((f"In short: Attention ({place}) shows", "## Pronoun probe"))
        assert place in text
        assert said in text
    html = write_page(study, MODEL, tmp_path).read_text(encoding="utf-8")
    assert f"({place}, attention) prefers" in html
    assert html.count(f"layer {LAYER}, head {HEAD}") > 0
    assert said in html
    grid = (tmp_path / "heads-encoder.svg").read_text(encoding="utf-8")
    layers, heads = MODEL.depth["encoder"], MODEL.heads["encoder"]
    assert re.findall(r">layer (\d+)<", grid) == [str(n) for n in range(layers)]
    assert ">head (from 0)<" in grid
    assert [str(n) for n in range(heads)] == re.findall(r">(\d+)</text>", grid)[:heads]
    assert to_json(study)["finding"]["measure"]["layer"] == LAYER
    assert f"E→ raw {place}" in next(item_fields(study.record))["scores"]


def test_words_of_a_set_cannot_act_in_the_page(study: Study, tmp_path: Path) -> None:
    hostile = place_cases(MODEL, [_renamed(case) for case in TEST]).placed
    named = replace(study, model=HOSTILE, problems=(HOSTILE,), placed=hostile)
    path = write_page(named, MODEL, tmp_path)
    html = path.read_text(encoding="utf-8")
    assert "<img" not in html
    assert "\u202e" not in html
    assert html.count("</script>") == 2
    assert not re.search(r"https?://", html)
    data = json.loads(re.search(r'id="data">(.*?)</script>', html, re.DOTALL)[1])  # type: ignore[index]
    assert "⟦U+202E⟧" in data["examples"][0]["readings"][0]["answers"][0]
    files = {one.name for one in tmp_path.iterdir()}
    assert {"probe.html", "heads-encoder.svg", "map-1.svg", "map-2.svg",
            "map-difference.svg"} <= files  # fmt: skip


@pytest.mark.parametrize(("config", "kind"), [("Bert", "encoder"), ("GPT2", "decoder")])
def test_a_model_that_writes_no_translation_has_its_one_stack_and_nothing_to_cut(
    config: str, kind: str
) -> None:
    model = one_stack(config)
    dev, test = cases(start=0, count=4), cases(start=30, count=4)
    spec = StudySpec("test", "dev", resamples=49, random_twins=0)
    page = study_page(probe_model(model, dev, test, spec=spec), model)
    for example in page.examples:
        for reading in example.readings:
            assert [panel.stack for panel in reading.panels] == [kind]
            assert (reading.variants, reading.preference, reading.output) == ((), None, None)
            assert {mark.role for mark in reading.marks} == {
                "pronoun", "correct", "distractor", "cue",
            }  # fmt: skip
    assert {grid.stack for grid in page.grids} == {kind}
    assert [one.head[0] for one in page.tables][-1] != "taken away"
    used = page.findings[2]
    assert (used.said, used.detail) == (
        "not measured", "there is no translation whose change would show it",
    )  # fmt: skip
    assert len(attention_page(page)) > 0


def one_stack(config: str) -> StockModel:
    """A small model of one stack, with random weights."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
             "vocab_size": len(WORDS)}  # fmt: skip
    family = hf.BertModel if config == "Bert" else hf.GPT2LMHeadModel
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = scatter(family(getattr(hf, f"{config}Config")(**sizes)))
    return StockModel(network, word_tokenizer(), name=config)


def maps_in(page: AttentionPage) -> list[int]:
    """Of each reading of the only example, how many knock-outs have maps."""
    (example,) = page.examples
    return [sum(bool(one.panels) for one in reading.variants) for reading in example.readings]


def _renamed(case: Case) -> Case:
    """The nouns of a case under another name; where they stand does not change."""
    nouns = tuple(replace(one, text=f"{one.text}{HOSTILE}") for one in case.candidates)
    return replace(case, candidates=nouns)


def test_chance_of_the_set_and_what_the_figures_stand_on_are_on_the_page(
    study: Study, page: AttentionPage
) -> None:
    notes = "\n".join(page.notes)
    assert f" in {study.finding.clusters:,} clusters, {study.finding.pairs:,} whole" in notes
    rows = {str(row[0]): [str(cell) for cell in row] for row in page.tables[0].rows}
    assert any(cell.startswith("50.0 % [") for cell in rows["baseline first"])
    assert any(cell.startswith("50.0 % [") for cell in rows["baseline nearest"])
