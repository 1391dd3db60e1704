"""Draws are those of ``generate`` with ``do_sample``, and belong to a line, not to a batch."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from seq2seq.decode.options import DecodeOptions, Sampling
from seq2seq.errors import ModelError
from seq2seq.model.stock import save_model
from tests.decode.native import decode
from tests.decode.test_beam import random_model

SOURCES = [[5, 6, 7, 2], [8, 2], [4, 9, 9, 10, 11, 2], [12, 5, 2]]
LIMIT = 12
PLAIN = DecodeOptions(beams=1, max_length=LIMIT, sampling=Sampling(seed=3))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A model of ours and the same weights in the stock class."""
    folder: Path = tmp_path_factory.mktemp("drawn")
    model = random_model("m2m_100", 2)
    save_model(model, folder)
    return model, AutoModelForSeq2SeqLM.from_pretrained(folder).eval()


def drawn(stock: Any, source: list[int], options: DecodeOptions, draw: int) -> list[int]:
    """One output of ``generate``, whose global generator gets the seed of the line."""
    sampling = options.sampling
    assert sampling is not None
    torch.manual_seed(sampling.seed_of(source, draw))
    start = [stock.config.decoder_start_token_id, *options.given]
    found = stock.generate(
        input_ids=torch.tensor([source]),
        decoder_input_ids=torch.tensor([start]) if options.prefix else None,
        forced_bos_token_id=None if options.prefix else options.first_id,
        do_sample=True,
        num_beams=1,
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        no_repeat_ngram_size=options.no_repeat_ngram,
        min_new_tokens=options.min_length or None,
        bad_words_ids=[[stock.config.pad_token_id]],
        max_length=LIMIT + 1,
        max_new_tokens=None,
        forced_eos_token_id=None,
    )
    row: list[int] = found[0, 1:].tolist()
    return row


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"sampling": Sampling(temperature=0.7, seed=5)},
        {"sampling": Sampling(top_k=3)},
        {"sampling": Sampling(top_p=0.6)},
        {"sampling": Sampling(temperature=1.3, top_k=6, top_p=0.8)},
        {"no_repeat_ngram": 2, "min_length": 4},
        {"prefix": (7, 8)},
        {"first_id": 9},
        {"first_id": 9, "prefix": (7,)},
    ],
    ids=str,
)
def test_draws_are_those_of_generate(pair: tuple[Any, Any], changes: dict[str, Any]) -> None:
    ours, stock = pair
    options = replace(PLAIN, **changes)
    found = decode(ours, SOURCES, options)
    assert [list(one[0].ids) for one in found] == [
        drawn(stock, source, options, 0) for source in SOURCES
    ]


def test_a_line_has_its_draws_in_any_batch_and_other_seeds_have_others(
    pair: tuple[Any, Any],
) -> None:
    ours = pair[0]

    def ids(sources: list[list[int]], options: DecodeOptions = PLAIN, size: int = 99) -> list[Any]:
        return [one[0].ids for one in decode(ours, sources, options, batch_tokens=size)]

    together = ids(SOURCES)
    assert [ids([one])[0] for one in SOURCES] == together
    assert ids(SOURCES[::-1], size=1) == together[::-1]
    assert ids(SOURCES, replace(PLAIN, sampling=Sampling(seed=4))) != together


def test_several_draws_for_a_line_differ_and_come_best_first(pair: tuple[Any, Any]) -> None:
    ours, stock = pair
    options = replace(PLAIN, n_best=5)
    for source, found in zip(SOURCES, decode(ours, SOURCES, options), strict=True):
        wanted = sorted(drawn(stock, source, options, number) for number in range(5))
        assert sorted(list(one.ids) for one in found) == wanted
        assert len({one.ids for one in found}) > 1
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_a_drawn_output_has_the_log_probability_of_the_model_itself(pair: tuple[Any, Any]) -> None:
    from tests.decode.native import force

    ours = pair[0]
    options = replace(PLAIN, sampling=Sampling(temperature=2.0, top_k=4), length_penalty=0.5)
    found = [one[0] for one in decode(ours, SOURCES, options)]
    forced = force(ours, SOURCES, [one.ids for one in found])
    for one, given in zip(found, forced, strict=True):
        assert one.log_probability == pytest.approx(given.log_probability, abs=1e-4)
        assert one.score == pytest.approx(given.score(0.5), abs=1e-4)


def test_drawing_among_one_is_greedy_search(pair: tuple[Any, Any]) -> None:
    ours = pair[0]
    greedy = decode(ours, SOURCES, replace(PLAIN, sampling=None))
    alone = decode(ours, SOURCES, replace(PLAIN, sampling=Sampling(top_k=1)))
    assert [one[0].ids for one in alone] == [one[0].ids for one in greedy]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"temperature": 0.0}, "sampling: temperature is '0.0', needed above 0"),
        ({"top_p": 1.5, "top_k": -1}, "top_k is '-1', needed at least 0; top_p is '1.5', needed"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        Sampling(**changes)


def test_drawing_has_no_beams() -> None:
    with pytest.raises(ModelError, match="beams is '4' with sampling, which has none; ask for 1"):
        DecodeOptions(beams=4, sampling=Sampling())
