"""Ctrl-C, SIGTERM and a terminal that goes: each ends a command, wherever it stands.

What the handler of a signal raises is raised wherever Python is just then. Where nothing can be
raised, as in a ``__del__`` or what a weak reference calls, Python would tell of it and go on; and
a library may make an error of its own of it.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN_SECONDS = 0.01
NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class EndingSignals:
    """Requests to end a command.

    Attributes:
        came: Their numbers, in order.
    """

    def __init__(self) -> None:
        self.came: list[int] = []
        self._usual_hook = sys.unraisablehook

    @contextmanager
    def obeyed(self) -> Iterator[None]:
        """Leave the block at a request to end, so that what is unfinished is tidied up.

        A signal that somebody ignores or handles already stays with them.
        """
        if threading.current_thread() is not threading.main_thread():
            yield  # Python delivers signals to the main thread alone
            return
        numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        usual = (signal.SIG_DFL, signal.default_int_handler)
        old = {n: signal.getsignal(n) for n in numbers if signal.getsignal(n) in usual}
        self._usual_hook = sys.unraisablehook
        for number in old:
            signal.signal(number, self._leave)
        sys.unraisablehook = self._ask_again
        try:
            yield
        finally:
            sys.unraisablehook = self._usual_hook
            for number, handler in old.items():
                signal.signal(number, handler)

    def _leave(self, number: int, _frame: FrameType | None) -> None:
        self.came.append(number)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    def _ask_again(self, lost: "sys.UnraisableHookArgs") -> None:
        """Where what a signal raised could not be raised, let the signal come a little later."""
        if self.came and isinstance(lost.exc_value, KeyboardInterrupt | SystemExit):
            threading.Timer(AGAIN_SECONDS, self._send, (self.came[-1],)).start()
        else:
            self._usual_hook(lost)

    def _send(self, number: int) -> None:
        if sys.unraisablehook == self._ask_again:  # the block has not ended
            os.kill(os.getpid(), number)
