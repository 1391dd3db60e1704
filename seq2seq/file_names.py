"""Which names may become names of files: none that leaves its folder, or that some disk refuses."""

import unicodedata
from collections.abc import Sequence

LONGEST_BYTES = 200  # disks take 255; an ending and the mark of a file half written come on top
# What Windows means by these, whatever ending they have, is no file.
DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


def file_name_problems(names: Sequence[str]) -> list[str]:
    """Say what speaks against names that become those of files in one folder.

    Args:
        names: Without a folder; an ending may be added to each.

    Returns:
        Each name that cannot be used, with what is wrong with it.
    """
    # Case is ignored on Windows and usually on a Mac, which also writes an "é" in its own way.
    folded = [unicodedata.normalize("NFC", name).casefold() for name in names]
    reasons = [
        _reason(name) or ("differs from another in case alone" if folded.count(key) > 1 else None)
        for name, key in zip(names, folded, strict=True)
    ]
    return [
        f"{name if len(name) <= 40 else name[:40] + '…'!r} {reason}"
        for name, reason in zip(names, reasons, strict=True)
        if reason
    ]


def _reason(name: str) -> str | None:
    size = len(name.encode("utf-8", errors="surrogatepass"))
    if not name:
        return "is empty"
    if "/" in name or "\\" in name:
        return "holds a slash, which leads to another folder"
    if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in name):
        return "holds a control character"
    if name.startswith(".") or name != name.strip():
        return "begins with a dot, or begins or ends with a space"
    if name.split(".")[0].strip().lower() in DEVICES:
        return "is a device on Windows"
    if size > LONGEST_BYTES:
        return f"is {size} bytes long, needed at most {LONGEST_BYTES}"
    return None
