"""Control labels are fixed by the nouns alone; only a head that knows the nouns can fit them."""

from collections.abc import Sequence

import numpy as np
import pytest

from seq2seq.errors import DataError
from seq2seq.probe.items.case import Case, Mention
from seq2seq.probe.measures.accuracy import layout_of
from seq2seq.probe.measures.scores import Scores
from seq2seq.probe.statistics.selection import choose, evaluate
from seq2seq.probe.statistics.selectivity import Nouns, control_accuracy, control_labels
from tests.probe.planted_scores import heads

NOUNS = [f"noun{n}" for n in range(20)]


def pairs(rng: np.random.Generator, prefix: str, count: int = 200) -> list[Case]:
    """Pairs of cases of two nouns in some order; gold changes within a pair."""
    cases = []
    for number in range(count):
        nouns = [str(noun) for noun in rng.choice(NOUNS, 2, replace=False)]
        for gold in (0, 1):
            name = f"{prefix} {number}"
            mentions = tuple(Mention(noun, (n, n + 1)) for n, noun in enumerate(nouns))
            cases.append(
                Case(f"{name}.{gold}", "", None, mentions, frozenset({gold}), name, "", name)
            )
    return cases


def nouns_of(cases: Sequence[Case]) -> list[Nouns]:
    return [Nouns.of(case) for case in cases]


def measured(cases: Sequence[Case], rng: np.random.Generator, *, fit: float, seed: int) -> Scores:
    """One head that resolves four in five, one that follows the labels that often, six of noise."""
    right = rng.random((8, len(cases))) < 0.5
    right[0] = rng.random(len(cases)) < 0.8
    follows = rng.random(len(cases)) < fit
    right[1] = control_labels(nouns_of(cases), seed=seed) == follows
    return Scores(heads(8), layout_of(cases), right.astype(float), 1 - right.astype(float))


def test_nouns_have_one_answer_in_every_sentence_and_order() -> None:
    rng = np.random.default_rng(0)
    cases = pairs(rng, "dev")
    answers: dict[frozenset[str], set[str]] = {}
    for case, keeps in zip(cases, control_labels(nouns_of(cases)), strict=True):
        assert case.gold is not None
        nouns = [mention.text for mention in case.candidates]
        answer = nouns[case.gold if keeps else 1 - case.gold]
        answers.setdefault(frozenset(nouns), set()).add(answer)
    assert {len(found) for found in answers.values()} == {1}
    nouns = nouns_of(cases)
    firsts = [min(nouns) in found for nouns, found in answers.items()]
    assert 0.35 < np.mean(firsts) < 0.65
    assert (control_labels(nouns, seed=1) != control_labels(nouns, seed=2)).any()


def test_a_head_that_resolves_is_selective() -> None:
    rng = np.random.default_rng(1)
    dev_cases, test_cases = pairs(rng, "dev"), pairs(rng, "test")
    dev, test = (measured(cases, rng, fit=0.5, seed=1) for cases in (dev_cases, test_cases))
    control = control_accuracy((dev_cases, dev), (test_cases, test), labellings=5)
    assert control == pytest.approx(0.5, abs=0.05)
    finding = evaluate(choose(dev), test, control=control)
    assert finding.selectivity is not None
    assert finding.selectivity > 0.2


@pytest.mark.parametrize("fit", [0.9, 0.1])
def test_a_head_that_fits_the_labels_costs_the_others_their_selectivity(fit: float) -> None:
    rng = np.random.default_rng(2)
    dev_cases, test_cases = pairs(rng, "dev"), pairs(rng, "test")
    dev, test = (measured(cases, rng, fit=fit, seed=1) for cases in (dev_cases, test_cases))
    control = control_accuracy((dev_cases, dev), (test_cases, test), labellings=1, seed=1)
    assert control == pytest.approx(0.9, abs=0.05)
    finding = evaluate(choose(dev), test, control=control)
    assert finding.selectivity is not None
    assert finding.selectivity < 0


def test_cases_that_are_not_those_of_the_scores_are_refused() -> None:
    rng = np.random.default_rng(3)
    cases = pairs(rng, "dev", count=10)
    given = measured(cases, rng, fit=0.5, seed=1)
    with pytest.raises(DataError, match="control labels: 20 cases are not the 20 items of the sc"):
        control_accuracy((cases, given), (cases[::-1], given))
