"""Which noun a translation took "it" to be, read off the gender it shows, and how often rightly.

Generated text is judged, not forced scores: a model can prefer the good one of two given sentences
and still write neither. What cannot be read counts as wrong, and is counted.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from seq2seq.errors import DataError
from seq2seq.pronouns.grammar import grammar_of
from seq2seq.pronouns.handwritten import load_stories
from seq2seq.pronouns.items import Item, word_spans
from seq2seq.pronouns.lexicon import Cue, load_lexicon
from seq2seq.pronouns.patterns import load_patterns

Verdict = Literal["good", "bad", "none"]

_PAIR_ITEMS = 2
_QUAD_ITEMS = 4
_STOP = re.compile(r"[.,;:!?]")


@dataclass(frozen=True)
class GenderScore:
    """How often a set of translations shows the gender of the right noun; shares from 0 to 1.

    ``pair_accuracy`` and ``quad_accuracy`` count a pair or quad only if all its items are right: a
    translator that does not read the cue has 0 of either. ``coverage`` is the share in which any
    gender could be read; the rest is wrong in every other figure. ``recall`` is the accuracy on
    the items whose antecedent has that gender.
    """

    items: int
    pairs: int
    quads: int
    accuracy: float
    pair_accuracy: float
    quad_accuracy: float
    coverage: float
    recall: Mapping[str, float]


def gender_shown(item: Item, hypothesis: str) -> Verdict:
    """Judge one translation by what shows gender in its language, however the rest is worded.

    That is the inflected cue word in Spanish and the subject pronoun in French and German. Where
    more than one gender is shown, the last clause that shows any decides.

    Args:
        item: an item whose target shows gender.
        hypothesis: the generated translation.

    Returns:
        "good" if the gender of the antecedent is shown; "bad" if another one; "none" if none is, or
        several in one clause.
    """
    good, bad = _marks(item)
    for clause in reversed(_clauses(hypothesis, item.language)):
        right, wrong = (any(f" {mark} " in clause for mark in marks) for marks in (good, bad))
        if right != wrong:
            return "good" if right else "bad"
        if right:
            return "none"
    return "none"


def score_gender(items: Sequence[Item], hypotheses: Sequence[str]) -> GenderScore:
    """Score generated translations of whole quads.

    Args:
        items: items whose targets show gender, every quad complete.
        hypotheses: one translation for each item, in the same order.

    Returns:
        The score.

    Raises:
        DataError: the numbers differ, there is no item, an item shows no gender in its target, or
            a pair or quad is incomplete, which would make it look easier than it is.
    """
    _check(items, hypotheses)
    verdicts = [gender_shown(i, h) for i, h in zip(items, hypotheses, strict=True)]
    right = [verdict == "good" for verdict in verdicts]
    pairs = grouped(items, right, lambda item: item.pair)
    quads = grouped(items, right, lambda item: item.quad)
    by_gender = grouped(items, right, _gold_gender)
    return GenderScore(
        items=len(items),
        pairs=len(pairs),
        quads=len(quads),
        accuracy=fmean(right),
        pair_accuracy=fmean(all(group) for group in pairs.values()),
        quad_accuracy=fmean(all(group) for group in quads.values()),
        coverage=fmean(verdict != "none" for verdict in verdicts),
        recall={gender: fmean(right) for gender, right in sorted(by_gender.items())},
    )


def score_gender_by_family(
    items: Sequence[Item], hypotheses: Sequence[str]
) -> dict[str, GenderScore]:
    """Score each family by itself: F1 follows from structure alone, F2 from kinds, F3 from either.

    Args:
        items: as in `score_gender`.
        hypotheses: as in `score_gender`.

    Returns:
        A score for each family, in the order in which they appear.

    Raises:
        DataError: as in `score_gender`.
    """
    _check(items, hypotheses)
    scores: dict[str, GenderScore] = {}
    for family in dict.fromkeys(item.family for item in items):
        chosen = [(i, h) for i, h in zip(items, hypotheses, strict=True) if i.family == family]
        scores[family] = score_gender([i for i, _ in chosen], [h for _, h in chosen])
    return scores


def grouped(
    items: Sequence[Item], values: Sequence[bool], key: Callable[[Item], str]
) -> dict[str, list[bool]]:
    """Values of items by a property of the item, in the order of first appearance."""
    groups: dict[str, list[bool]] = {}
    for item, value in zip(items, values, strict=True):
        groups.setdefault(key(item), []).append(value)
    return groups


def check_complete(items: Sequence[Item]) -> None:
    """Refuse items of which a pair or a quad is missing a part.

    Args:
        items: items to be counted by pair and quad.

    Raises:
        DataError: a pair has not two items or a quad not four.
    """
    found = []
    for noun, size, counts in (
        ("pair", _PAIR_ITEMS, Counter(item.pair for item in items)),
        ("quad", _QUAD_ITEMS, Counter(item.quad for item in items)),
    ):
        wrong = [(name, held) for name, held in counts.items() if held != size]
        if wrong:
            name, held = wrong[0]
            found.append(
                f"{len(wrong)} {noun}s are not whole (first: {name!r} with {held} items), "
                f"needed {size} items in each"
            )
    if found:
        raise DataError(f"pronoun items: {'; '.join(found)}; pass whole quads")


def _check(items: Sequence[Item], hypotheses: Sequence[str]) -> None:
    if len(items) != len(hypotheses) or not items:
        raise DataError(
            f"gender score: {len(hypotheses)} hypotheses for {len(items)} items, needed one for "
            "each and at least one; translate every source of the set"
        )
    silent = [item.id for item in items if not item.contrastive]
    if silent:
        raise DataError(
            f"gender score: {len(silent)} of {len(items)} items show no gender in the target "
            f"(first: {silent[0]!r}), needed items that do; leave those controls out"
        )
    check_complete(items)


def _marks(item: Item) -> tuple[frozenset[str], frozenset[str]]:
    """What shows the gender of the antecedent, and what shows any other gender."""
    cue = _cue_of(item)
    antecedent = item.antecedent
    if cue is None or antecedent is None:
        raise DataError(
            f"gender score: item {item.id!r} has cue {item.cue!r} and gold {item.gold!r}, needed "
            "a cue of the lexicon and a gold noun; write the items again with this version"
        )
    grammar = grammar_of(item.language)
    marks = {gender: grammar.marks(cue, gender) for gender in grammar.genders}
    others = (marks[gender] for gender in grammar.genders if gender != antecedent.gender)
    return marks[antecedent.gender], frozenset().union(*others)


def _cue_of(item: Item) -> Cue | None:
    """The cue as its scene translates it, or the lexicon; the same word may differ between them."""
    story = load_stories(item.language).get(item.schema) if item.family == "handwritten" else None
    if story is not None:
        return next((cue for cue in story.cues if cue.english == item.cue), None)
    return load_lexicon(item.language).cues.get(item.cue)


def _gold_gender(item: Item) -> str:
    return "" if item.antecedent is None else item.antecedent.gender


def _clauses(text: str, language: str) -> list[str]:
    """The words of a text in small letters, parted at its stops and commas and before a link."""
    before = [link.pattern.other.partition("{")[0] for link in load_patterns(language).links]
    opening = {link[slice(*word_spans(link)[0])] for link in before if word_spans(link)}
    clauses: list[str] = []
    for part in _STOP.split(unicodedata.normalize("NFC", text).casefold()):
        clauses.append(" ")
        for start, end in word_spans(part):
            for word in part[start:end].replace("’", "'").split("'"):
                if word in opening:
                    clauses.append(" ")
                clauses[-1] += word + " "
    return clauses
