"""The tokenizer: ids where the model families need them, the same cuts in every program."""

import json
import os
import random
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import sentencepiece
import tokenizers

from seq2seq.errors import DataError, ModelError, RecipeError
from seq2seq.recipe import TokenizerSpec
from seq2seq.round_trip import RoundTripReport
from seq2seq.tokenizer import (
    Tokenizer,
    load_tokenizer,
    train_tokenizer,
    vocabulary_note,
)
from seq2seq.vocabulary import bounded_parts

UNIGRAM = TokenizerSpec(kind="unigram", vocab_size=160)
BPE = TokenizerSpec(kind="bpe", vocab_size=160)
KINDS = pytest.mark.parametrize("spec", [UNIGRAM, BPE], ids=["unigram", "bpe"])

# what real files hold: white space of all sorts, decomposed letters, things that look special
ODD_LINES = [
    "  the\u00a0small\u2009robot \u2028 lifts\tthe crane  ",
    "Cafe\u0301, Größe und Maß",
    "a </s> b <pad><unk> <s>c",
    "",
    "¿Qué?  “Sí” – 3½ %…",
    "the▁robot",
]


# what no training text held: foreign scripts, what is invisible, text that looks like a byte
STRANGE_LINES = [
    "unknown 日本",
    "so\u00adft\u200b \ufeff▅\x1c<0x41>x<0xE6>",
    "👩\u200d👧 {name} <b>",
]


def lines(count: int = 300) -> list[str]:
    """Made-up sentences with capitals, punctuation and letters of several languages."""
    drawn = random.Random(4)
    words = (  # noqa: SIM905 - easier to read so
        "the small robot lifts heavy cranes because it was too light el grúa levantó más "
        "pesada der Kran hob die schwere Kiste nhưng nó quá nặng lower lowest newer newest"
    ).split()
    endings = ["en", "er", "ado", "ing", "ung", "mente", "ly", "heit", "ción", "ness"]
    words += [word + ending for word in words for ending in endings]
    sentences = (" ".join(drawn.choices(words, k=drawn.randint(3, 10))) for _ in range(count))
    return [sentence[0].upper() + sentence[1:] + drawn.choice(".!?") for sentence in sentences]


def train(spec: TokenizerSpec, *, family="m2m_100", texts=None) -> Tokenizer:
    if texts is not None:
        return train_tokenizer(texts, spec, family=family, seed=1)
    return trained(spec.model_dump_json(), family)


@cache
def trained(spec: str, family: str) -> Tokenizer:
    """On the lines above; the same ones are wanted often."""
    return train_tokenizer(lines(), TokenizerSpec.model_validate_json(spec), family=family, seed=1)


def ids_of(tokenizer: Tokenizer, *names: str) -> list[int | None]:
    return [tokenizer.backend.token_to_id(name) for name in names]


@KINDS
def test_special_pieces_stand_where_m2m100_needs_them(spec):
    tokenizer = train(spec)
    assert ids_of(tokenizer, "<s>", "<pad>", "</s>", "<unk>") == [0, 1, 2, 3]
    assert (tokenizer.pad_id, tokenizer.eos_id, tokenizer.unk_id) == (1, 2, 3)
    assert tokenizer.vocab_size == spec.vocab_size + 256
    assert tokenizer.byte_ids == tuple(range(spec.vocab_size, spec.vocab_size + 256))


@KINDS
def test_special_pieces_stand_where_marian_needs_them(spec):
    tokenizer = train(spec, family="marian")
    last = spec.vocab_size + 256 - 1
    assert ids_of(tokenizer, "</s>", "<unk>", "<pad>") == [0, 1, last]
    assert (tokenizer.eos_id, tokenizer.unk_id) == (0, 1)
    assert tokenizer.pad_id == tokenizer.vocab_size - 1 == last
    assert ids_of(tokenizer, "<s>") == [None]


@KINDS
def test_every_line_ends_with_the_end_piece_and_comes_back_in_its_normal_form(spec):
    tokenizer = train(spec, texts=[*lines(), *ODD_LINES])
    encoded = tokenizer.encode([*lines(), *ODD_LINES])
    assert {ids[-1] for ids in encoded} == {tokenizer.eos_id}
    decoded = tokenizer.decode(encoded)
    assert decoded[:-6] == lines()
    assert decoded[-6:] == [
        "the small robot lifts the crane",
        "Café, Größe und Maß",
        "a </s> b <pad><unk> <s>c",
        "",
        "¿Qué? “Sí” – 3½ %…",
        "the robot",  # the word-start mark itself is the one character that cannot come back
    ]


@KINDS
def test_text_that_looks_like_a_special_piece_is_spelt_out(spec):
    tokenizer = train(spec)
    for text in ("</s>", "b</s>t", "<unk>", "a <pad> b", "<s><s>"):
        *body, end = tokenizer.encode([text])[0]
        assert end == tokenizer.eos_id
        assert {0, 1, 2}.isdisjoint(body)
        assert tokenizer.decode([[*body, end]]) == [text]


def trained_models(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Collects the models of sentencepiece that are trained from here on."""
    trainer, models = sentencepiece.SentencePieceTrainer.train, []

    def recorded(*, model_writer, **settings):
        trainer(model_writer=model_writer, **settings)
        models.append(model_writer.getvalue())

    monkeypatch.setattr(sentencepiece.SentencePieceTrainer, "train", recorded)
    return models


def test_unigram_ids_are_sentencepieces_own(monkeypatch):
    models = trained_models(monkeypatch)
    texts = [*lines(), *ODD_LINES]
    tokenizer = train(UNIGRAM, texts=texts)
    oracle = sentencepiece.SentencePieceProcessor(model_proto=models[0])
    normal = [tokenizer.normalize(text) for text in texts]
    # its piece 0 is <unk>, our 3; its piece n is our n + 3
    expected = [[n + 3 for n in oracle.encode(text)] + [2] for text in normal]
    assert tokenizer.encode(texts) == expected
    assert sum(len(ids) > 2 for ids in expected) > 300


@KINDS
@pytest.mark.parametrize("ending", [KeyboardInterrupt(), SystemExit(143), DataError("a.en: gone")])
def test_what_ends_the_reading_of_the_text_is_no_fault_of_the_vocabulary(spec, ending):
    def texts():
        yield from ODD_LINES * 20
        raise ending

    with pytest.raises(type(ending)) as caught:
        train_tokenizer(texts(), spec, family="m2m_100", seed=1)
    assert caught.value is ending


@KINDS
def test_the_same_text_gives_the_same_vocabulary_in_another_process(spec):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_tokenizer import *\n"
        "print(train(TokenizerSpec.model_validate_json(sys.argv[2])).fingerprint)"
    )
    arguments = [sys.executable, "-c", program, str(Path(__file__).parent), spec.model_dump_json()]
    other = subprocess.run(
        arguments, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONHASHSEED": "5"},
    )  # fmt: skip
    assert other.stdout.strip() == train(spec).fingerprint
    assert train(spec.model_copy(update={"vocab_size": 150})).fingerprint != train(spec).fingerprint


@KINDS
def test_lower_case_is_part_of_the_saved_file(spec, tmp_path):
    spec = spec.model_copy(update={"lowercase": True})
    train(spec).save(tmp_path)
    stock = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert stock.encode("THE Robot").ids == stock.encode("the robot").ids
    assert load_tokenizer(tmp_path).decode([stock.encode("THE Robot").ids]) == ["the robot"]
    assert train(spec.model_copy(update={"lowercase": False})).encode(["The"]) != (
        train(spec).encode(["the"])
    )


@KINDS
@pytest.mark.parametrize("family", ["m2m_100", "marian"])
def test_a_saved_tokenizer_loads_as_it_was(spec, family, tmp_path):
    tokenizer = train(spec, family=family)
    tokenizer.save(tmp_path, max_length=300)
    loaded = load_tokenizer(tmp_path)
    assert loaded.encode(ODD_LINES) == tokenizer.encode(ODD_LINES)
    assert (loaded.pad_id, loaded.eos_id, loaded.unk_id, loaded.vocab_size) == (
        tokenizer.pad_id, tokenizer.eos_id, tokenizer.unk_id, tokenizer.vocab_size,
    )  # fmt: skip
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert config["model_max_length"] == 300
    assert ("bos_token" in config) == (family == "m2m_100")


def test_saving_and_loading_leaves_the_fingerprint_as_it_is(tmp_path):
    tokenizer = train(UNIGRAM)
    tokenizer.save(tmp_path)
    assert load_tokenizer(tmp_path).fingerprint == tokenizer.fingerprint


def test_the_last_bit_of_a_score_survives_the_file(tmp_path):
    """Digits drawn at random get scores with seventeen digits, some of which read back wrongly."""
    generator = random.Random(0)
    lines = [" ".join(generator.choices("0123456789", k=5)) for _ in range(500)]
    spec = TokenizerSpec(vocab_size=32)
    tokenizer = train_tokenizer(lines, spec, family="m2m_100", seed=1)
    tokenizer.save(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert loaded.piece_scores() == tokenizer.piece_scores()
    assert loaded.fingerprint == tokenizer.fingerprint


STOCK = """
import json, sys
from transformers import AutoTokenizer
lines = json.loads(sys.argv[2])
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
encoded = tokenizer(lines)
assert set(encoded) == {"input_ids", "attention_mask"}, list(encoded)
ids = encoded["input_ids"]
decoded = tokenizer.batch_decode(ids, skip_special_tokens=True)
print(json.dumps([ids, decoded, tokenizer.pad_token_id, tokenizer.eos_token_id,
                  tokenizer.unk_token_id, len(tokenizer), tokenizer.model_max_length]))
"""


def expected_of_stock(tokenizer: Tokenizer, texts: list[str]) -> list[object]:
    ids = tokenizer.encode(texts)
    numbers = [tokenizer.pad_id, tokenizer.eos_id, tokenizer.unk_id, tokenizer.vocab_size, 512]
    return [ids, tokenizer.decode(ids), *numbers]


@KINDS
@pytest.mark.parametrize("family", ["m2m_100", "marian"])
def test_the_stock_tokenizer_of_transformers_5_cuts_alike(spec, family, tmp_path):
    from transformers import AutoTokenizer

    tokenizer = train(spec.model_copy(update={"lowercase": True}), family=family)
    tokenizer.save(tmp_path)
    stock = AutoTokenizer.from_pretrained(str(tmp_path))
    texts = [*lines()[:50], *ODD_LINES, *STRANGE_LINES]
    encoded = stock(texts)
    assert set(encoded) == {"input_ids", "attention_mask"}
    ids = encoded["input_ids"]
    numbers = [stock.pad_token_id, stock.eos_token_id, stock.unk_token_id, len(stock)]
    found = [
        ids,
        stock.batch_decode(ids, skip_special_tokens=True),
        *numbers,
        stock.model_max_length,
    ]
    assert found == expected_of_stock(tokenizer, texts)


@pytest.mark.slow
@KINDS
@pytest.mark.parametrize("family", ["m2m_100", "marian"])
def test_the_stock_tokenizer_of_transformers_4_cuts_alike(spec, family, tmp_path):
    overlay = os.environ.get("SEQ2SEQ_TF4")
    if not overlay:
        pytest.skip("SEQ2SEQ_TF4 names no folder with transformers 4 in it")
    tokenizer = train(spec.model_copy(update={"lowercase": True}), family=family)
    tokenizer.save(tmp_path)
    # as beside a model: transformers 4 must not take a tokenizer class from the model's type
    (tmp_path / "config.json").write_text(json.dumps({"model_type": family}))
    texts = [*lines()[:50], *ODD_LINES, *STRANGE_LINES]
    program = "import transformers; assert transformers.__version__[0] == '4'" + STOCK
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), json.dumps(texts)],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": overlay},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-2000:]
    assert json.loads(result.stdout) == expected_of_stock(tokenizer, texts)


def test_round_trip_counts_planted_unknown_characters_and_nothing_else():
    tokenizer = train(UNIGRAM.model_copy(update={"byte_fallback": False}))
    clean = RoundTripReport.of(tokenizer, lines()).source
    assert (clean.lines, clean.exact, clean.unknown, clean.examples) == (300, 300, 0, ())
    assert "300 of 300 lines come back as they were (100.00 %); 0 of" in clean.to_text()
    planted = RoundTripReport.of(tokenizer, [*lines(), "the 日本 robot 語"]).source
    assert (planted.exact, planted.unknown) == (300, 2)
    assert planted.exact_share == pytest.approx(300 / 301)
    assert planted.unknown_share == pytest.approx(2 / planted.pieces)
    assert planted.examples == ((301, "the 日本 robot 語", "the  robot "),)
    assert "line 301: 'the 日本 robot 語' became 'the  robot '" in planted.to_text()


def test_round_trip_shows_a_side_that_is_lost_whole_beside_one_that_is_not():
    tokenizer = train(UNIGRAM.model_copy(update={"byte_fallback": False}))
    report = RoundTripReport.of(tokenizer, lines(), ["机器人 看见", "机器"])
    assert (report.source.exact_share, report.source.unknown) == (1.0, 0)
    assert (report.target.exact, report.target.unknown) == (0, 3)
    assert (report.both.exact, report.both.lines) == (300, 302)
    source, target, *examples = report.to_text().splitlines()
    assert source.startswith("round trip of the source: 300 of 300 lines")
    assert target.startswith("round trip of the target: 0 of 2 lines")
    assert [line.split(" '")[0] for line in examples] == ["  line 1:", "  line 2:"]
    found = report.to_json()
    assert found["unknown_pieces"] == found["target"]["unknown_pieces"] == 3
    assert found["source"]["unknown_pieces"] == 0


@KINDS
def test_round_trip_counts_the_characters_that_are_spelt_in_bytes(spec):
    tokenizer = train(spec)
    clean = RoundTripReport.of(tokenizer, lines()).source
    assert (clean.exact, clean.spelt) == (300, 0)
    assert "in bytes" not in clean.to_text()
    planted = RoundTripReport.of(tokenizer, [*lines(), "the 日本 robot 語"]).source
    assert (planted.exact, planted.unknown, planted.spelt) == (301, 0, 3)
    assert planted.to_text().endswith(" unknown (0.0000 %); 3 characters spelt in bytes")
    assert planted.to_json()["characters_in_bytes"] == 3


@KINDS
def test_character_coverage_leaves_the_rarest_characters_out(spec):
    texts = [*lines(), "Ωa Ωa Ωa"]
    assert RoundTripReport.of(train(spec, texts=texts), ["Ωa"]).source.spelt == 0
    for fallback in (False, True):
        changes = {"character_coverage": 0.999, "vocab_size": 5000, "byte_fallback": fallback}
        covering = train(spec.model_copy(update=changes), texts=texts)
        report = RoundTripReport.of(covering, ["Ωa"]).source
        assert (report.exact, report.unknown, report.spelt) == (fallback, not fallback, fallback)
        assert not [piece for piece in covering.pieces() if "Ω" in piece]


@pytest.mark.parametrize("spec", [UNIGRAM, BPE], ids=["unigram", "bpe"])
def test_a_text_with_fewer_pieces_gives_a_smaller_vocabulary_and_says_so(spec):
    spec = spec.model_copy(update={"vocab_size": 5000})
    tokenizer = train(spec)
    learnt = tokenizer.vocab_size - 256
    assert 100 < learnt < 1000
    note = vocabulary_note(tokenizer, spec)
    assert note.startswith(f"{learnt} {spec.kind} pieces and 256 bytes instead of 5,000")
    assert ("kind bpe suits" in note) == (spec.kind == "unigram")
    assert RoundTripReport.of(tokenizer, lines()).source.exact == 300


def test_a_vocabulary_of_the_size_asked_for_is_noted_plainly():
    assert vocabulary_note(train(UNIGRAM), UNIGRAM) == "160 unigram pieces and 256 bytes"
    plain = UNIGRAM.model_copy(update={"byte_fallback": False})
    assert vocabulary_note(train(plain), plain) == "160 unigram pieces"


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_a_vocabulary_that_cannot_hold_the_characters_is_refused(kind):
    message = r"tokenizer.vocab_size = 40: .* alone has \d+ characters .*; raise vocab_size"
    with pytest.raises(RecipeError, match=message):
        train(TokenizerSpec(kind=kind, vocab_size=40))


def test_no_text_at_all_is_refused():
    with pytest.raises(RecipeError, match="tokenizer: no vocabulary could be trained"):
        train(UNIGRAM, texts=[])


def test_a_line_with_a_character_that_sentencepiece_reserves_is_trained_on_all_the_same():
    tokenizer = train(UNIGRAM, texts=["zyx▅ zyx\x00 zyx zyx"] * 50)
    assert "▁zyx" in tokenizer.pieces()


def test_long_documents_are_trained_on_whole():
    tokenizer = train(UNIGRAM, texts=[*lines(), "robot " * 2000 + "zyxwv " * 60])
    assert RoundTripReport.of(tokenizer, ["zyxwv"]).source.unknown == 0
    assert "▁zyxwv" in tokenizer.pieces()


@KINDS
def test_a_word_without_end_is_trained_on_in_parts(spec):
    word = "zyxwv" * 40_000  # whole it takes the trainers minutes, or numbers that are too small
    tokenizer = train(spec, texts=[*lines(), word])
    assert RoundTripReport.of(tokenizer, ["zyxwv"]).source.spelt == 0
    assert any("zyxwv" in piece for piece in tokenizer.pieces())
    assert max(map(len, tokenizer.pieces())) <= 32
    parts = tokenizer.split_word("▁" + word[:5000])
    assert "".join(parts) == "▁" + word[:5000]
    assert max(map(len, parts)) <= 6 * 32


def test_a_character_without_end_makes_no_piece_without_end():
    pieces = train(BPE, texts=["x" * 20_000] * 3).pieces()
    assert 16 <= max(map(len, pieces)) <= 32


@pytest.mark.parametrize(
    "text", ["ab " * 2000, "x" * 2500, "a " + "x" * 1500 + " b", "x" * 1000 + " " + "y" * 999]
)
def test_long_text_goes_to_the_trainers_in_parts_without_loss(text):
    parts = list(bounded_parts(["short", text.strip()]))
    assert parts[0] == "short"
    assert max(map(len, parts)) <= 1000
    assert "".join(parts[1:]).replace(" ", "") == text.replace(" ", "")
    words = {word for part in parts for word in part.split()}
    assert {word for word in text.split() if len(word) <= 1000} <= words


def test_byte_pairs_never_join_a_word_and_its_full_stop():
    pieces = train(BPE, texts=["house. house. house."] * 50).pieces()
    assert "▁house" in pieces
    assert not [piece for piece in pieces if len(piece) > 1 and "." in piece]


def test_byte_pairs_of_a_special_pieces_letters_are_left_out():
    tokenizer = train(BPE, texts=["xunkunk unk"] * 50)
    assert tokenizer.backend.token_to_id("<unk>") == 3
    spelt = BPE.model_copy(update={"vocab_size": 40})
    assert 2 not in train(spelt, texts=["a </s> b"] * 50).encode(["</s>"])[0][:-1]


def saved(tmp_path: Path, change=None, *, config=None) -> Path:
    """A saved tokenizer whose tokenizer.json or configuration was changed afterwards."""
    train(UNIGRAM).save(tmp_path)
    for name, edit in (("tokenizer.json", change), ("tokenizer_config.json", config)):
        content = json.loads((tmp_path / name).read_text())
        if edit is not None:
            edit(content)
            (tmp_path / name).write_text(json.dumps(content))
    return tmp_path


def test_a_cut_or_padding_hidden_in_a_stock_file_is_switched_off(tmp_path):
    def hide(content):
        content["truncation"] = {
            "direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0,
        }  # fmt: skip
        content["padding"] = {
            "strategy": {"Fixed": 50}, "direction": "Right", "pad_to_multiple_of": None,
            "pad_id": 1, "pad_type_id": 0, "pad_token": "<pad>",
        }  # fmt: skip

    tokenizer = load_tokenizer(saved(tmp_path, hide))
    assert tokenizer.encode(lines()) == train(UNIGRAM).encode(lines())


def test_special_names_may_be_objects_or_stand_in_the_file_of_transformers_4(tmp_path):
    def move(config):
        del config["unk_token"]
        config["eos_token"] = {"content": "</s>", "special": True}

    folder = saved(tmp_path, config=move)
    (folder / "special_tokens_map.json").write_text(json.dumps({"unk_token": "<unk>"}))
    tokenizer = load_tokenizer(folder)
    assert (tokenizer.eos_id, tokenizer.unk_id) == (2, 3)


def test_text_is_text_too_where_a_folder_of_others_leaves_that_open(tmp_path):
    folder = saved(tmp_path, config=lambda config: config.pop("split_special_tokens"))
    tokenizer = load_tokenizer(folder)
    text = "b</s>t <pad>"
    assert tokenizer.decode(tokenizer.encode([text])) == [text]


def test_a_tokenizer_that_cannot_be_used_says_why(tmp_path):
    with pytest.raises(ModelError, match=r"tokenizer\.json: no such file, needed a tokenizer in"):
        load_tokenizer(tmp_path)
    folder = saved(tmp_path, config=lambda config: config.pop("eos_token"))
    with pytest.raises(ModelError, match="'eos_token' is None, which the vocabulary does not hold"):
        load_tokenizer(folder)
    folder = saved(tmp_path, config=lambda config: config.update(pad_token="[PAD]"))
    with pytest.raises(ModelError, match=r"'pad_token' is '\[PAD\]', which the vocabulary"):
        load_tokenizer(folder)
    folder = saved(tmp_path, lambda content: content.update(post_processor=None))
    with pytest.raises(ModelError, match="does not end with the end-of-sentence piece"):
        load_tokenizer(folder)
    folder = saved(tmp_path, lambda content: content["post_processor"]["special_tokens"].clear())
    panic = r"tokenizer\.json: cannot be opened, .*: no entry found for key"
    with pytest.raises(ModelError, match=panic):
        load_tokenizer(folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"not JSON|tokenizer.json: cannot be opened"):
        load_tokenizer(folder)


def test_sampling_is_refused_for_a_tokenizer_that_has_no_words_or_another_kind(tmp_path):
    def whole(content):
        content["pre_tokenizer"]["pretokenizers"][0]["split"] = False

    with pytest.raises(ModelError, match="cuts whole sentences at once"):
        load_tokenizer(saved(tmp_path, whole)).split_words(["a b"])
    with pytest.raises(
        ModelError, match=r"its kind is Unigram, tokenizer\.bpe_dropout needs plain"
    ):
        train(UNIGRAM).merge_ranks()
    with pytest.raises(ModelError, match=r"its kind is BPE, tokenizer\.sampling_alpha needs plain"):
        train(BPE).piece_scores()
