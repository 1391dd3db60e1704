"""BLEU, chrF and TER: hand-worked, equal to sacrebleu's own command and to WMT22's tables."""

import csv
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seq2seq.errors import ScoreError
from seq2seq.lines import read_lines
from seq2seq.score.result import Score
from tests.score.metrics import bleu, chrf, chrf_words, ter

Made = Callable[..., list[str]]
Measure = Callable[..., Score]
WMT = "parity/wmt22-en-de"


def wmt_lines(data: Path, part: str) -> list[str]:
    return read_lines(data / WMT / f"generaltest2022.en-de.{part}")


def wmt_official(data: Path, system: str) -> dict[str, float]:
    with (data / WMT / "automatic-scores.tsv").open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    mine = [row for row in rows if row["pair"] == "en-de" and row["system"] == system]
    return {row["metric"]: float(row["score"]) for row in mine}


def sacrebleu_prints(
    hypotheses: Path, texts: list[Path], metric: str, *options: str
) -> dict[str, object]:
    """What sacrebleu's command line prints, another program for all we know."""
    command = [sys.executable, "-m", "sacrebleu", *map(str, texts), "-i", str(hypotheses)]
    command += ["-m", metric, "-w", "4", "--confidence", *options]
    printed: dict[str, object] = json.loads(subprocess.check_output(command, text=True))
    return printed


def assert_equal(score: Score, printed: dict[str, object]) -> None:
    assert score.name == printed["name"]
    assert score.signature == printed["signature"]
    assert f"{score.value:.4f}" == f"{printed['score']:.4f}"
    assert score.interval is not None
    low, high = score.interval
    assert (low + high) / 2 == pytest.approx(printed["confidence_mean"], abs=1e-4)
    assert (high - low) / 2 == pytest.approx(printed["confidence_var"], abs=1e-4)


def test_bleu_of_a_sentence_worked_by_hand() -> None:
    # n-grams found: 5 of 6 (one "the" too many), 3 of 5, 2 of 4, 1 of 3; no length penalty.
    score = bleu(["the cat sat on the mat"], [["the cat sat on a mat"]], resamples=0)
    assert score.value == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** (1 / 4))
    assert score.details["precision_2"] == pytest.approx(60)
    assert score.details["brevity_penalty"] == 1


def test_bleu_punishes_a_hypothesis_that_stops_early() -> None:
    score = bleu(["the cat sat on"], [["the cat sat on a mat"]], resamples=0)
    assert score.value == pytest.approx(100 * math.exp(1 - 6 / 4))
    assert (score.details["hypothesis_tokens"], score.details["reference_tokens"]) == (4, 6)


def test_chrf_and_ter_worked_by_hand() -> None:
    # "ab" against "ac": one of two letters, no pair of letters, nothing longer exists.
    assert chrf(["ab"], [["ac"]], resamples=0).value == pytest.approx((50 + 0) / 2)
    score = ter(["the cat sat on the mat"], [["the cat sat on a mat"]], resamples=0)
    assert score.value == pytest.approx(100 / 6)
    assert score.details == {"edits": 1, "reference_words": 6}


def test_of_two_references_the_words_of_both_count() -> None:
    texts = [["a man walks a dog"], ["one man walks his dog"]]
    one = bleu(["one man walks a dog"], texts[:1], resamples=0)
    both = bleu(["one man walks a dog"], texts, resamples=0)
    assert both.details["precision_1"] == 100 > one.details["precision_1"]
    assert "nrefs:2" in both.signature


def test_case_is_ignored_only_on_request_and_the_signature_says_so() -> None:
    hypotheses, texts = ["THE CAT SAT ON THE MAT"], [["the cat sat on the mat"]]
    for measure in (bleu, chrf):
        exact = measure(hypotheses, texts, resamples=0)
        ignored = measure(hypotheses, texts, lowercase=True, resamples=0)
        assert exact.value < 50
        assert ignored.value == pytest.approx(100)
        assert "case:mixed" in exact.signature
        assert "case:lc" in ignored.signature


def test_without_resamples_there_is_no_interval_and_the_signature_names_none() -> None:
    score = bleu(["a b c d"], [["a b c d"]], resamples=0)
    assert score.interval is None
    assert "bs:" not in score.signature
    assert "seed:" not in score.signature


@pytest.mark.parametrize("measure", [bleu, chrf, ter])
def test_the_interval_holds_the_score_and_comes_out_the_same_again(
    measure: Measure, references: Made, system: Made
) -> None:
    truth = references(80)
    made = system(truth, 0.2, seed=5)
    first, second = (measure(made, [truth]) for _ in range(2))
    assert first == second
    low, high = first.interval or (0, 0)
    assert low < first.value < high
    assert 0.5 < high - low < 25
    assert "bs:1000|seed:12345" in first.signature


@pytest.mark.parametrize("measure", [bleu, chrf, ter])
def test_output_that_is_empty_throughout_still_gets_its_score(measure: Measure) -> None:
    score = measure(["", " "], [["a b c d e", "f g"]], resamples=100)
    worst = 100 if measure is ter else 0
    assert score.value == worst
    assert score.interval == (worst, worst)


@pytest.mark.parametrize("measure", [bleu, chrf, ter])
def test_texts_that_are_not_parallel_are_refused_with_all_their_sizes(measure: Measure) -> None:
    message = (
        "hypotheses: 2 lines, but reference 1 has 1 and reference 3 has 3, "
        "needed one line for each; check that"
    )
    with pytest.raises(ScoreError, match=message):
        measure(["a", "b"], [["a"], ["a", "b"], ["a", "b", "c"]])


def test_no_lines_and_no_references_are_refused() -> None:
    with pytest.raises(ScoreError, match="hypotheses: no lines, needed at least one"):
        bleu([], [[]])
    with pytest.raises(ScoreError, match="hypotheses: no reference to compare it with"):
        bleu(["a"], [])


def test_bleu_chrf_and_ter_are_what_sacrebleus_own_command_prints(
    tmp_path: Path, references: Made, system: Made
) -> None:
    truth = references(150)
    texts = [truth, system(truth, 0.3, seed=2)]
    made = ["", *system(truth, 0.2, seed=3)[1:]]  # an empty hypothesis among them
    made[1] = "über\u2028uns\x85allen"  # characters at which only careless readers break lines
    paths = []
    for name, lines in {"made": made, "a": texts[0], "b": texts[1]}.items():
        path = tmp_path / name
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        paths.append(path)
    hypotheses, *others = paths
    assert_equal(bleu(made, texts), sacrebleu_prints(hypotheses, others, "bleu"))
    assert_equal(
        bleu(made, texts, lowercase=True), sacrebleu_prints(hypotheses, others, "bleu", "-lc")
    )
    assert_equal(chrf(made, texts), sacrebleu_prints(hypotheses, others, "chrf"))
    assert_equal(chrf_words(made, texts), sacrebleu_prints(hypotheses, others, "chrf", "-cw", "2"))
    assert_equal(ter(made, texts), sacrebleu_prints(hypotheses, others, "ter"))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "letter", "figures"),
    [
        ("OpenNMT", "A", (35.69, 62.13)),
        ("OpenNMT", "B", (35.70, 61.47)),
        ("PROMT", "A", (36.12, 62.85)),
        ("Online-W", "A", (36.58, 64.13)),
    ],
)
def test_wmt22_systems_score_what_the_organisers_published(
    shared_data: Path, name: str, letter: str, figures: tuple[float, float]
) -> None:
    made = wmt_lines(shared_data, f"hyp.{name}.de")
    truth = [wmt_lines(shared_data, f"ref.{letter}.de")]
    found = (bleu(made, truth, resamples=0).value, chrf(made, truth, resamples=0).value)
    assert (round(found[0], 2), round(found[1], 2)) == figures
    official = wmt_official(shared_data, name)
    assert found == pytest.approx((official[f"bleu-{letter}"], official[f"chrf-{letter}"]))


@pytest.mark.shared_data
def test_bleu_on_both_wmt22_references_is_what_the_organisers_published(shared_data: Path) -> None:
    made = wmt_lines(shared_data, "hyp.OpenNMT.de")
    both = [wmt_lines(shared_data, f"ref.{letter}.de") for letter in "AB"]
    official = wmt_official(shared_data, "OpenNMT")["bleu-all"]
    assert bleu(made, both, resamples=0).value == pytest.approx(official)


@pytest.mark.slow
@pytest.mark.shared_data
def test_wmt22_scores_are_what_sacrebleus_own_command_prints(
    shared_data: Path, tmp_path: Path
) -> None:
    # A quarter of the lines: edits and resamples of all of them cost several times as much.
    made, truth = (wmt_lines(shared_data, name)[::4] for name in ("hyp.OpenNMT.de", "ref.A.de"))
    paths = tmp_path / "made", tmp_path / "truth"
    for path, lines in zip(paths, (made, truth), strict=True):
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for metric, measure in {"bleu": bleu, "chrf": chrf, "ter": ter}.items():
        assert_equal(measure(made, [truth]), sacrebleu_prints(paths[0], [paths[1]], metric))


def test_an_almost_hopeless_text_has_a_chrf_with_an_interval() -> None:
    score = chrf([""] * 19 + ["a"], [["a b c"] * 20])
    assert score.value > 0
    assert score.interval is not None
    assert score.interval[0] <= score.value <= score.interval[1]
