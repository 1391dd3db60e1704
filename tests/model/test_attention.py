"""Attention's weights against the formula, at row lengths around a vector register's."""

import pytest
import torch

from seq2seq.model.attention import BLOCKED, row_softmax


@pytest.mark.parametrize("keys", [1, 5, 15, 16, 17])
def test_weights_and_their_gradient_follow_the_formula(keys):
    scores = (4 * torch.randn(3, 2, 7, keys)).requires_grad_()
    wanted = torch.randn(3, 2, 7, keys)
    weights = row_softmax(scores)
    weights.backward(wanted)
    exact = scores.detach().double().exp()
    exact /= exact.sum(-1, keepdim=True)
    gradient = exact * (wanted - (exact * wanted).sum(-1, keepdim=True))
    torch.testing.assert_close(weights.double(), exact, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(scores.grad.double(), gradient, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("keys", [5, 17])
def test_blocked_keys_get_nothing_unless_all_are(keys):
    scores = torch.zeros(2, keys)
    scores[0, 2:] += BLOCKED
    scores[1] += BLOCKED
    weights = row_softmax(scores)
    assert weights[0].tolist() == [0.5, 0.5] + [0.0] * (keys - 2)
    assert weights[1].tolist() == pytest.approx([1 / keys] * keys)
