import random
import re
import tracemalloc
from collections.abc import Callable, Sequence
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq import sentences
from seq2seq.sentences import WINDOW, join_parts, sentences_of, split_text


def words(most: int):
    return lambda text: len(text.split()) <= most


SENTENCES = {
    "en": [
        ["One dog. ", "Two dogs! ", "Three? ", "Four"],
        ['He said "Go." ', "Then he left."],
        ["See J. S. Bach. ", "He wrote it."],
        ["Birds, e.g. crows, fly. ", "They do."],
        ["It costs 3.50 now. ", "Really."],
        ["Wait... ", "What?! ", "Yes."],
        ["Dr. Smith met Mrs. Hill.  ", "They talked."],
        ["See Fig. 3. and Art. 5 of it. ", "Fine."],
        ["In group 5. ", "Then rest."],
        ["I saw it at 3 p.m. ", "Then I left."],
        ["Good! 😀"],
        ["they see one cup . ", "I see two . ", "he sees J ."],
        ["he left. ", "then she came, e.g. by bus. ", "why? ", "no idea"],
        ["1. Open the box. ", "2. Close it."],
        ["Yahoo!Japan is www.Example.com. ", "Good."],
        ["Great! ", "😀 Thanks."],
        ["no end"],
    ],
    "de": [
        ["Am 3. Mai kam Dr. Müller. ", "Er ging."],
        ["Nach Art. 3 GG gilt das. ", "Siehe Abs. 2."],
        ["Die 2. Auflage im 19. Jahrhundert. ", "Mrs. Hill las sie."],
    ],
    "fr": [["M. Hill a lu Art. 3. ", "Mrs. Hill aussi."]],
    "es": [["¿Vienes? ", "¡Sí! ", "Vale."]],
    "vi": [
        ["Tôi đi. ", "Anh ấy ở lại."],
        ["PGS. TS. Lan sống ở TP. Huế. ", "PGS.TS. Minh và PGS. An đến. ", "Tốt."],
        ["PGS.TS. Lan sống ở TP. Huế. ", "ThS. Minh và TS. An cũng vậy. ", "Tốt."],
    ],
    "ru": [["Он пришёл. ", "Она ушла."]],
    "el": [["Τι είναι; ", "Αυτό."]],
    "zh-CN": [
        ["他来了。", "她走了！", "好吗？", "好"],
        ["他说：“走吧！”", "然后走了。", "3.5元!", "好"],
    ],
    "jpn_Jpan": [["今日は雨です。", "「行こう。」と言った。", "はい！"]],
    "ko": [["안녕하세요. ", "저는 학생입니다."]],
    "th": [["สวัสดีครับ ผมชื่อจอห์น"]],
    "hi": [["वह आया। ", "वह गया।"]],
    "my": [["မင်္ဂလာပါ။ ", "နေကောင်းလား။"]],
    "km": [["ខ្ញុំ។", " អ្នក។"]],
    "hy": [["Ես ուսանող եմ։ ", "Լավ"]],
    "am": [["ሰላም ነው። ", "እንዴት ነህ፧ ", "ደህና።"]],
    "ar": [
        ["كيف حالك؟ ", "أنا بخير."],
        ["قال د. أحمد إن أ.د. سمير جاء. ", "ثم ذهب م. علي."],
    ],
    "fa": [["دکتر ک. احمدی و پ. رضایی آمدند. ", "او رفت."]],
    "he": [["ד. לוי בא. ", "הוא הלך."]],
    "ur": [["یہ ہے۔ ", "وہ نہیں۔"]],
    None: [
        ["Am 3. Mai kam Mrs. Hill. ", "Er ging."],
        ["他来了。", "她走了！"],
        ["वह आया। ", "वह गया।"],
    ],
}


@pytest.mark.parametrize(
    ("language", "sentences"),
    [(language, sentences) for language, texts in SENTENCES.items() for sentences in texts],
)
def test_text_is_cut_where_sentences_end(language: str | None, sentences: list[str]) -> None:
    text = "".join(sentences)
    assert sentences_of(text, language=language) == sentences
    stripped = [one.strip() for one in sentences]
    assert split_text(text, lambda part: True, language=language) == stripped


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["Dr. Hill came on time. ", "They talked! "]),
        ("de", ["Am 3. Mai kam er. ", "Er ging. "]),
        ("zh", ["他来了。", "他说：“走吧！”"]),
        ("km", ["ខ្ញុំ។", "អ្នក។"]),
    ],
)
def test_a_long_line_is_cut_as_a_short_one_is(language: str, sentences: list[str]) -> None:
    some = 4 * WINDOW // len("".join(sentences))
    assert sentences_of("".join(sentences) * some, language=language) == sentences * some


@given(st.text(), st.sampled_from([None, "en", "de", "zh", "ja", "hi", "xx"]))
def test_sentences_are_the_whole_text_whatever_it_is(text: str, language: str | None) -> None:
    assert "".join(sentences_of(text, language=language)) == text


WORDS = st.sampled_from(["Anna", "Élan", "ging", "3"])
MARKS = st.sampled_from([" ", "'s ", "-", ", ", ". ", "! ", "? ", "; ", ": ", "\u2026 ", "。"])


@given(st.lists(st.tuples(WORDS, MARKS)), st.sampled_from([None, "en", "de", "el"]))
def test_one_sentence_known_at_sight_is_one_by_all_rules(
    bits: list[tuple[str, str]], language: str | None
) -> None:
    text = "".join(word + mark for word, mark in bits)
    at_sight = sentences_of(text, language=language)
    with patch.object(sentences, "ONE_SENTENCE", re.compile("(?!)")):
        assert sentences_of(text, language=language) == at_sight


@pytest.mark.timeout(30)  # where spaces were tried in every way it took more than a minute
@pytest.mark.parametrize("mark", ["", "."])
def test_a_long_run_of_spaces_takes_no_time(mark: str) -> None:
    text = f"word{mark}{' ' * 200_000}("
    assert sentences_of(text) == [text]


def test_white_space_of_other_kinds_is_white_space() -> None:
    """Before a name's initial, the library takes it for one byte and ends in a panic."""
    text = "3“\r\xa0B\xa0.' One.\u2028Two.\nThree."
    assert sentences_of(text, language="en")[1:] == ["Two.\n", "Three."]


def test_a_sentence_too_long_is_cut_at_commas_and_packed() -> None:
    text = "one two, three four, five six, seven eight"
    assert split_text(text, words(4)) == ["one two, three four,", "five six, seven eight"]


def test_without_commas_it_is_cut_at_spaces() -> None:
    assert split_text("a b c d e f g", words(3)) == ["a b c", "d e f", "g"]


def test_only_the_clause_that_is_too_long_is_cut_further() -> None:
    assert split_text("a b, c d e f g h, i", words(3)) == ["a b,", "c d e", "f g h,", "i"]


def test_without_spaces_it_is_cut_anywhere_but_not_between_a_letter_and_its_accent() -> None:
    accented = "e\N{COMBINING ACUTE ACCENT}"
    parts = split_text(accented * 5, lambda part: len(part) <= 3)
    assert parts == [accented] * 5


@pytest.mark.parametrize(
    ("character", "room"),
    [
        ("ที่", 5),
        ("น้ำ", 5),
        ("क्षि", 5),
        ("བོ", 3),
        ("👨\u200d👩\u200d👧", 7),
        ("❤\ufe0f", 3),
        ("👍🏽", 3),
    ],
)
def test_signs_that_people_see_as_one_stay_together(character: str, room: int) -> None:
    parts = split_text(character * 4, lambda part: len(part) <= room)
    assert {len(part) % len(character) for part in parts} == {0}
    assert "".join(parts) == character * 4


def test_a_letter_with_more_marks_than_fit_is_cut_between_them() -> None:
    text = "e" + "\N{COMBINING ACUTE ACCENT}" * 20
    parts = split_text(text, lambda part: len(part) <= 8)
    assert [len(part) for part in parts] == [8, 8, 5]


def test_nothing_is_lost_and_everything_fits() -> None:
    text = "Lorem ipsum, dolor sit. " * 40 + "x" * 300 + " 漢字、" * 50
    parts = split_text(text, lambda part: len(part) <= 30)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert max(map(len, parts)) <= 30


def test_splitting_ends_when_nothing_fits() -> None:
    assert split_text("ab c", lambda part: False) == ["a", "b", "c"]


def pack_one_by_one(bits: Sequence[str], fits: Callable[[str], bool]) -> list[str]:
    """The longest parts that fit, found by trying every length."""
    packed = []
    while bits:
        counts = [n for n in range(2, len(bits) + 1) if fits("".join(bits[:n]))]
        count = max(counts, default=1)
        packed.append("".join(bits[:count]))
        bits = bits[count:]
    return packed


def heavy(most: int) -> Callable[[str], bool]:
    """Capitals weigh five: how many bits fit varies from place to place."""
    return lambda part: sum(5 if one.isupper() else 1 for one in part) <= most


@pytest.mark.parametrize("seed", range(12))
def test_parts_are_those_that_trying_every_length_finds(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = random.Random(seed)
    kinds = ["abcXYZ", "ab,  ", "aB, .", "漢字、。", "e\N{COMBINING ACUTE ACCENT}A "]
    texts = ["".join(drawn.choices(kind, k=drawn.randint(0, 60))) for kind in kinds]
    limits = [
        limit(most) for limit in (heavy, words) for most in (0, 1, 2, 7, drawn.randint(3, 50))
    ]
    found = [split_text(text, fits) for text in texts for fits in limits]
    monkeypatch.setattr(sentences, "_pack", pack_one_by_one)
    assert found == [split_text(text, fits) for text in texts for fits in limits]


@pytest.mark.parametrize("bit", ["漢", "word ", "clause, "])
def test_a_long_line_without_sentence_ends_takes_work_in_proportion_to_its_length(
    bit: str,
) -> None:
    text = bit * (20_000 // len(bit))
    shown = 0

    def fits(part: str) -> bool:
        nonlocal shown
        shown += len(part)
        return len(part) <= 100

    tracemalloc.start()
    parts = split_text(text, fits)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert shown < 20 * len(text)
    assert peak_bytes < 400 * len(text)


def test_sentences_of_a_language_without_a_known_code_are_joined_as_their_letters_are() -> None:
    for language in ("cn", None, "zh"):
        assert join_parts(["我来了。", "他走了。"], language=language) == "我来了。他走了。"
    for language in ("dg", None, "vi"):
        assert join_parts(["Tôi đi.", "Anh ở lại."], language=language) == "Tôi đi. Anh ở lại."
