"""English, the source language of the corpus."""

from seq2seq.pronouns.lexicon import Cue, Gender, Noun
from seq2seq.pronouns.phrase import Case, Determiner, Piece, Predicate, Tense

# Spelled with a vowel, spoken with a consonant.
_SOUNDS_CONSONANT = ("uni", "use", "eu", "one")


class English:
    """Articles, "it", and the forms of "be"."""

    genders: tuple[Gender, ...] = ()

    def noun_phrase(
        self, noun: Noun, determiner: Determiner, adjective: Cue | None, *, case: Case = "nom"
    ) -> list[Piece]:
        """The article, an adjective before the noun, the noun."""
        before = "" if adjective is None else adjective.english + " "
        article = _article(before or noun.english) if determiner == "a" else determiner
        return [Piece(f"{article} {before}"), Piece(noun.english, "noun")]

    def pronoun(self, gender: Gender) -> list[Piece]:
        """It."""
        return [Piece("it", "it")]

    def the_one(self, gender: Gender, *, case: Case) -> list[Piece]:
        """The one that."""
        return [Piece("the "), Piece("one", "it"), Piece(" that")]

    def predicate(
        self, predicate: Predicate, gender: Gender, tense: Tense, *, negated: bool
    ) -> list[Piece]:
        """Was (not) already ripe."""
        verb = "was" if tense == "past" else "is"
        adverb = "" if predicate.modifier is None else predicate.modifier.english + " "
        verb += " not " if negated else " "
        return [Piece(verb + adverb), Piece(predicate.cue.english, "cue")]

    def agree(self, word: str, gender: Gender) -> str:
        """English adjectives do not agree."""
        return word

    def hides_gender(self, noun: Noun) -> bool:
        """No article shows one."""
        return True

    def marks(self, cue: Cue, gender: Gender) -> frozenset[str]:
        """Nothing shows a gender."""
        return frozenset()

    def join(self, text: str, phrase: str) -> tuple[str, str]:
        """Nothing contracts in writing."""
        return text, phrase


ENGLISH = English()


def _article(word: str) -> str:
    vowel = word[0] in "aeiou" and not word.startswith(_SOUNDS_CONSONANT)
    return "an" if vowel else "a"
