"""What several machines must have in common; how they train is tested end to end."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from accelerate import PartialState

from seq2seq.errors import CheckpointError, TrainingError
from seq2seq.train import shared_folder
from seq2seq.train.checkpoint import checkpoint_path
from seq2seq.train.shared_folder import (
    common_checkpoint,
    refuse_different,
    writers_first,
    writes_here,
)
from tests.train.test_checkpoint import save


def test_a_machine_with_other_text_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"train": "a1", "tokenizer": "b2"}
    monkeypatch.setattr(
        shared_folder, "gather", lambda mine, _: [mine, mine, {**mine, "train": "c3"}]
    )
    with pytest.raises(TrainingError, match="process 3: its train differ from those of process 1"):
        refuse_different(facts, 3)
    monkeypatch.setattr(shared_folder, "gather", lambda mine, processes: [mine] * processes)
    refuse_different(facts, 3)


def test_all_go_back_to_the_newest_checkpoint_that_everybody_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (2, 4, 6):
        save(tmp_path, step)
    found, passed_over = common_checkpoint(tmp_path, 1)
    assert (found, passed_over) == (checkpoint_path(tmp_path, 6), [])
    monkeypatch.setattr(shared_folder, "gather", lambda mine, _: [mine, 4])
    found, passed_over = common_checkpoint(tmp_path, 2)
    assert found == checkpoint_path(tmp_path, 4)
    assert passed_over == [(checkpoint_path(tmp_path, 6), "not saved on every disk")]


def test_a_machine_that_has_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_folder, "gather", lambda mine, _: [mine, 4])
    with pytest.raises(CheckpointError, match=r"step-000004: .* on the disk of every machine"):
        common_checkpoint(tmp_path, 2)


def test_what_is_damaged_and_newer_is_passed_over_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (2, 4, 6):
        save(tmp_path, step)
    (checkpoint_path(tmp_path, 6) / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr(shared_folder, "gather", lambda mine, _: [mine, 2])
    found, passed_over = common_checkpoint(tmp_path, 2)
    assert found == checkpoint_path(tmp_path, 2)
    assert [path.name for path, _ in passed_over] == ["step-000006", "step-000004"]
    assert passed_over[1][1] == "not saved on every disk"


def test_nothing_saved_anywhere_is_a_start(tmp_path: Path) -> None:
    assert common_checkpoint(tmp_path, 1) == (None, [])


class Third:
    """The third of three processes, and what lies on its disk whenever they meet."""

    num_processes, process_index = 3, 2

    def __init__(self, folder: Path, *, shares_a_disk: bool = True):
        self.folder, self.seen = folder, list[list[str]]()
        self.shares_a_disk = shares_a_disk

    def wait_for_everyone(self) -> None:
        if not self.seen and self.shares_a_disk:  # another comes meanwhile
            (self.folder / ".tmp-process-7-1").touch()
        self.seen.append(sorted(path.name for path in self.folder.iterdir()))


def test_the_first_on_a_disk_writes_there_once_nobody_has_a_file_there_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_folder, "broadcast", lambda _mine, _processes: "7")
    third = Third(tmp_path)
    assert not writes_here(cast("PartialState", third), tmp_path)
    own, other = ".tmp-process-7-2", ".tmp-process-7-1"
    assert third.seen == [[other, own], [other, own], [other]]


def test_who_sees_no_file_of_another_is_the_first_on_its_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_folder, "broadcast", lambda _mine, _processes: "7")
    third = Third(tmp_path, shares_a_disk=False)
    assert writes_here(cast("PartialState", third), tmp_path)
    assert third.seen[-1] == []


def test_one_process_writes_and_has_nobody_to_ask(tmp_path: Path) -> None:
    assert writes_here(PartialState(cpu=True), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("writes", "order"), [(True, ["work", "met"]), (False, ["met", "work"])])
def test_others_work_once_those_that_write_are_through(writes: bool, order: list[str]) -> None:
    done: list[str] = []
    state = cast("PartialState", SimpleNamespace(wait_for_everyone=lambda: done.append("met")))
    with writers_first(state, writes=writes):
        done.append("work")
    assert done == order
