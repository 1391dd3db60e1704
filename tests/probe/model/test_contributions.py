"""Contributions of columns: vectors worked by hand, sums of stock layers, and what is refused."""

import pytest
import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from seq2seq.errors import ModelError
from seq2seq.probe.model.contributions import (
    Tracer,
    _is_after,
    _row_shares,
    _shares,
    _Sublayer,
    rolled,
    source_shares,
)
from seq2seq.probe.model.stock_model import StockModel
from tests.probe.stock_models import build, lines

SOURCES, TARGETS = lines(6, 6), lines(5, 5, start=2, seed=1)
AFTER = ["marian", "bart", "bert", "roberta", "distilbert", "albert"]
BEFORE = ["m2m_100", "mbart", "pegasus", "t5", "gpt2", "opt", "llama"]


def opened(family: str):
    model = StockModel(build(family), None, name=family)
    return model, model.inputs(SOURCES, TARGETS if model.kind == "encoder-decoder" else None)


def traced(family: str) -> Tracer:
    model, inputs = opened(family)
    recorder = model._recorder((), (), ["maps"])
    tracer = Tracer(model._anatomy, recorder.attend)
    with torch.no_grad():
        model._pass(model._arguments(inputs), recorder, tracer)
    return tracer


def weighed(model: StockModel, inputs):
    return model.read(inputs, stacks=(), contributions=True).contributions


def followed_by_norm(looks: Tensor, brings: Tensor, past: Tensor) -> Tensor:
    """The shares of one text whose sum goes through a norm."""
    width = brings.shape[-1]
    projection = nn.Linear(brings.shape[0] * width, width, bias=False)
    projection.weight.data = torch.eye(width).repeat(1, brings.shape[0])
    added = torch.einsum("hqk,hkw->qw", looks, brings)
    sub = _Sublayer(
        nn.Identity(), "encoder", None, None, looks[None], brings[None], added[None],
        (added + past)[None], nn.LayerNorm(width), True,
    )  # fmt: skip
    return _shares(sub, projection)[0]


def test_two_columns_worked_by_hand() -> None:
    """y = (4, 0): 4 of L1. Without (3, 1) it keeps (1, -1), 2 of it; without (1, -1) 4."""
    looks = torch.ones(1, 1, 2)
    brings = torch.tensor([[[3.0, 1.0], [1.0, -1.0]]])
    whole = torch.tensor([[4.0, 0.0]])
    nothing = torch.zeros(1, 2)
    shares = _row_shares(looks[None], brings[None], nothing[None], whole[None], own_column=False)
    assert shares.tolist() == [[[1.0, 0.0]]]  # 4 - 2 = 2 and 4 - 4 = 0


def test_the_way_past_belongs_to_the_rows_own_column() -> None:
    """Row 1 is (2, 2) from column 0 and (6, 6) past attention: it keeps 3 of 4 parts itself."""
    looks = torch.tensor([[[1.0, 0.0], [2.0, 0.0]]])
    brings = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    past = torch.tensor([[1.0, 1.0], [6.0, 6.0]])
    whole = (looks[0] @ brings[0]) + past
    shares = _row_shares(looks[None], brings[None], past[None], whole[None], own_column=True)
    assert shares.tolist() == [[[1.0, 0.0], [0.25, 0.75]]]


def test_a_norm_after_the_sum_counts_what_is_left_after_it() -> None:
    """Of column 0 the norm takes (3, 3) away, and then both columns bring the same."""
    looks = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    brings = torch.tensor([[[4.0, 2.0], [1.0, -1.0]]])
    shares = followed_by_norm(looks, brings, torch.tensor([[0.0, 0.0], [0.0, 1.0]]))
    assert shares.tolist()[0] == pytest.approx([0.5, 0.5], abs=1e-5)
    assert shares.tolist()[1] == pytest.approx([0.0, 1.0], abs=1e-5)


def test_vectors_taken_a_few_numbers_at_a_time_are_the_same(monkeypatch) -> None:
    looks, brings, past = torch.rand(2, 3, 3), torch.randn(2, 3, 7), torch.randn(3, 7)
    at_once = followed_by_norm(looks, brings, past)
    monkeypatch.setattr("seq2seq.probe.model.contributions.MOST_NUMBERS", 18)  # two of each
    torch.testing.assert_close(followed_by_norm(looks, brings, past), at_once)


@pytest.mark.parametrize("family", [*AFTER, *BEFORE])
def test_the_norms_place_is_found_and_all_parts_make_up_the_whole(family: str) -> None:
    tracer = traced(family)
    assert {_is_after(sub) for sub in tracer.sublayers} == {family in AFTER}
    for sub in tracer.sublayers:
        projection = tracer.anatomy.projection_of[sub.module]
        weight = projection.weight if isinstance(projection, Conv1D) else projection.weight.T
        slices = weight.reshape(sub.value.shape[1], sub.value.shape[3], -1)
        parts = torch.einsum("bhqk,bhkd,hdw->bqw", sub.weights, sub.value, slices)
        bias = 0 if projection.bias is None else projection.bias
        torch.testing.assert_close(parts + bias, sub.added, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("family", ["marian", "m2m_100", "t5", "bert", "llama"])
def test_rows_of_self_attention_sum_to_one_and_see_no_future(family: str) -> None:
    model, inputs = opened(family)
    shares = weighed(model, inputs)
    for stack, found in shares.items():
        assert (found >= 0).all()
        totals = found.sum(-1)
        if stack == "cross":
            assert (totals < 1).all()
            assert (totals > 0.1).any()
        else:
            torch.testing.assert_close(totals, torch.ones_like(totals))
        if stack == "decoder":
            assert (found.triu(1) == 0).all()


def test_a_batch_with_padding_is_weighed_like_its_texts_alone() -> None:
    model = StockModel(build("marian"), None, name="marian")
    sources, targets = lines(6, 3), lines(5, 4, start=2, seed=1)
    together = weighed(model, model.inputs(sources, targets))
    alone = weighed(model, model.inputs(sources[1:], targets[1:]))
    for stack, rows, columns in (("encoder", 3, 3), ("decoder", 4, 4), ("cross", 4, 3)):
        torch.testing.assert_close(
            together[stack][:, 1:, :rows, :columns], alone[stack], atol=1e-5, rtol=1e-4
        )


def test_layers_are_multiplied_by_hand() -> None:
    first = torch.tensor([[[1.0, 0.0], [0.5, 0.5]]])
    second = torch.tensor([[[0.2, 0.8], [0.0, 1.0]]])
    assert rolled(torch.stack([first, second]))[1].tolist() == [
        [[pytest.approx(0.6), pytest.approx(0.4)], [0.5, 0.5]]
    ]


def test_the_source_reaches_a_later_row_through_an_earlier_one() -> None:
    """Row 0 takes half of what it is from the source; row 1 takes all from row 0, nothing anew."""
    shares = {
        "encoder": torch.eye(2)[None, None],
        "decoder": torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]])[:, None],
        "cross": torch.tensor([[[0.5, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])[:, None],
    }
    assert source_shares(shares)[:, 0].tolist() == [
        [[0.5, 0.0], [0.0, 0.0]],
        [[0.5, 0.0], [0.5, 0.0]],
    ]


def test_a_norm_between_attention_and_sum_is_refused() -> None:
    model, inputs = opened("gemma2")
    with pytest.raises(ModelError, match=r"gemma2: a norm .* neither"):
        weighed(model, inputs)
