"""Made-up text: in its normal form, of every kind, the same for the same seed."""

import unicodedata
from random import Random

import pytest

from seq2seq.data.made_up import KINDS, SKIN_TONES, draw_kind, is_held_out_emoji, make_up
from seq2seq.normalization import normalize

WORDS = ["house", "perro", "quickly", "agua"]


def drawn(kind: str, count: int = 300, seed: int = 1) -> list[str]:
    random = Random(seed)
    return [make_up(kind, random, WORDS) for _ in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_items_are_text_in_its_normal_form(kind):
    for item in drawn(kind):
        assert item == normalize(item) == item.strip() != ""
        assert all(character == " " or not character.isspace() for character in item)
        assert all(unicodedata.category(character) != "Cn" for character in item)


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_everything(kind):
    assert drawn(kind) == drawn(kind)
    assert drawn(kind) != drawn(kind, seed=2)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"code", "handle", "placeholder", "tag"}))
def test_items_hardly_ever_repeat(kind):
    items = drawn(kind)
    assert len(set(items)) > (0.8 if kind == "emoji" else 0.95) * len(items)


def test_names_are_as_diverse_as_those_of_the_world():
    words = [word for item in drawn("name", 1000) for word in item.split()]
    assert all(word[0].isupper() for word in words if word[0].isalpha())
    assert {len(word) for word in words} >= set(range(3, 13))
    letters = set("".join(words))
    assert letters >= set("øłşąćßñçőř")
    assert sum(not word.isascii() for word in words) > len(words) // 5


def test_one_emoji_in_seven_is_kept_for_measuring():
    characters = set("".join(drawn("emoji", 5000)))
    pictures = {c for c in characters if unicodedata.category(c) == "So" and ord(c) > 0x1F2FF}
    assert len(pictures) > 700
    assert not any(map(is_held_out_emoji, pictures))
    assert is_held_out_emoji("\U0001f602") == (0x1F602 % 7 == 0)
    flags = {c for c in characters if 0x1F1E6 <= ord(c) <= 0x1F1FF}
    assert len(flags) == 26
    assert characters >= set(SKIN_TONES) | {"\u200d", "\ufe0f", "\u20e3"}


def test_flags_are_kept_too():
    items = [item for item in drawn("emoji", 5000) if "\U0001f1e6" <= item <= "\U0001f200"]
    alone = [item for item in items if len(item) == 2]
    assert len(alone) > 100
    assert not any(map(is_held_out_emoji, alone))


def test_addresses_hold_words_of_the_text_and_need_none():
    assert sum("perro" in item.lower() for item in drawn("url")) > 30
    assert make_up("url", Random(1), [])


def test_all_kinds_are_drawn():
    random = Random(1)
    assert {draw_kind(random) for _ in range(1000)} == set(KINDS)
