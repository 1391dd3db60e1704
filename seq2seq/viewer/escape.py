"""Makes any string safe to show: nothing runs as markup, nothing acts without being seen."""

import html
import re
import unicodedata

NAMED = {"\n": "⏎", "\t": "⇥"}
# Letters that run from right to left: Hebrew, Arabic, Syriac, Thaana, N'Ko and others.
RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji need them inside a word


def visible(text: str) -> str:
    """Spell out the characters that a reader could not see, such as bidirectional marks.

    A right-to-left override would turn the rest of a line around and show a text that the model
    never read; it becomes ``⟦U+202E⟧``. Joiners stay where they join something.

    Args:
        text: a piece of any tokenizer, lone surrogates included.
    """
    joins = len(text.strip(JOINERS)) > 0
    return "".join(
        character if joins and character in JOINERS else _spelled(character) for character in text
    )


def escape(text: str) -> str:
    """``visible`` text as HTML, for element content and for quoted attributes."""
    return html.escape(visible(text), quote=True)


def apart(text: str) -> str:
    """``escape`` for a word in the middle of an English sentence.

    A word that runs from right to left would take the figure behind it to its other side; it is
    set apart by isolates (U+2068, U+2069), which nobody sees.
    """
    shown = escape(text)
    return f"\u2068{shown}\u2069" if RIGHT_TO_LEFT.search(shown) else shown


def _spelled(character: str) -> str:
    """The character itself, or what stands for it."""
    if character in NAMED:
        return NAMED[character]
    category = unicodedata.category(character)
    if character == " " or category[0] not in "CZ":
        return character
    return f"⟦U+{ord(character):04X}⟧"
