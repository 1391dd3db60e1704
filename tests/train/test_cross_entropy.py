import pytest
import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from seq2seq.train.criterion import cross_entropy
from seq2seq.train.criterion.cross_entropy import smoothed_cross_entropy
from tests.host_waits import Card, HostWaits

PAD, VOCAB, WIDTH, TOKENS = 1, 23, 8, 37


@pytest.fixture(params=[5 * 23, 10**6], ids=["many-chunks", "one-chunk"])
def _rows(request, monkeypatch):
    monkeypatch.setattr(cross_entropy, "CHUNK_LOGITS", request.param)


@pytest.fixture(params=[5 * 23, 10**6], ids=["many-chunks", "one-chunk"])
def _rows_of_a_card(request, monkeypatch):
    monkeypatch.setattr(cross_entropy, "DEVICE_CHUNK_LOGITS", request.param)


def draw(dtype=torch.float32):
    hidden = torch.randn(TOKENS, WIDTH, dtype=dtype, requires_grad=True)
    weight = torch.randn(VOCAB, WIDTH, dtype=dtype, requires_grad=True)
    targets = torch.randint(2, VOCAB, (TOKENS,))
    return hidden, weight, targets


def wanted(targets, smoothing):
    """The distribution of the docstring, written out."""
    wanted = torch.full((len(targets), VOCAB), smoothing / (VOCAB - 1))
    wanted[:, PAD] = 0
    wanted[torch.arange(len(targets)), targets] += 1 - smoothing
    assert torch.allclose(wanted.sum(1), torch.ones(len(targets)))
    return wanted


@pytest.mark.usefixtures("_rows")
@pytest.mark.parametrize("with_bias", [False, True], ids=["no-bias", "bias"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_and_gradients_equal_torch_with_explicit_soft_targets(smoothing, with_bias):
    hidden, weight, targets = draw()
    bias = torch.randn(VOCAB) if with_bias else None
    logits = F.linear(hidden, weight, bias)
    expected = F.cross_entropy(logits, wanted(targets, smoothing), reduction="sum")
    expected_grads = torch.autograd.grad(expected * 0.3, [hidden, weight])

    loss, nll = smoothed_cross_entropy(
        hidden, weight, bias, targets, smoothing=smoothing, pad_id=PAD
    )
    grads = torch.autograd.grad(loss * 0.3, [hidden, weight])
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    plain = F.cross_entropy(F.linear(hidden, weight, bias), targets, reduction="sum")
    assert nll.item() == pytest.approx(plain.item(), rel=1e-5)
    for grad, truth in zip(grads, expected_grads, strict=True):
        assert (grad - truth).abs().max() < 1e-5


@pytest.mark.usefixtures("_rows")
def test_gradients_equal_finite_differences():
    hidden, weight, targets = draw(torch.float64)
    bias = torch.randn(VOCAB, dtype=torch.float64)

    def loss_of(hidden, weight):
        return smoothed_cross_entropy(hidden, weight, bias, targets, smoothing=0.1, pad_id=PAD)[0]

    assert torch.autograd.gradcheck(loss_of, (hidden, weight))


class Products(TorchDispatchMode):
    """Notes the shapes of all matrix products that are computed."""

    def __init__(self):
        super().__init__()
        self.shapes = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.addmm):
            self.shapes.add(tuple(tuple(one.shape) for one in args))
        return func(*args, **(kwargs or {}))


def test_batches_of_almost_one_size_multiply_matrices_of_the_same_shapes(monkeypatch):
    monkeypatch.setattr(cross_entropy, "CHUNK_LOGITS", 150 * VOCAB)
    shapes = []
    for tokens in (600, 639, 641):
        hidden, weight = torch.randn(tokens, WIDTH, requires_grad=True), torch.randn(VOCAB, WIDTH)
        with Products() as products:
            smoothed_cross_entropy(
                hidden, weight, None, torch.full((tokens,), 2), smoothing=0.1, pad_id=PAD
            )
        shapes.append(products.shapes)
    assert shapes[0] == shapes[1] != shapes[2]
    assert ((128, WIDTH), (WIDTH, VOCAB)) in shapes[0]


def test_an_impossible_padding_piece_costs_nothing_and_gets_no_gradient():
    hidden, weight, targets = draw()
    bias = torch.zeros(VOCAB)
    bias[PAD] = -1e4
    loss, _ = smoothed_cross_entropy(hidden, weight, bias, targets, smoothing=0.1, pad_id=PAD)
    grad = torch.autograd.grad(loss, weight)[0]
    assert loss < 1000
    assert not grad[PAD].any()


def test_bf16_vectors_with_an_fp32_matrix_give_an_fp32_gradient_of_the_matrix():
    hidden, weight, targets = draw()
    exact, _ = smoothed_cross_entropy(hidden, weight, None, targets, smoothing=0.1, pad_id=PAD)
    exact_grad = torch.autograd.grad(exact, weight)[0]
    loss, nll = smoothed_cross_entropy(
        hidden.bfloat16(), weight, None, targets, smoothing=0.1, pad_id=PAD
    )
    hidden_grad, grad = torch.autograd.grad(loss, [hidden, weight])
    assert (loss.dtype, nll.dtype, grad.dtype) == (torch.float32,) * 3
    assert hidden_grad.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), rel=0.01)
    assert (grad - exact_grad).norm() < 0.02 * exact_grad.norm()


def test_autocast_around_it_changes_nothing():
    hidden, weight, targets = draw()
    bare, _ = smoothed_cross_entropy(hidden, weight, None, targets, smoothing=0.1, pad_id=PAD)
    with torch.autocast("cpu", torch.bfloat16):
        inside, _ = smoothed_cross_entropy(hidden, weight, None, targets, smoothing=0.1, pad_id=PAD)
    assert torch.equal(bare, inside)


def test_a_real_piece_whose_probability_vanishes_still_has_its_exact_surprise():
    hidden, weight, targets = draw()
    huge = (hidden.detach() * 300).requires_grad_()
    logits = F.linear(huge, weight)
    expected = F.cross_entropy(logits, targets, reduction="sum")
    least = logits.softmax(1).gather(1, targets[:, None]).min()
    loss, nll = smoothed_cross_entropy(huge, weight, None, targets, smoothing=0.0, pad_id=PAD)
    assert least == 0
    assert nll.item() == pytest.approx(expected.item(), rel=1e-5)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_two_halves_of_a_batch_sum_to_the_whole():
    hidden, weight, targets = draw()
    whole, _ = smoothed_cross_entropy(hidden, weight, None, targets, smoothing=0.1, pad_id=PAD)
    halves = [
        smoothed_cross_entropy(hidden[part], weight, None, targets[part], smoothing=0.1, pad_id=PAD)
        for part in (slice(0, 20), slice(20, None))
    ]
    assert (halves[0][0] + halves[1][0]).item() == pytest.approx(whole.item(), rel=1e-6)


def test_without_gradients_only_the_sums_are_computed():
    hidden, weight, targets = draw()
    with torch.no_grad():
        loss, nll = smoothed_cross_entropy(hidden, weight, None, targets, smoothing=0.0, pad_id=PAD)
    assert not loss.requires_grad
    assert loss.item() == pytest.approx(nll.item())


def on_a_card(hidden, weight, bias, targets, *, smoothing):
    """Loss, surprise and both gradients of a loss multiplied by 0.3, computed on a device."""
    with Card() as card:
        moved = [None if one is None else one.to("card") for one in (hidden, weight, bias, targets)]
        card.waits.clear()
        context = Context()
        loss, nll = cross_entropy._forward(context, *moved, smoothing, PAD)
        assert card.waits == []
        return [one.cpu() for one in (loss, nll, *context.kept)]


class Context:
    """What the engine of gradients hands to the forward pass."""

    needs_input_grad = (True, True)

    def save_for_backward(self, *kept):
        self.kept = kept

    def mark_non_differentiable(self, *_):
        pass


@pytest.mark.usefixtures("_rows_of_a_card")
@pytest.mark.parametrize("scale", [1.0, 300.0], ids=["usual", "vanishing"])
@pytest.mark.parametrize("with_bias", [False, True], ids=["no-bias", "bias"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_device_computes_the_same_and_never_lets_the_host_wait(smoothing, with_bias, scale):
    hidden, weight, targets = draw()
    hidden = (hidden.detach() * scale).requires_grad_()
    bias = torch.randn(VOCAB) if with_bias else None
    loss, nll = smoothed_cross_entropy(
        hidden, weight, bias, targets, smoothing=smoothing, pad_id=PAD
    )
    grads = torch.autograd.grad(loss, [hidden, weight])
    found = on_a_card(hidden.detach(), weight.detach(), bias, targets, smoothing=smoothing)
    for one, expected in zip(found, [loss.detach(), nll, *grads], strict=True):
        assert torch.allclose(one, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_the_smallest_probability_is_looked_for_on_a_cpu_only_where_that_costs_nothing():
    """The negative twin: the counter sees what a device must not do."""
    hidden, weight, targets = draw()
    with HostWaits() as host:
        smoothed_cross_entropy(hidden, weight, None, targets, smoothing=0.1, pad_id=PAD)
    assert ["nonzero" in wait for wait in host.waits] == [True]
