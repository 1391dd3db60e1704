"""Vietnamese against a table written by hand: classifiers, no copula, nó or the classifier."""

import pytest

from seq2seq.pronouns.grammar import grammar_of
from seq2seq.pronouns.lexicon import load_lexicon

from .sentences import frame, said


@pytest.mark.parametrize(
    ("template", "cue", "sentence"),
    [
        ("{A}", "", "Con chó"),
        ("{A:a+}", "hungry", "Một con chó đói"),
        ("{A:this}", "", "Con chó này"),
        ("{A:my}", "", "Con chó của tôi"),
        ("{A} {is:A}.", "hungry", "Con chó rất đói."),
    ],
)
def test_the_classifier_stands_before_and_the_rest_after_the_noun(
    template: str, cue: str, sentence: str
) -> None:
    assert said("vi", template, "dog", cue=cue, adverb="very") == sentence


def test_there_is_no_copula_to_negate() -> None:
    assert said("vi", "{A} {isnt:A}.", "dog", cue="tame") == "Con chó không hiền."


def test_only_the_classifier_variant_shows_who_is_meant() -> None:
    template = frame("vi", "", "next_to")
    both = [
        [said(code, template, "dog", "pear", cue="hungry", it=who) for who in ("A", "B")]
        for code in ("vi", "vi-cl")
    ]
    assert both == [
        ["Con chó ở cạnh quả lê vì nó đói."] * 2,
        ["Con chó ở cạnh quả lê vì con đó đói.", "Con chó ở cạnh quả lê vì quả đó đói."],
    ]


def test_nouns_show_a_classifier_in_one_variant_and_nothing_in_the_other() -> None:
    assert load_lexicon("vi").nouns["dog"].shown == ""
    assert load_lexicon("vi-cl").nouns["dog"].shown == "con"
    assert grammar_of("vi").genders == ()
    assert {"con", "quả", "cái", "chiếc", "quyển"} <= set(grammar_of("vi-cl").genders)
