r"""Addresses and placeholders in a text: what a translation must hold exactly as its source does.

A translator's tools call these *placeables*. They are recognised by their form alone, so the list
holds only forms that are not written by chance: a word in single square brackets, ``:word`` or
``__word__`` is a placeholder only if it is spelled like a name in a program (``[user_name]``), and
``%1`` is none, because Turkish writes a percentage so. Numbers, names and emoji are not looked for.

Sources: RFC 3986 (URLs), GitHub Flavored Markdown 6.9 (what of the marks behind a URL is part of
it), the HTML standard 4.10.5.1.5 (e-mail addresses); the documents of printf, ``str.format``,
template literals, Ruby's ``format``, Mustache, Jinja, ERB, Fluent, Rails, Laravel and GitHub
Actions (placeholders); HTML and XLIFF (tags).
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from seq2seq.languages import UNSPACED_LETTER

# What ends a URL beside white space: marks that RFC 3986 leaves out, quotation marks and the full
# stops and commas of Chinese and Japanese, and letters of scripts that put no space behind it.
_NO_URL = (
    r"\s<>\"{}|\\^`«»‹›“”„‘’‚「」『』（）《》〈〉【】、。，；：！？…।؟،؛"
    + UNSPACED_LETTER[1:-1]
)  # fmt: skip
# A letter, digit or underscore that is none of such a script: these stand beside an address as a
# space does.
_WORD = rf"(?:(?!{UNSPACED_LETTER})\w)"
_BEGINS = rf"(?<!{_WORD})(?<![.+-])"
# A name as programs spell it: with an underscore, or with a capital inside.
_PROGRAM_NAME = r"(?=[\w.-]*(?:_|[a-z][A-Z]))[A-Za-z_](?:[\w.-]*\w)?"
_ATTRIBUTE = r"""\s+[\w:.-]+=(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+)"""

# From the longest delimiters to the shortest: of two that begin at one place the first is taken.
FORMS = {
    "URL": rf"{_BEGINS}(?:[A-Za-z][A-Za-z0-9+.-]+://|www\.)[^{_NO_URL}]+",
    "e-mail address": rf"{_BEGINS}(?:{_WORD}|[.+-])+@"
    r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}",
    "${{ }}": r"\$\{\{[^{}]+\}\}",
    "{{ }}": r"\{\{(?:\{[^{}]+\}|[^{}]+)\}\}",
    "${ }": r"\$\{[^{}]+\}",
    "#{ }": r"#\{[^{}]+\}",
    "%{ }": r"%\{[^{}]+\}",
    "{% %}": r"\{%[^{}]+%\}",
    # behind \emph and its like stands text, which is looked for at a brace alone
    "{ }": r"\{(?<!\\[A-Za-z]+\{)(?: ?[^\s{}]+ ?)?\}",
    "<% %>": r"<%[^<>]+%>",
    "tag": rf"</?[A-Za-z0-9_][\w:.-]*(?:{_ATTRIBUTE})*\s*/?>",
    "[[ ]]": r"\[\[[^\s\[\]]+\]\]",
    "[ ]": rf"\[{_PROGRAM_NAME}\](?!\()",
    "%( )s": r"%\(\w+\)[-+#0]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa]",
    # no "% d", which is printf too, but mostly a percentage and a word
    "%s": r"(?<!\d)%(?:\d+\$)?[-+#0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?"
    r"(?:hh?|ll?|[Lqjzt])?[diouxXeEfFgGcrsa@](?![A-Za-z])",
    "% %": r"(?<![\w%])(?:%%[A-Za-z_]\w*%%|%[A-Za-z_]\w*%)(?!\w)",
    "@ @": r"(?<!\w)@[A-Za-z][\w.-]*@(?!\w)",
    "@name": rf"(?<!{_WORD})(?<![@./])@[A-Za-z_]{_WORD}+",
    # no "$US 5"
    "$name": r"(?<![\w$])\$(?![A-Z]{1,3}(?!\w))[A-Za-z_]\w+",
    "__ __": r"(?<!\w)__(?=[A-Z0-9_]+__|\w*?(?:[A-Za-z]_[A-Za-z]|[a-z][A-Z]))\w+?__(?!\w)",
    ": :": r"(?<![\w:]):[a-z][a-z0-9_+-]*:(?!\w)",
    ":name": rf"(?<![\w:]):{_PROGRAM_NAME}",
}
"""Regular expressions of what is recognised, by the name of its form."""

# Where the form ends is not written in these: it is where the text goes on with something else.
OPEN_ENDED = frozenset({"URL", "e-mail address"})

_NAMES = tuple(FORMS)
# Every form holds one of these, and most text none.
_TRIGGER = re.compile(r"://|www\.|[@%${\[<]|__|:[A-Za-z_]")
_CLOSING = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class Placeable:
    """An address or placeholder.

    Attributes:
        form: One of the names in `FORMS`.
        text: How it is written.
        start: Where it begins in the text it was found in, in characters.
    """

    form: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the text goes on."""
        return self.start + len(self.text)


def placeables_in(text: str) -> list[Placeable]:
    """Find the addresses and placeholders of a text.

    Args:
        text: In its normal form.

    Returns:
        All of them in order; none lies in another.
    """
    if not _TRIGGER.search(text):
        return []
    found = []
    for match in _any_form().finditer(text):
        form, written = _NAMES[match.lastindex - 1], match.group()
        found.append(
            Placeable(form, _without_closing_marks(written) if form == "URL" else written,
                      match.start())
        )  # fmt: skip
    return found


@cache
def _any_form() -> Any:
    """All forms as one expression, a group for each."""
    import regex  # only text that may hold one pays for it

    return regex.compile("|".join(f"({form})" for form in FORMS.values()))


def _without_closing_marks(url: str) -> str:
    """A URL without the marks behind it that belong to the sentence."""
    while url:
        last = url[-1]
        unbalanced = last in _CLOSING and url.count(last) > url.count(_CLOSING[last])
        if not unbalanced and last not in ".,;:!?'*_~":
            break
        url = url[:-1]
    return url
