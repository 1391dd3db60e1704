"""The oracle is `generate` of the stock class with the settings that make both programs agree."""

import itertools
import random
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, PreTrainedModel

from seq2seq.decode import beam
from seq2seq.decode.options import DecodeOptions, Hypothesis, Sampling
from seq2seq.families import Family
from seq2seq.model.config import build_config
from seq2seq.model.stock import save_model
from seq2seq.model.transformer import Transformer
from tests.decode.native import decode, force

LIMIT = 14


@dataclass(frozen=True)
class Pair:
    """A model of ours and the same weights in the stock class."""

    ours: Transformer
    stock: PreTrainedModel


def options(**changes: Any) -> DecodeOptions:
    return DecodeOptions(max_length_factor=0, max_length_offset=LIMIT, **changes)


def padded(rows: list[list[int]], pad_id: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [pad_id] * (longest - len(row)) for row in rows])


def generated(trained: Any, sources: list[list[int]], wanted: DecodeOptions) -> list[list[Any]]:
    """Ids, padding removed, and score of every hypothesis as `generate` finds them."""
    config = trained.ours.config
    source = padded(sources, config.pad_token_id)
    start = [config.decoder_start_token_id, *wanted.given]
    given = {"decoder_input_ids": torch.tensor([start] * len(sources))} if wanted.prefix else {}
    found = trained.stock.generate(
        **given,
        input_ids=source,
        attention_mask=(source != config.pad_token_id).long(),
        num_beams=wanted.beams,
        num_return_sequences=wanted.n_best,
        length_penalty=wanted.length_penalty,
        early_stopping=wanted.early_stopping if wanted.beams > 1 else None,
        no_repeat_ngram_size=wanted.no_repeat_ngram or None,
        min_new_tokens=max(0, wanted.min_length - wanted.uncounted) or None,
        max_new_tokens=wanted.max_length_offset - wanted.uncounted,
        max_length=None,
        bad_words_ids=[[config.pad_token_id], *map(list, wanted.forbidden)],
        renormalize_logits=wanted.renormalize,
        forced_bos_token_id=None if wanted.prefix else wanted.first_id,
        forced_eos_token_id=None,
        do_sample=False,
        return_dict_in_generate=True,
        output_scores=True,
    )
    rows = found.sequences[:, 1:].tolist()
    scores = found.sequences_scores.tolist() if wanted.beams > 1 else [None] * len(rows)
    eos, pad_id, hypotheses = config.eos_token_id, config.pad_token_id, []
    for row, score in zip(rows, scores, strict=True):
        end = row.index(eos) + 1 if eos in row else len(row)
        ids = tuple(row[:end])
        hypotheses.append((tuple(one for one in ids if one != pad_id), score))
    size = wanted.n_best
    return [hypotheses[first : first + size] for first in range(0, len(hypotheses), size)]


SEARCHES = [
    {"beams": 1},
    {"beams": 4},
    {"beams": 5, "n_best": 5},
    {"beams": 5, "length_penalty": 0.0},
    {"beams": 5, "length_penalty": 2.0, "n_best": 3},
    {"beams": 4, "length_penalty": 0.6, "n_best": 4},
    {"beams": 4, "length_penalty": -1.0, "n_best": 4},
    {"beams": 4, "min_length": 9},
    {"beams": 4, "early_stopping": False, "n_best": 4},
    {"beams": 5, "early_stopping": False, "length_penalty": 2.0, "n_best": 5},
    {"beams": 3, "first_id": 9, "n_best": 3},
    {"beams": 1, "prefix": (7, 8, 9), "min_length": 8},
    {"beams": 4, "prefix": (7, 8), "n_best": 4, "length_penalty": 2.0, "no_repeat_ngram": 2},
    {"beams": 4, "first_id": 9, "prefix": (6,), "n_best": 3, "early_stopping": False},
    {"beams": 3, "prefix": (6,), "n_best": 3, "early_stopping": "never", "length_penalty": 0.5},
    {"beams": 1, "no_repeat_ngram": 3},
    {"beams": 4, "no_repeat_ngram": 3, "n_best": 2},
    {"beams": 4, "no_repeat_ngram": 1},
    {"beams": 4, "early_stopping": "never", "n_best": 4},
    {"beams": 5, "early_stopping": "never", "length_penalty": 2.0, "n_best": 5},
    {"beams": 1, "forbidden": ((20,), (21, 22))},
    {"beams": 4, "forbidden": ((20,), (21, 22), (5, 5, 6)), "n_best": 4},
    {"beams": 4, "forbidden": ((20,), (21, 22)), "renormalize": True, "n_best": 4},
]
# What special pieces have a part in is tried with both families, the rest with them by turns.
SPECIAL = {"min_length", "first_id", "prefix", "no_repeat_ngram", "forbidden"}
FAMILIES = ("m2m_100", "marian")
COMPARED = [
    (family, search)
    for place, search in enumerate(SEARCHES)
    for family in (FAMILIES if SPECIAL & search.keys() else FAMILIES[place % 2 :][:1])
]


@dataclass
class Searched:
    """Sources, and what each of `SEARCHES` finds for them, which two tests ask for."""

    model: Transformer
    sources: list[list[int]]
    found: dict[str, list[list[Hypothesis]]]

    def by(self, search: dict[str, Any]) -> list[list[Hypothesis]]:
        name = str(search)
        if name not in self.found:
            wanted = options(**search)
            self.found[name] = decode(self.model, self.sources, wanted)
        return self.found[name]


@pytest.fixture(scope="session")
def searched(trained: Any) -> Searched:
    # Repeated letters too, so that there is something to repeat.
    repeated = [5, 5, 5, 5, 5, 5, 5, trained.ours.config.eos_token_id]
    return Searched(trained.ours, [*trained.sources, repeated], trained.found)


@pytest.mark.parametrize(("trained", "search"), COMPARED, indirect=["trained"], ids=str)
def test_hypotheses_and_scores_are_those_of_generate(
    trained: Any, searched: Searched, search: dict[str, Any]
) -> None:
    expected = generated(trained, searched.sources, options(**search))
    for mine, theirs in zip(searched.by(search), expected, strict=True):
        assert [one.ids for one in mine] == [ids for ids, _ in theirs]
        for one, (_, score) in zip(mine, theirs, strict=True):
            assert score is None or one.score == pytest.approx(score, abs=1e-4, rel=1e-4)


def random_model(family: Family, seed: int, *, dropout: float = 0.0) -> Transformer:
    """A model that has learnt nothing, but finds some outputs clearly better than others."""
    torch.manual_seed(seed)
    config = build_config(
        family, vocab_size=13, width=16, ffn_width=32, heads=2, encoder_layers=1, decoder_layers=1,
        dropout=dropout, attention_dropout=0.0, activation_dropout=0.0, activation="relu",
        scale_embedding=True, max_positions=32,
    )  # fmt: skip
    model = Transformer(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
        model.embedding.weight[config.pad_token_id] = 0
    return model


# Nothing in the search asks for the family, so each seed is tried with one.
@pytest.mark.parametrize(
    ("family", "seed"), [("m2m_100", 0), ("m2m_100", 1), ("marian", 2), ("marian", 3)]
)
def test_models_that_end_anywhere_are_searched_as_generate_does(
    family: Family, seed: int, tmp_path: Path
) -> None:
    model = random_model(family, seed)
    save_model(model, tmp_path)
    pair = Pair(model, AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval())
    eos = model.config.eos_token_id
    sources = [[*torch.randint(4, 11, (length,)).tolist(), eos] for length in (0, 1, 3, 5, 8)]
    for penalty, early in itertools.product([0.0, 1.0, 3.0], [True, False, "never"]):
        wanted = options(beams=4, n_best=4, length_penalty=penalty, early_stopping=early)
        ours = decode(model, sources, wanted)
        for mine, theirs in zip(ours, generated(pair, sources, wanted), strict=True):
            assert [one.ids for one in mine] == [ids for ids, _ in theirs]
            assert [one.score for one in mine] == pytest.approx(
                [score for _, score in theirs], abs=1e-4, rel=1e-4
            )


@pytest.mark.parametrize(
    ("family", "early"), [("m2m_100", "never"), ("marian", "never"), ("m2m_100", False)]
)
def test_one_beam_stops_at_its_first_end_as_generate_does(
    family: Family, early: Any, tmp_path: Path
) -> None:
    model = random_model(family, 1)
    save_model(model, tmp_path)
    pair = Pair(model, AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval())
    sources = [[*range(4, 4 + length), model.config.eos_token_id] for length in (0, 1, 3, 5, 7)]
    wanted = options(beams=1, length_penalty=2.0, early_stopping=early)
    expected = [[ids for ids, _ in them] for them in generated(pair, sources, wanted)]
    assert [[one.ids for one in them] for them in decode(model, sources, wanted)] == expected


@pytest.mark.parametrize("trained", FAMILIES, indirect=True)
@pytest.mark.parametrize("search", [one for one in SEARCHES if one["beams"] == 1], ids=str)
def test_greedy_outputs_are_the_same_without_scores(
    searched: Searched, search: dict[str, Any]
) -> None:
    scored = searched.by(search)
    plain = decode(searched.model, searched.sources, options(**search, scored=False))
    assert [[(one.ids, one.ended) for one in them] for them in plain] == [
        [(one.ids, one.ended) for one in them] for them in scored
    ]
    assert all(isnan(one.score) and isnan(one.log_probability) for (one,) in plain)


@pytest.mark.parametrize("trained", FAMILIES[:1], indirect=True)
def test_outputs_that_are_compared_keep_their_scores(searched: Searched) -> None:
    search: dict[str, Any] = {"beams": 5, "n_best": 5}
    plain = decode(searched.model, searched.sources, options(**search, scored=False))
    assert plain == searched.by(search)
    drawn = options(beams=1, n_best=3, sampling=Sampling(seed=2))
    found = decode(searched.model, searched.sources, replace(drawn, scored=False))
    assert found == decode(searched.model, searched.sources, drawn)


@pytest.mark.parametrize("trained", FAMILIES[:1], indirect=True)
def test_the_searches_compared_with_generate_are_different_searches(searched: Searched) -> None:
    found = {
        str(search): [[(one.ids, round(one.score, 3)) for one in h] for h in searched.by(search)]
        for search in SEARCHES
    }
    for search, result in found.items():
        alike = [other for other, them in found.items() if them == result and other != search]
        assert not alike


def test_outputs_end_by_themselves_and_are_not_all_alike(trained: Any) -> None:
    best = [h[0] for h in decode(trained.ours, trained.sources, options())]
    assert all(one.ended and one.ids[-1] == trained.ours.config.eos_token_id for one in best)
    assert len({len(one.ids) for one in best}) > 5


def plain_beam(trained: Any, source: list[int], wanted: DecodeOptions) -> list[Hypothesis]:
    """Beam search as one would write it down: no cache, no batch, no tensors of beams."""
    model, config = trained.ours, trained.ours.config
    pad_id, eos = config.pad_token_id, config.eos_token_id
    beams = [(0.0, [config.decoder_start_token_id])]
    done: list[Hypothesis] = []
    for length in range(1, LIMIT + 1):
        candidates = []
        for total, ids in beams:
            gains = model(torch.tensor([source]), torch.tensor([ids]))[0, -1].log_softmax(0)
            for piece, gain in enumerate(gains.tolist()):
                if piece != pad_id:
                    candidates.append((total + gain, [*ids, piece]))
        candidates.sort(key=lambda candidate: -candidate[0])
        for total, ids in candidates[: wanted.beams]:
            if ids[-1] == eos or length == LIMIT:
                score = total / length**wanted.length_penalty
                done.append(Hypothesis(tuple(ids[1:]), score, total, ids[-1] == eos))
        done = sorted(done, key=lambda one: -one.score)[: wanted.beams]
        beams = [one for one in candidates[: 2 * wanted.beams] if one[1][-1] != eos][: wanted.beams]
        if len(done) == wanted.beams:
            break
    return done


@torch.inference_mode()
def test_the_search_with_cache_and_batch_is_the_plain_search(trained: Any) -> None:
    wanted = options(beams=3, n_best=3, length_penalty=0.7)
    ours = decode(trained.ours, trained.sources[:3], wanted)
    for source, mine in zip(trained.sources, ours, strict=False):
        plain = plain_beam(trained, source, wanted)
        assert [one.ids for one in mine] == [one.ids for one in plain]
        assert [one.ended for one in mine] == [one.ended for one in plain]
        assert [one.score for one in mine] == pytest.approx([one.score for one in plain], abs=1e-5)
        assert [one.log_probability for one in mine] == pytest.approx(
            [one.log_probability for one in plain], abs=1e-5
        )


def same(some: list[list[Hypothesis]], others: list[list[Hypothesis]]) -> bool:
    scores = [one.score for h in some for one in h]
    return [[one.ids for one in h] for h in some] == [
        [one.ids for one in h] for h in others
    ] and scores == pytest.approx([one.score for h in others for one in h], abs=1e-5)


def test_a_batch_gives_what_its_sentences_give_one_by_one(trained: Any) -> None:
    wanted = DecodeOptions(beams=4, n_best=4)
    sources = trained.sources[:10]
    alone = [decode(trained.ours, [source], wanted)[0] for source in sources]
    assert same(decode(trained.ours, sources, wanted), alone)


def test_the_order_of_the_sources_is_the_order_of_the_results(trained: Any) -> None:
    wanted = options(beams=2)
    straight = decode(trained.ours, trained.sources, wanted, batch_tokens=60)
    places = list(range(len(trained.sources)))
    random.Random(1).shuffle(places)
    shuffled = decode(
        trained.ours, [trained.sources[place] for place in places], wanted, batch_tokens=60
    )
    assert same(shuffled, [straight[place] for place in places])


@pytest.mark.parametrize("digits", [1, 2, 20])
def test_when_finished_sentences_leave_changes_no_result(
    trained: Any, monkeypatch: pytest.MonkeyPatch, digits: int
) -> None:
    wanted = DecodeOptions(beams=3, n_best=3)
    before = decode(trained.ours, trained.sources, wanted)
    monkeypatch.setattr(beam, "SIZE_DIGITS", digits)
    assert same(decode(trained.ours, trained.sources, wanted), before)


def test_finished_sentences_leave_the_batch(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    step = trained.ours.step

    def counted(last_ids: torch.Tensor, cache: Any) -> torch.Tensor:
        rows.append(len(last_ids))
        result: torch.Tensor = step(last_ids, cache)
        return result

    monkeypatch.setattr(trained.ours, "step", counted)
    decode(trained.ours, trained.sources, options(beams=2))
    sizes = [size for size, _ in itertools.groupby(rows)]
    assert sizes[0] == 2 * len(trained.sources)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= sizes[0] / 4
    assert all(size // 2 == beam.common_size(size // 2) for size in sizes[1:])


def test_batches_shrink_to_few_sizes_that_leave_little_room() -> None:
    assert [beam.common_size(size) for size in (0, 1, 7, 8, 9, 15, 16, 17, 129, 160, 250)] == [
        *(0, 1, 7, 8, 10, 16, 16, 20, 160, 160, 256)
    ]
    assert len({beam.common_size(size) for size in range(1, 513)}) == 32


def test_each_sentence_has_its_own_length_limit(trained: Any) -> None:
    eos = trained.ours.config.eos_token_id
    sources = [[5, 6, 7, eos], [5, 6, 7, 8, 9, 10, 11, eos]]
    wanted = DecodeOptions(beams=2, max_length_factor=0.5, max_length_offset=1)
    found = decode(trained.ours, sources, wanted)
    assert [len(h[0].ids) for h in found] == [3, 5]
    assert [h[0].ended for h in found] == [False, False]


def test_the_limit_never_exceeds_the_positions_of_the_model() -> None:
    wanted = DecodeOptions(max_length_factor=2.0, max_length_offset=20)
    assert wanted.length_limits([1, 10, 30, 64], 64) == [22, 40, 64, 64]
    assert DecodeOptions(max_length_factor=0.1, max_length_offset=0).length_limits([3], 64) == [1]


def test_padding_is_never_generated_however_probable_it_is(trained: Any) -> None:
    pad_id = trained.ours.config.pad_token_id
    bias = torch.zeros(trained.ours.config.vocab_size)
    bias[pad_id] = 50.0
    logits = trained.ours.logits
    trained.ours.logits = lambda hidden: logits(hidden) + bias
    try:
        found = decode(trained.ours, trained.sources[:4], options(beams=2, n_best=2))
    finally:
        del trained.ours.logits
    assert all(pad_id not in one.ids for h in found for one in h)


def test_the_model_is_left_in_the_mode_it_was_in(trained: Any) -> None:
    trained.ours.train()
    decode(trained.ours, trained.sources[:1], options())
    assert trained.ours.training
    trained.ours.eval()
    decode(trained.ours, trained.sources[:1], options())
    assert not trained.ours.training


def test_dropout_has_no_part_in_decoding() -> None:
    model = random_model("m2m_100", 1, dropout=0.5)
    sources = [[5, 6, 7, 2], [8, 2], [9, 9, 4, 5, 2]]
    quiet = decode(model, sources, options(beams=3))
    scores = force(model, sources, [h[0].ids for h in quiet])
    model.train()
    assert decode(model, sources, options(beams=3)) == quiet
    assert force(model, sources, [h[0].ids for h in quiet]) == scores


def test_progress_is_told_after_every_batch(trained: Any) -> None:
    told: list[int] = []
    decode(trained.ours, trained.sources, options(beams=1), batch_tokens=40, progress=told.append)
    assert len(told) > 2
    assert told == sorted(told)
    assert told[-1] == len(trained.sources)


def test_no_sources_give_no_results(trained: Any) -> None:
    assert decode(trained.ours, [], options()) == []
