"""Two models, one of each family, that have learnt to write a small language to its end.

The target repeats the letters of its source backwards in one of two styles. It begins with a piece
that tells the style; in the plain one, a little rarer, each letter has one form, in the free one
each letter has two, equally often. So greedy search is led astray into the free style, beams find
the plain one, and hypotheses have many close rivals.
"""

import random
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModelForSeq2SeqLM, PreTrainedModel

from seq2seq.decode.options import Hypothesis
from seq2seq.model.config import build_config
from seq2seq.model.stock import save_model
from seq2seq.model.transformer import Transformer

LETTERS = 12
VOCABULARY = 4 + 3 * LETTERS + 2


@dataclass(frozen=True)
class Trained:
    """A model of ours and the same weights in the stock class; what was found with it is kept."""

    ours: Transformer
    stock: PreTrainedModel
    sources: list[list[int]]
    found: dict[str, list[list[Hypothesis]]] = field(default_factory=dict)


def draw_pair(rng: random.Random, eos: int, first: int) -> tuple[list[int], list[int]]:
    letters = [rng.randrange(LETTERS) for _ in range(rng.randint(1, 10))]
    source = [first + letter for letter in letters]
    free = rng.random() < 0.55
    forms = [2 * letter + (free and rng.random() < 0.5) for letter in reversed(letters)]
    target = [first + 3 * LETTERS + free, *(first + LETTERS + form for form in forms)]
    return [*source, eos], [*target, eos]


def pad(rows: list[list[int]], value: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [value] * (longest - len(row)) for row in rows])


@cache
def train(family: str) -> Trained:
    rng = random.Random(7)
    torch.manual_seed(7)
    config = build_config(
        family, vocab_size=VOCABULARY, width=48, ffn_width=96, heads=4, encoder_layers=2,
        decoder_layers=2, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0,
        activation="relu", scale_embedding=True, max_positions=64,
    )  # fmt: skip
    model = Transformer(config)
    pad_id, eos, start = config.pad_token_id, config.eos_token_id, config.decoder_start_token_id
    first = 4 if family == "m2m_100" else 2
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(220):
        pairs = [draw_pair(rng, eos, first) for _ in range(48)]
        source = pad([pair[0] for pair in pairs], pad_id)
        target = pad([pair[1] for pair in pairs], -100)
        inputs = torch.cat([torch.full((48, 1), start), target[:, :-1].clamp(min=0)], dim=1)
        logits = model(source, inputs, source != pad_id)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with tempfile.TemporaryDirectory() as folder:
        save_model(model, Path(folder))
        stock = AutoModelForSeq2SeqLM.from_pretrained(folder)
    sources = [draw_pair(rng, eos, first)[0] for _ in range(24)]
    return Trained(model, stock.eval(), sources)


@pytest.fixture(scope="session", params=["m2m_100", "marian"])
def trained(request: pytest.FixtureRequest) -> Trained:
    return train(request.param)
