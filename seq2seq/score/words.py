"""What ROUGE, TER and the counts of faults call a word, in any script.

A word is a run of letters, accents and digits; in scripts that write no spaces between words each
letter with its accents is one. Nothing is dropped because it is not English: rouge-score's own
tokenizer cuts at every letter that is not ``a`` to ``z``, so that it finds no word at all in
Russian or Chinese, and only fragments in Vietnamese.

English alone keeps that tokenizer, with the Porter stemmer, so that figures for English equal the
published ones to the last digit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import regex

from seq2seq.languages import (
    UNSPACED_LETTER,
    language_of,
    length_in_letters,
    unspaced_share,
)

# A letter of a script without spaces, with the accents and vowel signs that belong to it.
_LETTER = rf"(?=[\p{{L}}\p{{N}}]){UNSPACED_LETTER}\p{{M}}*"
# The joiners stand inside words of Persian and of the scripts of India.
_SPACED = rf"(?:(?!{UNSPACED_LETTER})[\p{{L}}\p{{M}}\p{{N}}\u200c\u200d])+"
UNSPACED_SHARE = 0.3  # of its letters: a text with so many in scripts without spaces has no words
# What scripts without spaces write for a word of English: it has 5.1 letters, the space after it
# among them, in the training sentences of Tatoeba, their Japanese translations 5.1 for each of its
# words, the Chinese ones 4.4, counted as `length_in_letters` does.
LETTERS_OF_WORD = 5
LETTER = regex.compile(_LETTER)
WORD = regex.compile(rf"{_LETTER}|{_SPACED}")
UNIT = regex.compile(rf"{_LETTER}|(?:(?!{_LETTER})\S)+")


@dataclass(frozen=True)
class Words:
    """How ROUGE cuts text; what rouge-score calls a tokenizer.

    Attributes:
        ascii: as rouge-score does, runs of a to z and digits.
        stem: words of more than three letters without their English endings (Porter 1980).
    """

    ascii: bool = False
    stem: bool = False

    def signature(self, *, spaced: bool) -> str:
        """As part of a score's signature.

        Args:
            spaced: whether the text has spaces between words; what is compared are letters
                otherwise.
        """
        kind = "ascii-words" if self.ascii else "unicode-words" if spaced else "unicode-letters"
        return f"tok:{kind}|stem:{self._stemmer_name}"

    @property
    def _stemmer_name(self) -> str:
        return "porter" if self.stem else "none"

    def tokenize(self, text: str) -> list[str]:
        """The words of a text in lower case, without their endings if they are stemmed."""
        if self.ascii:
            from rouge_score.tokenize import tokenize

            found: list[str] = tokenize(text, self._stemmer)
            return found
        words: list[str] = WORD.findall(text.lower())
        if not self.stem:
            return words
        return [self._stemmer.stem(word) if len(word) > 3 else word for word in words]

    @cached_property
    def _stemmer(self) -> Any:
        from nltk.stem.porter import PorterStemmer

        return PorterStemmer() if self.stem else None


def rouge_words(language: str | None, *, stem: bool | None = None) -> Words:
    """How ROUGE cuts the text of a language.

    Args:
        language: its code; None where it is not known, and then no language's endings are cut.
        stem: whether English endings are cut; None for English alone.
    """
    english = language is not None and language_of(language).code == "en"
    return Words(ascii=english, stem=english if stem is None else stem)


def is_spaced(texts: Iterable[str]) -> bool:
    """Whether spaces stand between the words of some texts, taken together."""
    return unspaced_share(texts) < UNSPACED_SHARE


def first_words(text: str, count: int) -> str:
    """The first words of a text, or as much where its script has no spaces between words.

    Args:
        text: any text.
        count: how many words to keep. Without spaces it is `LETTERS_OF_WORD` letters for each: a
            Chinese character is three, a kana two, a word of another script among them one word.
    """
    if is_spaced([text]):
        return " ".join(text.split()[:count])
    left, end = count * LETTERS_OF_WORD, 0
    for unit in UNIT.finditer(text):
        left -= _letters(unit[0])
        if left < 0:
            break
        end = unit.end()
    return " ".join(text[:end].split())


def _letters(unit: str) -> int:
    """How much one match of `UNIT` takes of what may be kept; punctuation alone takes nothing."""
    if LETTER.match(unit):
        return length_in_letters(unit)
    return LETTERS_OF_WORD if any(map(str.isalnum, unit)) else 0
