"""Small models of both families, ours beside the stock class with the same random weights."""

import logging
from collections.abc import Callable, Iterator

import pytest
import torch
from transformers import M2M100ForConditionalGeneration, MarianMTModel

from seq2seq.model.config import build_config
from seq2seq.model.stock import merged_state
from seq2seq.model.transformer import Transformer

NUMBERS = {
    "vocab_size": 50,
    "width": 32,
    "ffn_width": 48,
    "heads": 4,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "activation": "relu",
    "scale_embedding": True,
    "max_positions": 128,
}


@pytest.fixture(params=["m2m_100", "marian"])
def family(request) -> str:
    return request.param


@pytest.fixture
def make_config() -> Callable:
    return lambda family, **changes: build_config(family, **(NUMBERS | changes))


@pytest.fixture
def make_pair(make_config) -> Callable:
    """Build (ours, stock): every weight, norm and bias of the stock class is random, not near 0."""

    def build(family: str, **changes):
        config = make_config(family, **changes)
        kind = M2M100ForConditionalGeneration if family == "m2m_100" else MarianMTModel
        stock = kind(config).eval()
        with torch.no_grad():
            for tensor in [*stock.parameters(), *stock.buffers()]:
                if "final_logits_bias" in dict(stock.named_buffers()) or tensor.requires_grad:
                    is_table = tensor.shape[0] == config.max_position_embeddings
                    if not is_table:
                        tensor.add_(torch.randn_like(tensor) * 0.15)
        ours = Transformer(config).eval()
        ours.load_state_dict(merged_state(ours, stock.state_dict()))
        return ours, stock

    return build


@pytest.fixture
def make_batch() -> Callable:
    """Draw source ids, decoder inputs and a mask with padding at the end of some sources."""

    def build(config, sources: int, length: int, *, target: int, pads: bool):
        ids = torch.randint(4, config.vocab_size - 1, (sources, length))
        mask = torch.ones(sources, length, dtype=torch.bool)
        if pads:
            for row in range(1, sources):
                mask[row, length - row * (length // (sources + 1)) :] = False
            ids[~mask] = config.pad_token_id
        inputs = torch.randint(4, config.vocab_size - 1, (sources, target))
        inputs[:, 0] = config.decoder_start_token_id
        return ids, inputs, mask

    return build


@pytest.fixture
def stock_warnings() -> Iterator[list[str]]:
    """Collect what transformers has to complain about."""
    seen: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: seen.append(record.getMessage())
    logger = logging.getLogger("transformers")
    logger.addHandler(handler)
    yield seen
    logger.removeHandler(handler)
