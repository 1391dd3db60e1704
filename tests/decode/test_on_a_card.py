"""Decoding on a device that the host has to wait for: how often it does, and what comes out."""

import copy
import math
from typing import Any

import pytest
import torch

from seq2seq.decode import beam
from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.families import Family
from seq2seq.model.config import build_config
from seq2seq.model.transformer import Transformer
from tests.decode.native import decode, force
from tests.host_waits import Card

LIMIT = 18  # two looks at every eighth step, and one at the end
# Long and short outputs; ends that come after one step and only at the limit.
SEARCHES: list[dict[str, Any]] = [
    {"beams": 1},
    {"beams": 4, "n_best": 4},
    {"beams": 3, "n_best": 3, "early_stopping": False, "length_penalty": 2.0},
    {"beams": 3, "n_best": 2, "early_stopping": "never"},
    {"beams": 2, "max_length": 16, "min_length": 9, "no_repeat_ngram": 2, "first_id": 9},
    {"beams": 2, "forbidden": ((5,), (6, 7), (9, 9, 4)), "renormalize": True},
    {"beams": 2, "max_length_factor": 1.0, "max_length_offset": 2},
]


def model(family: Family, seed: int = 3) -> Transformer:
    """One that has learnt nothing, but finds some outputs clearly better than others."""
    torch.manual_seed(seed)
    config = build_config(
        family, vocab_size=13, width=16, ffn_width=32, heads=2, encoder_layers=1, decoder_layers=1,
        dropout=0.1, attention_dropout=0.1, activation_dropout=0.0, activation="relu",
        scale_embedding=True, max_positions=LIMIT,
    )  # fmt: skip
    made = Transformer(config).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(1.5)
        made.embedding.weight[config.pad_token_id] = 0
    return made


def sources(eos: int) -> list[list[int]]:
    torch.manual_seed(0)
    lengths = [0, 1, 2, 3, 5, 5, 6, 7, 8, 9, 11, 12, 13]
    return [[*torch.randint(4, 11, (length,)).tolist(), eos] for length in lengths]


def same(some: list[list[Hypothesis]], others: list[list[Hypothesis]]) -> bool:
    numbers = [
        [(one.score, one.log_probability) for h in all_of_it for one in h]
        for all_of_it in (some, others)
    ]
    return [[(one.ids, one.ended) for one in h] for h in some] == [
        [(one.ids, one.ended) for one in h] for h in others
    ] and torch.allclose(torch.tensor(numbers[0]), torch.tensor(numbers[1]), atol=1e-5)


@pytest.mark.parametrize("family", ["m2m_100", "marian"])
@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_looking_at_every_eighth_step_finds_what_looking_at_each_finds(
    family: Family, search: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = model(family)
    given, wanted = sources(ours.config.eos_token_id), DecodeOptions(**search)
    expected = decode(ours, given, wanted)
    monkeypatch.setattr(beam, "steps_between_looks", lambda device: beam.LOOK_EVERY)
    assert same(decode(ours, given, wanted), expected)


def looks(card: Card) -> list[str]:
    """When the host asked which sentences are done."""
    return [wait for wait in card.waits if "decode/beam.py" in wait]


@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_the_host_waits_once_in_eight_steps(
    search: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = model("m2m_100")
    given, wanted = sources(ours.config.eos_token_id), DecodeOptions(**search)
    expected = decode(ours, given, wanted)
    steps = 0
    step = Transformer.step

    def counted(*arguments: Any) -> torch.Tensor:
        nonlocal steps
        steps += 1
        return step(*arguments)

    monkeypatch.setattr(Transformer, "step", counted)
    with Card() as card:
        there = copy.deepcopy(ours).to("card")
        card.waits.clear()
        found = decode(there, given, wanted)
    assert same(found, expected)
    assert steps >= 8
    assert len(looks(card)) == math.ceil(steps / 8)
    # Another one where sentences leave: the card has just been waited for, and has nothing to do.
    fetched = [wait for wait in card.waits if "decode/finished.py" in wait]
    assert 0 < len(fetched) <= len(looks(card)) == len(card.waits) - len(fetched)


def test_a_card_is_waited_for_at_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative twin: what the count above rests on."""
    ours = model("m2m_100")
    monkeypatch.setattr(beam, "steps_between_looks", lambda device: 1)
    with Card() as card:
        there = copy.deepcopy(ours).to("card")
        card.waits.clear()
        found = decode(there, sources(ours.config.eos_token_id), DecodeOptions(beams=1))
    assert len(looks(card)) == max(len(h[0].ids) for h in found)


def test_forced_scores_wait_once_a_batch() -> None:
    ours = model("m2m_100")
    given = sources(ours.config.eos_token_id)
    expected = force(ours, given, given)
    with Card() as card:
        there = copy.deepcopy(ours).to("card")
        card.waits.clear()
        found = force(there, given, given)
    assert len(card.waits) == 1
    assert [one.log_probability for one in found] == pytest.approx(
        [one.log_probability for one in expected], abs=1e-4
    )


@pytest.mark.parametrize("pads", [False, True], ids=["unpadded", "padded"])
def test_reading_and_scoring_a_batch_does_not_wait(pads: bool) -> None:
    ours = model("m2m_100")
    ids, inputs = torch.randint(4, 11, (3, 8)), torch.randint(4, 11, (3, 5))
    mask = torch.arange(8) < torch.tensor([8, 6, 3])[:, None] if pads else None
    with torch.no_grad():
        expected = ours(ids, inputs, mask)
    with Card() as card, torch.no_grad():
        there = copy.deepcopy(ours).to("card")
        moved = [None if one is None else one.to("card") for one in (ids, inputs, mask)]
        card.waits.clear()
        logits = there(*moved)
        there.train()
        there(*moved)  # dropout on
        assert card.waits == []
        assert torch.allclose(logits.cpu(), expected, atol=1e-5)
