"""What the bytes of a file are when they are not UTF-8 text, so that the message can name it.

A byte order mark decides: UTF-16 and UTF-32 that begin with one, as Notepad and Excel write them,
are read. Nothing else is read on a guess. Bytes in an older encoding read as some text in many
encodings, so the likely ones are named with what the line would say in each, and the user chooses.
"""

import codecs
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

UTF8_MARK = codecs.BOM_UTF8
# UTF-32 first: its little-endian mark begins with that of UTF-16.
MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# Where two encodings read the bytes alike, the first of this list is named: the usual ones of a
# script, Windows before the older standards.
ENCODINGS: Mapping[str, str] = {
    "cp1252": "CP1252", "cp1250": "CP1250", "cp1251": "CP1251", "koi8_r": "KOI8-R",
    "koi8_u": "KOI8-U", "cp1253": "CP1253", "cp1254": "CP1254", "cp1255": "CP1255",
    "cp1256": "CP1256", "cp1257": "CP1257", "cp1258": "CP1258", "cp874": "CP874",
    "gb18030": "GB18030", "big5": "BIG5", "cp932": "CP932", "euc_jp": "EUC-JP",
    "cp949": "CP949", "iso8859_2": "ISO-8859-2", "iso8859_5": "ISO-8859-5",
    "iso8859_7": "ISO-8859-7", "iso8859_15": "ISO-8859-15", "cp866": "CP866", "cp850": "CP850",
    "mac_roman": "MACINTOSH", "mac_cyrillic": "MAC-CYRILLIC",
}  # fmt: skip
"""What Python calls an encoding, and what ``iconv`` does."""

_OTHER_FILES: Sequence[tuple[bytes, str]] = (
    (rb"\x1f\x8b", "a gzip file; give it a name that ends in .gz"),
    (rb"\x28\xb5\x2f\xfd", "a Zstandard file; give it a name that ends in .zst"),
    (rb"BZh[1-9]1AY&SY", "a bzip2 file; unpack it with bunzip2"),
    (rb"\xfd7zXZ\x00", "an xz file; unpack it with unxz"),
    (rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07", "an archive; unpack it and name a file of it"),
    (rb"(?s).{257}ustar", "a tar archive; unpack it and name a file of it"),
    (
        rb"PK\x03\x04",
        "a ZIP archive, as .xlsx and .docx files are; unpack it, or save a spreadsheet as "
        "'CSV UTF-8' and a document as text in UTF-8",
    ),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1", "an Office document; save it as text or CSV in UTF-8"),
    (rb"%PDF-", "a PDF document; export its text in UTF-8"),
    (rb"\{\\rtf1", "an RTF document; save it as text in UTF-8"),
    (rb"PAR1\x15", "a Parquet file; give it a name that ends in .parquet and read it as 'file'"),
    (rb"ARROW1\x00\x00|\xff\xff\xff\xff..\x00\x00", "an Arrow file; write it as .parquet"),
    (rb"SQLite format 3\x00", "an SQLite database; export the texts"),
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b]")
_ISO_2022 = re.compile(r"\x1b[$(]")
STANDARD_INPUT = Path("standard input")
"""What messages call it."""
_UNPACKERS = {".gz": "gzip -dc", ".zst": "zstd -dc"}
CONTROL_SHARE = 0.25
"""Text with so many control characters is none; UTF-16 read as UTF-8 has half of them."""
SAMPLE_LINES, SAMPLE_BYTES = 2000, 50_000
EXCERPT = 12


def encoding_of_mark(start: bytes) -> str | None:
    """The encoding that a byte order mark names, but for UTF-8; None where there is no other.

    Args:
        start: The first bytes of a file, at least four of a longer one.

    Returns:
        As Python calls it; the decoder does not take the mark away.
    """
    return next((name for mark, name in MARKS.items() if start.startswith(mark)), None)


def describe_other_file(path: Path, start: bytes) -> str | None:
    """What a file is that is not text, and what to do; None for what may be text.

    Args:
        path: The file.
        start: Its first bytes.
    """
    found = next((said for pattern, said in _OTHER_FILES if re.match(pattern, start)), None)
    if found is None or path != STANDARD_INPUT:
        return found
    what, _, ending = found.partition("; give it a name that ends in ")
    return f"{what}; {_UNPACKERS[ending]} FILE | seq2seq …" if ending in _UNPACKERS else found


def describe_controls(text: str, command: str) -> str | None:
    """What a line is that decodes as UTF-8 and yet is no text; None for a usual line.

    Args:
        text: The line.
        command: How to put the file through a program, with ``{}`` for the program.
    """
    # No control character is printable, which is seen sooner than none is found.
    if text.replace("\t", "").isprintable() or not _CONTROLS.search(text):
        return None
    if _ISO_2022.search(text):
        convert = command.format("iconv -f ISO-2022-JP -t UTF-8")
        return f"holds the escapes of ISO-2022, needed UTF-8; convert it, for Japanese: {convert}"
    controls = sum(1 for _ in _CONTROLS.finditer(text))
    if len(text) < 4 or controls < CONTROL_SHARE * len(text):
        return None
    if not text.strip("\0"):
        return (
            f"holds {len(text)} NUL bytes and nothing else, as a file does that was cut off while "
            "it was written, needed text; fetch it again, or take the line out"
        )
    found = f"{controls} of {len(text)} characters are control characters"
    if text.startswith(("ÿþ", "þÿ")):
        back = command.format("iconv -f UTF-8 -t LATIN1")
        return (
            f"{found}: UTF-16 that was converted as if it were latin1, needed UTF-8; undo it with "
            f"{back}, and UTF-16 is then read as it is"
        )
    order = "UTF-16BE" if _CONTROLS.match(text) else "UTF-16LE"
    convert = command.format(f"iconv -f {order} -t UTF-8")
    return f"{found}, as in UTF-16 without a byte order mark, needed UTF-8; convert it: {convert}"


def describe_bytes(
    line: bytes, error: UnicodeDecodeError, more: Sequence[bytes], *, sound: int, command: str
) -> str:
    """What a line is that is not UTF-8, and what to do.

    Args:
        line: The line.
        error: What decoding it raised.
        more: Lines behind it, as many as are at hand.
        sound: Number of lines before it that hold more than ASCII and are UTF-8.
        command: As for ``describe_controls``.

    Returns:
        The likely encodings with the start of the line in each; or, where most lines that could
        tell are UTF-8, that this one is damaged.
    """
    found = (
        f"byte {line[error.start]:#04x} at position {error.start + 1} is not UTF-8, needed UTF-8 "
        "text"
    )
    telling = [one for one in more if not one.isascii()]
    sound += sum(_is_utf8(one) for one in telling)
    broken = [line, *(one for one in telling if not _is_utf8(one))]
    if sound > len(broken):
        convert = command.format("iconv -c -f UTF-8 -t UTF-8")
        return (
            f"{found}; other lines are UTF-8, so this one is damaged: mend it or take it out; "
            f"{convert} leaves out all such bytes"
        )
    likely = _likely_encodings(b"\n".join(broken)[:SAMPLE_BYTES])
    if not likely:
        convert = command.format("iconv -f ENCODING -t UTF-8")
        return f"{found}; its encoding is not recognised; find it out, and convert it: {convert}"
    start = max(error.start - EXCERPT, 0)
    read = [f"{ENCODINGS[name]} ({_excerpt(line, start, name)})" for name in likely]
    convert = command.format(f"iconv -f {ENCODINGS[likely[0]]} -t UTF-8")
    choice = f"it may be {' or '.join(read)}"
    return f"{found}; {choice}; convert it from the one that reads well: {convert}"


def conversion(path: Path) -> str:
    """How a user puts a file through a program, with ``{}`` for the program."""
    if path == STANDARD_INPUT:
        return "{} FILE | seq2seq …"
    unpack = _UNPACKERS.get(path.suffix.lower())
    name = shlex.quote(str(path)).replace("{", "{{").replace("}", "}}")
    return f"{unpack} {name} | {{}} > NEW" if unpack else f"{{}} {name} > NEW"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _likely_encodings(sample: bytes) -> list[str]:
    """Up to three encodings, likeliest first, of which no two read the sample alike."""
    import charset_normalizer  # only who meets such a file pays for it

    names = list(ENCODINGS)
    matches = charset_normalizer.from_bytes(sample, cp_isolation=names)
    alike = [{match.encoding, *match.could_be_from_charset} & set(names) for match in matches]
    return [min(group, key=names.index) for group in alike if group][:3]


def _excerpt(line: bytes, start: int, encoding: str) -> str:
    """Some characters of a line around the byte in question, quoted."""
    text = line.decode(encoding, errors="replace")
    before = len(line[:start].decode(encoding, errors="replace"))
    return repr(text[before : before + 2 * EXCERPT].strip())
