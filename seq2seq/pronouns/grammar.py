"""Which module speaks which language."""

from functools import cache
from typing import Literal, get_args

from seq2seq.errors import DataError
from seq2seq.pronouns.french import French
from seq2seq.pronouns.german import German
from seq2seq.pronouns.lexicon import load_lexicon
from seq2seq.pronouns.phrase import Grammar
from seq2seq.pronouns.spanish import Spanish
from seq2seq.pronouns.vietnamese import Vietnamese

Language = Literal["es", "de", "fr", "vi", "vi-cl"]


@cache
def grammar_of(language: str) -> Grammar:
    """The grammar of a target language.

    Args:
        language: a two-letter code; vi-cl is Vietnamese with a classifier in place of the pronoun.

    Returns:
        What fills the slots of a template in that language, the same object at every call.

    Raises:
        DataError: the corpus does not speak that language.
    """
    match language:
        case "es":
            return Spanish()
        case "fr":
            return French()
        case "vi":
            return Vietnamese()
        case "vi-cl":
            nouns = load_lexicon(language).nouns.values()
            return Vietnamese(tuple(sorted({noun.shown for noun in nouns})))
        case "de":
            return German()
        case _:
            known = ", ".join(repr(code) for code in get_args(Language))
            raise DataError(
                f"pronoun corpus: language {language!r}, needed one of {known}; "
                "name one of those with --languages"
            )
