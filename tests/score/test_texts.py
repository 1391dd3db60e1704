"""Texts are compared in one Unicode form, with the references that exist, and both is counted."""

import json
import unicodedata
from collections.abc import Callable

import pytest
from sacrebleu.metrics import BLEU, CHRF, TER

from seq2seq.score.comparison import compare_texts
from seq2seq.score.measure import ScoreOptions, score
from seq2seq.score.report import score_texts
from seq2seq.score.result import Score
from seq2seq.score.texts import make_comparable, references_by_segment
from seq2seq.score.tokenized import tokenized_bleu
from tests.score.metrics import bleu, chrf, chrf_words, ter

TRUTH = ["Hội đồng thành phố đồng ý mở rộng đường.", "Trường học đóng cửa vì bão."]
MADE = ["Hội đồng thành phố đồng ý đóng đường.", "Trường học mở cửa vì bão lớn."]
EVERY = ScoreOptions(metrics=("bleu", "chrf", "chrf++", "ter", "rouge"), resamples=0, trials=50)


def decomposed(lines: list[str]) -> list[str]:
    return [unicodedata.normalize("NFD", line) for line in lines]


@pytest.mark.parametrize("language", ["vi", None])
def test_the_unicode_form_changes_no_figure_and_is_counted(language: str | None) -> None:
    options = ScoreOptions(metrics=EVERY.metrics, tokenized=True, language=language or "vi",
                           resamples=0)  # fmt: skip
    plain = score_texts(MADE, [TRUTH], options=options)
    for made, truth, counts in (
        (decomposed(MADE), TRUTH, (2, 0)),
        (MADE, [TRUTH[0], *decomposed(TRUTH[1:])], (0, 1)),
        (decomposed(MADE), decomposed(TRUTH), (2, 2)),
    ):
        found = score_texts(made, [truth], options=options)
        assert found.scores == plain.scores
        assert found.errors == plain.errors
        shown = found.to_json()["texts"]
        assert shown["unicode_form"] == "NFC"
        assert (shown["recomposed_hypotheses"], shown["recomposed_references"][0]) == counts
        named = dict(zip(("hypotheses", "references"), counts, strict=True))
        for name, count in named.items():
            said = f"{name}: {count} of 2 lines are not in the composed Unicode form (NFC)"
            assert any(note.startswith(said) for note in found.notes) == (count > 0)
            assert (f"note: {said}" in found.to_text()) == (count > 0)
    assert plain.notes == ()
    assert "Unicode form  NFC" in plain.to_text()


def test_characters_that_nobody_sees_stay_as_sacrebleu_leaves_them_and_are_said() -> None:
    truth = ["ذهب الولد إلى المدرسة اليوم.", "عاد في المساء إلى البيت."]
    marked = ["\u200f" + line for line in truth]
    found = score_texts(truth, [marked, truth[:1] + marked[1:]], options=EVERY)
    assert found.scores["ter"].value > 0, "a word with a mark is not the word without"
    shown = found.to_json()["texts"]
    assert (shown["invisible_hypotheses"], shown["invisible_references"]) == (0, [2, 1])
    said = [note.partition(" invis")[0] for note in found.notes if "invis" in note]
    assert said == ["reference 1: 2 of 2 lines hold", "reference 2: 1 of 2 lines hold"]
    assert score("bleu", marked, truth).value == pytest.approx(
        BLEU().corpus_score(marked, [truth]).score
    )
    assert score("bleu", marked, marked).notes[0].startswith("hypotheses: 2 of 2 lines hold inv")
    joined = ["می\u200cخواهم بروم خانه و", "क्\u200dष"]  # Persian and Hindi need their joiners
    assert score("chrf", joined, joined, language="fa").notes == ()


def test_comparing_composes_every_system_and_names_those_it_changed() -> None:
    systems = [("a", MADE), ("b", decomposed(MADE)), ("c", TRUTH)]
    options = ScoreOptions(metrics=EVERY.metrics, resamples=20, trials=20)
    found = compare_texts(systems, [TRUTH], options=options)
    for tests in found.tests.values():
        for test in tests:
            assert test.systems[1].difference == 0
            assert test.systems[2].difference != 0
    assert [note.partition(":")[0] for note in found.notes if "NFC" in note] == ["b"]
    shown = json.loads(json.dumps(found.to_json()))
    assert [one["recomposed_hypotheses"] for one in shown["texts"]] == [0, 2, 0]


@pytest.mark.parametrize(
    ("measure", "theirs"),
    [
        (bleu, BLEU()),
        (chrf, CHRF()),
        (chrf_words, CHRF(word_order=2)),
        (ter, TER()),
    ],
)
def test_a_missing_reference_is_what_none_is_to_sacrebleu(
    measure: Callable[..., Score], theirs: BLEU | CHRF | TER
) -> None:
    made = ["the mayor opened a bridge today", "rain closed roads", "we", "they came home"]
    texts = [
        ["the mayor opened the bridge today", "rain closed two schools", "we wait", " "],
        ["", "rain closed roads", "\t", "they went back home at last"],
    ]
    given = [[line if line.strip() else None for line in text] for text in texts]
    found = measure(made, texts, resamples=0)
    assert found.value == pytest.approx(theirs.corpus_score(made, given).score)
    assert found.signature == str(theirs.get_signature())
    assert found.signature.startswith("nrefs:var|")
    assert found == measure(made, given, resamples=0)
    assert "nrefs:2|" in measure(made, [texts[1], texts[1]], resamples=0).signature


def test_missing_references_are_counted_and_said_and_a_single_blank_one_stays() -> None:
    report = score_texts(["a b", "c d", ""], [["a b", "x", ""], ["", "c d", ""]])
    assert report.to_json()["texts"]["missing_references"] == [0, 1]
    (note,) = (note for note in report.notes if "missing" in note)
    assert note.startswith("reference 2: 1 of 3 lines are blank where another reference has text")
    texts = make_comparable(["a", "b"], [["", "b"]])
    assert references_by_segment(texts.references) == [[""], ["b"]]
    assert texts.preparation.missing_references == (0,)


def test_comparable_texts_stay_as_they_are() -> None:
    once = make_comparable(decomposed(MADE), [decomposed(TRUTH), ["", "a"]])
    again = make_comparable(once.hypotheses, once.references)
    assert (again.hypotheses, again.references) == (once.hypotheses, once.references)
    assert (again.preparation.recomposed, again.preparation.recomposed_references) == (0, (0, 0))


def test_the_tokenised_protocol_leaves_missing_references_out_too() -> None:
    texts = [["the cat sat on a mat", "a dog"], ["", "the dog ran home"]]
    found = tokenized_bleu(["the cat sat on the mat", "the dog ran"], texts, "en", resamples=0)
    assert found.signature.startswith("nrefs:var|")
    first = tokenized_bleu(["the cat sat on the mat"], [texts[0][:1]], "en", resamples=0)
    both = tokenized_bleu(["the cat sat on the mat"], [texts[0][:1], [""]], "en", resamples=0)
    assert both.value == first.value


def test_lists_of_strings_are_scored_by_one_call() -> None:
    found = score("bleu", decomposed(MADE), TRUTH, language="vi", resamples=100)
    assert found.value == bleu(MADE, [TRUTH], language="vi", resamples=100).value
    assert found.interval is not None
    assert "tok:13a" in found.signature
    assert found.notes[0].startswith("hypotheses: 2 of 2 lines are not in the composed")
    chinese = ["我们明天去北京。"]
    assert score("bleu", chinese, [chinese, [""]], language="zh").value == pytest.approx(100)
    assert score("rougeLsum", MADE, TRUTH, language="vi").name == "ROUGE-Lsum"
    assert score("chrf++", MADE, [TRUTH]).name == "chrF2++"


def test_one_call_gives_one_score_or_says_which() -> None:
    from seq2seq.errors import ScoreError

    with pytest.raises(ScoreError, match="'rouge': several at once, needed one of rouge1, rouge2"):
        score("rouge", MADE, TRUTH)
    with pytest.raises(ScoreError, match="hypotheses: no reference to compare it with"):
        score("bleu", MADE, [])
    with pytest.raises(ScoreError, match="metric 'blue': not known"):
        score("blue", MADE, TRUTH)


@pytest.mark.parametrize(
    ("made", "truth", "name"), [(MADE[0], TRUTH, "hypotheses"), (MADE[:1], TRUTH[0], "references")]
)
def test_one_string_is_not_taken_for_a_list_of_letters(made, truth, name: str) -> None:
    from seq2seq.errors import ScoreError

    with pytest.raises(ScoreError, match=f"^{name}: one string, needed a list of segments"):
        score("chrf", made, truth)


def test_bleu_of_text_without_four_words_says_that_it_cannot_score() -> None:
    found = bleu(["a b c", "d"], [["a b c", "d"]], resamples=0)
    assert found.value == 0
    assert found.notes[0].startswith(
        "no hypothesis has the 4 words in a row that BLEU needs (the longest has 3)"
    )
    assert bleu(["a b c d", "d"], [["a b c d", "d"]], resamples=0).notes == ()
