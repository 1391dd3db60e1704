"""ROUGE: hand-worked, equal to known figures, and honest about several references."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rouge_score.rouge_scorer import RougeScorer

from seq2seq.errors import ScoreError
from seq2seq.lines import read_lines
from seq2seq.score.measure import ScoreOptions
from seq2seq.score.report import score_texts
from seq2seq.score.summary import ROUGE_NAMES, lead, lead_scores, rouge, segment_rouge
from seq2seq.score.words import rouge_words

Made = Callable[..., list[str]]


def items(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def values(made: list[str], texts: list[list[str]], language: str = "en") -> list[float]:
    found = rouge(made, texts, language=language, resamples=0)
    return [found[key].value for key in ("rouge1", "rouge2", "rougeL")]


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
    found = rouge(["a"], [["a"], ["b"]], language="en", resamples=100)
    head = "nrefs:2|bs:100|seed:12345|measure:f1|case:lc|tok:ascii-words|stem:porter|multi:mean"
    library = "version:rouge-score-0.1.2"
    assert [score.name for score in found.values()] == list(ROUGE_NAMES.values())
    assert {found[key].signature for key in ("rouge1", "rouge2", "rougeL")} == {f"{head}|{library}"}
    assert re.fullmatch(
        re.escape(head) + r"\|sent:sentencex-[\d.]+\|" + re.escape(library),
        found["rougeLsum"].signature,
    )
    assert "bs:" not in rouge(["a"], [["a"]], resamples=0)["rouge1"].signature


@pytest.mark.parametrize(
    ("language", "stem", "part"),
    [
        ("en", None, "tok:ascii-words|stem:porter"),
        ("en-GB", False, "tok:ascii-words|stem:none"),
        ("vi", None, "tok:unicode-words|stem:none"),
        ("vi", True, "tok:unicode-words|stem:porter"),
        (None, None, "tok:unicode-words|stem:none"),
    ],
)
def test_words_and_stemmer_follow_the_language(
    language: str | None, stem: bool | None, part: str
) -> None:
    found = rouge(["a"], [["a"]], language=language, stem=stem, resamples=0)["rouge1"]
    assert part in found.signature


def test_the_signature_says_letters_where_the_text_has_no_words() -> None:
    chinese, russian = "今天天气很好。", "Сегодня хорошая погода."
    for text, language, part in (
        (chinese, "zh", "tok:unicode-letters|stem:none"),
        (chinese, None, "tok:unicode-letters|stem:none"),
        ("วันนี้อากาศดี", "th", "tok:unicode-letters|"),
        (russian, "ru", "tok:unicode-words|"),
        ("오늘은 날씨가 좋다", "ko", "tok:unicode-words|"),
    ):
        found = rouge([text], [[text]], language=language, resamples=0)
        assert all(part in score.signature for score in found.values())


@pytest.mark.parametrize("stem", [True, False])
def test_english_is_scored_as_rouge_score_itself_does(stem: bool) -> None:
    made = ["The café's dogs were running. It rained!", "Nothing here", "A re-opened 2nd road"]
    truth = ["A dog ran to the caf s door. It rained.", "Something else, there", "2nd road open"]
    own = RougeScorer(list(ROUGE_NAMES), use_stemmer=stem)
    found = rouge(made, [truth], language="en", stem=stem, resamples=0)
    for key, score in found.items():
        lines = [text.replace(". ", ".\n") for text in (*truth, *made)]
        each = [own.score(lines[n], lines[n + 3])[key].fmeasure for n in range(3)]
        assert score.value == pytest.approx(100 * sum(each) / 3)
        assert 0 < score.value < 100


def test_the_words_of_a_language_are_compared_as_they_are_written() -> None:
    # Of the words four are alike, of three to four letters with every accent another.
    truth = ["Hội đồng thành phố đồng ý mở rộng đường."]
    assert values(["Hồi đống thánh phổ đóng y mơ rông đương."], [truth], "vi") == [0, 0, 0]
    assert values(truth, [truth], "vi") == pytest.approx([100, 100, 100])
    # élève âgé | éléphant âne: nothing in common; un is.
    assert values(["un élève âgé"], [["un éléphant âne"]], "fr")[0] == pytest.approx(100 / 3)
    # Six characters, of which five are alike.
    assert values(["我们去北京市"], [["我们去南京市"]], "zh")[0] == pytest.approx(100 * 5 / 6)
    assert values(["हिन्दी में"], [["हिन्दु में"]], "hi")[0] == pytest.approx(50)


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
    column = segment_rouge(made, [[line] for line in truth], rouge_words("en"))["rouge1"]
    mean = sum(column) / len(column)
    error = (sum((x - mean) ** 2 for x in column) / len(column) ** 2) ** 0.5
    low, high = rouge(made, [truth], language="en")["rouge1"].interval or (0, 0)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.1)


def test_references_without_a_word_of_their_language_are_noted() -> None:
    found = rouge(["猫", "a cat"], [["猫", "a cat"]], language="en", resamples=0)["rouge1"]
    assert found.value == pytest.approx(50)  # the first is perfect, yet scores 0
    assert found.notes[0].startswith("ROUGE: 1 of 2 segments have no reference with words of the")
    right = rouge(["猫", "一只猫"], [["猫", "一只猫"]], language="zh", resamples=0)["rouge1"]
    assert (right.value, right.notes) == (pytest.approx(100), ())
    nothing = rouge(["...", "猫"], [["...", "猫"]], language="zh", resamples=0)["rouge1"]
    assert "1 of 2 segments have no reference with words, and score 0" in nothing.notes[0]


def test_without_a_language_the_missing_stemmer_is_noted() -> None:
    assert "--language en" in rouge(["a"], [["a"]], resamples=0)["rouge1"].notes[0]
    assert rouge(["a"], [["a"]], language="de", resamples=0)["rouge1"].notes == ()


def test_a_blank_second_reference_is_none_in_rouge() -> None:
    made = ["the mayor opened the bridge", "rain closed roads"]
    texts = [["the mayor opened the bridge", "rain closed schools"], ["", "rain closed roads"]]
    found = rouge(made, texts, language="en", resamples=0)["rouge1"]
    assert found.value == pytest.approx((100 + (200 / 3 + 100) / 2) / 2)
    assert found.signature.startswith("nrefs:var|")


def test_the_summary_level_lcs_compares_sentence_by_sentence() -> None:
    # The sentences in another order share every word by sentence, but not in one sequence.
    found = rouge(
        ["It rained. The road closed."], [["The road closed. It rained."]],
        language="en", resamples=0,
    )  # fmt: skip
    assert found["rougeLsum"].value == pytest.approx(100)
    assert found["rougeL"].value == pytest.approx(60)


def test_texts_that_are_not_parallel_are_refused() -> None:
    with pytest.raises(ScoreError, match="hypotheses: 1 lines, but reference 1 has 2"):
        rouge(["a"], [["a", "b"]])


def test_the_lead_is_the_first_words_of_a_document() -> None:
    assert lead("  one two\tthree four ", 3) == "one two three"
    assert lead("one", 8) == "one"
    assert lead("", 8) == ""
    assert lead("a.b c,d", 1) == "a.b"


def test_without_spaces_the_lead_has_as_many_letters_as_the_words_have() -> None:
    document = "我们去年在北京的一家小饭馆里遇见了他们的老朋友"
    assert lead(document, 8) == document[:13]  # 40 letters, three a character
    assert lead("わたしたちはきのう" * 9, 8) == ("わたしたちはきのう" * 9)[:20]  # two a kana
    assert lead("กี่ตัวแล้ว", 1) == "กี่ตั"  # signs above a letter stay with it: 3 + 2
    assert lead("去 New 市市市。", 3) == "去 New 市市"  # 3 + a word of 5 + 6 of 15 letters
    assert lead("“我们”，去。", 2) == "“我们”，去。"  # punctuation takes nothing


def test_leads_by_letters_say_so_and_are_as_strong_as_leads_of_words() -> None:
    words = [
        "我",
        "们",
        "去",
        "年",
        "在",
        "北",
        "京",
        "的",
        "一",
        "家",
        "小",
        "饭",
        "馆",
        "里",
        "遇",
        "见",
        "了",
        "他",
        "们",
        "的",
    ]
    document = "".join(words)
    found = lead_scores([document], [[document[:13]]], language="zh", resamples=0)
    assert list(found) == ["lead-8 by letters", "lead-12 by letters"]
    score = found["lead-8 by letters"]["rouge1"]
    assert score.value == pytest.approx(100)  # the first 8 characters alone would have 76
    assert "|multi:mean|lead:40-letters|version:" in score.signature
    options = ScoreOptions(metrics=("rouge",), language="zh", resamples=0)
    report = score_texts([document], [[document]], sources=[document], options=options)
    assert [note[:9] for note in report.notes if "by letters" in note] == ["lead-8 by", "lead-12 b"]
    assert "ROUGE-1 of lead-12 by letters" in report.to_text()


def test_lead_scores_are_the_rouge_of_the_first_8_and_12_words() -> None:
    document = " ".join(f"w{n}" for n in range(20))
    truth = [[lead(document, 12)]]
    found = lead_scores([document], truth, language="en", resamples=0)
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
    found = lead_scores(documents, [truth], language="en", resamples=0)
    shown = {
        name: [scores[key].value for key in ("rouge1", "rouge2", "rougeL")]
        for name, scores in found.items()
    }
    assert shown["lead-8"] == pytest.approx([32.80, 15.38, 29.10], abs=0.01)
    assert shown["lead-12"] == pytest.approx([34.48, 16.62, 30.20], abs=0.01)
