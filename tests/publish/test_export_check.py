"""The check of an export, and what happens when it does not fit."""

from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq.errors import PublishError
from seq2seq.publish.export_check import (
    CHECK_FILE,
    Check,
    hash_files,
    read_check,
    verify_check,
    write_check,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An export of two files whose check passed."""
    folder = tmp_path / "hub"
    (folder / "inner").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "inner" / "graph.onnx").write_bytes(b"abc")
    check = Check("hub", "hub", 100, 3e-7, 1.0, 0.99, 1e-4, True, hash_files(folder))
    write_check(folder, check)
    return folder


def test_hashes_are_those_of_sha256sum(folder: Path) -> None:
    assert hash_files(folder) == {
        "config.json": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "inner/graph.onnx": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }


def test_a_receipt_comes_back_as_it_was_written(folder: Path) -> None:
    check = verify_check(folder)
    assert check == read_check(folder)
    assert (check.pairs, check.largest_difference, check.beam_agreement) == (100, 3e-7, 0.99)


def test_every_change_since_the_check_is_named(folder: Path) -> None:
    (folder / "config.json").write_text("{ }")
    (folder / "inner" / "graph.onnx").unlink()
    (folder / "notes.txt").write_text("later")
    with pytest.raises(PublishError, match="since the export was checked") as caught:
        verify_check(folder)
    said = "inner/graph.onnx is missing, notes.txt was added, config.json was changed"
    assert said in str(caught.value)


def test_an_export_that_did_not_pass_is_refused_with_its_figure(folder: Path) -> None:
    check = replace(read_check(folder), passed=False, largest_difference=0.25)
    write_check(folder, check)
    with pytest.raises(PublishError, match=r"did not pass: .* by '0.25', needed at most 0.0001"):
        verify_check(folder)


def test_an_export_without_receipt_is_refused(folder: Path) -> None:
    (folder / CHECK_FILE).unlink()
    with pytest.raises(PublishError, match=r"no export\.json, needed an export that was measured"):
        verify_check(folder)


@pytest.mark.parametrize("content", ["{", "{}", '{"target": "hub"}', "[1]"])
def test_a_damaged_receipt_is_refused(folder: Path, content: str) -> None:
    (folder / CHECK_FILE).write_text(content)
    with pytest.raises(PublishError, match="needed what 'seq2seq export' writes"):
        read_check(folder)
