"""Free translations are those of a greedy search, knock-outs included; and are judged by item."""

from typing import Any

import pytest
import torch
import transformers as hf

from seq2seq.probe.access import StockModel
from seq2seq.probe.carrier import Knock, edges_of
from seq2seq.probe.cases import case_of_item
from seq2seq.probe.generation import (
    UNTOUCHED,
    Written,
    judgeable,
    score_written,
    translate_items,
    write_freely,
)
from seq2seq.probe.intervention import KnockOut
from seq2seq.probe.placed import Placed, inputs_of, place_cases
from seq2seq.pronouns.items import Item
from tests.probe.planted_model import cases, planted_model
from tests.probe.stock_models import scatter


@pytest.fixture(scope="module")
def writer() -> StockModel:
    """The planted model with weights that make it say something."""
    model = planted_model()
    scatter(model.model, seed=3)
    model.model.generation_config = hf.GenerationConfig(
        decoder_start_token_id=2, eos_token_id=2, pad_token_id=1, bos_token_id=0, num_beams=4
    )
    return model


def greedy(model: StockModel, one: Placed, knock: Knock | None) -> str:
    """Worked by hand: a whole pass for each piece."""
    inputs = inputs_of(model, [one])
    cuts = [] if knock is None else [KnockOut("encoder", edges_of(knock, [one], inputs))]
    written = [2]
    for _ in range(3 * len(one.source.ids) + 10):
        logits = model.read(model.inputs([one.source.ids], [written]), interventions=cuts).logits
        assert logits is not None
        written.append(int(logits[0, -1].argmax()))
        if written[-1] == 2:
            break
    return str(model.tokenizer.decode(written, skip_special_tokens=True)).strip()


@pytest.mark.parametrize("cut", [False, True])
def test_what_is_written_is_the_likeliest_piece_each_time(writer: StockModel, cut: bool) -> None:
    placed = place_cases(writer, cases(start=0, count=3)).placed
    knock = None
    if cut:
        knock = Knock("", "encoder", lambda one: (one.words["it"], ()), off=True)
    found = write_freely(writer, placed, knock)
    by_hand = [greedy(writer, one, knock) for one in placed]
    assert list(found.texts) == by_hand
    assert len(set(by_hand)) > 1  # it says something, and not always the same


def test_a_knock_out_is_kept_up_while_translating(writer: StockModel) -> None:
    placed = place_cases(writer, cases(start=0, count=6)).placed

    def everything(one: Placed) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return tuple(row for word in (*one.words.values(), *one.nouns) for row in word), ()

    knock = Knock("", "encoder", everything, off=True)
    assert write_freely(writer, placed, knock).texts != write_freely(writer, placed).texts


def test_what_does_not_end_is_counted(writer: StockModel, monkeypatch: Any) -> None:
    placed = place_cases(writer, cases(start=0, count=2)).placed
    monkeypatch.setattr(writer.model.generation_config, "eos_token_id", 63)
    assert write_freely(writer, placed).unfinished == len(placed)


def test_good_and_bad_translations_score_one_and_zero(es_items: dict[str, list[Item]]) -> None:
    items = es_items["T0"][:16]
    good, right = score_written("x", Written(tuple(one.good for one in items), 0), items)
    bad, wrong = score_written("x", Written(tuple(one.bad for one in items), 2), items)
    assert (good.accuracy.value, good.pair.value, good.quad.value) == (1, 1, 1)
    assert (bad.accuracy.value, bad.quad.value, bad.unfinished) == (0, 0, 2)
    assert (right.sum(), wrong.sum()) == (16, 0)
    assert good.score.coverage == bad.score.coverage == 1


def test_half_right_pairs_are_no_right_pairs(es_items: dict[str, list[Item]]) -> None:
    items = es_items["T0"][:16]
    first = {one.pair: one.id for one in reversed(items)}
    texts = tuple(one.good if first[one.pair] == one.id else one.bad for one in items)
    found, _ = score_written("x", Written(texts, 0), items)
    assert (found.accuracy.value, found.pair.value) == (0.5, 0)


def test_only_whole_quads_that_show_a_gender_are_judged(es_items: dict[str, list[Item]]) -> None:
    items = es_items["T0"][:8]
    by_id = {one.id: one for one in items}
    placed = [Placed(case_of_item(one), None, (), {}, (), None) for one in items]  # type: ignore[arg-type]
    assert judgeable(placed, by_id) == list(range(8))
    assert judgeable(placed[1:], by_id) == [3, 4, 5, 6]
    assert judgeable(placed, {}) == []


def test_a_set_that_is_not_of_the_corpus_has_no_free_translations(writer: StockModel) -> None:
    placed = place_cases(writer, cases(start=0, count=2)).placed
    assert translate_items(writer, placed, {}) is None
    assert UNTOUCHED == "untouched"
    assert torch.is_grad_enabled()
