import unicodedata

import pytest
from tokenizers import Regex, normalizers

from seq2seq.normalization import (
    _INVISIBLE,
    INVISIBLE,
    Changes,
    count_changes,
    is_normal,
    is_whole_number,
    normalize,
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("co\u00adoperate", "cooperate"),
        ("a\u200b b", "a b"),
        ("\ufeffa", "a"),
        ("\u200fשלום\u200e", "שלום"),
        ("a\x00b\x07", "ab"),
        (unicodedata.normalize("NFD", "Việt"), "Việt"),
        ("½ ﬁ Ａ", "½ ﬁ Ａ"),  # NFKC would rewrite them
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🔬 ❤\ufe0f", "👩\u200d🔬 ❤\ufe0f"),
        ("a\tb\r", "a\tb\r"),
    ],
)
def test_text_is_composed_and_freed_of_what_nobody_sees(text, normal):
    assert normalize(text) == normal
    assert normalize(normal) == normal
    assert is_normal(normal)
    assert is_normal(text) == (text == normal)


def test_the_tokenizers_library_takes_the_same_characters_for_invisible():
    every = "".join(chr(n) for n in range(0x110000) if not 0xD800 <= n < 0xE000)
    theirs = normalizers.Replace(Regex(INVISIBLE), "").normalize_str(every)
    assert set(theirs) ^ set(_INVISIBLE.sub("", every)) == set()
    assert len(theirs) < len(every)


def test_nothing_that_is_invisible_can_be_printed():
    every = map(chr, range(0x110000))
    assert not [one for one in every if _INVISIBLE.search(one) and one.isprintable()]


def test_changes_are_counted_by_kind():
    texts = ["plain", "é", "e\u0301", "a\u00ad", "e\u0301\u200b"]
    assert count_changes(texts) == Changes(invisible=2, composed=2)


@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0316\u0301", "\u0344\u0323\u0301"])
def test_marks_without_end_come_into_the_order_that_the_standard_gives(marks):
    text = "é" + marks * 700 + "x" + marks * 30
    assert normalize(text) == unicodedata.normalize("NFC", text)


def test_marks_without_end_are_sorted_before_unicodedata_would_take_minutes(monkeypatch):
    given = []
    monkeypatch.setattr("unicodedata.normalize", lambda form, text: given.append(text) or text)
    normalize("a" + "\u0301\u0316" * 100_000)
    assert given == ["a" + "\u0316" * 100_000 + "\u0301" * 100_000]


@pytest.mark.parametrize("text", ["", "-1", "1.0", "²", "٣", "1" * 5000])
def test_a_whole_number_is_what_int_reads_without_an_error(text: str) -> None:
    assert not is_whole_number(text)


@pytest.mark.parametrize("text", ["0", "12", "007"])
def test_whole_numbers_are_recognised(text: str) -> None:
    assert is_whole_number(text)
