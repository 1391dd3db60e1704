"""A text cut by its words has the very pieces of the text cut as a whole."""

import random
from types import SimpleNamespace

import pytest
from tokenizers import Regex, normalizers, pre_tokenizers

from seq2seq import word_pieces
from seq2seq.recipe import TokenizerSpec
from seq2seq.tokenizer import Tokenizer, train_tokenizer

WORDS = [
    "a", "the", "house", "houses", "house.", "(house)", "don't", "Étage", "e\u0301tage",
    "ΣΊΣΥΦΟΣ", "<0x41>", "</s>", "<s>", "\u200b", "\u00ad", "\u0301x", "日本語", "👩\u200d🔬",
    "x" * 70, "▁", "İ",
]  # fmt: skip
SPACES = [" ", "  ", "\t", "\u00a0", "\u2028", "\x1c", "\x85", "▁", " \u200b ", "\u3000"]


def texts(count: int) -> list[str]:
    drawn = random.Random(1)
    lines = []
    for _ in range(count):
        words = drawn.choices(WORDS, k=drawn.randrange(9))
        lines.append("".join(word + drawn.choice(SPACES) for word in words))
    return ["", " ", *lines]


@pytest.fixture(scope="module", params=["unigram", "bpe", "unigram in lower case"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    kind, _, lower = request.param.partition(" ")
    spec = TokenizerSpec.model_validate({"kind": kind, "vocab_size": 120, "lowercase": bool(lower)})
    return train_tokenizer(texts(300), spec, family="m2m_100", seed=1)


def whole(tokenizer: Tokenizer, lines: list[str]) -> list[list[int]]:
    return [one.ids for one in tokenizer.backend.encode_batch_fast(lines)]


def test_a_text_is_cut_as_its_words_are(tokenizer: Tokenizer) -> None:
    lines = texts(400)
    assert word_pieces.word_pieces(tokenizer.backend, tokenizer.eos_id) is not None
    for _ in range(2):  # also with words that were met before
        assert tokenizer.encode(lines) == whole(tokenizer, lines)
    assert all(len(word) <= word_pieces.LONGEST_WORD for word in tokenizer._words._known)


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_words_that_are_cut_together_keep_their_pieces(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(word_pieces, "WORDS_AT_ONCE", at_once)
    plain = [f"house{number}" for number in range(250)]
    for words in (plain, WORDS, plain[:150] + WORDS):
        expected = [row[:-1] for row in whole(tokenizer, words)]
        assert word_pieces.WordPieces(tokenizer.backend)._cut(words) == expected
    together = SimpleNamespace(encode_batch=tokenizer.backend.encode_batch)  # and never one by one
    assert len(word_pieces.WordPieces(together)._cut(plain)) == len(plain)


def test_words_beyond_those_that_are_kept_are_cut_each_time(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_pieces, "MOST_WORDS", 30)
    tokenizer = Tokenizer(tokenizer.backend, tokenizer.config)
    lines = [f"house {number} {number % 7}" for number in range(200)]
    for line in lines:
        assert tokenizer.encode([line]) == whole(tokenizer, [line])
    assert tokenizer._words is not None
    assert len(tokenizer._words._known) == 30


def test_kept_words_share_the_numbers_of_their_pieces(tokenizer: Tokenizer) -> None:
    words = word_pieces.WordPieces(tokenizer.backend)
    for mark in (
        "\U0001f408\U0001f409\U0001f40a"
    ):  # spelt in bytes: numbers beyond 256, of which Python keeps none
        words.encode([f"{mark}{letter}" for letter in "abcdef"], tokenizer.eos_id)
    kept = [number for ids in words._known.values() for number in ids]
    assert max(kept) > 256
    assert len({id(number) for number in kept}) == len(set(kept)) < len(kept)


@pytest.mark.parametrize("part", ["normalizer", "pre_tokenizer"])
def test_settings_of_others_are_not_cut_by_words(part: str) -> None:
    lines = texts(50)
    tokenizer = train_tokenizer(lines, TokenizerSpec(vocab_size=100), family="m2m_100", seed=1)
    if part == "normalizer":  # looks over the space
        other = normalizers.Replace(Regex("a +the"), "house")
        tokenizer.backend.normalizer = normalizers.Sequence([tokenizer.backend.normalizer, other])
    else:
        tokenizer.backend.pre_tokenizer = pre_tokenizers.Metaspace("▁", split=False)
    assert tokenizer.encode(["a the", *lines]) == whole(tokenizer, ["a the", *lines])
    assert tokenizer._words is None
