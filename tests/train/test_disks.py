"""What several machines must have in common; how they train is tested end to end."""

from pathlib import Path

import pytest

from seq2seq.errors import CheckpointError, TrainingError
from seq2seq.train import disks
from seq2seq.train.checkpoint import checkpoint_path
from seq2seq.train.disks import checkpoint_of_all, refuse_different
from tests.train.test_checkpoint import save


def test_a_machine_with_other_text_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"train": "a1", "tokenizer": "b2"}
    monkeypatch.setattr(disks, "everybody", lambda mine, _: [mine, mine, {**mine, "train": "c3"}])
    with pytest.raises(TrainingError, match="process 3: its train differ from those of process 1"):
        refuse_different(facts, 3)
    monkeypatch.setattr(disks, "everybody", lambda mine, processes: [mine] * processes)
    refuse_different(facts, 3)


def test_all_go_back_to_the_newest_checkpoint_that_everybody_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (2, 4, 6):
        save(tmp_path, step)
    found, passed_over = checkpoint_of_all(tmp_path, 1)
    assert (found, passed_over) == (checkpoint_path(tmp_path, 6), [])
    monkeypatch.setattr(disks, "everybody", lambda mine, _: [mine, 4])
    found, passed_over = checkpoint_of_all(tmp_path, 2)
    assert found == checkpoint_path(tmp_path, 4)
    assert passed_over == [(checkpoint_path(tmp_path, 6), "not saved on every disk")]


def test_a_machine_that_has_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disks, "everybody", lambda mine, _: [mine, 4])
    with pytest.raises(CheckpointError, match=r"step-000004: .* on the disk of every machine"):
        checkpoint_of_all(tmp_path, 2)


def test_nothing_saved_anywhere_is_a_start(tmp_path: Path) -> None:
    assert checkpoint_of_all(tmp_path, 1) == (None, [])
