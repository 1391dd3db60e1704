"""A request to end is obeyed wherever it comes, also where Python cannot raise anything."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Never

import pytest

from seq2seq.cli.ending_signals import EndingSignals
from tests.cli.conftest import Cli


@pytest.fixture(autouse=True)
def usual_handlers() -> Iterator[None]:
    """As in a terminal: what a shell starts in the background ignores Ctrl-C."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    found: dict[int, Any] = {number: signal.signal(number, usual[number]) for number in usual}
    yield
    for number, handler in found.items():
        signal.signal(number, handler)


class _Careless:
    """Does something where it cannot raise an error."""

    def __init__(self, work: Callable[[], object]):
        self._work = work

    def __del__(self) -> None:
        self._work()


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_signal_that_comes_where_nothing_can_be_raised_comes_again(
    number: signal.Signals, raised: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    signals = EndingSignals()
    with pytest.raises(raised), signals.obeyed():  # noqa: PT012 - where it is raised is the point
        _Careless(lambda: signal.raise_signal(number))
        time.sleep(20)
    assert signals.came == [number, number]
    assert capsys.readouterr().err == ""


def test_another_error_that_cannot_be_raised_is_told_as_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", lambda lost: told.append(lost.exc_type))
    signals = EndingSignals()
    with signals.obeyed():
        _Careless(lambda: 1 / 0)
    assert (told, signals.came) == ([ZeroDivisionError], [])


def test_handlers_and_what_tells_of_errors_are_put_back_after_it() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with EndingSignals().obeyed():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_library_that_makes_its_own_error_of_a_signal_is_no_fault_of_ours(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    def build(*_: object) -> Never:
        try:
            signal.raise_signal(number)
            time.sleep(20)
        except BaseException as error:
            raise RuntimeError("Error calling __set_name__") from error
        raise AssertionError

    monkeypatch.setattr("seq2seq.recipe_file.load_recipe", build)
    (tmp_path / "a.toml").touch()
    assert cli("recipe", "check", tmp_path / "a.toml") == (code, "", "error: interrupted\n")
