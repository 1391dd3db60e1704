"""Lines in chunks: as many as may come, or those that have come when the sender waits."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from queue import Empty, Queue
from threading import Thread

from seq2seq.errors import DataError


def chunks_of(
    lines: Iterable[str], most: int, *, pause_seconds: float | None = None
) -> Iterator[list[str]]:
    """Group lines.

    Who writes a line into a pipe and waits for the answer would wait forever if we waited for
    more. With `pause_seconds` the lines are read by a thread of their own, and what has come is a
    chunk once nothing more comes for so long.

    Args:
        lines: Read as they are needed; with `pause_seconds` up to a chunk ahead.
        most: Lines of a chunk at most.
        pause_seconds: How long to wait for another line; if None, until there is one.

    Yields:
        At least one line each, in order. What reading raises is raised here, after the chunks of
        what was read before.
    """
    refuse_string(lines)
    if pause_seconds is None:
        waiting = iter(lines)
        while chunk := list(islice(waiting, most)):
            yield chunk
        return
    arrived: Queue[str | BaseException | None] = Queue(maxsize=most)
    Thread(target=_read, args=(lines, arrived), daemon=True).start()
    last: str | BaseException | None = ""
    while isinstance(last, str):
        last, chunk = arrived.get(), []
        with suppress(Empty):
            while isinstance(last, str):
                chunk.append(last)
                if len(chunk) == most:
                    break
                last = arrived.get(timeout=pause_seconds)
        if chunk:
            yield chunk
    if last is not None:
        raise last


def refuse_string(texts: Iterable[str]) -> None:
    """Refuse one string in the place of several, whose letters would each be a text.

    Raises:
        DataError: It is one.
    """
    if isinstance(texts, str):
        raise DataError(
            f"input: one string of {len(texts):,} characters, needed a list of texts; write [text]"
        )


def _read(lines: Iterable[str], arrived: "Queue[str | BaseException | None]") -> None:
    """Hand over each line, and at the end None or the reason that there are no more."""
    try:
        for line in lines:
            arrived.put(line)
    except BaseException as error:  # whatever it is, it belongs to who waits for the lines
        arrived.put(error)
    else:
        arrived.put(None)
