import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seq2seq.data.batches import Batch, collate
from seq2seq.data.ragged import Ragged
from seq2seq.model.config import build_config
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import TrainSpec
from seq2seq.train.criterion.bottleneck import Visibility
from seq2seq.train.criterion.criterion import Update
from seq2seq.train.criterion.transformer import TransformerCriterion
from tests.train.batches import batch_of, losses_of

PAD, EOS, START = 1, 2, 2


def criterion(
    *,
    rdrop_weight: float = 0.0,
    dropout: float = 0.0,
    smoothing: float = 0.0,
    context_discount: float = 0.0,
) -> TransformerCriterion:
    torch.manual_seed(0)
    config = build_config(
        "m2m_100", vocab_size=30, width=16, ffn_width=32, heads=2, encoder_layers=1,
        decoder_layers=2, dropout=dropout, attention_dropout=0.0, activation_dropout=0.0,
        activation="relu", scale_embedding=True, max_positions=32,
    )  # fmt: skip
    spec = TrainSpec(
        label_smoothing=smoothing, rdrop_weight=rdrop_weight, context_discount=context_discount
    )
    return TransformerCriterion(Transformer(config), spec)


def batch(*, padding: int = 0) -> Batch:
    source = torch.tensor([[5, 6, 7, EOS], [8, 9, EOS, PAD]])
    target = torch.tensor([[10, 11, EOS], [12, EOS, PAD]])
    wider = torch.cat([target, torch.full((2, padding), PAD)], dim=1)
    return batch_of(source, wider)


def test_each_piece_is_predicted_from_those_before_it() -> None:
    """Against the plain forward pass with the inputs written out by hand."""
    one, pairs = criterion(), batch()
    loss, parts = losses_of(one, pairs)
    inputs = torch.tensor([[START, 10, 11], [START, 12, EOS]])
    logits = one.model(pairs.source_ids, inputs, pairs.source_mask)
    expected = F.cross_entropy(
        logits.flatten(0, 1), pairs.target_ids.flatten(), ignore_index=PAD, reduction="sum"
    )
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(parts["nll"], expected)


def test_padding_has_no_share_in_loss_or_gradient() -> None:
    one = criterion(smoothing=0.1)
    losses_of(one, batch()).loss.backward()
    gradient = one.model.embedding.weight.grad
    assert gradient is not None
    one.zero_grad()
    losses_of(one, batch(padding=3)).loss.backward()
    torch.testing.assert_close(one.model.embedding.weight.grad, gradient, atol=1e-6, rtol=1e-5)


def test_rdrop_without_dropout_adds_nothing() -> None:
    plain, twice = (
        losses_of(criterion(rdrop_weight=weight), batch()).loss for weight in (0.0, 5.0)
    )
    torch.testing.assert_close(plain, twice)


def test_rdrop_adds_both_divergences_between_two_passes() -> None:
    one, pairs = criterion(rdrop_weight=2.0, dropout=0.3), batch()
    torch.manual_seed(7)
    loss = losses_of(one, pairs).loss
    torch.manual_seed(7)
    targets = pairs.target_ids[pairs.target_ids != PAD]
    first, second = (
        one._at(one._states(pairs, Visibility()), pairs.target_places) for _ in range(2)
    )
    p, q = (one.model.logits(hidden).softmax(-1) for hidden in (first, second))
    divergence = (p * (p / q).log()).sum() + (q * (q / p).log()).sum()
    entropies = [
        F.cross_entropy(one.model.logits(hidden), targets, reduction="sum")
        for hidden in (first, second)
    ]
    expected = sum(entropies) / 2 + 2.0 / 4 * divergence
    torch.testing.assert_close(loss, expected)
    assert divergence > 0.01


def test_rdrop_is_off_outside_training() -> None:
    one = criterion(rdrop_weight=2.0, dropout=0.3).eval()
    loss, parts = losses_of(one, batch())
    torch.testing.assert_close(loss, parts["nll"])


def test_under_autocast_the_objective_computes_in_the_narrow_format() -> None:
    """A norm ends the decoder in 32 bits; left so, half the work would be at a quarter speed."""
    one, pairs = criterion(), batch()
    with torch.autocast("cpu", torch.bfloat16):
        states = one._states(pairs, Visibility())
        assert one._at(states, pairs.target_places).dtype == torch.bfloat16
        loss = losses_of(one, pairs).loss
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, losses_of(one, pairs).loss, rtol=0.02, atol=0)


@pytest.mark.parametrize("discount", [0.0, 0.25, 1.0])
def test_the_targets_context_counts_as_much_as_it_is_discounted(discount: float) -> None:
    """Against the mean over every piece of an update of two micro-batches, weighed one by one."""
    one = criterion(context_discount=discount)
    source, target = [5, 6, 7, EOS], [10, 11, 12, 13, EOS]
    sources, targets = Ragged.of([source, source[1:]]), Ragged.of([target, target[2:]])
    mixed = collate(sources, targets, PAD, np.array([3, 0]))
    alone = collate(Ragged.of([source]), Ragged.of([target]), PAD, np.array([0]))
    assert (mixed.target_tokens, alone.target_tokens) == (2 + 3, 5)
    counts = {"target_tokens": torch.tensor(10.0), "context_tokens": torch.tensor(3.0)}
    assert one.counts(mixed) | one.counts(alone) in ({}, {"context_tokens": 0})
    losses = [one(part, Update(1, counts)) for part in (mixed, alone)]
    total, weights = torch.zeros(()), 0.0
    for part, given in ((mixed, [3, 0]), (alone, [0])):
        inputs = part.target_ids.roll(1, dims=1)
        inputs[:, 0] = START
        logits = one.model(part.source_ids, inputs, part.source_mask)
        each = F.cross_entropy(logits.transpose(1, 2), part.target_ids, reduction="none")
        for row, before in enumerate(given):
            for place, piece in enumerate(part.target_ids[row].tolist()):
                weight = 0.0 if piece == PAD else discount if place < before else 1.0
                total, weights = total + weight * each[row, place], weights + weight
    torch.testing.assert_close(sum(one.loss for one in losses) / 10, total / weights)
    one.eval()
    own = losses[0].parts["nll"]
    torch.testing.assert_close(losses_of(one, mixed).loss, own)
