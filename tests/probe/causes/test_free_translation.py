"""Free translations are those of a greedy search, knock-outs included; and are judged by item."""

from dataclasses import replace

import pytest
import torch
import transformers as hf

from seq2seq.probe.causes.free_translation import (
    UNTOUCHED,
    Written,
    judgeable,
    score_written,
    translate_items,
    write_freely,
)
from seq2seq.probe.causes.knock_outs import KnockOut, intervention_of
from seq2seq.probe.items.case import case_of_item
from seq2seq.probe.items.pieces import Pieces
from seq2seq.probe.items.placement import PlacedCase, inputs_of, place_cases
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.pronouns.items import Candidate, Item
from tests.probe.planted_model import WORDS, cases, planted_model, word_tokenizer

TALKATIVE, SILENT = 9, 0
"""Seeds of weights with which the planted model says much, and nothing."""


def writing_model(seed: int) -> StockModel:
    """The planted model with weights that make it say something; its file asks for beams."""
    model, draw = planted_model(), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn(weight.shape, generator=draw) * 0.5)
    model.model.generation_config = hf.GenerationConfig(
        decoder_start_token_id=2, eos_token_id=2, pad_token_id=1, bos_token_id=0, num_beams=4,
        bad_words_ids=[[1]],  # as trained models have it: padding has no place in a text
    )  # fmt: skip
    return model


@pytest.fixture(scope="module")
def writer() -> StockModel:
    return writing_model(TALKATIVE)


@pytest.fixture(scope="module")
def items() -> list[Item]:
    """Two quads in two blocks; "it" is the crane (m) where it is heavy, else the saw (f)."""
    return [item(quad, number) for quad in range(2) for number in range(4)]


def item(quad: int, number: int) -> Item:
    he = number % 2 == 0
    crane = Candidate("crane", "machine", "first kind", "m", (4, 9), (4, 8))
    saw = Candidate("saw", "tool", "second kind", "f", (22, 25), (17, 21))
    cue = "heavy" if he else "hungry"
    said = ["er", "sie"] if he else ["sie", "er"]
    good, bad = (f"Der Kran war bei der Säge, weil {word} war." for word in said)
    name = f"quad{quad}"
    return Item(
        id=f"{name}.{number}", quad=name, pair=f"{name}/{number // 2}", block=f"block{quad}",
        language="de", family="F2", schema="machine+tool", cue=cue, voice="near", split="T1",
        source=f"The crane was near the saw because it was {cue}.", pronoun=(35, 37),
        cue_span=(42, 42 + len(cue)), clause=(27, 42 + len(cue)), candidates=(crane, saw),
        gold=0 if he else 1, good=good, bad=bad, good_spans=((33, 35),), bad_spans=((33, 36),),
    )  # fmt: skip


def greedy(model: StockModel, one: PlacedCase, knock_out: KnockOut | None) -> str:
    """Worked by hand: a whole pass for each piece."""
    inputs = inputs_of(model, [one])
    cuts = [] if knock_out is None else [intervention_of(knock_out, [one], inputs)]
    written = [2]
    for _ in range(3 * len(one.source.ids) + 10):
        logits = model.read(model.inputs([one.source.ids], [written]), interventions=cuts).logits
        assert logits is not None
        logits[0, -1, 1] = -torch.inf
        written.append(int(logits[0, -1].argmax()))
        if written[-1] == 2:
            break
    return str(model.tokenizer.decode(written, skip_special_tokens=True)).strip()


@pytest.mark.parametrize("cut", [False, True])
def test_what_is_written_is_the_likeliest_piece_each_time(writer: StockModel, cut: bool) -> None:
    placed = place_cases(writer, cases(start=0, count=3)).placed
    knock_out = None
    if cut:
        knock_out = KnockOut("", "encoder", lambda one: (one.words["it"], ()), "alone")
    found = write_freely(writer, placed, knock_out)
    by_hand = [greedy(writer, one, knock_out) for one in placed]
    assert list(found.texts) == by_hand
    assert len(set(by_hand)) > 1  # it says something, and not always the same


def test_a_knock_out_is_kept_up_while_translating(writer: StockModel) -> None:
    placed = place_cases(writer, cases(start=0, count=6)).placed

    def everything(one: PlacedCase) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return tuple(row for word in (*one.words.values(), *one.nouns) for row in word), ()

    knock_out = KnockOut("", "encoder", everything, "alone")
    assert write_freely(writer, placed, knock_out).texts != write_freely(writer, placed).texts


def test_what_does_not_end_is_counted(writer: StockModel) -> None:
    placed = place_cases(writer, cases(start=0, count=2)).placed
    assert len(write_freely(writer, placed).unfinished) == 4
    silent = write_freely(writing_model(SILENT), placed)
    assert (silent.unfinished, set(silent.texts)) == (set(), {""})


def test_good_and_bad_translations_score_one_and_zero(items: list[Item]) -> None:
    good, right = score_written("x", Written(tuple(one.good for one in items)), items)
    bad, wrong = score_written(
        "x", Written(tuple(one.bad for one in items), frozenset({1, 5})), items
    )
    assert (good.accuracy.value, good.pair.value, good.quad.value) == (1, 1, 1)
    assert (bad.accuracy.value, bad.quad.value, bad.unfinished) == (0, 0, 2)
    assert (right.sum(), wrong.sum()) == (8, 0)
    assert good.score.coverage == bad.score.coverage == 1
    assert good.score.recall == {"f": 1, "m": 1}


def test_half_right_pairs_are_no_right_pairs(items: list[Item]) -> None:
    texts = tuple(one.good if one.cue == "heavy" else one.bad for one in items)
    found, _ = score_written("x", Written(texts), items)
    assert (found.accuracy.value, found.pair.value) == (0.5, 0)
    assert found.score.recall == {"f": 0, "m": 1}


def test_only_whole_quads_that_show_a_gender_are_judged(items: list[Item]) -> None:
    by_id = {one.id: one for one in items}
    placed = [PlacedCase(case_of_item(one), Pieces("", (), ()), ((), ()), {}, (), None)
              for one in items]  # fmt: skip
    assert judgeable(placed, by_id) == list(range(8))
    assert judgeable(placed[1:], by_id) == [3, 4, 5, 6]
    assert judgeable(placed, {}) == []
    by_id[items[0].id] = replace(items[0], bad=items[0].good)
    assert judgeable(placed, by_id) == [4, 5, 6, 7]


def test_translations_are_kept_by_knock_out_and_item(writer: StockModel, items: list[Item]) -> None:
    experiment = cases(start=0, count=4)
    placed = place_cases(writer, experiment).placed
    corpus = {
        one.case.id: replace(this, id=one.case.id) for one, this in zip(placed, items, strict=True)
    }
    knock_out = KnockOut("it off", "encoder", lambda one: (one.words["it"], ()), "alone")
    own = translate_items(writer, placed, corpus, [knock_out])
    assert own is not None
    assert [one.name for one in own.generated] == [UNTOUCHED, "it off"]
    assert list(own.written["it off"].values()) == list(
        write_freely(writer, placed, knock_out).texts
    )
    assert own.left_out == 0
    assert own.shown[UNTOUCHED].keys() == corpus.keys()


def test_a_set_that_is_not_of_the_corpus_has_no_free_translations(writer: StockModel) -> None:
    placed = place_cases(writer, cases(start=0, count=2)).placed
    assert translate_items(writer, placed, {}) is None


def test_a_t5_whose_decoder_is_deeper_than_its_encoder_writes() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = hf.T5ForConditionalGeneration(
            hf.T5Config(
                vocab_size=len(WORDS), d_model=16, d_kv=8, d_ff=16, num_layers=1,
                num_decoder_layers=3, num_heads=2, pad_token_id=1, eos_token_id=2,
                decoder_start_token_id=2,
            )
        )  # fmt: skip
    model = StockModel(network, word_tokenizer(), name="deep")
    placed = place_cases(model, cases(start=0, count=2)).placed
    assert len(write_freely(model, placed).texts) == 4
    assert not model.caches
    assert planted_model().caches
