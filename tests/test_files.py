"""Settings are read from regular files alone, and outputs appear whole or not at all."""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from seq2seq.errors import ModelError
from seq2seq.files import (
    read_json,
    read_json_object,
    read_record,
    read_text,
    refuse_odd_files,
    replacing,
    write_text,
)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def read(path: Path) -> object:
    return read_json(path, error=ModelError, needed="a small object")


def test_a_byte_order_mark_is_not_text(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", b'\xef\xbb\xbf{"a": 1}')
    assert read_text(path, error=ModelError, needed="text") == '{"a": 1}'
    assert read(path) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not JSON"),
        (b"\xff", "byte 0xff at position 1 is not UTF-8"),
        (b'{"a": ' + b"1" * 5000 + b"}", r"not JSON \(Exceeds the limit"),
        (b"[" * 200_000, r"not JSON \(nested too deeply\)"),
    ],
)
def test_what_is_not_json_says_so(tmp_path: Path, content: bytes, problem: str) -> None:
    path = written(tmp_path / "a.json", content)
    with pytest.raises(ModelError, match=f"^{path}: {problem}.*needed a small object"):
        read(path)


@pytest.mark.parametrize(("content", "kind"), [(b"[1]", "a list"), (b"null", "nothing")])
def test_another_value_than_an_object_is_refused(tmp_path: Path, content: bytes, kind: str) -> None:
    path = written(tmp_path / "a.json", content)
    with pytest.raises(ModelError, match=f"holds {kind} instead of an object, needed"):
        read_json_object(path, error=ModelError, needed="a small object")


def test_nobody_waits_for_a_pipe_and_devices_are_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "zeros").symlink_to("/dev/zero")
    for path in (pipe, tmp_path / "zeros"):
        with pytest.raises(ModelError, match=f"^{path}: a pipe or a device, needed"):
            read(path)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("gone", "no such file"),
        ("", "a folder"),
        ("n" * 300, "File name too long"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_names_that_lead_to_no_file(tmp_path: Path, name: str, problem: str) -> None:
    with pytest.raises(ModelError, match=f"{problem}, needed a small object"):
        read(tmp_path / name)


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with replacing(path) as one:
        one.write("one\n" * 10_000)
        with replacing(path) as other:
            other.write("other\n")
        assert path.read_text() == "other\n"
        one.write("end\n")
    assert path.read_text() == "one\n" * 10_000 + "end\n"
    assert [found.name for found in tmp_path.iterdir()] == ["out"]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path / "out", b"old")

    def fail() -> None:
        with replacing(path) as stream:
            stream.write("new")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("out", "old")]


def test_permissions_stay_and_a_private_file_is_never_open_to_others(tmp_path: Path) -> None:
    path = written(tmp_path / "out", b"old")
    path.chmod(0o600)
    with replacing(path) as stream:
        (part,) = tmp_path.glob(".*.part")
        assert mode_of(part) == 0o600
        stream.write("new")
    assert mode_of(path) == 0o600
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "fresh", "text")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "fresh") == 0o640


def test_a_link_stays_one(tmp_path: Path) -> None:
    target, link = written(tmp_path / "target", b"old"), tmp_path / "link"
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_link_planted_beside_the_output_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = written(tmp_path / "victim", b"precious")
    monkeypatch.setattr("os.urandom", bytes)
    (tmp_path / f".seq2seq-{bytes(8).hex()}.part").symlink_to(victim)
    with pytest.raises(OSError, match="File exists"):
        write_text(tmp_path / "out", "text")
    assert victim.read_bytes() == b"precious"


def test_a_device_is_written_to_as_it_stands() -> None:
    write_text(Path(os.devnull), "text")
    assert not Path(os.devnull).is_file()


def test_a_full_disk_names_the_output(tmp_path: Path) -> None:
    link = tmp_path / "out"
    link.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        write_text(link, "text")
    assert caught.value.filename == str(link)


def test_links_that_lead_to_themselves_are_named(tmp_path: Path) -> None:
    link = tmp_path / "out"
    link.symlink_to(link)
    with pytest.raises(OSError, match="symbolic links") as caught:
        write_text(link, "text")
    assert (caught.value.errno, caught.value.filename) == (errno.ELOOP, str(link))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path) -> None:
    path = written(tmp_path / "out", b"old")
    path.chmod(0o400)
    with pytest.raises(PermissionError):
        write_text(path, "new")
    assert path.read_bytes() == b"old"


def test_a_folder_with_a_pipe_or_a_device_in_it_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "b", b"")
    (tmp_path / "a").mkdir()
    (tmp_path / "gone").symlink_to("nowhere")
    refuse_odd_files(tmp_path, error=ModelError)
    os.mkfifo(tmp_path / "c")
    with pytest.raises(ModelError, match=f"^{tmp_path}/c: a pipe or a device, needed a regular"):
        refuse_odd_files(tmp_path, error=ModelError)


@dataclass(frozen=True)
class Part:
    """Something inside of something else."""

    name: str


@dataclass(frozen=True)
class Whole:
    """What a file may hold."""

    step: int
    parts: list[Part]
    score: float = 0.0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"parts": []}', "step: Field required"),
        (b'{"step": "x", "parts": []}', "step: Input should be a valid integer"),
        (b'{"step": 1, "parts": [{"name": 3}]}', "parts.0.name: Input should be a valid string"),
        (b'{"step": 1, "parts": [], "stop": 2}', "'stop' is not known"),
    ],
)
def test_a_file_that_does_not_hold_the_fields_of_its_kind_is_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = written(tmp_path / "a.json", content)
    with pytest.raises(ModelError, match=rf"^{path}: {problem}.*, needed a whole; restore"):
        read_record(path, Whole, error=ModelError, needed="a whole")
    written(path, b'{"step": 1, "parts": [{"name": "a"}]}')
    assert read_record(path, Whole, error=ModelError, needed="") == Whole(1, [Part("a")])
