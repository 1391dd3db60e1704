"""Work timed in windows, alone or in turns with another program, and what is left of it.

Another busy program slows a window down, so every window tells what share of the machine others
used, and windows with more than a few percent are left out where enough others remain. Programs
that are compared work in turns, so that a machine that grows slower slows down both.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

MOST_FOREIGN = 0.04


@dataclass(frozen=True)
class Window:
    """A few seconds of work."""

    amount: float
    seconds: float
    foreign: float
    """Share of the machine's cores that other programs used meanwhile."""

    @property
    def rate(self) -> float:
        """Amount of work a second."""
        return self.amount / self.seconds


@dataclass(frozen=True)
class Summary:
    """What several windows of the same work say."""

    rate: float
    """The median."""
    best: float
    windows: int
    quiet_windows: int
    foreign_share: float
    """Of the window that others disturbed most, among those that count."""

    @property
    def quiet(self) -> str:
        """How many of the windows nobody disturbed."""
        return f"{self.quiet_windows} of {self.windows}"


def busy_seconds() -> float:
    """Processor seconds that all programs of the machine have used since it started."""
    with Path("/proc/stat").open(encoding="ascii") as file:
        ticks = [int(value) for value in file.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """Processor seconds of this program and of all that it started, ended or not."""
    used = sum(os.times()[:4])  # its own, and those of children that have ended
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has ended meanwhile
            used += sum(child.cpu_times()[:4])
    return used


def measure(work: Callable[[], float], *, repeats: int, windows: int) -> list[Window]:
    """Repeat some work in windows.

    Args:
        work: Does a little of it and returns how much.
        repeats: How often in a window.
        windows: How many.
    """
    found = []
    for _ in range(windows):
        busy, own, start = busy_seconds(), own_seconds(), time.perf_counter()
        amount = sum(work() for _ in range(repeats))
        elapsed = time.perf_counter() - start
        foreign = (busy_seconds() - busy) - (own_seconds() - own)
        share = max(0.0, foreign / elapsed / (os.cpu_count() or 1))
        found.append(Window(amount, elapsed, share))
    return found


def in_turns(programs: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[Window]]:
    """Let programs do the same work one after the other, again and again.

    Args:
        programs: By name what does the work once and returns how much it was.
        rounds: How often each.

    Returns:
        The windows of each.
    """
    found: dict[str, list[Window]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, work in programs.items():
            found[name] += measure(work, repeats=1, windows=1)
    return found


def summary(windows: Sequence[Window]) -> Summary:
    """Median rate of the quiet windows, or of all where fewer than three were quiet."""
    quiet = [window for window in windows if window.foreign <= MOST_FOREIGN]
    used = quiet if len(quiet) >= 3 else list(windows)
    return Summary(
        rate=statistics.median(window.rate for window in used),
        best=max(window.rate for window in used),
        windows=len(windows),
        quiet_windows=len(quiet),
        foreign_share=max(window.foreign for window in used),
    )


def times_as_fast(ours: Summary, peer: Summary) -> float:
    """Our median rate divided by that of the other program."""
    return round(ours.rate / peer.rate, 3)


def in_own_process(module: str, *arguments: object) -> dict[str, Any]:
    """What a module of ours prints as JSON, run by itself, so that its peak of memory is its own.

    Args:
        module: Its name.
        arguments: On its command line.

    Returns:
        What it found, or ``failed`` with the last line that it said; with the share of the machine
        that others used meanwhile.
    """
    command = [sys.executable, "-P", "-m", module, *map(str, arguments)]
    found: dict[str, Any] = {}

    def run() -> float:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
            found["failed"] = last
        else:
            found.update(json.loads(ended.stdout))
        return 1

    (window,) = measure(run, repeats=1, windows=1)
    return found | {"foreign_share": round(window.foreign, 3)}
