"""Rules that resolve nothing answer as they should, and know nothing where they have nothing."""

from dataclasses import replace

import pytest

from seq2seq.probe.head_controls.baselines import (
    BASELINE,
    Baseline,
    baseline_scores,
    learnt_baselines,
    plain_baselines,
    that_apply,
)
from seq2seq.probe.items.case import Case, Mention
from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.statistics.selection import findings


def case(
    name: str, first: str, second: str, gold: int | None, *, cue: str = "ripe", genders: str = "mf"
) -> Case:
    """ "The cat saw the pear because it was ripe.", the first noun its agent."""
    text = f"The {first} saw the {second} because it was {cue}."
    places = (text.index(first), text.index(second))
    return Case(
        id=name,
        text=text,
        pronoun=(text.index(" it ") + 1, text.index(" it ") + 3),
        candidates=tuple(
            Mention(noun, (place, place + len(noun)), gender=gender, role=role)
            for noun, place, gender, role in zip(
                (first, second), places, genders, ("agent", "patient"), strict=True
            )
        ),
        correct=frozenset() if gold is None else frozenset({gold}),
        cluster=name,
        cue=(text.index(cue), text.index(cue) + len(cue)),
    )


CASE = case("one", "cat", "pear", 1)
TRAIN = [
    CASE,
    case("two", "cat", "plum", 1),
    case("three", "pear", "dog", 0),
    case("four", "dog", "plum", 0, cue="tame"),
    case("none", "dog", "plum", None, cue="tame"),
]
CUELESS = replace(TRAIN[1], cue=None)


def named(rules: list[Baseline], name: str) -> Baseline:
    return next(rule for rule in rules if rule.name == name)


def plain(name: str, asked: Case) -> float | None:
    """Which candidate a rule prefers; .5 if neither."""
    rules = plain_baselines({asked.id: [2, 3]}) + learnt_baselines([*TRAIN, CUELESS])
    first, second = named(rules, name).weigh(asked)
    return 0.5 if first == second else float(second > first)


@pytest.mark.parametrize(
    ("name", "answer"),
    [("first", 0), ("nearest", 1), ("subject", 0), ("agent", 0), ("patient", 1), ("longest", 1),
     ("majority gender", 1), ("noun prior", 1), ("cue only, place", 1),
     ("cue only, gender", 1), ("nouns only", 1)],
)  # fmt: skip
def test_a_rule_answers_as_its_name_says(name: str, answer: float) -> None:
    # Of the five answers in training three are f and two m; "pear" is two of them; "ripe" was
    # twice the second noun, once the first, and twice f, once m.
    assert plain(name, CASE) == answer


def test_the_nearest_noun_may_stand_after_the_pronoun() -> None:
    behind = replace(CASE, pronoun=(0, 2), candidates=(Mention("a", (9, 10)), Mention("b", (4, 5))))
    assert plain("nearest", behind) == 1
    assert plain("nearest", replace(behind, pronoun=(6, 8))) == 0.5


def test_a_named_subject_outweighs_the_first_place() -> None:
    nouns = (replace(CASE.candidates[0], role=""), replace(CASE.candidates[1], role="Subject"))
    assert plain("subject", replace(CASE, candidates=nouns)) == 1


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("nearest", replace(CASE, pronoun=None)),
        ("agent", replace(CASE, candidates=(Mention("a", (0, 1)), Mention("b", (2, 3))))),
        ("noun prior", case("new", "apple", "kiwi", 0)),
        ("cue only, place", replace(CASE, cue=None)),
        ("cue only, gender", case("new", "cat", "pear", 0, cue="rusty")),
        ("nouns only", case("new", "pear", "cat", 0)),
        ("majority gender", case("new", "cat", "pear", 0, genders="nn")),
    ],
)
def test_a_rule_that_knows_nothing_of_a_case_prefers_neither_noun(name: str, asked: Case) -> None:
    assert plain(name, asked) == 0.5


def test_a_majority_gender_is_learnt_from_answers() -> None:
    (majority, *_) = learnt_baselines(TRAIN[:2])
    assert majority.weigh(CASE) == [0, 2]


def test_longest_is_left_out_where_no_pieces_are_known() -> None:
    assert "longest" not in [rule.name for rule in plain_baselines()]


def test_rules_stand_in_the_table_like_heads() -> None:
    cases = [case(str(n), "cat", "pear", int(n > 0)) for n in range(4)]
    found = {f.measure: f for f in findings(baseline_scores(cases, plain_baselines()))}
    assert found[Measure(BASELINE, "nearest")].accuracy == 0.75
    assert found[Measure(BASELINE, "first")].accuracy == 0.25


def test_on_a_balanced_set_every_rule_has_half_of_the_items_and_no_pair() -> None:
    # Each cue goes with a kind of noun; every order and gender of a kind occurs as often.
    kinds = [("cat", "pear", "mf"), ("dog", "fig", "fm")]
    cases = []
    for number, (animal, fruit, genders) in enumerate(kinds * 10):
        for turned in (False, True):
            nouns, marks = (animal, fruit), genders
            if turned:
                nouns, marks = nouns[::-1], marks[::-1]
            for cue, noun in (("tame", animal), ("ripe", fruit)):
                name = f"{number} {turned} {cue}"
                made = case(name, *nouns, nouns.index(noun), cue=cue, genders=marks)
                pair = f"{number} {turned}"
                cases.append(replace(made, pair=pair, quad=str(number), cluster=str(number)))
    # Nouns of three and four letters; the longer ones are right as often as the others.
    pieces = {c.id: [len(noun.text) for noun in c.candidates] for c in cases}
    rules = plain_baselines(pieces) + learnt_baselines(cases)
    found = {f.measure.variant: f for f in findings(baseline_scores(cases, rules), resamples=200)}
    first = found["first"]
    assert (first.pairs, first.quads, first.clusters) == (40, 20, 20)
    assert len(found) == 11
    for name, finding in found.items():
        assert (name, finding.accuracy, finding.pair) == (name, 0.5, 0)


def test_a_rule_that_tells_no_case_apart_does_not_apply() -> None:
    named = [case("a", "cat", "pear", 0), case("b", "dog", "fig", 1)]
    some = [
        replace(one, candidates=tuple(replace(each, role="") for each in one.candidates))
        for one in named
    ]
    scores = baseline_scores(some, plain_baselines())
    kept = [one.variant for one in that_apply(scores).measures]
    assert {"first", "nearest"} <= set(kept)
    assert {"agent", "patient"}.isdisjoint(kept), "nobody is called so here"
    assert {"agent", "patient"} <= {one.variant for one in scores.measures}
