"""German: three genders, three cases, contractions, and a verb that may stand last.

The pronoun (er, sie, es) is what shows who "it" is: an adjective after the verb has no ending. Only
nouns without an ending of their own in the accusative and dative belong in the lexicon, so none of
the weak ones (der Hase, den Hasen).
"""

from seq2seq.pronouns.lexicon import Cue, Gender, Noun
from seq2seq.pronouns.phrase import Case, Determiner, Piece, Predicate, Tense

_PRONOUNS: dict[Gender, str] = {"m": "er", "f": "sie", "n": "es"}
_COPULAS: dict[Tense, str] = {"past": "war", "present": "ist"}

# By case, then masculine, feminine, neuter.
_ENDINGS: dict[Case, dict[Gender, str]] = {
    "nom": {"m": "er", "f": "e", "n": "es"},
    "acc": {"m": "en", "f": "e", "n": "es"},
    "dat": {"m": "em", "f": "er", "n": "em"},
}
_ARTICLES: dict[Case, dict[Gender, str]] = {
    "nom": {"m": "der", "f": "die", "n": "das"},
    "acc": {"m": "den", "f": "die", "n": "das"},
    "dat": {"m": "dem", "f": "der", "n": "dem"},
}
_STEMS: dict[Determiner, str] = {"a": "ein", "my": "mein", "no": "kein", "this": "dies"}
# Adjectives that change before an ending.
_INFLECTED = {"sauer": "saur", "teuer": "teur", "hoch": "hoh", "anders": "ander"}
# What an adverb becomes before an adjective that does not take it: nobody says sehr anders.
_ADVERBS = {("sehr", "anders"): "ganz"}
_CONTRACTED = {
    ("von", "dem"): "vom",
    ("bei", "dem"): "beim",
    ("zu", "dem"): "zum",
    ("zu", "der"): "zur",
    ("in", "dem"): "im",
    ("in", "das"): "ins",
    ("an", "dem"): "am",
    ("an", "das"): "ans",
}
_CONTRACTIBLE = frozenset(article for _, article in _CONTRACTED)


class German:
    """Fills slots in German."""

    genders: tuple[Gender, ...] = ("m", "f", "n")

    def noun_phrase(
        self, noun: Noun, determiner: Determiner, adjective: Cue | None, *, case: Case = "nom"
    ) -> list[Piece]:
        """The article in its case, an adjective with its ending, the noun."""
        pieces = [Piece(_determiner(determiner, noun.gender, case) + " ")]
        if adjective is not None:
            pieces.append(Piece(_inflected(adjective.lemmas[0], determiner, noun, case) + " "))
        return [*pieces, Piece(noun.word, "noun")]

    def pronoun(self, gender: Gender) -> list[Piece]:
        """Er, sie or es."""
        return [Piece(_PRONOUNS[gender], "it")]

    def the_one(self, gender: Gender, *, case: Case) -> list[Piece]:
        """Der, der; den, der: the first in its case, the second the subject of its clause."""
        return [Piece(f"{_ARTICLES[case][gender]}, {_ARTICLES['nom'][gender]}")]

    def predicate(
        self, predicate: Predicate, gender: Gender, tense: Tense, *, negated: bool
    ) -> list[Piece]:
        """War (nicht) (schon) reif."""
        before = "nicht " if negated else ""
        return [
            Piece(_COPULAS[tense] + " "),
            Piece(before + _adverb(predicate)),
            Piece(predicate.cue.lemmas[0], "cue"),
        ]

    def agree(self, word: str, gender: Gender) -> str:
        """After a verb nothing agrees."""
        return word

    def hides_gender(self, noun: Noun) -> bool:
        """Der, die and das always show it."""
        return False

    def marks(self, cue: Cue, gender: Gender) -> frozenset[str]:
        """The pronoun of the gender."""
        return frozenset({_PRONOUNS[gender]})

    def join(self, text: str, phrase: str) -> tuple[str, str]:
        """Von + dem → vom."""
        article, _, rest = phrase.partition(" ")
        if article not in _CONTRACTIBLE:
            return text, phrase
        before, _, preposition = text.rstrip(" ").rpartition(" ")
        contracted = _CONTRACTED.get((preposition.lower(), article))
        if contracted is None:
            return text, phrase
        return f"{before} {contracted} ".lstrip(" "), rest


def _adverb(predicate: Predicate) -> str:
    if predicate.modifier is None:
        return ""
    word = predicate.modifier.other
    return _ADVERBS.get((word, predicate.cue.lemmas[0]), word) + " "


def _determiner(determiner: Determiner, gender: Gender, case: Case) -> str:
    if determiner == "the":
        return _ARTICLES[case][gender]
    if _has_no_ending(determiner, gender, case):
        return _STEMS[determiner]
    return _STEMS[determiner] + _ENDINGS[case][gender]


def _has_no_ending(determiner: Determiner, gender: Gender, case: Case) -> bool:
    """Ein, mein and kein: ein Hund, ein Pferd, but einen Hund, eine Katze."""
    bare = gender == "n" if case == "acc" else gender != "f"
    return determiner in ("a", "my", "no") and case != "dat" and bare


def _inflected(word: str, determiner: Determiner, noun: Noun, case: Case) -> str:
    """Der reife, den reifen, ein reifer, ein reifes: the ending shows what the determiner hides."""
    stem = _INFLECTED.get(word, word.removesuffix("e"))
    if _has_no_ending(determiner, noun.gender, case):
        return stem + _ENDINGS[case][noun.gender]
    weak = "en" if case == "dat" or (case, noun.gender) == ("acc", "m") else "e"
    return stem + weak
