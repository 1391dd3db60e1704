"""What a library raises for a model that it cannot use, turned into an error that names it.

Which exception that is depends on what is wrong with the folder, and on the release: from
``KeyError`` to classes of the library's own. All of them are the same mistake to a user.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq.errors import ModelError, Seq2SeqError


@contextmanager
def explaining(where: str | Path) -> Iterator[None]:
    """Say that a model cannot be opened, and why, whatever a library raises inside the block.

    Args:
        where: What to call the model.

    Raises:
        ModelError: Something was raised.
    """
    with _told(lambda error: cannot_open(where, error)):
        yield


@contextmanager
def running(where: str) -> Iterator[None]:
    """Say that a library cannot run a model as its folder asks, whatever it raises.

    Args:
        where: What to call the model, or who runs it.

    Raises:
        ModelError: Something was raised.
    """
    with _told(
        lambda error: (
            f"{where}: transformers cannot run this model: {reason_of(error)}; check its "
            "config.json and generation_config.json"
        )
    ):
        yield


@contextmanager
def _told(message: Callable[[BaseException], str]) -> Iterator[None]:
    """Put a message for what a library raises; where it is in Rust, that is no `Exception`."""
    try:
        yield
    except Seq2SeqError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ModelError(message(error)) from error


def cannot_open(where: str | Path, error: BaseException | str) -> str:
    """Say why a name could not be opened.

    Args:
        where: The name.
        error: What the library raised, or the reason itself.

    Returns:
        The message.
    """
    needed = (
        "a complete model folder" if Path(where).exists() else "a folder here or a model of the Hub"
    )
    return f"{where}: cannot be opened, needed {needed}: {reason_of(error)}"


def reason_of(error: BaseException | str) -> str:
    """The first paragraph of what was raised, on one line; its kind where it says nothing."""
    first = str(error).strip().partition("\n\n")[0]
    lines = [line.strip() for line in first.splitlines()[:3]]
    said = " ".join(line for line in lines if line)
    return said if isinstance(error, str) or len(said) > 20 else f"{type(error).__name__}: {said}"
