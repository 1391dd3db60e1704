"""Batches that our own program searches in processes forked from the loaded model."""

import json
from pathlib import Path
from typing import Any

import pytest

from seq2seq.processes import START_METHOD
from tests.publish.small_models import small_folder
from tests.warm import Warm

HERE, ELSEWHERE = "True", "False"

pytestmark = pytest.mark.skipif(START_METHOD != "fork", reason="processes are not forked here")


@pytest.fixture(scope="module")
def noted(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pytest.importorskip("ctranslate2")
    folder = tmp_path_factory.mktemp("processes")
    small_folder("marian", folder / "model")
    program = Path(__file__).with_name("searching_processes.py")
    ended = warm.run(
        (program, folder / "model", folder / "notes.txt"),
        environment={"SEQ2SEQ_CACHE": str(folder / "cache")},
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    "search",
    [
        "several batches",  # behind a block in the block
        "with prefixes",
        "in 8 bits",
        "chosen, native",
        "chosen, second block",
        "command",
    ],
)
def test_several_batches_are_searched_in_other_processes_by_one_thread_each(
    noted: dict[str, Any], search: str
) -> None:
    if search not in noted:
        pytest.skip("this processor has no products of 8 bits")
    assert noted[search] == [f"{ELSEWHERE} 1"]


def test_one_batch_is_searched_here_with_all_threads(noted: dict[str, Any]) -> None:
    assert noted["one batch"] == [f"{HERE} 2"]
    assert noted["threads afterwards"] == 2


def test_they_find_the_same_as_threads(noted: dict[str, Any]) -> None:
    assert noted["same"] is True
    assert noted["progress"] == [True, True, 30]


def test_an_error_in_one_of_them_is_raised_here(noted: dict[str, Any]) -> None:
    assert noted["error"] == "decode: refused"


def test_they_end_with_their_block_and_once_ctranslate2_is_chosen(noted: dict[str, Any]) -> None:
    assert noted["processes left"] == 0
    assert noted["chosen, trial"] == [f"{ELSEWHERE} 1"]
    assert noted["processes left after the trial"] == 0
    assert noted["chosen, CTranslate2"] == []


def test_threads_that_enter_blocks_share_the_processes_until_the_last_leaves(
    noted: dict[str, Any],
) -> None:
    assert noted["threads, processes"] == [2, 2, 2, 2]
    assert noted["threads, first"] == [f"{ELSEWHERE} 1"]
    assert noted["threads, left by the first"] == [f"{ELSEWHERE} 1"]
    assert noted["threads, processes left"] == 0


def test_who_has_computed_in_threads_does_not_fork(noted: dict[str, Any]) -> None:
    assert noted["outside"] == noted["after threads"] == [f"{HERE} 1"]
