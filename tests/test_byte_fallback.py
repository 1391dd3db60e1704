"""Any text comes back as it was, in every program; and the normal form that decides what it was."""

import random
import unicodedata
from itertools import chain

import pytest
import sentencepiece
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sentencepiece import sentencepiece_model_pb2

from seq2seq.data.segmentation import DropoutSampler, Spelling, UnigramSampler
from seq2seq.normalization import normalize
from seq2seq.tokenizer import Tokenizer, load_tokenizer
from seq2seq.vocabulary import BYTES
from tests.test_tokenizer import BPE, KINDS, UNIGRAM, lines, train, trained_models

TOKENIZERS = {spec.kind: train(spec) for spec in (UNIGRAM, BPE)}
EACH = pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
OLD = unicodedata.ucd_3_2_0


def usable(character: str) -> bool:
    """Whether text may hold it, and the tokenizer's Unicode, which is older, knows it as a mark."""
    known = OLD.combining(character) == unicodedata.combining(character)
    return known and unicodedata.category(character) not in ("Cn", "Co", "Cs")


# planes 4 to 13 are empty, and the last two for private use
CHARACTERS = [*map(chr, chain(range(0x40000), range(0xE0000, 0xF0000)))]
CHARACTERS = [character for character in CHARACTERS if usable(character)]
# letters that compose, marks, white space, what is invisible, and what has a meaning to us
ODD = [c for c in CHARACTERS if unicodedata.decomposition(c) or unicodedata.combining(c)]
ODD += [*"▁▅\x00\x1c\x1f\x85\u2028\ufeff\u00ad\u200d <>/</s><0x41>"] * 20
TEXTS = st.text(st.one_of(st.sampled_from(CHARACTERS), st.sampled_from(ODD)))


def expected_form(text: str) -> str:
    """The normal form in other words: that of ``normalization``, then single spaces."""
    return " ".join(normalize(text).replace("▁", " ").split())


def test_the_normal_form_of_every_character_is_the_one_of_the_whole_program():
    tokenizer = TOKENIZERS["unigram"]
    drawn = random.Random(5)
    pairs = (drawn.choice(ODD) + drawn.choice(ODD) for _ in range(20_000))
    for text in chain(CHARACTERS, pairs):
        form = tokenizer.normalize(text)
        assert form == expected_form(text)
        if form != text:
            assert tokenizer.normalize(form) == form


def test_the_normal_form_in_lower_case_stays_as_it_is():
    tokenizer = train(BPE.model_copy(update={"lowercase": True}))
    for text in CHARACTERS:
        form = tokenizer.normalize(text)
        assert form == text or tokenizer.normalize(form) == form


@EACH
@example(text="a </s> <pad><unk><s> <0x41> <0xe2> ▅ \u2581 👩\u200d👧 {name} <b>")
@example(text="日本\u0301 \u0301 日<0xE6>")
@given(text=TEXTS)
@settings(max_examples=100, deadline=None)
def test_any_text_comes_back_in_its_normal_form(tokenizer: Tokenizer, text: str):
    [ids] = tokenizer.encode([text])
    assert tokenizer.unk_id not in ids
    assert tokenizer.decode([ids]) == [expected_form(text)]


@EACH
@given(text=TEXTS)
@settings(max_examples=100, deadline=None)
def test_spans_point_into_the_text_as_given(tokenizer: Tokenizer, text: str):
    [ids], [spans] = tokenizer.encode([text]), tokenizer.spans([text])
    assert len(spans) == len(ids)
    ends = [0]
    for number, (start, end) in zip(ids[:-1], spans[:-1], strict=True):
        assert 0 <= start <= end <= len(text)
        assert end >= ends[-1]
        ends.append(end)
        piece = tokenizer.piece(number)
        if len(piece) == 1 and piece.isascii() and piece not in "<>":
            assert piece in text[start:end]


def with_bytes(model: bytes) -> sentencepiece.SentencePieceProcessor:
    """A sentencepiece model that spells in bytes, as its own trainer would have said it."""
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model)
    proto.trainer_spec.byte_fallback = True
    for piece in BYTES:
        proto.pieces.add(piece=piece, type=sentencepiece_model_pb2.ModelProto.SentencePiece.BYTE)
    return sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())


def test_unknown_characters_are_spelt_as_sentencepiece_spells_them(monkeypatch):
    models = trained_models(monkeypatch)
    ours = train(UNIGRAM, texts=lines())
    theirs = with_bytes(models[0])
    odd = ["日本", "the 日本robot 語 ▅a", "é¿ñ<0x41>x <0x4", "a </s>", "👩\u200d👧!", "Ωx"]
    texts = [*lines()[:50], *odd]
    for text in texts:
        pieces = [ours.piece(number) for number in ours.encode([text])[0][:-1]]
        assert pieces == theirs.encode(text, out_type=str)
    assert sum(theirs.is_byte(number) for number in theirs.encode("the 日本robot 語")) == 9


@EACH
def test_bytes_that_spell_nothing_are_shown_and_break_no_line(tokenizer: Tokenizer):
    def ids(text: str) -> list[int]:
        return [tokenizer.byte_ids[byte] for byte in text.encode()]

    the, end = tokenizer.encode(["the"])[0][:-1], [tokenizer.eos_id]
    broken = ids("日")[:2]
    assert tokenizer.decode([[*the, *broken, *the, *end]]) == ["the\ufffd\ufffd the"]
    odd = [*the, *ids("\n"), *the, *ids("\r\u2028"), *end]
    assert tokenizer.decode([odd]) == ["the  the  "]
    assert tokenizer.decode([[*the, *ids(" 日▁"), *end]]) == ["the 日 "]
    every = tokenizer.decode([[number] for number in range(tokenizer.vocab_size)])
    assert not any(len(text.splitlines()) > 1 for text in every)


@KINDS
@pytest.mark.parametrize("family", ["m2m_100", "marian"])
def test_the_stock_tokenizer_reads_and_writes_bytes_alike(spec, family, tmp_path):
    from transformers import AutoTokenizer

    train(spec, family=family).save(tmp_path)
    ours = load_tokenizer(tmp_path)
    stock = AutoTokenizer.from_pretrained(str(tmp_path))
    drawn = random.Random(3)
    texts = ["".join(drawn.choices(ODD, k=20)) + " <0x41> </s> 日本" for _ in range(100)]
    ids = ours.encode(texts)
    assert stock(texts)["input_ids"] == ids
    ids += [[drawn.choice(ours.byte_ids) for _ in range(20)] for _ in range(50)]
    assert stock.batch_decode(ids, skip_special_tokens=True) == ours.decode(ids)
    assert not set(stock.all_special_tokens) & set(BYTES)


@KINDS
def test_without_bytes_unknown_characters_are_one_unknown_piece(spec):
    tokenizer = train(spec.model_copy(update={"byte_fallback": False}))
    assert (tokenizer.vocab_size, tokenizer.byte_ids) == (160, ())
    ids = tokenizer.encode(["the 日本"])[0]
    assert ids.count(tokenizer.unk_id) == 1
    assert tokenizer.decode([ids]) == ["the "]


def samplers(tokenizer: Tokenizer) -> UnigramSampler | DropoutSampler:
    spelling = Spelling(tokenizer.pieces(), tokenizer.unk_id, tokenizer.byte_ids)
    if tokenizer.kind == "unigram":
        return UnigramSampler(tokenizer.piece_scores(), spelling, best=8, alpha=0.3)
    return DropoutSampler(tokenizer.merge_ranks(), spelling, draws=4, dropout=0.3, seed=1)


@pytest.mark.parametrize("fallback", [True, False])
@KINDS
def test_parts_of_a_word_have_its_pieces_and_every_cut_its_text(spec, fallback):
    tokenizer = train(spec.model_copy(update={"byte_fallback": fallback}))
    sampler, drawn = samplers(tokenizer), random.Random(8)
    known = sorted({*"".join(lines())} - {" "})
    words = ["日" * 5000, "the" * 500, "<0x41>" * 5]
    words += [
        "".join(drawn.choices([*known, "the", "heavy", "日", "ß"], k=drawn.randint(1, 40)))
        for _ in range(200)
    ]
    for text in words:
        pieces = []
        for word in tokenizer.split_words([text])[0]:
            parts = tokenizer.split_word(word)
            assert "".join(parts) == word
            listed = [sampler.choices(part) for part in parts]
            pieces += [number for choices in listed for number in choices.cuts[0]]
            assert max(len(choices.cuts) for choices in listed) <= 8
        assert [*pieces, tokenizer.eos_id] == tokenizer.encode([text])[0]
        if fallback:
            other = [number for choices in listed for number in choices.cuts[-1]]
            assert tokenizer.decode([other]) == tokenizer.decode(
                [[number for choices in listed for number in choices.cuts[0]]]
            )


def test_a_saved_file_alone_says_all(tmp_path):
    for tokenizer in TOKENIZERS.values():
        tokenizer.save(tmp_path)
        stock = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
        stock.encode_special_tokens = True
        for text in ("so\u00adft\ufeff \x1c日\u0301本 <0x41>", "\u200b"):
            assert stock.encode(text).ids == tokenizer.encode([text])[0]
        assert tokenizer.encode(["\u200b\x00"]) == [[tokenizer.eos_id]]
