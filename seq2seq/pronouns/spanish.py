"""Spanish: articles, al and del, agreement, ser and estar.

The subject pronoun is left out, so the adjective's ending is what shows who "it" is. Adjectives and
participles of the corpus all end in -o and -a; the reason clause stands in the imperfect (era,
estaba) or the present.
"""

from seq2seq.pronouns.lexicon import Cue, Gender, Noun
from seq2seq.pronouns.phrase import Case, Determiner, Piece, Predicate, Tense

_ARTICLES: dict[Determiner, dict[Gender, str]] = {
    "the": {"m": "el", "f": "la"},
    "a": {"m": "un", "f": "una"},
    "this": {"m": "este", "f": "esta"},
    "my": {"m": "mi", "f": "mi"},
}
_COPULAS: dict[str, dict[Tense, str]] = {
    "ser": {"past": "era", "present": "es"},
    "estar": {"past": "estaba", "present": "está"},
}


class Spanish:
    """Fills slots in Spanish."""

    genders: tuple[Gender, ...] = ("m", "f")

    def noun_phrase(
        self, noun: Noun, determiner: Determiner, adjective: Cue | None, *, case: Case = "nom"
    ) -> list[Piece]:
        """The article, the noun, an adjective after it; only the head word is marked."""
        head, _, rest = noun.word.partition(" ")
        after = f" {rest}" if rest else ""
        if adjective is not None:
            after += " " + self.agree(adjective.lemmas[0], noun.gender)
        article = _ARTICLES[determiner][noun.gender]
        return [Piece(f"{article} "), Piece(head, "noun"), Piece(after)]

    def pronoun(self, gender: Gender) -> list[Piece]:
        """Left out: the verb ending is enough."""
        return []

    def the_one(self, gender: Gender, *, case: Case) -> list[Piece]:
        """El que, la que."""
        return [Piece(f"{_ARTICLES['the'][gender]} "), Piece("que")]

    def predicate(
        self, predicate: Predicate, gender: Gender, tense: Tense, *, negated: bool
    ) -> list[Piece]:
        """(No) (ya) estaba (muy) madura; ya stands before the verb, muy before the adjective."""
        verb = _COPULAS[predicate.cue.copula][tense] + " "
        if predicate.modifier is not None and predicate.modifier.position == "before verb":
            verb = f"{predicate.modifier.other} {verb}"
        elif predicate.modifier is not None:
            verb += predicate.modifier.other + " "
        if negated:
            verb = f"no {verb}"
        return [Piece(verb), Piece(self.agree(predicate.cue.lemmas[0], gender), "cue")]

    def agree(self, word: str, gender: Gender) -> str:
        """Pesado, pesada; a word that does not end in -o serves both (azul)."""
        return word[:-1] + "a" if gender == "f" and word.endswith("o") else word

    def hides_gender(self, noun: Noun) -> bool:
        """El and la always show it."""
        return False

    def marks(self, cue: Cue, gender: Gender) -> frozenset[str]:
        """The cue, or a synonym, with the ending of the gender."""
        return frozenset(self.agree(lemma, gender) for lemma in cue.lemmas)

    def join(self, text: str, phrase: str) -> tuple[str, str]:
        """A + el → al, de + el → del."""
        if not phrase.startswith("el "):
            return text, phrase
        meets = text.endswith((" a ", " de ")) or text in ("a ", "de ", "A ", "De ")
        return (text[:-1] + "l ", phrase[3:]) if meets else (text, phrase)
