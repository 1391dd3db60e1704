"""Batches that are searched side by side, each in a thread of its own."""

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from seq2seq.decode.options import DecodeOptions
from seq2seq.engines import native
from seq2seq.engines.native import NativeEngine
from tests.decode.native import decode

BEAMS = DecodeOptions(beams=3)
SMALL = 40  # pieces times beams: several batches for each thread


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_two_threads_find_what_one_finds_and_in_the_same_order(trained: Any) -> None:
    several: list[int] = []
    sources = trained.sources[:12]
    found = decode(trained.ours, sources, BEAMS, batch_tokens=SMALL, progress=several.append)
    torch.set_num_threads(1)
    alone: list[int] = []
    assert found == decode(trained.ours, sources, BEAMS, batch_tokens=SMALL, progress=alone.append)
    assert several == alone
    assert len(several) > 4


@pytest.mark.parametrize("batches", [2, 3])
def test_two_batches_are_searched_at_once_by_one_thread_each(
    trained: Any, batches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=20)
    threads, waits = [], []
    usual, real = sys.getswitchinterval(), native.search_beams

    def search(model: Any, sources: Any, *rest: Any) -> Any:
        threads.append(torch.get_num_threads())
        waits.append(sys.getswitchinterval())
        if len(threads) <= 2:  # a third batch begins when one of them is done
            both.wait()  # ends with an error where the second one waits for the first
        return real(model, sources, *rest)

    monkeypatch.setattr(native, "search_beams", search)
    decode(trained.ours, [trained.sources[0]] * batches, BEAMS, batch_tokens=1)
    assert threads == [1] * batches
    assert waits == pytest.approx([native.SWITCH_SECONDS] * batches)
    assert sys.getswitchinterval() == usual > native.SWITCH_SECONDS


def test_a_job_that_is_worth_two_threads_is_shared_out_evenly(trained: Any) -> None:
    engine = NativeEngine(trained.ours)
    lengths = [8] * (2 * native.THREAD_TOKENS // 8)
    assert [len(one) for one in engine._batches(lengths, 1, 8192)] == [len(lengths) // 2] * 2
    assert len(engine._batches(lengths[1:], 1, 8192)) == 1
    large = list(range(4, 40)) * (4 * native.LARGE_BATCH // sum(range(4, 40)) + 1)
    batches = engine._batches(large, 1, 8192)
    assert len(batches) == 4
    assert [len(one) for one in batches] == sorted((len(one) for one in batches), reverse=True)
    torch.set_num_threads(1)
    assert len(engine._batches(lengths, 1, 8192)) == 1


def test_afterwards_threads_and_mode_are_what_they_were(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained.ours.train()
    sources = trained.sources[:6]
    try:
        decode(trained.ours, sources, BEAMS, batch_tokens=SMALL)
        assert trained.ours.training
        monkeypatch.setattr(native, "search_beams", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            decode(trained.ours, sources, BEAMS, batch_tokens=SMALL)
        assert trained.ours.training
    finally:
        trained.ours.eval()
    assert torch.get_num_threads() == 2


def test_dropout_stays_off_until_the_last_thread_is_done(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_is_done = threading.Event()
    modes = []

    def search(model: Any, sources: Any, *_: Any) -> Any:
        if threading.current_thread().name.endswith("1"):
            first_is_done.wait(0.2)
        modes.append(model.training)
        return [[] for _ in sources]

    monkeypatch.setattr(native, "search_beams", search)
    trained.ours.train()
    try:
        decode(trained.ours, trained.sources, BEAMS, batch_tokens=SMALL)
    finally:
        trained.ours.eval()
    assert set(modes) == {False}
