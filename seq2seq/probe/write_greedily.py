"""What a model writes by itself while something in its encoder is cut: a plain greedy search.

The stock ``generate`` cannot be interfered with row by row, so each piece costs a whole pass here.
That is slow, and enough for the few sentences of a page.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from seq2seq.probe.access import StockModel
from seq2seq.probe.intervention import KnockOut

MOST = 2  # pieces written for each piece read, and a few more; what goes on is cut with an ellipsis


def write_greedily(
    model: StockModel,
    sources: Sequence[Sequence[int]],
    cut: Bool[Tensor, "batch source source"] | None = None,
) -> list[str]:
    """Translate, always taking the likeliest next piece.

    Args:
        model: an encoder-decoder.
        sources: pieces of each source.
        cut: edges of the encoder's self-attention that are knocked out, in all layers and heads.

    Returns:
        The translations; one that would not end is closed by an ellipsis.

    Source: `transformers.GenerationMixin.generate` with one beam, which writes the same.
    """
    start = start_of(model)
    ends = _ends(model)
    knocked = [] if cut is None else [KnockOut("encoder", cut)]
    written = [[start] for _ in sources]
    going = list(range(len(sources)))
    for _ in range(MOST * max(map(len, sources)) + 10):
        reading = model.read(model.inputs(sources, written), stacks=(), interventions=knocked)
        assert reading.logits is not None  # encoder-decoders have some
        for number in going:
            written[number].append(_next(model, reading.logits[number], written[number]))
        going = [number for number in going if written[number][-1] not in ends]
        if not going:
            break
    decode = model.tokenizer.decode
    texts = [decode(ids, skip_special_tokens=True).strip() for ids in written]
    return [text + (" …" if number in going else "") for number, text in enumerate(texts)]


def start_of(model: StockModel) -> int:
    """The piece that decoder inputs begin with; the filler, where a model names none."""
    return model.pad_id if model.start_id is None else model.start_id


def _next(model: StockModel, logits: Tensor, written: Sequence[int]) -> int:
    """The likeliest piece that may be written; the language comes first where a model wants it."""
    forced = _setting(model, "forced_bos_token_id")
    if len(written) == 1 and forced is not None:
        return int(forced)
    scores = logits[len(written) - 1].clone()
    for line in _setting(model, "bad_words_ids") or ():
        if len(line) == 1:
            scores[line[0]] = -torch.inf
    return int(scores.argmax())


def _ends(model: StockModel) -> set[int]:
    given = _setting(model, "eos_token_id")
    return set(given) if isinstance(given, list) else {given}


def _setting(model: StockModel, name: str) -> Any:
    return getattr(model.model.generation_config, name, None)
