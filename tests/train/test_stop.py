"""A request to stop reaches every rank, and none of them leaves the others waiting."""

import os
import signal
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from seq2seq.train.stop import Stop, Stopped


def stop_beside(asked: float) -> Stop:
    """A rank's stop beside another rank, which was asked or was not."""
    accelerator: Any = SimpleNamespace(
        num_processes=2, device=torch.device("cpu"), reduce=lambda total, reduction: total + asked
    )
    return Stop(accelerator)


def test_a_rank_hears_of_a_request_to_another() -> None:
    stop = stop_beside(1.0)
    stop.check()  # it does not know yet, and works on
    assert stop.on_any_rank()
    with pytest.raises(Stopped):
        stop.check()


def test_no_rank_stops_that_nobody_asked() -> None:
    stop = stop_beside(0.0)
    assert not stop.on_any_rank()
    stop.check()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_first_signal_is_a_request_and_a_second_one_ends_the_program(number: int) -> None:
    stop, before = stop_beside(0.0), signal.getsignal(number)
    with stop.signals_noted():
        os.kill(os.getpid(), number)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


def test_a_signal_that_comes_while_the_ranks_exchange_their_requests_is_kept() -> None:
    def signalled(total: torch.Tensor, reduction: str) -> torch.Tensor:
        os.kill(os.getpid(), signal.SIGTERM)
        return total

    accelerator: Any = SimpleNamespace(
        num_processes=2, device=torch.device("cpu"), reduce=signalled
    )
    stop = Stop(accelerator)
    with stop.signals_noted():
        assert not stop.on_any_rank()  # no other rank heard of it, so this one must go on
        assert stop.requested
