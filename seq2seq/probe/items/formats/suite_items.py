"""Items of the test suites of ``seq2seq evaluate`` that name a pronoun and its antecedent.

Which suites can be probed says `KIND_OF_SUITE`; their files are read in ``evaluate/suites/``.

A suite names one noun of each item. The other one of a question is the nearest noun to the pronoun:
a word that the suite names as the antecedent of another item, or one that stands alone between an
English article or possessive and a mark or a function word. The wrong translation is that with the
other noun's pronoun, where items of the suite show which one it takes; if that is the right one,
the translations do not tell the nouns apart, and the item is left out. Of a noun that no item shows
it is the first wrong one, so that what is used may be understated there.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import accumulate

from seq2seq.errors import DataError
from seq2seq.evaluate.item import Item, Place, Suite
from seq2seq.evaluate.judging import exchanged_words
from seq2seq.probe.items.case import Case, Span
from seq2seq.probe.items.formats.question import Kind, Question, Unusable, overlap, with_candidates

KIND_OF_SUITE: Mapping[str, Kind] = {
    "ContraPro": "contrapro", "ContraCAT": "contrapro", "ctxPro": "ctxpro", "WinoMT": "winomt",
}  # fmt: skip
"""By `Suite.name`, what kind of items a suite has that names antecedents: how they are read, and
the origin that a report gives them (`FORMATS` of ``probe/items/sets.py``). Suites ask other things
too, so that a probe can use only some of their items."""
NO_NOUNS = frozenset({"this", "that", "these", "those", "one", "it", "all", "what", "which", "who"})
"""Words that suites name as antecedents, too."""
FUNCTION_WORDS = (
    "of in on at to for from with by and or but that which who whom whose because when while if is "
    "was were are am be been will would can could shall should may might must has have had do does "
    "did as so than into onto over under before after like about against through without within "
    "up down out off away here there then now not it he she they we you i me him us them"
).replace(" ", "|")
"""Of English, as one pattern."""
_WORD = re.compile(r"\w+")
_NOUN_PHRASE = re.compile(
    rf"(?<![\w'’])(?:the|an?|my|your|his|her|our|their)\s+(?!(?:{FUNCTION_WORDS})\b)"
    rf"([^\W\d_]{{3,}})(?=\s*(?:$|[.,;:!?\"“”…]|\s(?:{FUNCTION_WORDS})\b))",
    re.IGNORECASE,
)


def questions_of(suite: Suite) -> Iterator[Question]:
    """The items of a suite as questions of a probe.

    Raises:
        DataError: The suite does not name what a probe needs, or nobody has said what kind of items
            its are.
    """
    found = {
        "pronoun": any(item.pronoun for item in suite.items),
        "antecedent": any(item.antecedents for item in suite.items),
    }
    lacking = [what for what, known in found.items() if not known]
    *others, last = KIND_OF_SUITE
    known_suites = f"{', '.join(others)} and {last}"
    if lacking:
        raise DataError(
            f"{suite.name}: these files name no {' and no '.join(lacking)}, needed a pronoun, its "
            f"antecedent and another noun to probe; the annotated files of {known_suites} name them"
        )
    if suite.name not in KIND_OF_SUITE:
        raise DataError(
            f"{suite.name}: a suite of no known kind of items, needed {known_suites} to probe; "
            "say what its items are in KIND_OF_SUITE of probe/items/formats/suite_items.py"
        )
    pronouns = _pronouns_of_nouns(suite.items)
    return (Question(f"item {item.id}", partial(_case, item, pronouns)) for item in suite.items)


def _pronouns_of_nouns(items: Iterable[Item]) -> dict[str, str]:
    """For each noun that items name as an antecedent, the pronoun that most of them expect."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        for place in item.antecedents:
            noun = (*item.source_context, item.source)[-1 - place.distance][place.start : place.end]
            if noun.lower() not in NO_NOUNS:
                found[noun.lower()].update(item.expected[:1])
    return {noun: counts.most_common(1)[0][0] for noun, counts in found.items() if counts}


def _case(item: Item, pronouns: Mapping[str, str]) -> Case:
    if item.pronoun is None:
        raise Unusable("the pronoun does not stand just once in its sentence")
    if len(item.antecedents) != 1:
        raise Unusable("the antecedent does not stand just once in a sentence that is given")
    sentences = (*item.source_context, item.source)
    starts = tuple(accumulate((len(one) + 1 for one in sentences[:-1]), initial=0))
    text = " ".join(sentences)
    pronoun, antecedent = (_span(place, starts) for place in (item.pronoun, item.antecedents[0]))
    other = _other_noun(text, pronoun, antecedent, pronouns)
    takes = pronouns.get(text[slice(*other)].lower(), "")
    bad = next(
        (one for one in item.bads if not takes or takes in exchanged_words(item.good, [one])[1]),
        None,
    )
    if item.bads and bad is None:
        raise Unusable("no wrong translation has the pronoun of the other noun")
    case = Case(
        id=item.id,
        text=text,
        pronoun=pronoun,
        cluster=item.cluster,
        good=item.good if bad else None,
        bad=bad,
        tags=tuple(f"{name}={value}" for name, value in item.tags.items()),
        starts=starts if len(starts) > 1 else (),
    )
    genders = (item.expected[0], takes)
    return with_candidates(case, (antecedent, other), (True, False), genders=genders)


def _span(place: Place, starts: tuple[int, ...]) -> Span:
    start = starts[-1 - place.distance]
    return start + place.start, start + place.end


def _other_noun(text: str, pronoun: Span, antecedent: Span, nouns: Mapping[str, str]) -> Span:
    """The nearest noun to the pronoun that is another word than the antecedent."""
    named = [one.span() for one in _WORD.finditer(text) if one.group().lower() in nouns]
    found = {*named, *(one.span(1) for one in _NOUN_PHRASE.finditer(text))}
    neither = NO_NOUNS | {text[slice(*antecedent)].lower()}
    found = {
        span
        for span in found
        if text[slice(*span)].lower() not in neither
        and not overlap(span, pronoun)
        and not overlap(span, antecedent)
    }
    if not found:
        raise Unusable("no other noun is found in the text")
    return min(found, key=lambda span: abs(span[0] - pronoun[0]))
