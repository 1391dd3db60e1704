"""The folder of encoded corpora: one that cannot be written is named before any work is done."""

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from seq2seq.data import encoded_corpora
from seq2seq.data.encoded_corpora import Cache, encode_corpus
from seq2seq.errors import DataError

PAIRS = [("a b", "c"), ("d", "e f g")]


class Letters:
    """An encoder whose pieces are characters, and which counts how often it is asked."""

    eos_id, unk_id, fingerprint = 0, 1, "letters"

    def __init__(self) -> None:
        self.calls = 0

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        self.calls += 1
        return [[*map(ord, text), self.eos_id] for text in texts]

    encode_target = encode


def refusal(cache: Path, reason: str) -> str:
    return re.escape(
        f"{cache}: the folder for encoded corpora, data.cache, cannot be written ({reason}), "
        "needed one that can; choose another with --set data.cache=FOLDER"
    )


def refused(dataset, cache: Path, reason: str) -> Letters:
    encoder = Letters()
    with pytest.raises(DataError, match=refusal(cache, reason)):
        encode_corpus(dataset(PAIRS), encoder, Cache(cache))
    return encoder


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_encoded(dataset, write):
    folder = write({"file": "not a folder"})
    assert refused(dataset, folder / "file", "File exists").calls == 0
    assert refused(dataset, folder / "file" / "deeper", "Not a directory").calls == 0


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
def test_a_home_folder_that_does_not_exist_is_refused(dataset):
    cache = Path("/proc/nohome/.cache/seq2seq")
    assert refused(dataset, cache, "No such file or directory").calls == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_refused(dataset, tmp_path):
    tmp_path.chmod(0o500)
    assert refused(dataset, tmp_path, "Permission denied").calls == 0


def test_a_read_only_file_system_is_refused(dataset, tmp_path, monkeypatch):
    def read_only(**where: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(where["dir"]))

    rows = dataset(PAIRS)  # itself in a temporary file
    monkeypatch.setattr(encoded_corpora.tempfile, "TemporaryFile", read_only)
    assert refused(lambda _: rows, tmp_path, "Read-only file system").calls == 0


def test_a_full_disk_is_said_in_the_same_words(dataset, tmp_path, monkeypatch):
    def full(path: Path, arrays: dict[str, object]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(encoded_corpora, "write_arrays", full)
    refused(dataset, tmp_path, "No space left on device")


def test_what_a_folder_holds_is_read_though_it_cannot_be_written(dataset, tmp_path, monkeypatch):
    rows = dataset(PAIRS)
    first = encode_corpus(rows, Letters(), Cache(tmp_path))

    def read_only(**where: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(encoded_corpora.tempfile, "TemporaryFile", read_only)
    encoder = Letters()
    again = encode_corpus(rows, encoder, Cache(tmp_path))
    assert encoder.calls == 0
    assert again.source[1].tolist() == first.source[1].tolist() == [ord("d"), 0]


def test_a_failure_of_the_encoder_itself_is_not_blamed_on_the_folder(dataset, tmp_path):
    class Broken(Letters):
        def encode(self, texts: Sequence[str]) -> list[list[int]]:
            raise OSError("the tokenizer is gone")

    with pytest.raises(OSError, match=r"^the tokenizer is gone$"):
        encode_corpus(dataset(PAIRS), Broken(), Cache(tmp_path))


def test_a_damaged_file_is_encoded_anew_and_said(dataset, tmp_path):
    """Whatever bit it is: of a piece, of a length, or of the description of both."""
    said: list[str] = []
    cache = Cache(tmp_path, said.append)
    encode_corpus(dataset(PAIRS), Letters(), cache)
    (path,) = tmp_path.iterdir()
    sound = path.read_bytes()
    for place in range(0, len(sound), 97):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        encoder = Letters()
        encoded = encode_corpus(dataset(PAIRS), encoder, cache)
        assert encoded.source[1].tolist() == [ord("d"), 0]
        assert encoder.calls > 0, place
        assert path.read_bytes() == sound
        assert said.pop() == (
            f"warning: {path}: does not have the hash that was saved with it; the text is encoded "
            "anew"
        )
    encode_corpus(dataset(PAIRS), Letters(), cache)
    assert said == []
