"""The counter finds what makes a host wait for its GPU, and nothing else."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.host_waits import Card, HostWaits

WAITING: dict[str, Callable[[Tensor], object]] = {
    "item": lambda x: x[0].item(),
    "float": lambda x: float(x[0]),
    "if": lambda x: 1 if x[0] else 2,
    "tolist": lambda x: x.tolist(),
    "cpu": lambda x: x.cpu(),
    "nonzero": lambda x: x.nonzero(),
    "where": lambda x: torch.where(x > 1),
    "masked_select": lambda x: x.masked_select(x > 1),
    "read by mask": lambda x: x[x > 1],
    "write by mask": lambda x: x.index_put_([x > 1], x[:2].clone()),
    "unique": lambda x: x.unique(),
    "repeat": lambda x: x.repeat_interleave(x.long()),
    "equal": lambda x: torch.equal(x, x),
    "allclose": lambda x: torch.allclose(x, x),
    "multinomial": lambda x: x.multinomial(1),
    "size by a number": lambda x: x[: x[0].long()],
}
RUNNING_ON: dict[str, Callable[[Tensor], object]] = {
    "sum": lambda x: (x + 1).sum().sqrt(),
    "number under a mask": lambda x: x.masked_fill(x > 1, 0),
    "one number": lambda x: x.__setitem__(0, 3.0),
    "index": lambda x: x[x.long().clamp(max=1)],
    "topk": lambda x: x.topk(2),
    "gather": lambda x: x.gather(0, x.long().clamp(max=1)),
    "repeat": lambda x: x.repeat_interleave(2),
    "softmax": lambda x: F.scaled_dot_product_attention(*[x.view(1, 1, 3, 1)] * 3),
    "shape": lambda x: x.shape[0] + x.dim() + len(x),
}  # fmt: skip


@pytest.mark.parametrize("inference", [False, True], ids=["plain", "inference"])
@pytest.mark.parametrize("name", WAITING)
def test_what_needs_a_number_waits(name: str, inference: bool) -> None:
    x = torch.tensor([1.0, 2.0, 3.0])
    with HostWaits() as host, torch.inference_mode(inference):
        WAITING[name](x)
    assert len(host.waits) == 1
    assert "test_host_waits.py:" in host.waits[0]


@pytest.mark.parametrize("inference", [False, True], ids=["plain", "inference"])
@pytest.mark.parametrize("name", RUNNING_ON)
def test_what_needs_none_does_not_wait(name: str, inference: bool) -> None:
    x = torch.tensor([1.0, 2.0, 3.0])
    with HostWaits() as host, torch.inference_mode(inference):
        RUNNING_ON[name](x)
    assert host.waits == []


@pytest.mark.parametrize("name", WAITING)
def test_what_waits_for_a_card_waits_there_too(name: str) -> None:
    with Card() as card:
        x = torch.tensor([1.0, 2.0, 3.0]).to("card", non_blocking=True)
        assert card.waits == []
        WAITING[name](x)
    assert len(card.waits) == 1


@pytest.mark.parametrize("name", RUNNING_ON)
def test_what_runs_on_a_card_equals_the_host(name: str) -> None:
    with Card() as card:
        x = torch.tensor([1.0, 2.0, 3.0]).to("card", non_blocking=True)
        found, expected = RUNNING_ON[name](x), RUNNING_ON[name](torch.tensor([1.0, 2.0, 3.0]))
        assert card.waits == []
        if isinstance(expected, Tensor):
            assert isinstance(found, Tensor)
            assert found.device.type == "card"
            assert torch.allclose(found.cpu(), expected)


def test_copies_to_a_card_wait_unless_they_say_otherwise() -> None:
    with Card() as card:
        x = torch.ones(3)
        x.to("card")
        torch.tensor([1, 2], device="card")
        assert len(card.waits) == 2
        y = x.to("card", non_blocking=True)
        y.copy_(x, non_blocking=True)
        assert len(card.waits) == 2
        y.copy_(x)
        y[[0, 2]]
        assert len(card.waits) == 4
        with pytest.raises(AssertionError, match="of the card and of the host"):
            y + x


def test_tensors_made_of_numbers_are_told_apart() -> None:
    with HostWaits() as host:
        torch.tensor([1, 2])
        torch.ones(3).add_(1)
    assert (len(host.made_on_host), host.waits) == (1, [])


def test_backward_passes_are_counted() -> None:
    weight = torch.ones(3, requires_grad=True)
    mask = torch.tensor([True, False, True])
    with HostWaits() as host:
        weight[mask].sum().backward()
    assert len(host.waits) == 2


def test_what_asks_for_the_accelerator_of_the_machine_does_not_fail_after_a_card() -> None:
    with Card():
        pass
    before = torch.random.get_rng_state()
    with torch.random.fork_rng():
        torch.manual_seed(3)
    assert torch.equal(torch.random.get_rng_state(), before)
    weight = torch.ones(3, requires_grad=True)
    weight.sum().backward()
    assert weight.grad is not None
    assert torch.zeros(1).device.type == "cpu"
