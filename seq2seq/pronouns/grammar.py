"""Which module speaks which language."""

from typing import Literal, get_args

from seq2seq.errors import DataError
from seq2seq.pronouns.german import German
from seq2seq.pronouns.phrase import Grammar
from seq2seq.pronouns.spanish import Spanish

Language = Literal["es", "de"]


def grammar_of(language: str) -> Grammar:
    """The grammar of a target language.

    Args:
        language: a two-letter code.

    Returns:
        What fills the slots of a template in that language.

    Raises:
        DataError: the corpus does not speak that language.
    """
    match language:
        case "es":
            return Spanish()
        case "de":
            return German()
        case _:
            known = ", ".join(repr(code) for code in get_args(Language))
            raise DataError(
                f"pronoun corpus: language {language!r}, needed one of {known}; "
                "name one of those with --languages"
            )
