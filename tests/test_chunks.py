"""Chunks of lines, also of a sender who waits for an answer before the next line."""

from collections.abc import Iterator
from threading import Event

import pytest

from seq2seq.chunks import chunks_of
from seq2seq.errors import DataError


@pytest.mark.parametrize("pause_seconds", [None, 5.0])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
def test_chunks_are_full_but_for_the_last(count: int, pause_seconds: float | None) -> None:
    lines = [str(number) for number in range(count)]
    found = list(chunks_of(iter(lines), 3, pause_seconds=pause_seconds))
    assert [line for chunk in found for line in chunk] == lines
    assert [len(chunk) for chunk in found[:-1]] == [3] * (len(found) - 1)
    assert all(found)


def test_who_waits_for_an_answer_gets_it() -> None:
    """Without the pause this would wait forever: the next line comes after the answer."""
    answered = Event()

    def sender() -> Iterator[str]:
        for number in range(3):
            yield f"{number} a"
            yield f"{number} b"
            assert answered.wait(30)
            answered.clear()

    found = []
    for chunk in chunks_of(sender(), 2000, pause_seconds=0.05):
        found += chunk
        if chunk[-1].endswith("b"):
            answered.set()
    assert found == ["0 a", "0 b", "1 a", "1 b", "2 a", "2 b"]


@pytest.mark.parametrize("pause_seconds", [None, 5.0])
def test_what_reading_raises_comes_after_the_lines_before_it(pause_seconds: float | None) -> None:
    def lines() -> Iterator[str]:
        yield from "abc"
        raise DataError("line 4")

    chunks = chunks_of(lines(), 2, pause_seconds=pause_seconds)
    assert next(chunks) == ["a", "b"]
    with pytest.raises(DataError, match="line 4"):
        list(chunks)
