"""Paired tests: a planted difference is found, chance is not, sacrebleu's command agrees."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import ScoreError
from seq2seq.score.comparison import compare_texts
from seq2seq.score.measure import ScoreOptions
from seq2seq.score.report import score_texts
from seq2seq.score.significance import PairedTest
from seq2seq.score.summary import ROUGE_NAMES
from tests.score.metrics import bleu, ter

Tests = Mapping[str, tuple[PairedTest, PairedTest]]
Made = Callable[..., list[str]]
EVERY = ("bleu", "chrf", "chrf++", "ter", "rouge")


def compare(
    systems: Sequence[tuple[str, Sequence[str]]],
    references: Sequence[Sequence[str]],
    **options: Any,
) -> Tests:
    return compare_texts(systems, references, options=ScoreOptions(**options)).tests


def p_values(tests: Tests) -> list[float]:
    """Of the second system, by every metric and test."""
    found = [test.systems[1].p_value for pair in tests.values() for test in pair]
    assert None not in found
    return [p for p in found if p is not None]


def test_a_better_system_is_found_by_every_metric_and_test(references: Made, system: Made) -> None:
    truth = references(80)
    worse, better = system(truth, 0.3, seed=2), system(truth, 0.15, seed=3)
    tests = compare([("worse", worse), ("better", better)], [truth], metrics=EVERY, trials=1000)
    assert list(tests) == ["bleu", "chrf", "chrf++", "ter", *ROUGE_NAMES]
    assert max(p_values(tests)) < 0.05
    for key, (bootstrap, randomization) in tests.items():
        for test in (bootstrap, randomization):
            baseline, other = test.systems
            assert (baseline.name, other.name) == ("worse", "better")
            assert (baseline.difference, baseline.p_value) == (None, None)
            assert other.difference == pytest.approx(other.score - baseline.score)
            assert (other.difference < 0) == (key == "ter")
        assert "bs:1000|seed:12345" in bootstrap.signature
        assert "ar:1000|seed:12345" in randomization.signature
        low, high = bootstrap.systems[1].interval or (0, 0)
        assert low < bootstrap.systems[1].score < high
        assert randomization.systems[1].interval is None


def test_two_equally_good_systems_are_not_told_apart(references: Made, system: Made) -> None:
    truth = references(80)
    one, other = system(truth, 0.2, seed=2), system(truth, 0.2, seed=3)
    tests = compare([("one", one), ("other", other)], [truth], metrics=EVERY, trials=1000)
    assert min(p_values(tests)) > 0.05


def test_a_system_against_itself_has_p_of_one(references: Made, system: Made) -> None:
    truth = references(40)
    made = system(truth, 0.2, seed=2)
    tests = compare(
        [("one", made), ("same", list(made))], [truth], metrics=EVERY, resamples=100, trials=100
    )
    assert p_values(tests) == [1.0] * 16
    assert all(t.systems[1].difference == 0 for pair in tests.values() for t in pair)


def test_the_p_values_of_rouge_worked_by_hand() -> None:
    # Of four segments the second system wins every one by 100: only the two swaps of all or
    # none of them, 2 of 16, are as large, and a resample is never 100 away from the mean.
    truth = ["a b", "c d", "e f", "g h"]
    tests = compare([("none", ["x"] * 4), ("all", truth)], [truth], metrics=("rouge",))
    bootstrap, randomization = tests["rouge1"]
    assert bootstrap.systems[1].difference == pytest.approx(100)
    assert bootstrap.systems[1].p_value == pytest.approx(1 / 1001)
    assert randomization.systems[1].p_value == 2 / 16  # every swap was tried
    assert (randomization.systems[1].resamples, randomization.systems[1].exact) == (16, True)
    assert randomization.signature.startswith("nrefs:1|ar:exact|measure:")
    assert "bs:1000|seed:12345|" in bootstrap.signature
    assert (bootstrap.systems[1].exact, randomization.systems[0].exact) == (False, False)


def test_the_signature_says_of_which_systems_every_swap_was_tried() -> None:
    truth = [f"{letter} house" for letter in "abcdefgh"]
    near, far = ["a hut", *truth[1:]], ["x"] * 8
    for others, trials, said in (
        ([near], 100, "ar:exact"),
        ([far], 100, "ar:100|seed:12345"),
        ([near, far], 100, "ar:exact,100|seed:12345"),
        ([far], 256, "ar:exact"),  # 2 to the 8 ways, as many as allowed
    ):
        systems = [("truth", truth), *((str(n), one) for n, one in enumerate(others))]
        tests = compare(systems, [truth], metrics=("chrf",), resamples=10, trials=trials)
        assert f"nrefs:1|{said}|case:" in tests["chrf"][1].signature


def test_results_come_out_the_same_again(references: Made, system: Made) -> None:
    truth = references(30)
    systems = [(str(n), system(truth, n / 10, seed=n)) for n in (1, 2, 3)]
    first, second = (
        compare(systems, [truth], metrics=("bleu", "rouge"), resamples=50, trials=50)
        for _ in range(2)
    )
    assert first == second


TRUTH = [f"{word} robot lifted the heavy crane over the garden" for word in range(100)]


def worse_in(segments: Sequence[int]) -> list[str]:
    return ["robot crane" if n in segments else line for n, line in enumerate(TRUTH)]


@pytest.mark.parametrize("metric", EVERY)
@pytest.mark.parametrize(("count", "expected"), [(0, 1.0), (1, 1.0), (5, 2 / 2**5)])
def test_few_differing_segments_are_no_evidence(metric: str, count: int, expected: float) -> None:
    systems = [("worse", worse_in(range(count))), ("better", TRUTH)]
    tests = compare(systems, [TRUTH], metrics=(metric,), resamples=500)
    for bootstrap, randomization in tests.values():
        assert randomization.systems[1].p_value == pytest.approx(expected)
        assert randomization.systems[1].resamples == 2**count
        # 37 of 100 resamples leave a single segment out: no difference, as far from d as d from 0.
        if count < 2:
            assert (bootstrap.systems[1].p_value or 0) > 0.3


@pytest.mark.parametrize("metric", ["bleu", "chrf", "ter", "rouge"])
def test_the_randomization_is_what_full_enumeration_gives(
    metric: str, references: Made, system: Made
) -> None:
    """Every way to swap seven segments, scored as whole texts by the metric itself."""
    truth = references(7)
    one, other = system(truth, 0.4, seed=2), system(truth, 0.2, seed=3)
    options = ScoreOptions(metrics=(metric,), resamples=0)

    def difference(swaps: Sequence[bool]) -> float:
        a = [y if swap else x for x, y, swap in zip(one, other, swaps, strict=True)]
        b = [x if swap else y for x, y, swap in zip(one, other, swaps, strict=True)]
        scores = [
            next(iter(score_texts(t, [truth], options=options).scores.values())) for t in (a, b)
        ]
        return abs(scores[0].value - scores[1].value)

    observed = difference([False] * 7)
    every = [difference(swaps) for swaps in product([False, True], repeat=7)]
    expected = sum(one >= observed - 1e-9 for one in every) / len(every)
    tests = compare([("one", one), ("other", other)], [truth], metrics=(metric,), resamples=50)
    found = next(iter(tests.values()))[1].systems[1]
    assert found.p_value == pytest.approx(expected)
    assert 2 / 2**7 <= expected < 1
    assert found.resamples in (2**5, 2**6, 2**7)  # not every segment differs by every metric
    sampled = compare(
        [("one", one), ("other", other)], [truth], metrics=(metric,), resamples=50, trials=30
    )
    estimate = next(iter(sampled.values()))[1].systems[1]
    assert estimate.resamples == 30 < (found.resamples or 0)
    assert estimate.p_value == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize("metric", ["bleu", "chrf", "ter", "rouge"])
def test_the_bootstrap_is_what_full_enumeration_gives(
    metric: str, references: Made, system: Made
) -> None:
    """Every way to draw four of four segments, scored as whole texts by the metric itself."""
    truth = references(4)
    one, other = system(truth, 0.5, seed=2), system(truth, 0.2, seed=3)
    options = ScoreOptions(metrics=(metric,), resamples=0)

    def difference(picks: Sequence[int]) -> float:
        drawn = [[text[pick] for pick in picks] for text in (one, other, truth)]
        reports = [score_texts(text, [drawn[2]], options=options) for text in drawn[:2]]
        first, second = (next(iter(report.scores.values())).value for report in reports)
        return second - first

    observed = difference(range(4))
    every = [difference(picks) for picks in product(range(4), repeat=4)]
    expected = sum(abs(d - observed) >= abs(observed) - 1e-9 for d in every) / len(every)
    tests = compare([("one", one), ("other", other)], [truth], metrics=(metric,), resamples=4000)
    found = next(iter(tests.values()))[0].systems[1]
    assert found.difference == pytest.approx(observed)
    assert found.p_value == pytest.approx(expected, abs=0.03)


def test_p_values_of_randomization_are_what_sacrebleus_own_command_prints(
    tmp_path: Path, references: Made, system: Made
) -> None:
    truth = references(60)
    files = {
        "truth": truth,
        "one": system(truth, 0.2, seed=2),
        "two": system(truth, 0.25, seed=3),
        "three": system(truth, 0.15, seed=4),
    }
    for name, lines in files.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    command = [sys.executable, "-m", "sacrebleu", "truth", "-i", "one", "two", "three"]
    command += ["-m", "bleu", "chrf", "ter", "--paired-ar", "--paired-ar-n", "2000", "-f", "json"]
    printed = json.loads(subprocess.check_output(command, text=True, cwd=tmp_path))
    systems = [(name, files[name]) for name in ("one", "two", "three")]
    tests = compare(systems, [truth], metrics=("bleu", "chrf", "ter"), resamples=50, trials=2000)
    for _, test in tests.values():
        theirs = [row[test.metric] for row in printed]
        assert [one.score for one in test.systems] == [row["score"] for row in theirs]
        ours, its = (
            [one.p_value for one in test.systems[1:]],
            [r["p_value"] for r in theirs[1:]],
        )
        if test.metric == "TER":  # edits are few, so many swaps tie, which it leaves out
            assert all(0 < p - q < 0.05 for p, q in zip(ours, its, strict=True))
        else:
            assert ours == its
        assert "ar:2000|seed:12345|case:" in test.signature


def test_intervals_of_the_bootstrap_are_those_that_a_single_score_has(
    references: Made, system: Made
) -> None:
    truth = references(40)
    made = [("one", system(truth, 0.2, seed=2)), ("two", system(truth, 0.3, seed=3))]
    for bootstrap, _ in compare(made, [truth], metrics=EVERY, resamples=200, trials=10).values():
        assert bootstrap.systems[0].interval != bootstrap.systems[1].interval
    score = bleu(made[1][1], [truth], resamples=200)
    tests = compare(made, [truth], metrics=("bleu",), resamples=200, trials=10)
    assert tests["bleu"][0].systems[1].interval == pytest.approx(score.interval)
    assert tests["bleu"][0].signature == score.signature


@pytest.mark.parametrize("worst", [False, True])
def test_intervals_end_at_scores_that_there_can_be(worst: bool) -> None:
    truth = [f"line {n} says that the fox runs over hill {n}" for n in range(30)]
    other = "no idea what"
    made = [truth[0], *[other] * 29] if worst else [other, *truth[1:]]
    tests = compare([("one", made), ("two", made)], [truth], metrics=EVERY, resamples=200, trials=2)
    ends = set()
    for key, (bootstrap, _) in tests.items():
        low, high = bootstrap.systems[1].interval or (-1, -1)
        assert low >= 0
        assert high <= 100 or key == "ter"
        ends |= {low, high}
    assert ends >= ({0.0} if worst else {0.0, 100.0})  # of TER the first
    score = bleu(made, [truth], resamples=200)
    assert score.interval == tests["bleu"][0].systems[0].interval


def test_the_interval_of_a_text_without_fault_begins_no_higher_than_it_ends() -> None:
    truth = ["the fox runs over the hill at night"] * 12  # its BLEU is 100.00000000000004
    low, high = bleu(truth, [truth], resamples=200).interval or (1, 0)
    assert low <= high


def test_a_ter_above_100_has_an_interval_above_100() -> None:
    low, high = ter(["a b c d e f"] * 9 + ["x"], [["x"] * 10], resamples=200).interval or (0, 0)
    assert 100 < low < high


def test_fewer_than_two_systems_are_refused() -> None:
    with pytest.raises(ScoreError, match="compare: 1 systems given, needed two or more; name"):
        compare([("one", ["a"])], [["a"]])


def test_no_resamples_are_no_test() -> None:
    with pytest.raises(ScoreError, match="compare: 0 resamples and 10000 trials, needed one or"):
        compare([("one", ["a"]), ("two", ["b"])], [["a"]], resamples=0)


def test_systems_that_are_not_parallel_are_refused_by_name() -> None:
    with pytest.raises(ScoreError, match="one: 2 lines, but two has 1 and reference 1 has 3,"):
        compare([("one", ["a", "b"]), ("two", ["a"])], [["a", "b", "c"]])
