"""Cleaning: each planted doubt is found, a clean corpus has none, and nothing goes unsaid."""

import numpy as np
import pytest

from seq2seq.data.clean import CleaningReport, Doubt, apply_cleaning, find_doubts
from seq2seq.data.judge import fold
from seq2seq.errors import DataError
from seq2seq.recipe import CleaningSpec

DROP_ALL = CleaningSpec(ratio="drop", duplicates="drop")


def clean(train, held_out, spec, dataset):
    batches = (batch for rows in train.values() for batch in dataset(rows).batches())
    doubts = find_doubts(batches, {name: dataset(r) for name, r in held_out.items()}, spec)
    return apply_cleaning(doubts, {name: len(rows) for name, rows in train.items()})


def counts(report: CleaningReport) -> dict[str, int]:
    return {finding.what: finding.pairs for finding in report.findings}


def test_a_clean_corpus_has_no_findings_and_loses_nothing(pairs, dataset):
    stay, report = clean({"a": pairs(200)}, {"dev": pairs(50, seed=2)}, DROP_ALL, dataset)
    assert stay.all()
    assert set(counts(report).values()) == {0}
    assert (report.read, report.kept, report.dropped) == (200, 200, 0)


PLANTED = {
    "empty side": ("some text", " \u00a0"),
    "one side over 4 times the other": ("yes", "by all means and more"),
    "overlap with dev": ("THE  cat.", "Die\u00a0katze."),
    "over 8,192 source or 8,192 target characters": ("x" * 8193, "y" * 8000),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_pair_is_found_by_its_kind_alone_and_dropped(pairs, dataset, what):
    train = [*pairs(5), PLANTED[what], *pairs(5, seed=3)]
    stay, report = clean({"a": train}, {"dev": [("the cat.", "die Katze.")]}, DROP_ALL, dataset)
    assert counts(report) == {name: int(name == what) for name in counts(report)}
    assert np.flatnonzero(~stay).tolist() == [5]
    finding = next(f for f in report.findings if f.what == what)
    assert finding.examples == ("row 6",)
    assert f"{what}: 1 dropped" in report.to_text()


def test_white_space_without_end_makes_a_side_no_longer(dataset):
    rows = [("a" + " " * 9000 + "b", "c"), ("x" * 8192, "y" * 8192)]
    stay, _ = clean({"a": rows}, {}, CleaningSpec(), dataset)
    assert stay.tolist() == [True, True]


def test_a_side_of_joiners_alone_is_empty(dataset):
    rows = [("x", " \u200d\u200c "), ("نمی\u200cخواهم", "👩\u200d🔬")]
    stay, _ = clean({"a": rows}, {}, DROP_ALL, dataset)
    assert stay.tolist() == [False, True]


def test_of_equal_pairs_the_first_stays_across_corpora(pairs, dataset):
    rows = pairs(4)
    stay, report = clean({"a": rows, "b": [rows[2], *pairs(1, seed=9)]}, {}, DROP_ALL, dataset)
    assert stay.tolist() == [True] * 4 + [False, True]
    assert "duplicates: 1 dropped (as row 1 of b)" in report.to_text()


def test_duplicates_are_letter_by_letter_so_two_sides_never_run_together(dataset):
    stay, _ = clean({"a": [("ab", "c"), ("a", "bc"), ("Ab", "c")]}, {}, DROP_ALL, dataset)
    assert stay.all()


def test_a_match_of_one_side_alone_is_counted_and_kept(dataset):
    train = [("hello there", "x"), ("y", "guten tag"), ("z", "w")]
    held_out = {"test news": [("Hello  there", "Guten Tag")]}
    stay, report = clean({"a": train}, held_out, DROP_ALL, dataset)
    assert stay.all()
    expected = "overlap with test news: none; 1 more share the source alone, 1 the target, all kept"
    assert expected in report.to_text()


def test_short_sides_may_differ_in_length_as_they_like(dataset):
    _, report = clean({"a": [("no", "certainly not so")]}, {}, DROP_ALL, dataset)
    assert counts(report)["one side over 4 times the other"] == 0


SAME_LENGTH = {
    "zh": ("I have never seen anything like it before.", "我从没见过这种事。"),
    "ja": ("He said that he would come back the next day.", "翌日戻ると言った。"),
    "ko": ("They are waiting for us at the station.", "역에서 기다린다."),
    "am": ("Good morning, how are you today, friend?", "እንደምን አደርክ?"),
    "zh from ja": ("彼はその本をまだ読んでいないと言っていました。", "他说没读过。"),
}
DIFFERENT = {
    "zh": ("Yes, it is.", "是的,我从来没有见过像这样的事情,真的。"),
    "zh, the other way": ("I have never seen anything like that before.", "好吧。"),
    "ja": ("Why?", "なぜそんなことをしたのですか。"),
    "Russian counts as Latin": ("Нет?", "I never said so, sir."),
}  # fmt: skip


def flagged(pair, dataset) -> bool:
    _, report = clean({"a": [pair]}, {}, CleaningSpec(), dataset)
    return bool(counts(report)["one side over 4 times the other"])


@pytest.mark.parametrize("which", SAME_LENGTH)
def test_a_script_that_says_more_in_a_character_makes_no_side_short(dataset, which):
    assert not flagged(SAME_LENGTH[which], dataset)


@pytest.mark.parametrize("which", DIFFERENT)
def test_a_side_that_is_too_long_is_found_in_every_script(dataset, which):
    assert flagged(DIFFERENT[which], dataset)


def test_what_is_kept_is_counted_all_the_same(pairs, dataset):
    rows = pairs(3)
    keep = CleaningSpec(duplicates="keep", overlap="keep")
    stay, report = clean({"a": [*rows, rows[0]]}, {"dev": [rows[1]]}, keep, dataset)
    assert stay.all()
    assert "duplicates: 1 kept" in report.to_text()
    assert "overlap with dev: 1 kept" in report.to_text()


def test_refusing_names_every_refused_kind_at_once(pairs, dataset):
    rows = pairs(3)
    refuse = CleaningSpec(empty="refuse", duplicates="refuse", overlap="refuse")
    with pytest.raises(DataError, match=r"that data\.cleaning refuses") as caught:
        clean({"a": [*rows, rows[0], ("", "x")]}, {"dev": [rows[1]]}, refuse, dataset)
    message = str(caught.value)
    assert "empty side: 1 refused (as row 5)" in message
    assert "duplicates: 1 refused (as row 4)" in message
    assert "overlap with dev: 1 refused" in message


def test_refusing_lets_a_clean_corpus_pass(pairs, dataset):
    refuse = CleaningSpec(empty="refuse", ratio="refuse", duplicates="refuse", overlap="refuse")
    stay, _ = clean({"a": pairs(20)}, {"dev": pairs(5, seed=2)}, refuse, dataset)
    assert stay.all()


def test_no_pair_left_is_an_error(dataset):
    with pytest.raises(DataError, match="no pair is left"):
        clean({"a": [("", "x")]}, {}, DROP_ALL, dataset)


def test_the_sum_counts_a_pair_with_two_doubts_once():
    both = np.array([True, False])
    _, report = apply_cleaning([Doubt("one", "drop", both), Doubt("two", "drop", both)], {"a": 2})
    assert (report.dropped, report.kept) == (1, 1)
    assert report.to_json()["dropped_share"] == 0.5
    assert report.to_json()["findings"][1] == {
        "what": "two", "action": "dropped", "pairs": 1, "examples": ("row 1",), "detail": "",
    }  # fmt: skip


def test_folding_forgets_case_white_space_and_composition():
    assert fold(" STRASSE\u2009Cafe\u0301 ") == fold("straße café")
    assert fold("cafe") != fold("café")
