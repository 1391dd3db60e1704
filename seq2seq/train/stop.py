"""A request to stop: noted when SIGTERM or Ctrl-C arrives, obeyed where nothing is lost by it.

Updates are finished and saved. Validations and the final scoring change nothing that a checkpoint
holds, so they are left between two batches, and the resumed run does them again from their start.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeVar

from accelerate import Accelerator
from accelerate.utils import gather_object

from seq2seq.train.ranks import sum_over_ranks

Item = TypeVar("Item")
Found = TypeVar("Found")


class Stopped(Exception):
    """Work was left before its end because of a request to stop."""


class Stop:
    """Whether the run was asked to stop.

    Attributes:
        requested: Whether this process was asked, or has heard it from another.
    """

    def __init__(self, accelerator: Accelerator):
        self.requested = False
        self._agreed = False
        self._accelerator = accelerator

    @property
    def agreed(self) -> bool:
        """Whether all ranks know of a request, so that all leave off at the same point."""
        return self.requested if self._accelerator.num_processes == 1 else self._agreed

    def hear(self, requests: float) -> None:
        """Note how many ranks were asked. Every rank must hear the same number at one point."""
        if requests > 0:  # never set back: a signal may have come while the ranks exchanged it
            self.requested = self._agreed = True

    def on_any_rank(self) -> bool:
        """Whether any rank was asked; from then on all know. Every rank must call it."""
        requests = sum_over_ranks(self._accelerator, float(self.requested))[0]
        self.hear(requests)
        return requests > 0

    def check(self, _done: int = 0) -> None:
        """Leave the work at hand where this process was asked to; serves as a progress hook.

        Raises:
            Stopped: It was.
        """
        if self.requested:
            raise Stopped

    def check_together(self) -> None:
        """Leave the work at hand where any process was asked to. Every rank must call it.

        Raises:
            Stopped: On all ranks.
        """
        if self.on_any_rank():
            raise Stopped

    def divide(
        self, items: Sequence[Item], work: Callable[[list[Item]], list[Found]]
    ) -> list[Found]:
        """Let every rank work on its share of some items. Every rank must call it.

        Args:
            items: The same on all ranks.
            work: Finds something for each item it is given; may leave off by `check`.

        Returns:
            What was found for every item, in their order, on all ranks.

        Raises:
            Stopped: On all ranks, where one of them was asked to stop before all was done.
        """
        rank, ranks = self._accelerator.process_index, self._accelerator.num_processes
        places = range(rank, len(items), ranks)
        found: list[Found] = []
        with suppress(Stopped):  # other ranks, not asked, wait below to hear of it
            found = work([items[place] for place in places])
        self.check_together()
        pairs = list(zip(places, found, strict=True))
        everything = gather_object(pairs) if ranks > 1 else pairs
        return [one for _, one in sorted(everything, key=lambda pair: pair[0])]

    @contextmanager
    def signals_noted(self) -> Iterator[None]:
        """Turn the first SIGTERM or Ctrl-C inside the block into a request."""

        def note(number: int, _frame: FrameType | None) -> None:
            self.requested = True
            signal.signal(number, signal.default_int_handler)  # a second one stops at once

        if threading.current_thread() is not threading.main_thread():
            yield  # Python delivers signals to the main thread alone
            return
        old = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
