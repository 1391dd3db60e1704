"""Paths of this machine are found in files, and nothing else is taken for one."""

import json
import struct
from pathlib import Path

import pytest

from seq2seq.publish.private_paths import find_private_paths, readable_part


@pytest.mark.parametrize(
    "path",
    [
        "/home/ana/corpora", "/Users/ana/data", "/root/x", "/work/ana/runs", "/tmp/a1", "/mnt/d",
        "/var/folders/zz/T", r"C:\Users\ana\run", r"C:\\Users\\ana", "C:/Users/ana", "d:\\Users\\b",
        "file:///home/ana/x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("around", ["{}", '"{}"', "x={},", "\n\n  folder: {}\n", "\0\1{}\2"])
def test_a_private_path_is_found_wherever_it_stands(path: str, around: str) -> None:
    text = around.format(path)
    found = find_private_paths("a.json", text.encode())
    line = 1 + text[: text.index(path)].count("\n")
    assert len(found) == 1
    assert found[0].startswith(f"line {line}: '{path[:8]}")


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/home/ana", "data/home/ana", "../tmp/x", "~/.cache/seq2seq",
        "and/or", "/home", "home/ana", "Users and work / home", "/usr/share/dict", "C:\\Windows",
        "at home/work/school", "./work/x", "a/tmp/b",
    ],
)  # fmt: skip
def test_addresses_relative_paths_and_words_are_left_alone(text: str) -> None:
    assert find_private_paths("a.json", text.encode()) == []


def test_own_folders_are_found_wherever_they_lie() -> None:
    own = [Path("/opt/lab"), Path("/")]
    assert find_private_paths("a", b"x /opt/lab/run", own) == ["line 1: '/opt/lab/'"]
    assert find_private_paths("a", b"x /opt/labour", own) == []


def test_a_name_can_tell_too_and_three_finds_are_enough() -> None:
    assert find_private_paths("x C:\\Users\\ana", b"") == ["its name: 'C:\\Users\\ana'"]
    many = b"/tmp/a\n" * 9
    assert find_private_paths("a", many) == [f"line {n}: '/tmp/a'" for n in (1, 2, 3)]


def test_of_tensors_only_the_description_is_read(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {"from": "/home/ana"}}).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"/tmp/numbers")
    assert readable_part(path) == header
    other = tmp_path / "source.spm"
    other.write_bytes(b"\x01/tmp/corpus.txt")
    assert find_private_paths(other.name, readable_part(other)) == ["line 1: '/tmp/corpus.txt'"]
