"""What is left of windows: the median of the quiet ones, and how two programs compare."""

import subprocess
import sys

import pytest

from scripts.benchmark.timing import Window, in_turns, own_seconds, summary, times_as_fast


def windows(*rates: float, foreign: float = 0.0) -> list[Window]:
    return [Window(amount=2 * rate, seconds=2.0, foreign=foreign) for rate in rates]


def test_disturbed_windows_are_left_out_where_three_quiet_ones_remain() -> None:
    found = summary([*windows(10, 11, 12), *windows(1, 2, foreign=0.5)])
    assert (found.rate, found.quiet, found.foreign_share) == (11, "3 of 5", 0.0)


def test_disturbed_windows_count_and_are_told_where_too_few_quiet_ones_remain() -> None:
    found = summary([*windows(10, 11), *windows(1, 2, 3, foreign=0.5)])
    assert (found.rate, found.quiet, found.foreign_share) == (3, "2 of 5", 0.5)


def test_the_ratio_is_that_of_the_medians() -> None:
    ours, peer = summary(windows(9, 30, 100)), summary(windows(20, 20, 1))
    assert times_as_fast(ours, peer) == 1.5


def test_programs_work_in_turns() -> None:
    order: list[str] = []

    def turn(name: str, amount: float) -> float:
        order.append(name)
        return amount

    found = in_turns({"a": lambda: turn("a", 1), "b": lambda: turn("b", 3)}, rounds=2)
    assert order == ["a", "b", "a", "b"]
    assert [window.amount for window in found["b"]] == [3, 3]


@pytest.mark.parametrize("ended", [True, False])
def test_what_programs_of_ours_use_is_not_foreign(ended: bool) -> None:
    before = own_seconds()
    code = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        if ended:
            child.communicate(b"\n")
        used = own_seconds() - before
        child.kill()
    assert used >= 0.28
