"""Work that is shared by processes comes back in order, and what goes wrong is said here."""

import errno
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from multiprocessing import popen_fork
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from seq2seq.errors import DataError, Seq2SeqError
from seq2seq.processes import ALONE, START_METHOD, map_in_order, worker_processes


def place(number: int) -> tuple[int, int]:
    return number, os.getpid()


def refuse(number: int) -> int:
    if number == 15:
        raise DataError("row 15: broken")
    return number


def die(number: int) -> int:
    if number == ALONE + 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


class Left:
    """Garbage that only a collection finds, and that tells which process has taken it apart."""

    def __init__(self, told: Path):
        self.itself, self.told = self, told

    def __del__(self) -> None:
        self.told.joinpath(str(os.getpid())).touch()


def collect(number: int) -> int:
    gc.collect()
    return os.getpid()


def test_garbage_of_the_first_process_is_left_to_it(tmp_path: Path):
    gc.collect()
    gc.disable()
    try:
        works = (Left(tmp_path) and number for number in range(60))
        found = set(map_in_order(collect, works, processes=2))
    finally:
        gc.enable()
    gc.collect()
    assert os.getpid() not in found
    assert {path.name for path in tmp_path.iterdir()} == {str(os.getpid())}


def test_results_come_in_order_from_several_processes():
    found = list(map_in_order(place, range(60), processes=2))
    assert [number for number, _ in found] == list(range(60))
    assert os.getpid() not in {process for _, process in found}


@pytest.mark.parametrize("works", [range(60), range(ALONE)])
def test_little_work_and_one_process_start_no_others(works):
    processes = 1 if len(works) > ALONE else 2
    found = list(map_in_order(place, works, processes=processes))
    assert found == [(number, os.getpid()) for number in works]


def test_an_error_of_the_work_is_raised_after_the_results_before_it():
    found = []
    with pytest.raises(DataError, match="row 15: broken"):
        found += map_in_order(refuse, range(60), processes=2)
    results = map_in_order(refuse, range(60), processes=2)
    assert [next(results) for _ in range(15)] == list(range(15))
    with pytest.raises(DataError, match="row 15: broken"):
        next(results)


def test_work_is_read_only_a_little_ahead():
    read = 0

    def works() -> Iterator[int]:
        nonlocal read
        while True:
            yield read
            read += 1

    results = map_in_order(refuse, works(), processes=2)
    for _ in range(12):
        next(results)
    assert 12 < read < 30
    results.close()


def test_threads_switch_as_before_once_the_work_is_done():
    usual = sys.getswitchinterval()
    try:
        sys.setswitchinterval(0.25)
        first, second = (map_in_order(place, range(60), processes=2) for _ in range(2))
        next(first)
        next(second)
        first.close()
        assert sys.getswitchinterval() < 0.005
        second.close()
        assert sys.getswitchinterval() == 0.25
    finally:
        sys.setswitchinterval(usual)


def test_a_process_that_is_ended_from_outside_is_no_fault_of_ours():
    with pytest.raises(Seq2SeqError, match=r"one of 2 processes .* was the memory full"):
        list(map_in_order(die, range(60), processes=2))


def test_sigterm_ends_one_of_them_whatever_the_first_process_does_then():
    usual = signal.signal(signal.SIGTERM, leave)
    try:
        with (
            pytest.raises(Seq2SeqError, match="was ended from outside"),
            worker_processes(signal.raise_signal, 2) as apply,
        ):
            list(apply([signal.SIGTERM]))
    finally:
        signal.signal(signal.SIGTERM, usual)


def test_a_signal_that_is_ignored_is_ignored_by_all_of_them():  # as nohup does
    usual = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with worker_processes(signal.raise_signal, 2) as apply:
            assert list(apply([signal.SIGHUP])) == [None]
    finally:
        signal.signal(signal.SIGHUP, usual)


@pytest.mark.parametrize("error", [KeyboardInterrupt, DataError])
def test_nobody_waits_for_work_that_an_error_has_made_useless(error):
    def work() -> None:
        with worker_processes(time.sleep, 2) as apply:
            next(apply([0, *[100] * 4]))  # so many are handed out before the first is waited for
            raise error("enough")

    start = time.monotonic()
    with pytest.raises(error):
        work()
    assert time.monotonic() - start < 50
    assert not multiprocessing.active_children()


def many_bytes(_: int) -> bytes:
    return bytes(30_000_000)


@pytest.mark.skipif(START_METHOD != "fork", reason="processes are not forked here")
def test_nobody_waits_for_the_rest_of_a_result_whose_process_was_ended():
    child = os.fork()  # what hangs is ended by its alarm
    if not child:
        try:
            signal.alarm(60)
            for _ in range(3):
                results = map_in_order(many_bytes, iter(range(1000)), processes=2)
                next(results)
                results.close()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(START_METHOD != "fork", reason="processes are not forked here")
def test_a_signal_between_two_forks_waits_for_the_last(monkeypatch: pytest.MonkeyPatch):
    launch, forked = popen_fork.Popen._launch, []

    def launch_interrupted(self: popen_fork.Popen, process: Any) -> None:
        launch(self, process)
        forked.append(self.pid)
        if len(forked) == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(popen_fork.Popen, "_launch", launch_interrupted)
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background ignores it
    try:
        with pytest.raises(KeyboardInterrupt), worker_processes(place, 3):
            pass
        assert len(forked) == 3
        assert not multiprocessing.active_children()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, usual)


@pytest.mark.skipif(START_METHOD != "fork", reason="processes are not forked here")
def test_a_system_that_allows_no_more_processes_is_named(monkeypatch: pytest.MonkeyPatch):
    launch, forked = popen_fork.Popen._launch, []

    def launch_once(self: popen_fork.Popen, process: Any) -> None:
        if forked:
            raise BlockingIOError(errno.EAGAIN, "no more processes")
        launch(self, process)
        forked.append(self.pid)

    monkeypatch.setattr(popen_fork.Popen, "_launch", launch_once)
    with (
        pytest.raises(Seq2SeqError, match=r"3 processes cannot be started .*: no more processes"),
        worker_processes(place, 3),
    ):
        pass
    _wait_for_end(forked[0])


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("with_another_fork", [False, True])
def test_processes_end_with_the_one_that_asked(with_another_fork):
    readable, writable = os.pipe()
    held, holding = os.pipe()
    child = os.fork()
    if not child:
        try:
            for number, process in map_in_order(place, iter(range(10**9)), processes=2):
                if number > ALONE:
                    os.write(writable, f"{process}\n".encode())
                    if with_another_fork and not os.fork():
                        os.close(holding)
                        os.read(held, 1)  # until this test has ended
                        os._exit(0)
                    os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)  # whatever went wrong, it must not go on with the tests
    os.waitpid(child, 0)
    os.close(writable)
    other = int(os.read(readable, 100))
    _wait_for_end(other)
    os.close(holding)
    os.close(held)


def _wait_for_end(process: int) -> None:
    for _ in range(600):
        stat = Path(f"/proc/{process}/stat")
        if not stat.exists() or ") Z " in stat.read_text():
            return
        time.sleep(0.05)
    pytest.fail("it goes on")
