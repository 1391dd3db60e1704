"""ROUGE: hand-worked, equal to known figures, and honest about several references."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import ScoreError
from seq2seq.lines import read_lines
from seq2seq.score.summary import lead, lead_scores, rouge, segment_rouge

Made = Callable[..., list[str]]


def items(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def values(made: list[str], texts: list[list[str]]) -> list[float]:
    return [score.value for score in rouge(made, texts, resamples=0).values()]


def test_rouge_of_a_summary_worked_by_hand() -> None:
    # Words: 2 shared of 3 and of 4. Pairs: 1 shared of 2 and of 3. Longest subsequence: 2.
    f1_words = 2 * (2 / 3 * 2 / 4) / (2 / 3 + 2 / 4)
    f1_pairs = 2 * (1 / 2 * 1 / 3) / (1 / 2 + 1 / 3)
    found = values(["the cat sat"], [["The cat ran off."]])
    assert found == pytest.approx([100 * f1_words, 100 * f1_pairs, 100 * f1_words])


def test_the_longest_subsequence_minds_order_where_words_do_not() -> None:
    found = rouge(["c b a"], [["a b c"]], resamples=0)
    assert found["rouge1"].value == pytest.approx(100)
    assert found["rougeL"].value == pytest.approx(100 / 3)


def test_the_stemmer_makes_forms_of_one_word_equal() -> None:
    assert values(["running dogs"], [["run dog"]])[0] == pytest.approx(100)
    assert values(["summaries"], [["summary"]])[0] == pytest.approx(100)
    assert values(["summaries"], [["sum"]])[0] == 0


def test_of_two_references_the_score_is_the_mean_and_not_the_best() -> None:
    one, other = [["The cat ran off."]], [["the cat sat"]]
    both = values(["the cat sat"], one + other)
    each = [values(["the cat sat"], one), values(["the cat sat"], other)]
    assert both == pytest.approx([(a + b) / 2 for a, b in zip(*each, strict=True)])
    assert both[0] < 100


def test_the_signature_names_every_choice() -> None:
    found = rouge(["a"], [["a"], ["b"]], resamples=100)
    assert {score.signature for score in found.values()} == {
        "nrefs:2|bs:100|seed:12345|measure:f1|case:lc|tok:ascii-words|stem:porter|multi:mean"
        "|version:rouge-score-0.1.2"
    }
    assert [score.name for score in found.values()] == ["ROUGE-1", "ROUGE-2", "ROUGE-L"]
    assert "bs:" not in rouge(["a"], [["a"]], resamples=0)["rouge1"].signature


def test_the_interval_holds_the_score_and_comes_out_the_same_again(
    references: Made, system: Made
) -> None:
    truth = references(80)
    made = system(truth, 0.3, seed=4)
    first, second = (rouge(made, [truth]) for _ in range(2))
    assert first == second
    for score in first.values():
        assert score.interval is not None
        low, high = score.interval
        assert low < score.value < high
        assert 1 < high - low < 20


def test_the_width_of_the_interval_is_that_of_the_normal_approximation(
    references: Made, system: Made
) -> None:
    truth = references(400)
    made = system(truth, 0.3, seed=4)
    column = segment_rouge(made, [truth])["rouge1"]
    mean = sum(column) / len(column)
    error = (sum((x - mean) ** 2 for x in column) / len(column) ** 2) ** 0.5
    low, high = rouge(made, [truth])["rouge1"].interval or (0, 0)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.1)


def test_references_without_ascii_words_are_counted() -> None:
    found = rouge(["猫", "a cat"], [["猫", "a cat"]], resamples=0)
    assert found["rouge1"].value == pytest.approx(50)  # the first is perfect, yet scores 0
    assert found["rouge1"].details == {"unscorable_references": 1}


def test_texts_that_are_not_parallel_are_refused() -> None:
    with pytest.raises(ScoreError, match="hypotheses: 1 lines, but reference 1 has 2"):
        rouge(["a"], [["a", "b"]])


def test_the_lead_is_the_first_words_of_a_document() -> None:
    assert lead("  one two\tthree four ", 3) == "one two three"
    assert lead("one", 8) == "one"
    assert lead("", 8) == ""


def test_lead_scores_are_the_rouge_of_the_first_8_and_12_words() -> None:
    document = " ".join(f"w{n}" for n in range(20))
    truth = [[lead(document, 12)]]
    found = lead_scores([document], truth, resamples=0)
    assert list(found) == ["lead-8", "lead-12"]
    assert found["lead-12"]["rouge2"].value == pytest.approx(100)
    assert found["lead-8"]["rouge1"].value == pytest.approx(100 * 2 * (8 / 12) / (1 + 8 / 12))


@pytest.mark.shared_data
def test_a_known_output_for_samsum_has_its_known_rouge(shared_data: Path) -> None:
    rows = items(shared_data / "parity" / "samsum-bart" / "test.jsonl.gz")
    found = values([row["bart_output"] for row in rows], [[row["summary"] for row in rows]])
    assert found == pytest.approx([52.61, 27.39, 43.09], abs=0.05)


@pytest.mark.shared_data
def test_a_known_output_for_dialogsum_has_its_known_rouge(shared_data: Path) -> None:
    folder = shared_data / "parity" / "dialogsum-bart"
    made = read_lines(folder / "baseline_test_output.txt")
    three = [row["summary"] for row in items(folder / "test.jsonl.gz")]
    texts = [list(text) for text in zip(*three, strict=True)]
    assert len(texts) == 3
    assert values(made, texts) == pytest.approx([45.05, 20.07, 37.88], abs=0.05)


@pytest.mark.shared_data
def test_leads_of_debian_descriptions_have_their_measured_rouge(shared_data: Path) -> None:
    rows = items(shared_data / "summ" / "debian-descriptions" / "dev.jsonl.gz")
    documents, truth = [r["document"] for r in rows], [r["summary"] for r in rows]
    found = lead_scores(documents, [truth], resamples=0)
    shown = {name: [s.value for s in scores.values()] for name, scores in found.items()}
    assert shown["lead-8"] == pytest.approx([32.80, 15.38, 29.10], abs=0.01)
    assert shown["lead-12"] == pytest.approx([34.48, 16.62, 30.20], abs=0.01)
