"""Whatever a library raises for a folder that it cannot use becomes one error that names it."""

from pathlib import Path

import pytest

from seq2seq.errors import DataError, ModelError
from seq2seq.libraries import explaining, reason_of, running


class OwnError(Exception):
    """What a library may derive from nothing that others know."""


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (OwnError("Validation error for field 'x':\n    got str\n\nlong advice"),
         "Validation error for field 'x': got str"),
        (KeyError("a"), "KeyError: 'a'"),
        (OwnError(), "OwnError: "),
    ],
)  # fmt: skip
def test_any_exception_names_the_folder_and_its_reason(
    tmp_path: Path, raised: Exception, reason: str
) -> None:
    assert reason_of(raised) == reason
    with pytest.raises(ModelError) as caught, explaining(tmp_path):
        raise raised
    assert str(caught.value) == (
        f"{tmp_path}: cannot be opened, needed a complete model folder: {reason}"
    )
    assert caught.value.__cause__ is raised


def test_a_model_that_cannot_be_run_says_so() -> None:
    said = r"^m: transformers cannot run this model: .* config"
    with pytest.raises(ModelError, match=said), running("m"):
        raise OwnError


@pytest.mark.parametrize("block", [explaining, running])
def test_who_interrupts_is_no_library(block: type[explaining]) -> None:
    with pytest.raises(KeyboardInterrupt), block("m"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("block", [explaining, running])
def test_what_says_itself_what_is_wrong_is_left_alone(block: type[explaining]) -> None:
    with pytest.raises(DataError, match=r"^mine$"), block("m"):
        raise DataError("mine")
