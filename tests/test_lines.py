"""Files of segments: what ends a line, what is read from packed files, what is refused."""

import gzip
import io
import os
import pty
import re
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
import zstandard

from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines, read_lines


def write(folder: Path, content: bytes, *, name: str = "text.txt") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\n\n\ntwo\n\n", ["one", "", "", "two", ""]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"  one \t\n", ["  one \t"]),
        (b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n", ["one", "\ufefftwo"]),
    ],
)
def test_every_line_is_kept_as_written(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    assert read_lines(write(tmp_path, content)) == lines


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1e", "\r"])
def test_only_a_line_feed_ends_a_line(tmp_path: Path, character: str) -> None:
    text = f"one{character}still one"
    assert len(text.splitlines()) == 2  # what must not be used
    assert read_lines(write(tmp_path, f"{text}\ntwo\n".encode())) == [text, "two"]


def test_packed_files_give_the_lines_of_the_plain_one(tmp_path: Path) -> None:
    content = "über\u2028uns\n\nzwei\n".encode()
    frames = zstandard.compress(content[:7]) + zstandard.compress(content[7:])
    plain = read_lines(write(tmp_path, content))
    assert plain == ["über\u2028uns", "", "zwei"]
    assert read_lines(write(tmp_path, gzip.compress(content), name="a.gz")) == plain
    assert read_lines(write(tmp_path, zstandard.compress(content), name="a.zst")) == plain
    assert read_lines(write(tmp_path, frames, name="two-frames.zst")) == plain


def test_lines_are_read_one_at_a_time(tmp_path: Path) -> None:
    lines = iterate_lines(write(tmp_path, b"one\n\xff\n"))
    assert next(lines) == "one"  # the damage on line 2 has not been met yet
    with pytest.raises(DataError, match="line 2"):
        next(lines)


WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize(
    "text", ["über\r\nਊ 上\u2028\n\n\U0001f600", "one\n", "\none", "", "\ufeff"]
)
def test_a_byte_order_mark_says_how_the_rest_is_read(
    tmp_path: Path, encoding: str, text: str
) -> None:
    plain = read_lines(write(tmp_path, text.encode(), name="plain.txt"))
    content = f"\ufeff{text}".encode(encoding)
    if text == "\ufeff":
        plain = ["\ufeff"]  # the second one is a character of the text
    assert read_lines(write(tmp_path, content)) == plain
    assert read_lines(write(tmp_path, gzip.compress(content), name="a.GZ")) == plain
    assert read_lines(write(tmp_path, zstandard.compress(content), name="a.zst")) == plain


def test_a_line_of_utf16_may_be_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    text = "ਊ" * 200_000  # each of its bytes is a line feed's
    assert read_lines(write(tmp_path, f"{text}\nx\n".encode("utf-16"))) == [text, "x"]


@pytest.mark.parametrize("end", [b"\x00", "\ud83d".encode("utf-16-le", "surrogatepass")])
def test_half_a_character_of_utf16_is_refused_with_its_line(tmp_path: Path, end: bytes) -> None:
    path = write(tmp_path, "one\ntwo\nthree".encode("utf-16") + end)
    with pytest.raises(DataError, match=r"line 3: not UTF-16-LE \(.*\), which the byte order mark"):
        read_lines(path)


LEGACY = [
    ("cp1252", "gut\nschön"),
    ("cp1252", "Buenos días.\n¿Está abierta la puerta, señor?"),
    ("cp1251", "Добрый день.\nДверь открыта."),
    ("koi8_r", "Добрый день. Как дела?\nДверь открыта."),
    ("cp1250", "Dzień dobry.\nZażółć gęślą jaźń."),
    ("cp1253", "Καλημέρα κόσμε.\nΗ πόρτα είναι ανοιχτή."),
    ("cp932", "こんにちは。元気ですか。\nドアが開いています。"),
    ("euc_jp", "こんにちは。元気ですか。\nドアが開いています。"),
    ("gb18030", "你好。今天天气很好。\n门是开着的。"),
    ("big5", "你好。今天天氣很好。\n門是開著的。"),
    ("cp949", "안녕하세요.\n문이 열려 있습니다."),
    ("cp874", "สวัสดีครับ\nประตูเปิดอยู่"),
    ("cp1256", "مرحبا بالعالم.\nالباب مفتوح."),
]


@pytest.mark.skipif(shutil.which("iconv") is None, reason="needs iconv, whose commands are advised")
@pytest.mark.parametrize(("encoding", "text"), LEGACY, ids=[f"{e} {t[:5]}" for e, t in LEGACY])
@pytest.mark.parametrize("name", ["a b.txt", "a.txt.gz"])
def test_an_older_encoding_is_named_and_the_advice_followed_gives_the_text(
    tmp_path: Path, encoding: str, text: str, name: str
) -> None:
    content = text.encode(encoding)
    path = write(tmp_path, gzip.compress(content) if ".gz" in name else content, name=name)
    with pytest.raises(DataError, match=r"line \d: byte 0x.. at position \d+ is not UTF-8") as said:
        read_lines(path)
    choices = re.findall(r"([-A-Z0-9]+) \('([^']+)'\)", str(said.value))
    chosen = next(name for name, excerpt in choices if excerpt in text)
    command = str(said.value).rpartition("reads well: ")[2].replace("NEW", "new.txt")
    command = command.replace(choices[0][0], chosen)
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    assert read_lines(tmp_path / "new.txt") == text.split("\n")


def test_one_line_that_is_not_utf8_among_others_is_damaged_and_not_of_another_encoding(
    tmp_path: Path,
) -> None:
    lines = "für\nüber\nschön\n".encode() + b"gr\xfcn\n" + "größer\n".encode()
    with pytest.raises(DataError, match=r"line 4: byte 0xfc .*; other lines are UTF-8, so this"):
        read_lines(write(tmp_path, lines))


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_byte_order_mark_is_not_taken_for_utf8(tmp_path: Path, order: str) -> None:
    path = write(tmp_path, "Good day.\nGood night.\n".encode(order))
    wanted = f"line 1: .* as in UTF-16 without .*: iconv -f {order.upper().replace('-', '', 1)}"
    wanted = wanted.replace("UTF16-", "UTF-16")
    with pytest.raises(DataError, match=wanted):
        read_lines(path)


def test_utf16_that_became_latin1_once_is_not_taken_for_text(tmp_path: Path) -> None:
    damaged = b"\xff\xfe" + "Good day.\n".encode("utf-16-le")
    path = write(tmp_path, damaged.decode("latin-1").encode())
    with pytest.raises(DataError, match="UTF-16 that was converted as if it were latin1"):
        read_lines(path)


def test_a_control_character_here_and_there_is_still_text(tmp_path: Path) -> None:
    assert read_lines(write(tmp_path, b"a word\x00 and \x07 more\n")) == ["a word\0 and \x07 more"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b"text", mtime=0), "this is a gzip file; give it a name that ends in .gz"),
        (zstandard.compress(b"text"), "this is a Zstandard file; give it a name that ends in .zst"),
        (b"PK\x03\x04\x14\x00", "this is a ZIP archive, as .xlsx and .docx files are; unpack"),
        (b"%PDF-1.7\n", "this is a PDF document"),
        (b"PAR1\x15\x04", "this is a Parquet file; give it a name that ends in .parquet"),
        (b"\x1b$B$3\x1b(B\n", "line 1: holds the escapes of ISO-2022"),
        (bytes(4096), "line 1: holds 4096 NUL bytes and nothing else"),
        (b"\x81\x8d\x8f\x90\x9d\xff" * 9, "position 1 is not UTF-8, needed UTF-8 text; "),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        read_lines(write(tmp_path, content))


def test_text_that_begins_like_another_kind_of_file_is_text(tmp_path: Path) -> None:
    for text in ("PAR1 is a name", "BZh", "PK", "Rar!", "7z"):
        assert read_lines(write(tmp_path, text.encode())) == [text]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.txt: no such file, needed a text file"):
        read_lines(tmp_path / "gone.txt")


def test_standard_input_is_what_is_left_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO(b"first\nzweite Zeile\r\nthird")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    stream.readline()  # as a shell's `read` does
    assert read_lines("-") == ["zweite Zeile", "third"]
    assert not stream.closed
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(DataError, match="standard input: it is closed, needed text"):
        read_lines("-")


def test_a_path_through_a_file_is_named(tmp_path: Path) -> None:
    inner = write(tmp_path, b"text") / "inner"
    with pytest.raises(DataError, match="inner: Not a directory, needed a text file"):
        read_lines(inner)


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder, needed a text file"):
        read_lines(tmp_path)


def test_a_file_without_read_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, mode: str) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)  # the superuser may read everything
    with pytest.raises(DataError, match="not readable by you, needed read permission"):
        read_lines(tmp_path / "text.txt")


@pytest.mark.parametrize(
    ("name", "kind", "pack"),
    [("a.gz", "gzip", gzip.compress), ("a.zst", "Zstandard", zstandard.compress)],
)
def test_a_packed_file_that_is_cut_short_or_not_packed_is_refused(
    tmp_path: Path, name: str, kind: str, pack: object
) -> None:
    assert callable(pack)
    whole = pack("\n".join(map(str, range(10_000))).encode())
    for content in (whole[: len(whole) // 2], whole[:-1], b"plain text\n"):
        with pytest.raises(DataError, match=rf"{re.escape(name)}: not a whole {kind} file"):
            read_lines(write(tmp_path, content, name=name))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["text", "text.gz", "text.zst"])
def test_a_line_that_only_another_kind_of_file_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, name: str
) -> None:
    monkeypatch.setattr("seq2seq.lines.MOST_LINE_BYTES", 1 << 20)
    pack = {".gz": gzip.compress, ".zst": zstandard.compress}.get(name[4:], bytes)
    long = "a" * (1 << 18) + "\n"
    path = write(tmp_path, pack(("short\n" + long * 3).encode(encoding)), name=name)
    assert len(read_lines(path)) == 4  # 3 MiB in UTF-32, but no line of them
    path.write_bytes(pack(("short\n" + long[:-1] * 5 + "\nshort").encode(encoding)))
    with pytest.raises(DataError, match=rf"{name}: line 2: longer than 1 MiB, needed one segment"):
        read_lines(path)


def test_a_json_array_that_is_too_long_for_a_line_is_told_what_would_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seq2seq.lines.MOST_LINE_BYTES", 8)
    with pytest.raises(DataError, match=r"line 1: longer than .*; jq -c '\.\[\]' writes"):
        read_lines(write(tmp_path, b'["12345"]\n', name="a.json"))
    assert read_lines(write(tmp_path, b'["1234"\n')) == ['["1234"']  # as long as may be


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_a_small_file_that_unpacks_to_a_huge_one_takes_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("seq2seq.lines.MOST_LINE_BYTES", 1 << 20)
    pack = gzip.compress if name == "a.gz" else zstandard.compress
    path = write(tmp_path, pack(bytes(1 << 24)) * 16, name=name)  # 256 MiB
    tracemalloc.start()
    with pytest.raises(DataError, match="line 1: longer than 1 MiB"):
        read_lines(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 26


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full"])
def test_a_device_without_end_is_refused(tmp_path: Path, device: str) -> None:
    for name in ("text", "text.gz", "text.zst"):
        (tmp_path / name).symlink_to(device)
        with pytest.raises(DataError, match=f"{name}: a device that never ends, needed a text"):
            read_lines(tmp_path / name)


def test_the_null_device_is_an_empty_text_and_a_terminal_may_be_typed_into() -> None:
    assert read_lines("/dev/null") == []
    typed, terminal = pty.openpty()
    os.write(typed, b"one\n\x04")
    assert read_lines(os.ttyname(terminal)) == ["one"]
    os.close(typed)
    os.close(terminal)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that cannot be read")
def test_what_fails_in_the_middle_of_a_file_is_said_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "cannot be read to its end: Input/output error; copy it again, or name another file"
    for name in ("text", "text.gz", "text.zst"):
        (tmp_path / name).symlink_to("/proc/self/mem")  # of whose start nothing is there
        with pytest.raises(DataError, match=f"{name}: {said}"):
            read_lines(tmp_path / name)
    with Path("/proc/self/mem").open(encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        with pytest.raises(DataError, match=f"standard input: {said}"):
            read_lines("-")


def test_what_is_no_utf16_is_named_with_its_own_line(tmp_path: Path) -> None:
    content = "one\ntwo\n".encode("utf-16") + b"\x00\xdc" + "three\nfour\n".encode("utf-16-le")
    with pytest.raises(DataError, match=r"line 3: not UTF-16-LE"):
        read_lines(write(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (gzip.compress(b"one\n", mtime=0), "a gzip file; gzip -dc FILE | seq2seq …; needed text"),
        (b"\x28\xb5\x2f\xfd\x00\n", "a Zstandard file; zstd -dc FILE | seq2seq …; needed text"),
        ("déjà vu, crème brûlée\n".encode("cp1252"), "-t UTF-8 FILE | seq2seq …"),
    ],
)  # fmt: skip
def test_advice_on_standard_input_is_a_pipe(
    monkeypatch: pytest.MonkeyPatch, content: bytes, advice: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    with pytest.raises(DataError, match=re.escape(advice)) as caught:
        read_lines("-")
    assert "NEW" not in str(caught.value)
