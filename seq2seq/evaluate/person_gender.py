"""Which gender does a translation give a person? Word alignment, then the words' morphology.

As WinoMT does it: the words of the translation that are aligned to the person are looked at, and
nothing else. Words stand between spaces. The suite aligned with fast_align and read Spanish, French
and Italian with spaCy; fast_align cannot be installed as a Python library, so eflomal aligns here,
like it a model of the very texts that are aligned. It draws at random, so that a few items may
change from run to run.

Source: Stanovsky et al. 2019 and the programs ``src/load_alignments.py`` and ``src/languages`` of
github.com/gabrielStanovsky/mt_gender; Östling and Tiedemann 2016 (eflomal).
"""

import string
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from seq2seq.errors import DataError

Gender = Literal["male", "female", "neutral", "unknown"]

Words = Sequence[str]

Links = Sequence[tuple[int, int]]
"""Pairs of a word's place in the source and in the translation, from 0."""

Align = Callable[[Sequence[Words], Sequence[Words]], list[Links]]
"""Sources and translations in, both never empty; the links of each pair out."""

Genders = Callable[[str], list[str]]
"""A few words in; the gender of each that has one out, "Masc" or "Fem" as in Universal
Dependencies."""

MODELS = {"es": "es_core_news_sm", "fr": "fr_core_news_sm", "it": "it_core_news_sm"}
LANGUAGES = (*MODELS, "de")
ARTICLES = {"the", "a", "an"}
_OF_MORPHOLOGY: dict[str, Gender] = {"Masc": "male", "Fem": "female"}

_GERMAN: dict[Gender, str] = {
    "male": "der ein dem einen des er seiner ihn seinen ihm ihren seinem ihrem sein",
    "female": "die eine einer sie seine ihrer",
    "neutral": "ihr ihre das jemanden",
}
GERMAN_DETERMINERS = {word: gender for gender, words in _GERMAN.items() for word in words.split()}
ALWAYS_FEMALE = {"nurse", "the nurse"}
"""In German there is one word for it, in the suite's judgement."""


def person_words(source: Words, place: int, links: Links) -> list[int]:
    """The words of a translation that are aligned to a person and the article before it.

    Args:
        source: words of the sentence.
        place: of the person among them.
        links: the alignment.

    Returns:
        Their places, those of the article first.
    """
    article = place > 0 and source[place - 1].lower() in ARTICLES
    asked = [place - 1, place] if article else [place]
    return [target for word in asked for source_place, target in links if source_place == word]


def romance_gender(words: Words, genders: Genders) -> Gender:
    """The gender that most of some words have, the first one of several as frequent.

    Args:
        words: of the translation, aligned to the person.
        genders: of words, from their morphology.
    """
    found = genders(" ".join(words)) if words else []
    named = [_OF_MORPHOLOGY[one] for one in found if one in _OF_MORPHOLOGY]
    return Counter(named).most_common()[0][0] if named else "unknown"


def german_gender(person: str, translation: Words, places: Sequence[int]) -> Gender:
    """The gender of the article that stands nearest to a person, or of the ending "-in".

    Args:
        person: as the suite names it, in English.
        translation: its words, punctuation apart.
        places: of those that are aligned to the person.
    """
    if person.lower() in ALWAYS_FEMALE:
        return "female"
    if not places:
        return "male"  # the suite's program counts what it cannot find so
    if any(translation[place].endswith("in") for place in places if place < len(translation)):
        return "female"
    found = [
        (abs(place - min(places)), place, GERMAN_DETERMINERS[word.lower()])
        for place, word in enumerate(translation)
        if word.lower() in GERMAN_DETERMINERS
    ]
    return min(found)[2] if found else "male"


def open_aligner() -> Align:
    """eflomal, which learns the alignment from the pairs themselves.

    Raises:
        DataError: it is not installed.
    """
    try:
        import eflomal
    except ImportError:
        raise _missing("eflomal") from None

    def align(sources: Sequence[Words], targets: Sequence[Words]) -> list[Links]:
        with TemporaryDirectory() as folder:
            links = Path(folder) / "links"
            eflomal.Aligner().align(
                [_plain(words) for words in sources],
                [_plain(words) for words in targets],
                links_filename_fwd=str(links),
                quiet=True,
            )
            lines = links.read_text(encoding="utf-8").split("\n")[: len(sources)]
        return [[_link(pair) for pair in line.split()] for line in lines]

    return align


def open_morphology(language: str) -> Genders:
    """SpaCy's model of a language.

    Args:
        language: es, fr or it.

    Raises:
        DataError: spaCy or its model is not installed.
    """
    try:
        import spacy

        reader = spacy.load(MODELS[language], exclude=["parser", "ner"])
    except ImportError:
        raise _missing("spacy") from None
    except OSError:
        raise _missing(MODELS[language]) from None
    return lambda words: [gender for token in reader(words) for gender in token.morph.get("Gender")]


def open_german_words() -> Callable[[str], list[str]]:
    """SpaCy's German tokenizer, which needs no model.

    Raises:
        DataError: spaCy is not installed.
    """
    try:
        import spacy
    except ImportError:
        raise _missing("spacy") from None
    tokenizer = spacy.blank("de").tokenizer
    return lambda text: [token.text for token in tokenizer(text)]


def _missing(what: str) -> DataError:
    model = what in MODELS.values()
    command = f"python -m spacy download {what}" if model else "pip install eflomal spacy"
    compiled = " (compiled there: needs make and a C compiler)" if what == "eflomal" else ""
    return DataError(
        f"winomt: {what} is not installed, which its alignment and morphology need; "
        f"{command}{compiled}"
    )


def _plain(words: Words) -> str:
    """A line for the aligner: lower case, and no punctuation at the words' ends."""
    return " ".join(word.lower().strip(string.punctuation + "¿¡«»") or word for word in words)


def _link(pair: str) -> tuple[int, int]:
    source, _, target = pair.partition("-")
    return int(source), int(target)
