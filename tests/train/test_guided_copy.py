"""Guided copying: where pieces were taken from, by hand and one by one; the stock class's maps."""

import pytest
import torch
from torch import Tensor
from transformers import M2M100ForConditionalGeneration, MarianMTModel

from seq2seq.families import Family
from seq2seq.model.stock import stock_state
from seq2seq.recipe import TrainSpec
from seq2seq.train.criterion.guided_copy import copied_places, copying_loss
from seq2seq.train.criterion.layer_inputs import inputs_of
from seq2seq.train.criterion.transformer import TransformerCriterion
from tests.train.batches import batch_of, losses_of
from tests.train.test_guided_attention import model

PAD, END = 1, 2
SPECIAL = (PAD, END)


def places(source: list[int], target: list[int]) -> list[set[int]]:
    found = copied_places(torch.tensor([source]), torch.tensor([target]), special=SPECIAL)
    return [set(row.nonzero()[:, 0].tolist()) for row in found[0]]


def test_a_piece_was_taken_from_its_longest_stretch() -> None:
    # 5 6 stands twice; after 7 8 only the second place goes on as the target does
    assert places([5, 6, 9, 7, 8, 5, 6, END], [7, 8, 5, 6, END]) == [{3}, {4}, {5}, {6}, set()]


def test_of_stretches_that_are_as_long_any_will_do() -> None:
    assert places([5, 6, 9, 5, 6, END], [5, 6, END]) == [{0, 3}, {1, 4}, set()]


def test_single_pieces_and_special_ones_are_taken_from_nowhere() -> None:
    assert places([5, 6, 7, END, PAD, PAD], [6, 9, 5, END, PAD, PAD]) == [set()] * 6


def longest_stretch(source: list[int], target: list[int], row: int, place: int) -> int:
    """Pieces around two places that are equal on both sides, found piece by piece."""

    def equal(shift: int) -> bool:
        i, j = row + shift, place + shift
        inside = 0 <= i < len(target) and 0 <= j < len(source)
        return inside and target[i] == source[j] and target[i] not in (PAD, END)

    if not equal(0):
        return 0
    left = next(n for n in range(len(target) + 1) if not equal(-n - 1))
    right = next(n for n in range(len(target) + 1) if not equal(n + 1))
    return left + 1 + right


def test_it_is_what_looking_piece_by_piece_finds() -> None:
    torch.manual_seed(3)
    sources, targets = torch.randint(1, 6, (40, 9)), torch.randint(1, 6, (40, 7))
    found = copied_places(sources, targets, special=SPECIAL)
    for source, target, copied in zip(sources.tolist(), targets.tolist(), found, strict=True):
        for row in range(7):
            lengths = [longest_stretch(source, target, row, place) for place in range(9)]
            best = max(lengths)
            expected = [best >= 2 and length == best for length in lengths]
            assert copied[row].tolist() == expected
    assert found.any(2).float().mean() > 0.1


def batch(pad: int = PAD, end: int = END) -> tuple[Tensor, Tensor, Tensor]:
    source = torch.tensor(
        [[5, 6, 7, 8, 9, end], [8, 9, 10, end, pad, pad], [11, 12, 13, 14, end, pad]]
    )
    target = torch.tensor([[7, 8, 9, end], [20, 8, 9, end], [21, 22, end, pad]])
    return source, source != pad, target


def cross_maps(one: TransformerCriterion, source: Tensor, mask: Tensor, target: Tensor) -> Tensor:
    """Cross-attention of the stock class: layers, sentences, heads, target, source."""
    config = one.model.config
    config._attn_implementation = "eager"
    kind = MarianMTModel if config.model_type == "marian" else M2M100ForConditionalGeneration
    stock = kind(config).eval()
    stock.load_state_dict(stock_state(one.model), strict=False)
    inputs = target.roll(1, 1)
    inputs[:, 0] = config.decoder_start_token_id
    answer = stock(
        input_ids=source, attention_mask=mask.long(), decoder_input_ids=inputs,
        output_attentions=True,
    )  # fmt: skip
    return torch.stack(answer.cross_attentions)


def criterion(family: Family = "m2m_100", *, weight: float = 0.5) -> TransformerCriterion:
    section = {"weight": weight, "layer": 1, "head": 2}
    return TransformerCriterion(model(family), TrainSpec.model_validate({"guided_copy": section}))


@pytest.mark.parametrize("family", ["m2m_100", "marian"])
def test_the_loss_is_the_surprise_at_where_the_stock_class_looks(family: Family) -> None:
    one = criterion(family)
    source, mask, target = batch(one.model.config.pad_token_id, one.model.config.eos_token_id)
    maps = cross_maps(one, source, mask, target)[1, :, 2]
    expected = -sum(
        maps[sentence, row, place].log()
        for sentence, row, place in ((0, 0, 2), (0, 1, 3), (0, 2, 4), (1, 1, 0), (1, 2, 1))
    )
    pairs = batch_of(source, target, pad=one.model.config.pad_token_id)
    plain, guided = losses_of(criterion(family, weight=0.0), pairs), losses_of(one, pairs)
    assert plain.parts == {"nll": guided.parts["nll"]}
    copying = guided.parts["copying"]
    torch.testing.assert_close(copying, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(guided.loss, plain.loss + 0.5 * copying)


def test_guidance_makes_the_head_stand_on_what_is_copied_and_no_other() -> None:
    one = criterion(weight=100.0)
    source, mask, target = batch()
    optimizer = torch.optim.Adam(one.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        losses_of(one, batch_of(source, target)).loss.backward()
        optimizer.step()
    maps = cross_maps(one, source, mask, target)[1, 0]
    assert min(maps[2, row, 2 + row] for row in range(3)) > 0.9
    assert min(maps[1, row, 2 + row] for row in range(3)) < 0.9


def test_a_batch_that_copies_nothing_is_guided_by_nothing() -> None:
    one = criterion()
    attention = one.model.decoder[1].cross_attention
    source, mask, target = batch()
    with inputs_of(attention) as read:
        losses_of(one, batch_of(source, target))
    x, key = read[0][:2]
    nothing = torch.zeros(3, 4, 6, dtype=torch.bool)
    loss = copying_loss(attention, x, key, mask, nothing, head=2)
    assert float(loss.detach()) == 0.0
    loss.backward()
