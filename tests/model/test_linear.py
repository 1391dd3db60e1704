import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seq2seq.model import linear as module
from seq2seq.model.linear import Linear, linear, use_fast_products


@pytest.mark.parametrize("shape", [(200,), (1,), (7, 30), (3, 4, 5)])
@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_the_fast_product_is_the_ordinary_one(
    shape: tuple[int, ...], bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for least in ("FEWEST_INPUTS", "FEWEST_ROWS", "FEWEST_PRODUCTS"):
        monkeypatch.setattr(module, least, 0)
    x, weight = torch.randn(*shape, 48), torch.randn(33, 48)
    constant = torch.randn(33) if bias else None
    torch.testing.assert_close(
        linear(x, weight, constant), F.linear(x, weight, constant), rtol=1e-5, atol=1e-5
    )


def test_the_fast_product_is_used_where_no_gradient_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer, x = Linear(8, 4), torch.randn(50, 8)

    def refuse(*args: object) -> None:
        raise AssertionError("the ordinary product")

    wanted = F.linear(x, layer.weight, layer.bias)
    monkeypatch.setattr(module.F, "linear", refuse)
    needed = {"FEWEST_INPUTS": 8, "FEWEST_ROWS": 50, "FEWEST_PRODUCTS": 50 * 8 * 4}
    for least, number in needed.items():
        monkeypatch.setattr(module, least, number)
    if module.ONEDNN:
        with torch.no_grad():
            torch.testing.assert_close(layer(x), wanted.detach())
    for least, number in needed.items():  # one too few
        monkeypatch.setattr(module, least, number + 1)
        with torch.no_grad(), pytest.raises(AssertionError, match="the ordinary product"):
            layer(x)
        monkeypatch.setattr(module, least, number)
    with pytest.raises(AssertionError, match="the ordinary product"):
        layer(x)
    with (
        torch.no_grad(),
        torch.autocast("cpu", torch.bfloat16),
        pytest.raises(AssertionError, match="the ordinary product"),
    ):
        layer(x)


def test_gradients_flow_through_the_layer() -> None:
    layer = Linear(8, 4)
    layer(torch.randn(50, 8)).sum().backward()
    assert layer.weight.grad is not None


def test_linear_maps_of_any_model_become_fast_ones_and_keep_their_weights() -> None:
    class OfItsOwn(nn.Linear):
        pass

    model = nn.Sequential(nn.Linear(8, 4), nn.Sequential(OfItsOwn(4, 3), nn.Linear(3, 2)))
    x, before = torch.randn(50, 8), dict(model.named_parameters())
    wanted = model(x)
    use_fast_products(model)
    assert [type(one) for one in model.modules() if isinstance(one, nn.Linear)] == [
        Linear, OfItsOwn, Linear,
    ]  # fmt: skip
    assert all(one is before[name] for name, one in model.named_parameters())
    with torch.no_grad():
        torch.testing.assert_close(model(x), wanted.detach())
