"""What a rule that resolves nothing would score, in the same table as the heads.

Each rule gives every candidate of a case a weight; equal weights are a tie and count half, so a
rule that knows nothing about a case is at chance on it.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from seq2seq.probe.items.case import Case, Span
from seq2seq.probe.measures.accuracy import items_right, layout_of
from seq2seq.probe.measures.scores import Measure, Scores, only

BASELINE = "baseline"
"""The route of every rule in a table of measures."""

READ_THE_CUE = ("cue only, place", "cue only, gender")
"""Rules that see the word which decides: they know more than what stands where."""


@dataclass(frozen=True)
class Baseline:
    """A named rule; the candidate with the larger weight is its answer."""

    name: str
    weigh: Callable[[Case], Sequence[float]]


def plain_baselines(pieces: Mapping[str, Sequence[int]] | None = None) -> list[Baseline]:
    """Rules that learn nothing: first, nearest, subject, agent, patient, longest.

    "longest" needs the pieces of each candidate, by case id; it is also what uniform attention
    answers, summed over pieces.
    """
    rules = [
        Baseline("first", _first),
        Baseline("nearest", _nearest),
        Baseline("subject", _subject),
        Baseline("agent", lambda case: _of_role(case, "agent")),
        Baseline("patient", lambda case: _of_role(case, "patient")),
    ]
    if pieces is not None:
        rules.append(Baseline("longest", lambda case: pieces[case.id]))
    return rules


def learnt_baselines(train: Sequence[Case]) -> list[Baseline]:
    """Rules that know training but see only a part of the input.

    Majority gender, noun prior, cue only (by place and by gender), nouns only; cases without one
    gold noun of two teach nothing.
    """
    return [
        _counting("majority gender", train, lambda case: True, _gender),
        _counting("noun prior", train, lambda case: True, _noun),
        _counting("cue only, place", train, _cue, lambda case, place: place),
        _counting("cue only, gender", train, _cue, _gender),
        _counting("nouns only", train, _nouns, lambda case, place: place),
    ]


def baseline_scores(cases: Sequence[Case], baselines: Sequence[Baseline]) -> Scores:
    """Score rules as if they were heads, with route "baseline" and their name as variant."""
    layout = layout_of(cases)
    weights = np.array([[rule.weigh(case) for case in cases] for rule in baselines], dtype=float)
    gold = np.array([case.gold for case in cases])
    items = np.arange(len(cases))
    return Scores(
        tuple(Measure(BASELINE, rule.name) for rule in baselines),
        layout,
        weights[:, items, gold],
        weights[:, items, 1 - gold],
    )


def blind_answers(rules: Sequence[Scores]) -> dict[str, Float[np.ndarray, " items"]]:
    """By name where rules are right, a half if undecided; those that read the cue are left out."""
    return {
        one.variant: right
        for scores in rules
        for one, right in zip(
            scores.measures, items_right(scores.gold, scores.distractor), strict=True
        )
        if one.variant not in READ_THE_CUE
    }


def that_apply(scores: Scores) -> Scores:
    """The rules that tell two nouns of any case apart; of others half is right by definition.

    Where none does, all stay: scores of nothing there are not.
    """
    apart = (scores.gold != scores.distractor).any(axis=1)
    return only(scores, [row for row, tells in enumerate(apart) if tells or not apart.any()])


def _counting(
    name: str,
    train: Sequence[Case],
    part: Callable[[Case], Hashable],
    answer: Callable[[Case, int], Hashable],
) -> Baseline:
    """How often training gave that answer where that part of the input was the same.

    Where a case lacks the part (None), or training never showed it, all answers weigh the same.
    """
    counts: Counter[tuple[Hashable, Hashable]] = Counter()
    for case in train:
        if case.gold is not None and part(case) is not None:
            counts[part(case), answer(case, case.gold)] += 1

    def weigh(case: Case) -> list[float]:
        return [counts[part(case), answer(case, place)] for place in range(len(case.candidates))]

    return Baseline(name, weigh)


def _first(case: Case) -> list[float]:
    return [-place for place in range(len(case.candidates))]


def _nearest(case: Case) -> list[float]:
    if case.pronoun is None:
        return [0.0 for _ in case.candidates]
    return [-_gap(case.pronoun, candidate.span) for candidate in case.candidates]


def _gap(one: Span, other: Span) -> int:
    """Characters between two spans."""
    return max(one[0] - other[1], other[0] - one[1], 0)


def _subject(case: Case) -> list[float]:
    """The candidate called so; where none is, the first, as English clauses open with theirs."""
    named = _of_role(case, "subject")
    return named if any(named) else _first(case)


def _of_role(case: Case, role: str) -> list[float]:
    return [float(candidate.role.casefold() == role) for candidate in case.candidates]


def _gender(case: Case, place: int) -> Hashable:
    return case.candidates[place].gender.casefold()


def _noun(case: Case, place: int) -> Hashable:
    return case.candidates[place].text.casefold()


def _nouns(case: Case) -> Hashable:
    return tuple(_noun(case, place) for place in range(len(case.candidates)))


def _cue(case: Case) -> Hashable:
    return None if case.cue is None else case.text[slice(*case.cue)].casefold()
