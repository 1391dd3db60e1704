"""Vietnamese: a classifier before every noun, nothing that agrees.

*Nó* stands for anything, so a translation with it does not show who "it" is: a control. The other
variant says the classifier of the noun instead (*con đó*, *quả đó*), which shows it wherever the
two nouns have different ones. As kinds of nouns go with classifiers, the cue alone says much about
that classifier: this variant is balanced for position but not for what a cue gives away.

No native speaker has checked these sentences.
"""

from dataclasses import dataclass

from seq2seq.pronouns.lexicon import Cue, Gender, Noun
from seq2seq.pronouns.phrase import Case, Determiner, Piece, Predicate, Tense

_ANYTHING = "nó"
_BEFORE: dict[Determiner, str] = {"the": "", "a": "một ", "this": "", "my": ""}
_AFTER: dict[Determiner, str] = {"the": "", "a": "", "this": " này", "my": " của tôi"}


@dataclass(frozen=True)
class Vietnamese:
    """Fills slots in Vietnamese; ``genders`` are the classifiers that may stand for a noun."""

    genders: tuple[Gender, ...] = ()

    def noun_phrase(
        self, noun: Noun, determiner: Determiner, adjective: Cue | None, *, case: Case = "nom"
    ) -> list[Piece]:
        """The classifier, the noun, an adjective, this or mine after it."""
        classifier, _, word = noun.word.partition(" ")
        after = "" if adjective is None else " " + adjective.lemmas[0]
        return [
            Piece(f"{_BEFORE[determiner]}{classifier} "),
            Piece(word, "noun"),
            Piece(after + _AFTER[determiner]),
        ]

    def pronoun(self, gender: Gender) -> list[Piece]:
        """Nó, or the classifier of what is meant: con đó, quả đó."""
        return [Piece(f"{gender} đó" if gender in self.genders else _ANYTHING, "it")]

    def the_one(self, gender: Gender, *, case: Case) -> list[Piece]:
        """Cái nào, or the classifier of what is meant: con nào, quả nào."""
        return [Piece(f"{gender if gender in self.genders else 'cái'} nào")]

    def predicate(
        self, predicate: Predicate, gender: Gender, tense: Tense, *, negated: bool
    ) -> list[Piece]:
        """(Không) (rất) chín: there is no copula."""
        adverb = "" if predicate.modifier is None else predicate.modifier.other + " "
        return [
            Piece("không " if negated else ""),
            Piece(adverb),
            Piece(predicate.cue.lemmas[0], "cue"),
        ]

    def agree(self, word: str, gender: Gender) -> str:
        """Nothing agrees."""
        return word

    def hides_gender(self, noun: Noun) -> bool:
        """There is no article."""
        return False

    def marks(self, cue: Cue, gender: Gender) -> frozenset[str]:
        """The classifier with đó, where this variant writes it."""
        return frozenset({f"{gender} đó"} if gender in self.genders else ())

    def join(self, text: str, phrase: str) -> tuple[str, str]:
        """Nothing contracts."""
        return text, phrase
