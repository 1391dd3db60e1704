"""Interventions against hand-made changes of the stock model, made at its output projections."""

from collections.abc import Callable
from contextlib import contextmanager

import pytest
import torch

from seq2seq.errors import ModelError
from seq2seq.probe.model.interventions import (
    BlockedEdges,
    ExchangedColumns,
    HeadAblation,
    Patch,
    self_only,
)
from seq2seq.probe.model.reading import Inputs
from seq2seq.probe.model.stock_model import StockModel
from tests.probe.stock_models import build, lines

SOURCES, TARGETS = lines(6, 4), lines(5, 3, start=2, seed=1)
PLACES = [  # family, stack, path of the attention of layer 1, name of its projections
    ("marian", "encoder", "model.encoder.layers.1.self_attn", ("v_proj", "out_proj")),
    ("marian", "decoder", "model.decoder.layers.1.self_attn", ("v_proj", "out_proj")),
    ("marian", "cross", "model.decoder.layers.1.encoder_attn", ("v_proj", "out_proj")),
    ("t5", "cross", "decoder.block.1.layer.1.EncDecAttention", ("v", "o")),
    ("llama", "decoder", "model.layers.1.self_attn", ("v_proj", "o_proj")),
]


def opened(family: str) -> tuple[StockModel, Inputs]:
    model = StockModel(build(family), None, name=family)
    return model, model.inputs(SOURCES, TARGETS if model.kind == "encoder-decoder" else None)


def heads(model: StockModel, stack, *chosen: tuple[int, int]) -> torch.Tensor:
    mask = torch.zeros(model.depth[stack], model.heads[stack], dtype=torch.bool)
    for layer, head in chosen:
        mask[layer, head] = True
    return mask


def largest(difference: torch.Tensor) -> float:
    return difference.abs().max().item()


@contextmanager
def changed(module: torch.nn.Module, change: Callable[[torch.Tensor], torch.Tensor]):
    """What a linear map is called with, changed on the way: (batch, rows, heads x features)."""
    hook = module.register_forward_pre_hook(lambda _, given: (change(given[0].clone()),))
    yield
    hook.remove()


def edges_of(model, inputs, stack, *edges: tuple[int, int, int]) -> torch.Tensor:
    shape = model.read(inputs, stacks=[stack]).maps[stack].shape
    mask = torch.zeros(shape[1], *shape[3:], dtype=torch.bool)
    for edge in edges:
        mask[edge] = True
    return mask


@pytest.mark.parametrize(
    ("family", "stack"),
    [("bart", "encoder"), ("bart", "decoder"), ("bart", "cross"), ("t5", "encoder"),
     ("t5", "cross"), ("llama", "decoder"), ("gemma2", "decoder"), ("bert", "encoder"),
     ("gpt2", "decoder")],
)  # fmt: skip
def test_a_knocked_out_edge_has_no_weight_and_the_row_is_renormalised(family, stack):
    model, inputs = opened(family)
    plain = model.read(inputs).maps[stack]
    first, *_ = plain[0, 0, 1, 2].argsort(descending=True).tolist()
    second, third, *_ = plain[0, 1, 1, 2].argsort(descending=True).tolist()
    edges = edges_of(model, inputs, stack, (0, 2, first), (1, 2, second), (1, 2, third))
    where = heads(model, stack, (0, 1))
    found = model.read(inputs, interventions=[BlockedEdges(stack, edges, where)]).maps[stack]
    expected = plain[0, :, 1].masked_fill(edges, 0)
    expected /= expected.sum(-1, keepdim=True)
    assert plain[0, :, 1][edges].max() > 0.1
    assert (found[0, :, 1][edges] == 0).all()
    assert largest(found[0, :, 1] - expected) <= 1e-6
    # The other heads of this layer saw nothing of it; later layers did.
    assert torch.equal(found[0, :, 0], plain[0, :, 0])
    assert largest(found[1] - plain[1]) > 1e-5


def test_a_knock_out_without_heads_holds_in_all_of_them():
    model, inputs = opened("marian")
    edges = edges_of(model, inputs, "cross", (0, 3, 2))
    maps = model.read(inputs, interventions=[BlockedEdges("cross", edges)]).maps["cross"]
    assert (maps[:, 0, :, 3, 2] == 0).all()
    assert (maps[:, 0, :, 3, [0, 1, 3, 4, 5]] > 0).all()
    assert (maps[:, 0, :, 2] > 0).all()


def test_four_equal_columns_become_thirds_and_halves_when_edges_go():
    """Worked by hand: without queries all visible columns are seen alike."""
    stock = build("bart")
    torch.nn.init.zeros_(stock.model.encoder.layers[0].self_attn.q_proj.weight)
    torch.nn.init.zeros_(stock.model.encoder.layers[0].self_attn.q_proj.bias)
    model = StockModel(stock, None, name="bart")
    inputs = model.inputs(lines(6, 4), TARGETS)
    edges = torch.zeros(2, 6, 6, dtype=torch.bool)
    edges[1, 0, 3] = True
    more = torch.zeros(2, 6, 6, dtype=torch.bool)
    more[1, 0, 2] = more[1, 1, 0] = True
    cuts = [BlockedEdges("encoder", edges), BlockedEdges("encoder", more)]
    row = model.read(inputs, interventions=cuts).maps["encoder"][0, 1, 2]
    third = 1 / 3
    assert row[0].tolist() == pytest.approx([0.5, 0.5, 0, 0, 0, 0])
    assert row[1].tolist() == pytest.approx([0, third, third, third, 0, 0])
    assert row[2].tolist() == pytest.approx([0.25] * 4 + [0, 0])


def test_a_row_left_with_itself_only_sees_itself():
    model, inputs = opened("bert")
    rows = torch.zeros(2, 6, dtype=torch.bool)
    rows[1, 2] = True
    cut = BlockedEdges("encoder", self_only(rows))
    maps = model.read(inputs, interventions=[cut]).maps["encoder"]
    assert (maps[:, 1, :, 2] == torch.tensor([0.0, 0, 1, 0, 0, 0])).all()
    assert (maps[:, 0] > 0).all()


def test_a_row_with_nothing_left_to_see_is_refused():
    model, inputs = opened("bart")
    edges = torch.zeros(2, 6, 6, dtype=torch.bool)
    edges[1, 3, :4] = True  # two columns are left, but they are padding
    with pytest.raises(ModelError, match=r"encoder edges: row 3 of item 1 \(layer 0, head 0\) has"):
        model.read(inputs, interventions=[BlockedEdges("encoder", edges)])
    edges[1, 3, 0] = False
    assert model.read(inputs, interventions=[BlockedEdges("encoder", edges)]).logits is not None
    rows = torch.zeros(2, 5, dtype=torch.bool)
    rows[0, 0] = True  # the first row of a decoder sees nothing but itself
    both = [
        BlockedEdges("decoder", self_only(rows)),
        BlockedEdges("decoder", torch.eye(5).bool()[None]),
    ]
    with pytest.raises(ModelError, match=r"decoder edges: has shape \(1, 5, 5\), .* \(2, 5, 5\)"):
        model.read(inputs, interventions=both)
    own = BlockedEdges("decoder", rows[:, :, None] & torch.eye(5).bool())
    with pytest.raises(ModelError, match="decoder edges: row 0 of item 0"):
        model.read(inputs, interventions=[own])


@pytest.mark.parametrize("how", ["mean", "uniform"])
@pytest.mark.parametrize(("family", "stack", "path", "names"), PLACES)
def test_an_ablated_head_is_one_whose_slice_was_replaced_by_hand(family, stack, path, names, how):
    model, inputs = opened(family)
    attention = model.model.get_submodule(path)
    value, output = (attention.get_submodule(name) for name in names)
    head, dim = 1, output.in_features // model.heads[stack]
    slot = slice(head * dim, (head + 1) * dim)
    means = torch.randn(model.depth[stack], model.heads[stack], dim)
    seen: list[torch.Tensor] = []
    hook = value.register_forward_hook(lambda *given: seen.append(given[2]))

    def by_hand(said: torch.Tensor) -> torch.Tensor:
        if how == "mean":
            said[..., slot] = means[1, head]
        else:
            groups = seen[-1].shape[-1] // dim
            first = head * groups // model.heads[stack] * dim
            offered = seen[-1][..., first : first + dim]
            for item, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
                length = len(source) if stack != "decoder" or family == "llama" else len(target)
                for row in range(said.shape[1]):
                    columns = min(row + 1, length) if stack == "decoder" else length
                    said[item, row, slot] = offered[item, :columns].mean(0)
        return said

    with changed(output, by_hand):
        expected = model.read(inputs)
    hook.remove()
    ablation = HeadAblation(
        stack, heads(model, stack, (1, head)), how, means if how == "mean" else None
    )
    found = model.read(inputs, interventions=[ablation])
    plain = model.read(inputs)
    assert largest(found.logits - expected.logits) <= 1e-5
    assert largest(plain.logits - expected.logits) > 1e-3
    if how != "uniform":
        assert torch.equal(found.maps[stack][1], plain.maps[stack][1])
    else:
        row = found.maps[stack][1, 1, head, 2]
        assert row[:3].tolist() == pytest.approx([1 / 4 if stack != "decoder" else 1 / 3] * 3)


def test_a_uniform_head_looks_evenly_at_what_a_knock_out_left_it():
    model, inputs = opened("bart")
    edges = edges_of(model, inputs, "cross", (1, 2, 0))
    both = [
        HeadAblation("cross", heads(model, "cross", (0, 1)), "uniform"),
        BlockedEdges("cross", edges),
    ]
    maps = model.read(inputs, interventions=both).maps["cross"]
    third = 1 / 3
    assert maps[0, 1, 1, 2].tolist() == pytest.approx([0, third, third, third, 0, 0])
    assert maps[0, 1, 1, 1].tolist() == pytest.approx([0.25] * 4 + [0, 0])


@pytest.mark.parametrize(("family", "stack", "path", "names"), PLACES)
def test_patching_with_own_outputs_changes_nothing_and_with_others_what_was_done_by_hand(
    family, stack, path, names
):
    model, inputs = opened(family)
    plain = model.read(inputs, outputs=True)
    own = plain.outputs[stack][1, :, 1]
    rows = torch.zeros(own.shape[:2], dtype=torch.bool)
    rows[0, 1] = rows[1, 2] = True
    same = model.read(inputs, interventions=[Patch(stack, 1, 1, rows, own)])
    assert torch.equal(same.logits, plain.logits)

    flipped = Inputs(
        inputs.source_ids.flip(0).contiguous(), torch.ones_like(inputs.source_mask),
        inputs.target_ids, inputs.target_mask,
    )  # fmt: skip
    other = model.read(flipped, outputs=True).outputs[stack][1, :, 1]
    found = model.read(inputs, interventions=[Patch(stack, 1, 1, rows, other)])

    def by_hand(said: torch.Tensor) -> torch.Tensor:
        dim = other.shape[-1]
        said[0, 1, dim : 2 * dim] = other[0, 1]
        said[1, 2, dim : 2 * dim] = other[1, 2]
        return said

    with changed(model.model.get_submodule(f"{path}.{names[1]}"), by_hand):
        expected = model.read(inputs)
    assert largest(found.logits - expected.logits) <= 1e-5
    assert largest(found.logits - plain.logits) > 1e-4


def test_patches_and_means_of_another_shape_are_refused():
    model, inputs = opened("marian")
    rows = torch.ones(2, 5, dtype=torch.bool)
    with pytest.raises(ModelError, match=r"patch of cross layer 0 head 1: has shape \(2, 5, 7\)"):
        model.read(inputs, interventions=[Patch("cross", 0, 1, rows, torch.zeros(2, 5, 7))])
    short = Patch("cross", 0, 1, rows[:, :4], torch.zeros(2, 4, 12))
    with pytest.raises(ModelError, match=r"needs \(2, 5\)"):
        model.read(inputs, interventions=[short])
    means = HeadAblation("cross", heads(model, "cross", (0, 0)), "mean", torch.zeros(2, 2, 7))
    with pytest.raises(ModelError, match=r"ablation of cross heads: has shape \(2, 7\), .*2, 12"):
        model.read(inputs, interventions=[means])


def test_places_that_the_model_does_not_have_are_refused_before_it_reads():
    model, inputs = opened("bert")
    rows = torch.ones(2, 6, dtype=torch.bool)
    with pytest.raises(ModelError, match="Patch of encoder heads: layer 3 head 0; the model has 3"):
        model.read(inputs, interventions=[Patch("encoder", 3, 0, rows, torch.zeros(2, 6, 6))])
    with pytest.raises(
        ModelError, match="BlockedEdges of cross heads: the model has encoder attention"
    ):
        model.read(inputs, interventions=[BlockedEdges("cross", torch.zeros(2, 6, 6).bool())])


def exchange(model, inputs, stack, row: int, one: list[int], other: list[int], where):
    shape = model.read(inputs, stacks=[stack]).maps[stack].shape
    rows, columns = torch.zeros(shape[1], shape[3]), torch.zeros(shape[1], 2, shape[4])
    rows[0, row] = 1
    columns[0, 0, one], columns[0, 1, other] = 1, 1
    return ExchangedColumns(stack, rows.bool(), columns.bool(), where)


@pytest.mark.parametrize(("family", "stack", "path", "projections"), PLACES)
def test_two_columns_exchanged_say_what_two_values_exchanged_do(family, stack, path, projections):
    model, inputs = opened(family)
    where = heads(model, stack, (1, 1))
    done = exchange(model, inputs, stack, 2, [0], [1], where)
    plain = model.read(inputs, outputs=True)
    found = model.read(inputs, outputs=True, interventions=[done])
    value = model.model.get_submodule(f"{path}.{projections[0]}")

    def exchanged(_, __, values):  # in one item, for all its rows and heads
        return torch.cat([values[:1, [1, 0]], values[:1, 2:]], 1).expand_as(values)

    hook = value.register_forward_hook(exchanged)
    by_hand = model.read(inputs, outputs=True).outputs[stack][1, 0, 1, 2]
    hook.remove()
    said = found.outputs[stack]
    assert largest(said[1, 0, 1, 2] - by_hand) < 1e-5
    assert largest(said[1, 0, 1, 2] - plain.outputs[stack][1, 0, 1, 2]) > 1e-4
    assert largest(said[1, 1] - plain.outputs[stack][1, 1]) < 1e-6  # another item
    assert largest(said[1, 0, 0] - plain.outputs[stack][1, 0, 0]) < 1e-6  # another head
    assert largest(said[0] - plain.outputs[stack][0]) < 1e-6  # a layer below


def test_a_word_is_given_what_the_other_drew_and_spreads_it_as_it_did_its_own():
    model, inputs = opened("bart")
    plain = model.read(inputs).maps["encoder"][0, 0]
    done = exchange(model, inputs, "encoder", 2, [0, 1], [4], heads(model, "encoder", (0, 1)))
    found = model.read(inputs, interventions=[done]).maps["encoder"][0, 0]
    before, after = plain[1, 2], found[1, 2]
    drawn = before[:2].sum()
    assert after[4].item() == pytest.approx(drawn.item())
    assert after[:2].tolist() == pytest.approx((before[:2] / drawn * before[4]).tolist())
    assert after[[2, 3, 5]].tolist() == before[[2, 3, 5]].tolist()
    unseen = torch.zeros(2, plain.shape[-1], plain.shape[-1], dtype=torch.bool)
    unseen[0, 2, :2] = True
    blocked = BlockedEdges("encoder", unseen, done.heads)
    spread = model.read(inputs, interventions=[blocked, done]).maps["encoder"][0, 0, 1, 2]
    assert spread[0].item() == pytest.approx(spread[1].item())  # evenly, where it had nothing
    assert spread[0].item() > 0
    assert spread[4].item() == 0


def test_a_row_that_looks_at_both_words_alike_is_untouched_by_an_exchange():
    model, inputs = opened("bart")
    evenly = HeadAblation("encoder", heads(model, "encoder", (0, 1)), "uniform")
    done = exchange(model, inputs, "encoder", 2, [0], [3], heads(model, "encoder", (0, 1)))
    one, both = (
        model.read(inputs, outputs=True, interventions=some).outputs["encoder"]
        for some in ([evenly], [evenly, done])
    )
    assert largest(one - both) < 1e-6
