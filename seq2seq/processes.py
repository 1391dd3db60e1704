"""One function over many pieces of work, on all cores, its results in order."""

import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import Any, TypeVar

from seq2seq.errors import Seq2SeqError

Work = TypeVar("Work")
Found = TypeVar("Found")
ALONE = 3
"""Most pieces of work for which other processes are not worth their start."""
MOST_PROCESSES = 32
# Threads of this process hand works and results on, some ten times for each. They would wait the
# usual 5 ms each time while it reads; on two cores a corpus took 3 % longer so.
SWITCH_SECONDS = 0.0005
# Python 3.14 no longer forks by itself, and what the function holds would have to be pickled.
START_METHOD = "fork" if sys.platform == "linux" else None
ENDING_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def map_in_order(
    function: Callable[[Work], Found], works: Iterable[Work], *, processes: int | None = None
) -> Iterator[Found]:
    """Apply a function to each piece of work, in several processes where there are many.

    Args:
        function: Uses nothing that another process would not have.
        works: Read as they are needed, a few ahead of the results; what reading one raises is
            raised here.
        processes: How many; as many as there are cores if None. With one, all is done here.

    Yields:
        The results in order.
    """
    processes = min(usable_cores(), MOST_PROCESSES) if processes is None else processes
    waiting = iter(works)
    first = [] if processes == 1 else list(islice(waiting, ALONE + 1))
    if len(first) <= ALONE:
        yield from map(function, chain(first, waiting))
        return
    with quick_switches(), worker_processes(function, processes) as apply:
        yield from apply(chain(first, waiting))


@contextmanager
def worker_processes(
    function: Callable[[Work], Found], processes: int
) -> Iterator[Callable[[Iterable[Work]], Iterator[Found]]]:
    """Start processes that wait for work until the block ends; an error in it ends them at once.

    Where they are forked, that is done at once, and they share what this process holds. Nothing
    but its memory comes with them: a lock that another thread holds in this moment stays locked.

    Args:
        function: Applied to each piece of work; uses nothing that another process would not have.
        processes: How many.

    Yields:
        What applies the function to pieces of work, as `map_in_order` says.

    Raises:
        Seq2SeqError: They cannot be started, or one of them was ended from outside.
    """
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context(START_METHOD), initializer=_begin,
        initargs=(function,),
    )  # fmt: skip
    try:
        _start(pool, processes)
        yield partial(_apply, pool, processes)
    except BrokenProcessPool as error:
        _end_at_once(pool)
        raise Seq2SeqError(
            f"one of {processes} processes that shared the work was ended from outside; was "
            "the memory full? Free some, or let fewer cores work with 'taskset -c 0 …'"
        ) from error
    except BaseException:
        _end_at_once(pool)
        raise
    pool.shutdown()


def _start(pool: ProcessPoolExecutor, processes: int) -> None:
    try:
        with _signals_later():  # between two forks nothing would end the first process
            started = pool.submit(int)
    except OSError as error:
        raise Seq2SeqError(
            f"{processes} processes cannot be started to share the work: {error.strerror}; let "
            "fewer cores work with 'taskset -c 0 …'"
        ) from error
    started.result()


def _end_at_once(pool: ProcessPoolExecutor) -> None:
    """End processes whatever they do: a piece of work may take minutes, each has several ahead."""
    running = list(pool._processes.values())
    collecting: Any = pool._executor_manager_thread  # their results; None where a fork failed
    results: Any = pool._result_queue
    # First, because Python 3.11 stumbles over cancelled works of processes that have died.
    pool.shutdown(wait=False, cancel_futures=True)
    # Or who reads half a result, whose process is ended, would wait here for the other half.
    results._writer.close()
    for process in running:
        process.kill()
    if collecting is not None:
        collecting.join()


@contextmanager
def _signals_later() -> Iterator[None]:
    """Let what handles a signal run only when the block has ended."""
    if threading.current_thread() is not threading.main_thread():  # no handler runs in others
        yield
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    handled = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in handled:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def _apply(pool: ProcessPoolExecutor, processes: int, works: Iterable[Any]) -> Iterator[Any]:
    results: deque[Future[Any]] = deque()
    try:
        for work in works:
            # Protocol 5 takes Arrow's buffers as they lie; the pool's own copies them first.
            results.append(pool.submit(_work, pickle.dumps(work, protocol=5)))
            if len(results) > 2 * processes:
                yield results.popleft().result()
        while results:
            yield results.popleft().result()
    finally:
        for result in results:  # of works that nobody waits for any more
            result.cancel()


_switching = threading.Lock()
_found_seconds: list[float] = []  # by every use under way; what the first one found was usual


@contextmanager
def quick_switches(seconds: float = SWITCH_SECONDS) -> Iterator[None]:
    """Let threads wait no longer for one that runs Python, until the block ends.

    Args:
        seconds: After which one that waits may go on.
    """
    with _switching:
        _found_seconds.append(sys.getswitchinterval())
        sys.setswitchinterval(seconds)
    try:
        yield
    finally:  # generators end in any order; the last puts back what was usual
        with _switching:
            usual = _found_seconds.pop()
            if not _found_seconds:
                sys.setswitchinterval(usual)


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_function: Callable[..., Any]


def _begin(function: Callable[..., Any]) -> None:
    """Keep the function, which may hold much, and end with the process that asked."""
    global _function
    _function = function
    # What the first process left as garbage is not this one's: an object with threads would wait,
    # when it is taken apart, for threads that only the first process has.
    gc.freeze()
    for number in ENDING_SIGNALS:
        if callable(signal.getsignal(number)):  # what the first process does then is not for this
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for who waits for the results
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    # Its pipe tells at once, unless another process that it has forked holds the other end as well.
    while os.getppid() == parent.pid:
        parent.join(timeout=1)
    os._exit(1)


def _work(pickled: bytes) -> Any:
    return _function(pickle.loads(pickled))
