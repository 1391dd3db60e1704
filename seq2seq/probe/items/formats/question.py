"""What the readers of probe sets share: a line that becomes a case, or says why it does not.

A line that breaks the format stops the reading, since the next one may be misread too. A line that
is well written but leaves open where something stands is left out and counted, never guessed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from seq2seq.probe.items.case import Case, Mention, Span

Kind = Literal[
    "corpus", "candidates", "definite pronouns", "gap", "knowref", "winobias", "winogender",
    "winograd", "winogrande", "winomt", "xwino", "contrapro", "ctxpro",
]  # fmt: skip
"""Of probe sets; ``probe/items/sets.py`` says how each is read."""
PRONOUNS = {
    "male": ("he", "him", "his", "himself"),
    "female": ("she", "her", "hers", "herself"),
    "neutral": ("they", "them", "their", "theirs", "themselves", "themself"),
}
GENDERS = {form: gender for gender, forms in PRONOUNS.items() for form in forms}
BLANK = "_"
"""What stands in the place of a pronoun in sets that leave it out."""
_WORD = re.compile(r"\w+")
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)
_ARTICLE_BEFORE = re.compile(r"(?<!\w)(?:the|an?)\s+$", re.IGNORECASE)


class Unusable(Exception):
    """Why a well-written line asks nothing that a probe can use; the readers count these."""


@dataclass(frozen=True)
class Question:
    """A line of a set: where it stands, and what makes a case of it or raises `Unusable`."""

    place: str
    ask: Callable[[], Case]


def span_at(text: str, start: int, phrase: str, what: str) -> Span:
    """The characters of a phrase at the place where a line says it is.

    Raises:
        Unusable: Something else stands there.
    """
    if not phrase or start < 0 or text[start : start + len(phrase)] != phrase:
        raise Unusable(f"the {what} does not stand where the line says")
    return start, start + len(phrase)


def only_place(text: str, phrase: str, what: str, *, outside: Span | None = None) -> Span:
    """Where a phrase stands, if that is one place.

    Args:
        text: Where to look, for whole words, in upper or lower case.
        phrase: What to look for; without its article, if it does not stand with it.
        what: What to call it in the reason for leaving a line out.
        outside: Characters in which it must not be looked for.

    Raises:
        Unusable: It stands nowhere, or in several places.
    """
    for wanted in (phrase, without_article(phrase)):
        found = [
            span for span in places_of(text, wanted) if not (outside and overlap(span, outside))
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise Unusable(f"the {what} stands in several places")
    raise Unusable(f"the {what} does not stand in the text")


def with_candidates(
    case: Case,
    spans: Sequence[Span],
    correct: Sequence[bool],
    *,
    roles: Sequence[str] = (),
    genders: Sequence[str] = (),
) -> Case:
    """A case with the words at some places as its candidates, in the order of the text.

    Raises:
        Unusable: One is the pronoun or a part of it, or two overlap, so that attention to one would
            be attention to the other.
    """
    if case.pronoun is not None and any(overlap(span, case.pronoun) for span in spans):
        raise Unusable("the pronoun is a part of a candidate")
    unknown = [""] * len(spans)
    found = sorted(zip(spans, correct, genders or unknown, roles or unknown, strict=True))
    if any(overlap(one, other) for (one, *_), (other, *_) in pairwise(found)):
        raise Unusable("two candidates overlap")
    return replace(
        case,
        candidates=tuple(
            Mention(case.text[slice(*span)], span, gender=gender, role=role)
            for span, _, gender, role in found
        ),
        correct=frozenset(place for place, (_, right, *_) in enumerate(found) if right),
    )


def with_phrases(case: Case, phrases: Sequence[str], right: int) -> Case:
    """A case with candidates that are named by their words, one of them right.

    Raises:
        Unusable: A candidate stands nowhere or in several places, or two overlap.
    """
    spans = [only_place(case.text, one, "candidate", outside=case.pronoun) for one in phrases]
    return with_candidates(case, spans, [place == right for place in range(len(spans))])


def with_persons(case: Case, meant: Span, persons: set[str]) -> Case:
    """A case whose line names only the person who is meant.

    The other one is the only other person of the text among those that the lines of the file
    name, in lower case.

    Raises:
        Unusable: Nobody else is found, or several others are.
    """
    text, pronoun = case.text, case.pronoun
    words = set(_WORD.findall(text.lower()))
    named = (person for person in persons if words.issuperset(_WORD.findall(person)))
    found = {span for person in named for span in places_of(text, person)}
    others = [
        span
        for span in sorted(found)
        if not overlap(span, meant)
        and not (pronoun and overlap(span, pronoun))
        # "worker" within "construction worker" is no person of its own
        and not any(
            span != wider and wider[0] <= span[0] and span[1] <= wider[1] for wider in found
        )
    ]
    if len(others) != 1:
        raise Unusable("several others may be meant" if others else "nobody else is found")
    spans = [with_article(text, span) for span in (meant, others[0])]
    return with_candidates(case, spans, [True, False])


def only_pronoun(text: str, gender: str) -> Span:
    """Where the only pronoun of a gender stands.

    Raises:
        Unusable: There is none, or there are several.
    """
    found = [span for form in PRONOUNS[gender] for span in places_of(text, form)]
    if len(found) != 1:
        raise Unusable(f"{'several pronouns' if found else 'no pronoun'} of the stated gender")
    return found[0]


def places_of(text: str, phrase: str) -> list[Span]:
    """Every place of a phrase of whole words, in upper or lower case."""
    words = r"\s+".join(map(re.escape, phrase.split()))
    pattern = re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)
    return [match.span() for match in pattern.finditer(text)] if words else []


def without_article(phrase: str) -> str:
    """A phrase without the English article before it."""
    return _ARTICLE.sub("", phrase, count=1)


def with_article(text: str, span: Span) -> Span:
    """A noun's place together with the English article before it, if there is one."""
    before = _ARTICLE_BEFORE.search(text[: span[0]])
    return (before.start() if before else span[0]), span[1]


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans share a character."""
    return max(one[0], other[0]) < min(one[1], other[1])
