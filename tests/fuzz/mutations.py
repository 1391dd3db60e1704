"""Ways to spoil a file, each a function of a random generator and of nothing else."""

import json
import os
import pickle
from pathlib import Path
from random import Random
from typing import Any

DEEP = 3000
HUGE = 10**4400  # more digits than Python prints

TEXTS = [
    "", " ", "\t", "\n", "a\nb", "\r\n", "\x00", "a\x00b", "\ufeff", "\u200b\u200b", "\u2028", "\x85",
    "e\u0301" * 40, "\u0301" * 60, "🏴\U000e0067\U000e0062\U000e007f", "👩\u200d🔬" * 9, "</s>", "<s> <unk> <pad>",
    "<0x41>", ">>fra<<", "__de__", "eng_Latn", "▁", "▁▁a", "▅", "..", "../x", "/etc/passwd", "a" * 300,
    "a" * 20_000, "ก" * 3000, "我" * 2000, "a b " * 4000, "{name}", "%s %d {} {0.x}", "https://x.y/?a=b&c=d#e",
    '"', "'", '"a', '""a""', "a,b;c|d", "=1+1", "-1", "NaN", "inf", "1e999", "0x10", "null", "true", "é", "ß",
    "İ", "ﬁ", "\U0010ffff", "\ue000", "שלום \u200f", "क्षत्रिय", "ខ្មែរ", "\udc80", "\ud83d", "日本語。テスト！", "~", "*", "-",
    "--", "-h", "con", "aux.", "a" * 255, "nul\\x", "C:\\x", "file:///x", "\x1b[31m", "𝕏", "½", "Ω", "ſ",
]  # fmt: skip
NUMBERS = [0, 1, -1, 2, 3, 7, 255, 256, 2**31, 2**31 - 1, -(2**31), 2**63, 2**64, 2**200, HUGE, 0.0, -0.0, 0.5,
           1e-320, 1e308, float("nan"), float("inf"), float("-inf")]  # fmt: skip


def odd_value(draw: Random) -> Any:
    """A value of some type, rarely the one that is needed."""
    match draw.randrange(9):
        case 0:
            return None
        case 1:
            return draw.choice([True, False])
        case 2 | 3:
            return draw.choice(NUMBERS)
        case 4 | 5:
            return draw.choice(TEXTS)
        case 6:
            return [odd_value(draw) for _ in range(draw.randrange(3))]
        case 7:
            return {draw.choice(TEXTS): odd_value(draw) for _ in range(draw.randrange(3))}
        case _:
            return _nested(draw.choice([5, 60, DEEP]), draw.choice(["list", "object"]))


def _nested(depth: int, kind: str) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value] if kind == "list" else {"a": value}
    return value


def spoil_json(draw: Random, value: Any) -> Any:
    """The value with one of its parts, however deep, exchanged, removed or doubled."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(sorted(value, key=str))
        match draw.randrange(8):
            case 0:
                return {k: v for k, v in value.items() if k != key}
            case 1:
                return value | {draw.choice(TEXTS): odd_value(draw)}
            case 2:
                return value | {key: odd_value(draw)}
            case _:
                return value | {key: spoil_json(draw, value[key])}
    if isinstance(value, list) and value and draw.random() < 0.9:
        place = draw.randrange(len(value))
        match draw.randrange(6):
            case 0:
                return value[:place] + value[place + 1 :]
            case 1:
                return [*value, value[place]]
            case _:
                return [*value[:place], spoil_json(draw, value[place]), *value[place + 1 :]]
    return odd_value(draw)


def dump_json(value: Any) -> bytes:
    """JSON, also of what the standard library would refuse to write."""
    try:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except (RecursionError, ValueError):  # too deep, or a number of too many digits
        return b"[" * DEEP + b"]" * DEEP if _too_deep(value) else b'{"n": ' + b"9" * 4400 + b"}"


def _too_deep(value: Any) -> bool:
    for _ in range(DEEP // 2):
        if isinstance(value, list) and value:
            value = value[0]
        elif isinstance(value, dict) and value:
            value = next(iter(value.values()))
        else:
            return False
    return True


def spoil_bytes(draw: Random, content: bytes) -> bytes:
    """The bytes cut short, flipped, repeated, or with something odd put in."""
    place = draw.randrange(len(content) + 1)
    match draw.randrange(11):
        case 0:
            return content[:place]
        case 1:
            return b""
        case 2:
            return _flipped(draw, content)
        case 3:
            ended = content if draw.random() < 0.5 else _mixed_ends(draw, content)
            return b"\xef\xbb\xbf" * draw.choice([1, 1, 2]) + ended
        case 4:
            return content.decode("utf-8", "replace").encode(
                draw.choice(["utf-16", "utf-32", "utf-16-le"])
            )
        case 5:
            return content.replace(b"\n", draw.choice([b"\r\n", b"\r", b"\n\n", b"\x00", b"\x0b"]))
        case 6:
            return content + content[place:]
        case 7:
            return draw.randbytes(draw.choice([1, 10, 300]))
        case 8:
            return content.replace(b"{", b'{"id": 0, "d_model": "x", "text": [], "step": -1, ', 1)
        case _:
            odd = draw.choice(TEXTS).encode("utf-8", "surrogatepass")
            return content[:place] + odd + content[place:]


def _mixed_ends(draw: Random, content: bytes) -> bytes:
    ends = [b"\n", b"\r\n", b"\r", b"\n\r"]
    return b"".join(line + draw.choice(ends) for line in content.split(b"\n"))


def _flipped(draw: Random, content: bytes) -> bytes:
    flipped = bytearray(content or b"a")
    for _ in range(draw.choice([1, 4, 40])):
        flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
    return bytes(flipped)


def spoil_file(draw: Random, path: Path) -> None:
    """Exchange a file for something that is none, or that holds something else."""
    content = path.read_bytes()
    path.unlink()
    match draw.randrange(11):
        case 0:
            pass  # it is gone
        case 1:
            path.mkdir()
        case 2:
            os.mkfifo(path)
        case 3:
            path.symlink_to(draw.choice(["/dev/zero", "/dev/null", "nowhere", ".", path.name]))
        case 4:
            path.write_bytes(pickle.dumps({"weight": [1.0]}))
        case 5:
            path.write_bytes(b"\x80\x04." + content[:100])
        case 6:
            path.write_bytes(b"\x1f\x8b" + content)
        case 7:
            path.write_bytes(b"")
        case 8:
            path.write_bytes(content)
            # Zeros behind it that take no place on the disk; Python skips a gzip file's one by one.
            os.truncate(path, (600 if path.suffix != ".gz" else 6) << 20)
        case _:
            path.write_bytes(spoil_bytes(draw, content))


def spoil_text_file(draw: Random, path: Path) -> None:
    """Spoil a file: as JSON where it is JSON, or in its bytes, or in what it is at all."""
    if path.suffix == ".json" and draw.random() < 0.75:
        path.write_bytes(dump_json(spoil_json(draw, json.loads(path.read_text("utf-8")))))
    elif draw.random() < 0.6:
        path.write_bytes(spoil_bytes(draw, path.read_bytes()))
    else:
        spoil_file(draw, path)
