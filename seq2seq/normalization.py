"""The one place where text gets its normal form before it is cut into pieces.

The same letter can be written as one character or as a base with accents behind it, and text that
was copied from web pages or word processors holds characters that nobody sees: soft hyphens,
zero-width spaces, byte order marks, direction marks. A model reads pieces, so both would change a
translation. Text is therefore composed (NFC) and freed of what is invisible; how many lines that
changes is for the caller to say.

NFC and not NFKC, because NFKC rewrites what is written (``½`` becomes three characters). The
zero-width joiner and non-joiner stay: Persian, the scripts of India and emoji need them.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# Characters without a shape or a meaning, in a notation that `re` and the regular expressions of
# `tokenizers` both read: control characters that are no white space; soft hyphen, Arabic letter
# mark, Mongolian vowel separator; zero-width space, direction marks, embeddings and isolates;
# word joiner and invisible operators; byte order mark; interlinear annotation.
INVISIBLE = (
    "[\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
)
_INVISIBLE = re.compile(INVISIBLE)
LONG = 1000  # characters of a text in which so many marks can follow a letter that sorting counts


@dataclass(frozen=True)
class Changes:
    """How many of some texts the normal form changes.

    Attributes:
        invisible: Texts that hold invisible characters.
        composed: Texts that hold letters written in another way than NFC has them.
    """

    invisible: int = 0
    composed: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.invisible + other.invisible, self.composed + other.composed)


def is_normal(text: str) -> bool:
    """Whether ``normalize`` leaves a text as it is."""
    if text.isascii() and text.isprintable():
        return True
    if not unicodedata.is_normalized("NFC", text):
        return False
    return not has_invisible(text)


def has_invisible(text: str) -> bool:
    """Whether a text holds characters that nobody sees, which ``normalize`` takes out."""
    return not text.isprintable() and _INVISIBLE.search(text) is not None  # printable is visible


def normalize(text: str) -> str:
    """A text composed (NFC) and without invisible characters; white space stays as it is.

    Args:
        text: Any text.

    Returns:
        The normal form; normalising it again changes nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _INVISIBLE.sub("", text)
    return unicodedata.normalize("NFC", _marks_in_order(text) if len(text) > LONG else text)


def count_changes(texts: Iterable[str]) -> Changes:
    """Count the texts that ``normalize`` changes, by what it changes.

    Args:
        texts: Any texts.

    Returns:
        The counts; a text may count for both.
    """
    invisible = composed = 0
    for text in texts:
        if text.isascii() and text.isprintable():
            continue
        invisible += has_invisible(text)
        composed += not unicodedata.is_normalized("NFC", text)
    return Changes(invisible, composed)


def _marks_in_order(text: str) -> str:
    """The same text, the marks behind each letter in canonical order.

    ``unicodedata`` sorts them in time that grows with the square of their number: 200,000 of them
    in one line, which damaged files hold, would take a minute.
    """
    runs = itertools.groupby(text, key=lambda character: unicodedata.combining(character) > 0)
    return "".join(
        "".join(sorted(run, key=unicodedata.combining) if marks else run) for marks, run in runs
    )


def is_whole_number(text: str) -> bool:
    """Whether a text is a whole number of usual size, from 0, which ``int`` reads without an error.

    It refuses text of over 4,300 digits, and ``²``, which ``str.isdigit`` takes for a digit.
    """
    return text.isascii() and text.isdigit() and len(text) <= 9
