"""Makes any string safe to show: nothing runs as markup, nothing acts without being seen."""

import html
import unicodedata

NAMED = {"\n": "⏎", "\t": "⇥"}
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


def _spelled(character: str) -> str:
    """The character itself, or what stands for it."""
    if character in NAMED:
        return NAMED[character]
    category = unicodedata.category(character)
    if character == " " or category[0] not in "CZ":
        return character
    return f"⟦U+{ord(character):04X}⟧"
