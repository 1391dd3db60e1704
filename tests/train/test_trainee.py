import torch
from torch.nn import functional as F

from seq2seq.model.config import build_config
from seq2seq.model.transformer import Transformer
from seq2seq.train.trainee import Sight, Trainee

PAD, EOS, START = 1, 2, 2


def trainee(*, rdrop_weight: float, dropout: float = 0.0, smoothing: float = 0.0) -> Trainee:
    torch.manual_seed(0)
    config = build_config(
        "m2m_100", vocab_size=30, width=16, ffn_width=32, heads=2, encoder_layers=1,
        decoder_layers=2, dropout=dropout, attention_dropout=0.0, activation_dropout=0.0,
        activation="relu", scale_embedding=True, max_positions=32,
    )  # fmt: skip
    return Trainee(Transformer(config), label_smoothing=smoothing, rdrop_weight=rdrop_weight)


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    source = torch.tensor([[5, 6, 7, EOS], [8, 9, EOS, PAD]])
    target = torch.tensor([[10, 11, EOS], [12, EOS, PAD]])
    return source, source != PAD, target


def test_each_piece_is_predicted_from_those_before_it() -> None:
    """Against the plain forward pass with the inputs written out by hand."""
    one = trainee(rdrop_weight=0.0)
    source, mask, target = batch()
    loss, nll, *_ = one(source, mask, target)
    inputs = torch.tensor([[START, 10, 11], [START, 12, EOS]])
    logits = one.model(source, inputs, mask)
    expected = F.cross_entropy(
        logits.flatten(0, 1), target.flatten(), ignore_index=PAD, reduction="sum"
    )
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(nll, expected)


def test_padding_has_no_share_in_loss_or_gradient() -> None:
    one = trainee(rdrop_weight=0.0, smoothing=0.1)
    source, mask, target = batch()
    one(source, mask, target)[0].backward()
    gradient = one.model.embedding.weight.grad
    assert gradient is not None
    wider = torch.cat([target, torch.full((2, 3), PAD)], dim=1)
    one.zero_grad()
    one(source, mask, wider)[0].backward()
    torch.testing.assert_close(one.model.embedding.weight.grad, gradient, atol=1e-6, rtol=1e-5)


def test_rdrop_without_dropout_adds_nothing() -> None:
    source, mask, target = batch()
    plain = trainee(rdrop_weight=0.0)(source, mask, target)[0]
    twice = trainee(rdrop_weight=5.0)(source, mask, target)[0]
    torch.testing.assert_close(plain, twice)


def test_rdrop_adds_both_divergences_between_two_passes() -> None:
    source, mask, target = batch()
    one = trainee(rdrop_weight=2.0, dropout=0.3)
    torch.manual_seed(7)
    loss, *_ = one(source, mask, target)
    torch.manual_seed(7)
    real = target != PAD
    first, second = (one._hidden(source, mask, target, Sight())[real] for _ in range(2))
    p, q = (one.model.logits(hidden).softmax(-1) for hidden in (first, second))
    divergence = (p * (p / q).log()).sum() + (q * (q / p).log()).sum()
    entropies = [
        F.cross_entropy(one.model.logits(hidden), target[real], reduction="sum")
        for hidden in (first, second)
    ]
    expected = sum(entropies) / 2 + 2.0 / 4 * divergence
    torch.testing.assert_close(loss, expected)
    assert divergence > 0.01


def test_rdrop_is_off_outside_training() -> None:
    source, mask, target = batch()
    one = trainee(rdrop_weight=2.0, dropout=0.3).eval()
    torch.testing.assert_close(one(source, mask, target)[0], one(source, mask, target)[1])


def test_under_autocast_the_objective_computes_in_the_narrow_format() -> None:
    """A norm ends the decoder in 32 bits; left so, half the work would be at a quarter speed."""
    source, mask, target = batch()
    one = trainee(rdrop_weight=0.0)
    with torch.autocast("cpu", torch.bfloat16):
        assert one._hidden(source, mask, target, Sight()).dtype == torch.bfloat16
        loss, *_ = one(source, mask, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, one(source, mask, target)[0], rtol=0.02, atol=0)
