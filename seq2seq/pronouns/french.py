"""French: articles that elide, du and au, agreement, and a pronoun that shows the gender.

A noun that begins with a vowel hides its gender behind l'; il and elle show it all the same.
"""

from seq2seq.pronouns.lexicon import Cue, Gender, Noun
from seq2seq.pronouns.phrase import Case, Determiner, Piece, Predicate, Tense

_PRONOUNS: dict[Gender, str] = {"m": "il", "f": "elle"}
_COPULAS: dict[Tense, str] = {"past": "était", "present": "est"}

# Masculine, feminine, and what both become before a vowel.
_ARTICLES: dict[Determiner, tuple[str, str, str | None]] = {
    "the": ("le ", "la ", "l'"),
    "a": ("un ", "une ", None),
    "this": ("ce ", "cette ", None),
    "my": ("mon ", "ma ", "mon "),
}
_VOWELS = frozenset("aeiouyàâäéèêëîïôöûüœæ")

# Adjectives that stand before the noun.
_BEFORE = {"petit", "vieux", "beau", "grand"}
_BEFORE_VOWEL = {"vieux": "vieil", "beau": "bel"}
_FEMININE = {
    "beau": "belle",
    "bas": "basse",
    "épais": "épaisse",
    "frais": "fraîche",
    "long": "longue",
    "mou": "molle",
    "sec": "sèche",
    "vieux": "vieille",
}
_FEMININE_ENDINGS = {"eux": "euse", "er": "ère", "f": "ve", "e": "e"}


class French:
    """Fills slots in French."""

    genders: tuple[Gender, ...] = ("m", "f")

    def noun_phrase(
        self, noun: Noun, determiner: Determiner, adjective: Cue | None, *, case: Case = "nom"
    ) -> list[Piece]:
        """The article as what follows asks, the noun, an adjective before or after it."""
        head, _, rest = noun.word.partition(" ")
        before, after = "", f" {rest}" if rest else ""
        if adjective is not None and adjective.lemmas[0] in _BEFORE:
            before = _before(
                adjective.lemmas[0], self.agree(adjective.lemmas[0], noun.gender), head
            )
        elif adjective is not None:
            after += " " + self.agree(adjective.lemmas[0], noun.gender)
        article = _article(determiner, noun.gender, before or head)
        return [Piece(article), Piece(before), Piece(head, "noun"), Piece(after)]

    def pronoun(self, gender: Gender) -> list[Piece]:
        """Il or elle."""
        return [Piece(_PRONOUNS[gender], "it")]

    def the_one(self, gender: Gender, *, case: Case) -> list[Piece]:
        """Celui qui, celle qui."""
        return [Piece("celle qui" if gender == "f" else "celui qui")]

    def predicate(
        self, predicate: Predicate, gender: Gender, tense: Tense, *, negated: bool
    ) -> list[Piece]:
        """Était (déjà) (très) mûre; n'était pas mûre."""
        verb = _COPULAS[tense]
        adverb = "" if predicate.modifier is None else predicate.modifier.other + " "
        return [
            Piece(f"n'{verb} pas " if negated else f"{verb} "),
            Piece(adverb),
            Piece(self.agree(predicate.cue.lemmas[0], gender), "cue"),
        ]

    def agree(self, word: str, gender: Gender) -> str:
        """Lourd, lourde; léger, légère; juteux, juteuse; rapide serves both."""
        if gender == "m":
            return word
        if word in _FEMININE:
            return _FEMININE[word]
        for ending, feminine in _FEMININE_ENDINGS.items():
            if word.endswith(ending):
                return word.removesuffix(ending) + feminine
        return word + "e"

    def hides_gender(self, noun: Noun) -> bool:
        """L'abricot, l'orange."""
        return begins_with_vowel(noun.word)

    def marks(self, cue: Cue, gender: Gender) -> frozenset[str]:
        """The pronoun of the gender."""
        return frozenset({_PRONOUNS[gender]})

    def join(self, text: str, phrase: str) -> tuple[str, str]:
        """De + le → du, à + le → au; de + un → d'un, que + elle → qu'elle."""
        vowel, article = begins_with_vowel(phrase), phrase.startswith("le ")
        if not vowel and not article:
            return text, phrase
        word = text.rstrip(" ").rpartition(" ")[2].lower()
        if article and word in ("de", "à"):
            return text[: -len(word) - 1] + {"de": "du ", "à": "au "}[word], phrase[3:]
        if vowel and word in ("de", "que", "puisque") and text.endswith(" "):
            return text[:-2] + "'", phrase
        return text, phrase


def begins_with_vowel(word: str) -> bool:
    """Whether le and la elide before a word; every h in the lexicon is aspirated (la haie)."""
    return word[:1].lower() in _VOWELS


def _article(determiner: Determiner, gender: Gender, following: str) -> str:
    masculine, feminine, elided = _ARTICLES[determiner]
    if begins_with_vowel(following):
        if determiner == "this" and gender == "m":
            return "cet "
        if elided is not None:
            return elided
    return feminine if gender == "f" else masculine


def _before(lemma: str, agreed: str, noun: str) -> str:
    if agreed == lemma and begins_with_vowel(noun):
        return _BEFORE_VOWEL.get(lemma, lemma) + " "
    return agreed + " "
