"""Guesses that do not resolve the pronoun: on a sound set each is right half the time, never twice.

A baseline that reads no cue answers both items of a pair alike, so it has 50 % of the items and 0 %
of the pairs. Partial-input baselines learn from the training items what a single part of the
sentence gives away: the cue alone, the nouns alone, the voice alone. `check_balance` refuses a set
on which any of them does otherwise.

Two rules are kept apart as *shortcuts*: the causal items follow from cue, schema and voice without
looking at the nouns; the selectional ones from cue and noun without looking at the structure. They
say which half of the corpus needs what.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from seq2seq.errors import DataError
from seq2seq.pronouns.gender import check_complete
from seq2seq.pronouns.items import Candidate, Item

TOLERANCE = 0.02

_FIRST_ROLES = ("agent", "first kind")


@dataclass(frozen=True)
class Baseline:
    """A named guess: which candidate, by its place in the source."""

    name: str
    guess: Callable[[Item], int]


@dataclass(frozen=True)
class BaselineScore:
    """How often a guess is right; shares from 0 to 1."""

    name: str
    items: int
    accuracy: float
    pair_accuracy: float
    quad_accuracy: float


def cue_blind_baselines(train: Sequence[Item]) -> list[Baseline]:
    """Every guess that must fail on a sound set.

    Args:
        train: the items that partial-input guesses may learn from.

    Returns:
        Guesses by position, role, length and gender, then those learnt from a part of the input.
    """
    learn = [item for item in train if item.gold is not None]
    return [
        Baseline("first", lambda item: 0),
        Baseline("nearest", _nearest),
        Baseline("subject", lambda item: 0),
        Baseline("agent", lambda item: _by_role(item, first=True)),
        Baseline("patient", lambda item: _by_role(item, first=False)),
        Baseline("longest", lambda item: _best(item, lambda noun: len(noun.noun))),
        Baseline("shortest", lambda item: _best(item, lambda noun: -len(noun.noun))),
        Baseline("always masculine", lambda item: _of_gender(item, "m")),
        Baseline("always feminine", lambda item: _of_gender(item, "f")),
        Baseline("always neuter", lambda item: _of_gender(item, "n")),
        Baseline("noun prior", _noun_prior(learn)),
        Baseline("cue only, position", _majority(learn, _cue, _position, _at)),
        Baseline("cue only, gender", _majority(learn, _cue, _gender, _of_gender)),
        Baseline("cue and link, position", _majority(learn, _cue_and_link, _position, _at)),
        Baseline("cue and link, gender", _majority(learn, _cue_and_link, _gender, _of_gender)),
        Baseline("nouns only", _majority(learn, _nouns, _position, _at)),
        Baseline("genders only", _majority(learn, _genders, _position, _at)),
        Baseline("cue and genders", _majority(learn, _cue_and_genders, _position, _at)),
        Baseline("voice only", _majority(learn, lambda item: item.voice, _position, _at)),
        Baseline("schema only", _majority(learn, lambda item: item.schema, _position, _at)),
        Baseline("schema and voice", _majority(learn, _schema_and_voice, _position, _at)),
        Baseline("length only", _majority(learn, lambda i: len(i.source.split()), _position, _at)),
    ]


def shortcut_baselines(train: Sequence[Item]) -> list[Baseline]:
    """The two rules that each solve one family; reported, not refused.

    Args:
        train: the items they learn from.

    Returns:
        The structural rule (cue, schema and voice → position) and the lexical one (a noun that
        has been the answer to this cue before).
    """
    learn = [item for item in train if item.gold is not None]
    seen = Counter((item.cue, _antecedent(item).noun) for item in learn)

    def fitting_noun(item: Item) -> int:
        return _best(item, lambda noun: seen[item.cue, noun.noun])

    return [
        Baseline("shortcut: cue, schema and voice", _majority(learn, _structure, _position, _at)),
        Baseline("shortcut: noun seen with cue", fitting_noun),
    ]


def score_baselines(items: Sequence[Item], baselines: Sequence[Baseline]) -> list[BaselineScore]:
    """Score guesses on items that have a gold noun.

    Args:
        items: whole quads.
        baselines: the guesses.

    Returns:
        One score for each.

    Raises:
        DataError: a pair or quad is not whole.
    """
    check_complete(items)
    pairs, quads = ({group(item) for item in items} for group in (_pair, _quad))
    scores = []
    for baseline in baselines:
        wrong = [item for item in items if baseline.guess(item) != item.gold]
        wrong_pairs, wrong_quads = set(map(_pair, wrong)), set(map(_quad, wrong))
        scores.append(
            BaselineScore(
                baseline.name,
                len(items),
                1 - len(wrong) / len(items),
                1 - len(wrong_pairs) / len(pairs),
                1 - len(wrong_quads) / len(quads),
            )
        )
    return scores


def _pair(item: Item) -> str:
    return item.pair


def _quad(item: Item) -> str:
    return item.quad


def check_balance(
    name: str, items: Sequence[Item], baselines: Sequence[Baseline]
) -> list[BaselineScore]:
    """Refuse a set that a guess can do well on, or badly, without resolving the pronoun.

    Args:
        name: of the set, for the message.
        items: whole quads.
        baselines: the guesses, from `cue_blind_baselines`.

    Returns:
        The scores of all guesses.

    Raises:
        DataError: a guess is not within 50 ± 2 % of the items, or has any pair right.
    """
    scores = score_baselines(items, baselines)
    wrong = [s for s in scores if abs(s.accuracy - 0.5) > TOLERANCE or s.pair_accuracy > 0]
    if wrong:
        listed = ", ".join(
            f"{s.name!r} has {s.accuracy:.1%} of items and {s.pair_accuracy:.1%} of pairs"
            for s in wrong
        )
        raise DataError(
            f"pronoun set {name!r}: {listed}, needed 50 ± 2 % of items and no pair; "
            "add the quads that balance it"
        )
    return scores


def _nearest(item: Item) -> int:
    distances = [abs(item.pronoun[0] - noun.source_span[0]) for noun in item.candidates]
    return distances.index(min(distances))


def _by_role(item: Item, *, first: bool) -> int:
    return _best(item, lambda noun: int((noun.role in _FIRST_ROLES) == first))


def _of_gender(item: Item, gender: Hashable) -> int:
    return _best(item, lambda noun: int(noun.gender == gender))


def _at(item: Item, position: Hashable) -> int:
    return int(position == 1)


def _best(item: Item, value: Callable[[Candidate], int]) -> int:
    """The candidate with the highest value, the first of equals."""
    values = [value(noun) for noun in item.candidates]
    return values.index(max(values))


def _noun_prior(train: Sequence[Item]) -> Callable[[Item], int]:
    counts = Counter(_antecedent(item).noun for item in train)
    return lambda item: _best(item, lambda noun: counts[noun.noun])


def _majority(
    train: Sequence[Item],
    feature: Callable[[Item], Hashable],
    label: Callable[[Item], Hashable],
    answer: Callable[[Item, Hashable], int],
) -> Callable[[Item], int]:
    """What training mostly answered where the feature was the same; one fixed answer in a tie."""
    counts: dict[Hashable, Counter[Hashable]] = {}
    for item in train:
        counts.setdefault(feature(item), Counter())[label(item)] += 1
    most: dict[Hashable, Hashable] = {}
    for seen, labels in counts.items():
        ranked = labels.most_common(2)
        if len(ranked) == 1 or ranked[0][1] > ranked[1][1]:
            most[seen] = ranked[0][0]

    def guess(item: Item) -> int:
        seen = feature(item)
        return answer(item, most[seen]) if seen in most else 0

    return guess


def _antecedent(item: Item) -> Candidate:
    assert item.antecedent is not None, "callers pass items with a gold noun"
    return item.antecedent


def _position(item: Item) -> Hashable:
    return item.gold


def _gender(item: Item) -> Hashable:
    return _antecedent(item).gender


def _cue(item: Item) -> Hashable:
    return item.cue


def _link(item: Item) -> str:
    return item.source[item.clause[0] : item.pronoun[0]].strip().lower()


def _cue_and_link(item: Item) -> Hashable:
    return item.cue, _link(item)


def _nouns(item: Item) -> Hashable:
    return tuple(noun.noun for noun in item.candidates)


def _genders(item: Item) -> Hashable:
    return tuple(noun.gender for noun in item.candidates)


def _cue_and_genders(item: Item) -> Hashable:
    return item.cue, _genders(item)


def _schema_and_voice(item: Item) -> Hashable:
    return item.schema, item.voice


def _structure(item: Item) -> Hashable:
    return item.cue, item.schema if item.family != "F2" else "", item.voice
