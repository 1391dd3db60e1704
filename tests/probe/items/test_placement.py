from dataclasses import replace

import pytest
import torch
import transformers as hf

from seq2seq.errors import DataError, ModelError, SpanError
from seq2seq.probe.items.case import Mention
from seq2seq.probe.items.placement import batches_of, part_of, place_case, place_cases
from seq2seq.probe.model.stock_model import StockModel
from tests.probe.planted_model import (
    CUE,
    FIRST,
    IT,
    SECOND,
    WORDS,
    cases,
    planted_model,
    word_tokenizer,
)
from tests.probe.stock_models import build


def test_every_word_of_a_case_is_found_in_its_pieces() -> None:
    placed = place_case(planted_model(), cases(start=0, count=1)[1])  # "small": the second noun
    assert placed.nouns == ((SECOND,), (FIRST,))
    assert placed.words == {
        "it": (IT,), "was": (IT + 1,), "cue": (CUE,), "conjunction": (5,), "stop": (9,),
        "end": (10,), "before first noun": (0,), "after first noun": (2,),
        "before second noun": (3,),
    }  # fmt: skip
    assert placed.others == ((0,), (2,), (3,))


def test_the_decision_row_predicts_the_first_piece_that_differs() -> None:
    big = place_case(planted_model(), cases(start=0, count=1)[0])
    decision = big.decision
    assert decision is not None
    # Target: noun0 noun1 weil er|sie war . ; row 3 reads "weil" and predicts the pronoun.
    assert decision.row == 3
    assert (WORDS[decision.good], WORDS[decision.bad]) == ("er", "sie")
    assert [WORDS[piece] for piece in decision.prefix] == ["</s>", "noun0", "noun1", "weil"]
    assert decision.nouns == ((1,), (2,))


def test_translations_that_show_nothing_leave_no_decision() -> None:
    case = cases(start=0, count=1)[0]
    assert place_case(planted_model(), replace(case, bad=case.good)).decision is None


def test_a_noun_that_is_written_after_the_decision_cannot_be_looked_at() -> None:
    case = cases(start=0, count=1)[0]
    late = replace(case, good="er noun0 noun1", bad="sie noun0 noun1")
    spans = [replace(one, target_span=(3 + 6 * n, 8 + 6 * n)) for n, one in
             enumerate(case.candidates)]  # fmt: skip
    decision = place_case(planted_model(), replace(late, candidates=tuple(spans))).decision
    assert decision is not None
    assert decision.nouns is None


def test_cases_without_a_question_are_counted_and_said() -> None:
    good, other = cases(start=0, count=1)
    placing = place_cases(planted_model(), [good, replace(other, correct=frozenset())])
    assert [one.case.id for one in placing.placed] == [good.id]
    assert placing.left_out == 1
    assert "1 of 2 cases left out (no question)" in placing.problems[0]


def test_nothing_to_place_is_refused() -> None:
    with pytest.raises(DataError, match="none of 1 cases can be placed"):
        place_cases(planted_model(), [replace(cases(start=0, count=1)[0], pronoun=None)])


def test_a_translation_that_is_the_beginning_of_the_other_has_no_decision() -> None:
    case = replace(cases(start=0, count=1)[0], good="noun0 er", bad="noun0 er", pair="")
    assert place_case(planted_model(), case).decision is None
    with pytest.raises(SpanError, match="no question"):
        place_case(planted_model(), replace(case, correct=frozenset({0, 1})))


def test_batches_hold_few_weights_and_every_case_once(monkeypatch) -> None:
    model = planted_model()
    long = replace(cases(start=9, count=1)[0], good=None, bad=None)
    long = replace(long, text=long.text + " it was big" * 6)
    placed = place_cases(model, [long, *cases(start=0, count=4)]).placed
    lengths = [len(one.source.ids) for one in placed]
    heads, decision = 2 * 4, 4  # of each stack; rows of the decoder
    each = heads * (lengths[1] ** 2 + lengths[1] * decision + decision**2)
    monkeypatch.setattr("seq2seq.probe.items.placement.MOST_WEIGHTS", 3 * each)
    batches = batches_of(model, placed)
    assert sorted(number for batch in batches for number in batch) == list(range(9))
    assert [len(batch) for batch in batches] == [1, 2, 3, 3], "the longest first"
    assert batches[0] == [0], "one text that is larger alone is read alone"


def test_a_part_is_whole_clusters_and_says_so() -> None:
    placed = place_cases(planted_model(), cases(start=0, count=10)).placed
    pieces = len(placed[0].source.ids)
    whole, said = part_of(placed, 20 * pieces, seed=1)
    assert (whole, said) == (placed, "")
    part, said = part_of(placed, 7 * pieces, seed=1)
    assert len(part) == 6
    assert {one.case.cluster for one in part}.isdisjoint(
        {one.case.cluster for one in placed if one not in part}
    )
    assert said == "6 of 20 items, whole clusters drawn at random"
    assert part_of(placed, 7 * pieces, seed=2)[0] != part


def test_what_stands_behind_the_pronoun_is_not_asked_of_a_decoder_and_is_counted() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = hf.GPT2LMHeadModel(
            hf.GPT2Config(
                vocab_size=len(WORDS), n_embd=16, n_layer=2, n_head=2, n_positions=20,
                pad_token_id=1, bos_token_id=0, eos_token_id=2,
            )
        )  # fmt: skip
    model = StockModel(network, word_tokenizer(), name="decoder")
    plain = cases(start=0, count=2)
    first, second = plain[0].candidates
    turned = (second, Mention("it", plain[0].pronoun))
    before = replace(plain[0], id="before", pronoun=first.span, candidates=turned)
    long = replace(plain[1], id="long", text=plain[1].text + " it was big" * 4)
    found = place_cases(model, [*plain, before, long])
    assert (len(found.placed), found.left_out) == (4, 2)
    assert [problem.split(";")[0] for problem in found.problems] == [
        "1 of 6 cases left out (behind the pronoun)", "1 of 6 cases left out (too long)",
    ]  # fmt: skip
    assert "23 pieces, and the model has 20 positions" in found.problems[1]


@pytest.mark.parametrize(("family", "most"), [("roberta", 2), ("bert", 0), ("t5", None)])
def test_a_text_may_have_as_many_pieces_as_there_are_positions(family: str, most) -> None:
    network = build(family)
    model = StockModel(network, None, name=family)
    if most is None:
        assert model.most_pieces > 10**9, "T5 counts distances"
        return
    assert model.most_pieces == network.config.max_position_embeddings - most
    whole = torch.full((1, model.most_pieces), 3)
    model.read(model.inputs(whole.tolist()))
    with pytest.raises(ModelError, match="cannot read lines of"):
        model.read(model.inputs([[3] * (model.most_pieces + 1)]))
