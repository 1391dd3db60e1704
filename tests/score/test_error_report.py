"""The error report: each fault planted once, and no fault found in the references."""

import unicodedata

import pytest

from seq2seq.errors import ScoreError
from seq2seq.score.error_report import error_report, has_loop, is_copy

SOURCES = ["The house is old.", "Anna sees the garden.", "It rains.", "We eat bread today."]
REFERENCES = ["Das Haus ist alt.", "Anna sieht den Garten.", "Es regnet.", "Wir essen heute Brot."]


def test_references_scored_as_hypotheses_show_no_fault() -> None:
    report = error_report(REFERENCES, [REFERENCES], SOURCES)
    assert (report.segments, report.empty, report.copied, report.looping) == (4, 0, 0, 0)
    assert (report.short, report.long, report.empty_references) == (0, 0, 0)
    assert (report.length_ratio, report.untranslated) == (1.0, 0.0)


def test_each_planted_fault_is_counted_once() -> None:
    made = ["", "anna  sees the GARDEN.", "Es regnet Es regnet es regnet", "Wir"]
    report = error_report(made, [REFERENCES], SOURCES)
    assert report.empty == 1
    assert report.copied == 1  # but for case and spaces
    assert report.looping == 1
    assert report.short == 2  # the empty one and the last
    assert report.long == 1  # the loop


def test_the_length_ratio_counts_characters_without_spaces() -> None:
    assert error_report(["ab cd"], [["a b c d e f g h"]]).length_ratio == pytest.approx(4 / 8)
    both = error_report(["ab cd"], [["abcdefgh"], ["ab"]])
    assert both.length_ratio == pytest.approx(4 / 5)
    assert (both.short, both.long) == (0, 0)  # within the range of its references
    assert error_report(["ab"], [[""]]).length_ratio == 0


def test_words_left_in_the_sources_language_are_a_share_of_all_long_words() -> None:
    made = ["Das house ist alt.", "Anna sieht den Garten."]
    report = error_report(made, [REFERENCES[:2]], SOURCES[:2])
    # Long words: house, Anna, sieht, Garten. Anna stands in the source too, but is right.
    assert report.untranslated == pytest.approx(1 / 4)


def test_without_a_source_nothing_is_said_about_it() -> None:
    report = error_report(REFERENCES, [REFERENCES])
    assert report.copied is None
    assert report.untranslated is None


def test_summaries_may_use_the_words_of_their_source() -> None:
    report = error_report(["house old"], [["a home"]], ["The house is old."], same_language=True)
    assert report.untranslated is None
    assert report.copied == 0


def test_a_blank_second_reference_is_none() -> None:
    report = error_report(["ab cd", ""], [["abcd", "ef"], ["", "gh"]])
    assert report.length_ratio == pytest.approx(4 / (4 + 2))
    assert (report.short, report.long, report.empty, report.empty_references) == (1, 0, 1, 0)


def test_the_unicode_form_makes_no_fault() -> None:
    given = [unicodedata.normalize("NFD", line) for line in ("Đường mở rộng", "Tiếng Việt")]
    report = error_report(["Đường mở rộng", "Tiếng Việt"], [["x y", "a b"]], given)
    assert (report.copied, report.untranslated) == (2, 1)
    assert error_report(given, [["Đường mở rộng", "Tiếng Việt"]]).length_ratio == 1


def test_empty_references_are_counted_apart() -> None:
    report = error_report(["", "a"], [["", "a"], [" ", ""]])
    assert report.empty == 0  # there was nothing to say
    assert report.empty_references == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no no no", True),
        ("No no NO, he said", False),  # "NO," is another word
        ("No no NO he said", True),
        ("I'm sorry I'm sorry I'm sorry", True),
        ("that that is is", False),
        ("a b a b a", False),  # two and a half times
        ("x " + "a b c d e f g h " * 3, True),
        ("x " + "a b c d e f g h i " * 3, False),  # nine words: longer than the rule
        ("", False),
        ("我觉得非常非常非常好", True),
        ("他在二〇〇〇年来了", False),  # three letters of one kind are a number, or a laugh
        ("哈哈哈", False),
        ("的的的的的的", True),
        ("ฉันชอบอ่านฉันชอบอ่านฉันชอบอ่าน", True),
        ("ฉันชอบอ่านหนังสือมากๆ", False),
    ],
)
def test_a_loop_is_one_to_eight_words_three_times_in_a_row(text: str, expected: bool) -> None:
    assert has_loop(text) is expected


def test_a_loop_or_copy_that_a_reference_has_too_is_no_fault() -> None:
    text = "Row row row your boat"
    assert error_report([text], [["no loop here"]]).looping == 1
    assert error_report([text], [["no loop here"], [text]]).looping == 0
    assert is_copy("Berlin 2024", "berlin 2024", ["Berlin, 2024"])
    assert not is_copy("Berlin 2024", "berlin 2024", ["other", "Berlin 2024"])
    assert not is_copy("", "", ["text"])


def test_sources_that_are_not_parallel_are_refused() -> None:
    with pytest.raises(ScoreError, match="hypotheses: 1 lines, but sources has 2, needed one line"):
        error_report(["a"], [["a"]], ["a", "b"])
