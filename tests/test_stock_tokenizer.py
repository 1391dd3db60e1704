"""Tokenizers of published models: the ids of their stock classes, before and after saving."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from transformers import AutoTokenizer

from seq2seq.data.encoded_corpora import NO_CACHE, encode_corpus
from seq2seq.data.pair_table import PairTable
from seq2seq.data.parallel_text import read_text
from seq2seq.data.prepare import prepare
from seq2seq.errors import ModelError
from seq2seq.recipe import CleaningSpec, CorpusSpec, DataSpec, TokenizerSpec
from seq2seq.round_trip import RoundTripReport
from seq2seq.stock_tokenizer import StockTokenizer, open_tokenizer
from seq2seq.tokenizer import Tokenizer, train_tokenizer
from tests.stock_layouts import ENGLISH, GERMAN, m2m100, nllb, opus_mt, sentences, write_pairs

Languages = tuple[str, str]
LAYOUTS: dict[str, tuple[Callable[[Path], Path], Languages | None]] = {
    "opus-mt": (opus_mt, None),
    "nllb": (nllb, ("eng_Latn", "deu_Latn")),
    "m2m100": (m2m100, ("en", "de")),
}
SOURCES = [*sentences(ENGLISH, 40), "", "  the  robot 日本 ", "½ “Kran” – 3 %…", "Cafe\u0301"]
TARGETS = [*sentences(GERMAN, 40, seed=2), "", "größer  als\u00a0½", "der 日 Kran"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("layouts")
    return {name: make(root / name) for name, (make, _) in LAYOUTS.items()}


@pytest.fixture(scope="module", params=list(LAYOUTS))
def case(request: pytest.FixtureRequest, folders: dict[str, Path]) -> tuple[Path, Any]:
    """A folder, and its languages."""
    return folders[request.param], LAYOUTS[request.param][1]


def stock(folder: Path, languages: Languages | None) -> Any:
    told = {} if languages is None else {"src_lang": languages[0], "tgt_lang": languages[1]}
    return AutoTokenizer.from_pretrained(folder, **told)


def test_ids_of_both_sides_are_those_of_the_stock_class(case: tuple[Path, Any]) -> None:
    tokenizer, oracle = open_tokenizer(case[0], languages=case[1]), stock(*case)
    assert tokenizer.encode(SOURCES) == oracle(SOURCES)["input_ids"]
    assert tokenizer.encode_target(TARGETS) == oracle(text_target=TARGETS)["input_ids"]
    assert (tokenizer.eos_id, tokenizer.pad_id, tokenizer.unk_id) == (
        oracle.eos_token_id, oracle.pad_token_id, oracle.unk_token_id,
    )  # fmt: skip
    assert tokenizer.encode([]) == tokenizer.encode_target([]) == []


def test_source_and_target_are_cut_by_different_rules(case: tuple[Path, Any]) -> None:
    """Else the test above would pass for a program that knows one side only."""
    tokenizer = open_tokenizer(case[0], languages=case[1])
    assert tokenizer.encode(TARGETS) != tokenizer.encode_target(TARGETS)


def test_text_comes_back_as_the_stock_class_writes_it(case: tuple[Path, Any]) -> None:
    tokenizer, oracle = open_tokenizer(case[0], languages=case[1]), stock(*case)
    rows = tokenizer.encode_target(TARGETS)
    rows.append([*rows[0][:-1], tokenizer.unk_id, tokenizer.eos_id, tokenizer.pad_id])
    assert tokenizer.decode(rows) == oracle.batch_decode(rows, skip_special_tokens=True)
    assert tokenizer.decode(tokenizer.encode(SOURCES[:40])) == SOURCES[:40]


def test_every_target_begins_with_its_tag_where_there_are_tags(folders: dict[str, Path]) -> None:
    first = {
        name: open_tokenizer(folders[name], languages=languages).first_id
        for name, (_, languages) in LAYOUTS.items()
    }
    assert first["opus-mt"] is None
    assert first["nllb"] == stock(folders["nllb"], None).convert_tokens_to_ids("deu_Latn")
    assert first["m2m100"] == stock(folders["m2m100"], None).get_lang_id("de")


def test_a_saved_tokenizer_needs_to_be_told_nothing(case: tuple[Path, Any], tmp_path: Path) -> None:
    folder, languages = case
    tokenizer = open_tokenizer(folder, languages=languages)
    tokenizer.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(tokenizer.file_names)
    for name in tokenizer.file_names:
        if name != "tokenizer_config.json":
            assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    oracle, again = AutoTokenizer.from_pretrained(tmp_path), open_tokenizer(tmp_path)
    assert oracle(SOURCES)["input_ids"] == again.encode(SOURCES) == tokenizer.encode(SOURCES)
    targets = tokenizer.encode_target(TARGETS)
    assert oracle(text_target=TARGETS)["input_ids"] == again.encode_target(TARGETS) == targets
    assert oracle.batch_decode(targets, skip_special_tokens=True) == tokenizer.decode(targets)
    assert again.fingerprint == tokenizer.fingerprint
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == type(oracle).__name__
    assert config["model_input_names"] == ["input_ids", "attention_mask"]


def test_tags_that_the_files_leave_out_are_still_no_text(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    """Without a list of special pieces the stock class of M2M100 prints its tags."""
    shutil.copytree(folders["m2m100"], tmp_path / "bare")
    (tmp_path / "bare" / "special_tokens_map.json").unlink()
    tokenizer = open_tokenizer(tmp_path / "bare", languages=("en", "de"))
    rows = tokenizer.encode_target(["der Kran"])
    bare = stock(tmp_path / "bare", ("en", "de"))
    assert bare.batch_decode(rows, skip_special_tokens=True) == ["__de__ der Kran"]
    assert tokenizer.decode(rows) == ["der Kran"]
    tokenizer.save(tmp_path / "saved")
    saved = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert saved.batch_decode(rows, skip_special_tokens=True) == ["der Kran"]
    assert saved(text_target=["der Kran"])["input_ids"] == rows


def test_ids_have_spellings_and_none_is_beyond_the_vocabulary(case: tuple[Path, Any]) -> None:
    tokenizer, oracle = open_tokenizer(case[0], languages=case[1]), stock(*case)
    ids = sorted({number for row in tokenizer.encode_target(TARGETS) for number in row})
    assert [tokenizer.piece(number) for number in ids] == oracle.convert_ids_to_tokens(ids)
    assert tokenizer.vocab_size > max(ids)
    assert tokenizer.piece(tokenizer.vocab_size) is None


@pytest.mark.parametrize("text", ["a </s>b", "der<pad> Kran", "<unk> <s>", "deu_Latn __de__"])
def test_a_special_piece_that_a_user_typed_is_cut_like_any_text(
    case: tuple[Path, Any], text: str
) -> None:
    """The oracle is sentencepiece, which knows no special pieces in text."""
    folder, languages = case
    tokenizer, oracle = open_tokenizer(folder, languages=languages), stock(folder, languages)
    for encode, side in ((tokenizer.encode, "source"), (tokenizer.encode_target, "target")):
        file = folder / ("sentencepiece.bpe.model" if languages else f"{side}.spm")
        pieces = sentencepiece.SentencePieceProcessor(str(file)).encode(text, out_type=str)
        frame = encode([""])[0]
        wanted = [*frame[:-1], *oracle.convert_tokens_to_ids(pieces), tokenizer.eos_id]
        before, found, after = encode(["fine", text, "fine"])
        assert found == wanted
        assert before == after == encode(["fine"])[0]


def test_places_in_a_text_with_a_special_piece_cover_it(folders: dict[str, Path]) -> None:
    tokenizer = open_tokenizer(folders["nllb"], languages=("eng_Latn", "deu_Latn"))
    (spans,), (ids,) = tokenizer.spans(["a </s> b"]), tokenizer.encode(["a </s> b"])
    assert len(spans) == len(ids)
    assert spans[-2] == (7, 8)
    assert {place for start, end in spans for place in range(start, end)} >= set(range(2, 6))


def test_the_target_is_that_asked_for_else_that_of_the_files_else_the_forced_piece(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "nllb"
    shutil.copytree(folders["nllb"], folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | {"src_lang": "eng_Latn"}
    oracle = stock(folder, None).convert_tokens_to_ids

    def first(asked: str | None = None) -> int | None:
        return open_tokenizer(folder, languages=(None, asked)).first_id

    (folder / "generation_config.json").write_text(
        json.dumps({"forced_bos_token_id": oracle("fra_Latn")})
    )
    path.write_text(json.dumps(config))
    assert first() == oracle("fra_Latn")
    path.write_text(json.dumps(config | {"tgt_lang": "deu_Latn"}))
    assert first() == oracle("deu_Latn")
    assert first("eng_Latn") == oracle("eng_Latn")
    assert first("deu") == first("de-DE") == oracle("deu_Latn")
    with pytest.raises(
        ModelError, match=r"the target language is 'dexter' \(did you mean deu_Latn\?\)"
    ):
        first("dexter")


def test_an_opus_model_of_several_targets_is_told_its_target(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "opus"
    shutil.copytree(folders["opus-mt"], folder)
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    tags = {f">>{code}<<": len(vocabulary) + n for n, code in enumerate(("deu", "fra"))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary | tags))
    tokenizer = open_tokenizer(folder)
    assert isinstance(tokenizer, StockTokenizer)
    assert [tokenizer.lead(text) for text in ("the", ">>fra<< the")] == ["", ">>fra<< "]
    tokenizer.write_in("deu")
    assert [tokenizer.lead(text) for text in ("the", ">>fra<< the")] == [">>deu<< ", ">>fra<< "]
    assert tokenizer.encode([tokenizer.lead("the") + "the"])[0][0] == tags[">>deu<<"]
    with pytest.raises(
        ModelError,
        match=r"the target is 'dexter' \(did you mean deu\?\), needed one of the 2 .*: deu, fra",
    ):
        tokenizer.write_in("dexter")
    tokenizer.write_in("de")
    assert tokenizer.lead("the") == ">>deu<< "
    assert tokenizer.remarks == ("the target language 'de' is 'deu' to this model",)


def test_both_unknown_languages_are_told_with_those_that_begin_alike(
    folders: dict[str, Path],
) -> None:
    problem = (
        r"the source language is 'engl' \(did you mean eng_Latn\?\); the target language is 'xx'; "
        "needed two of the 3 languages that the tokenizer knows: give a recipe source_tag and "
        r"target_tag \(and \[new_language\] for one that is not among them\), .*; "
        "it knows deu_Latn, eng_Latn, fra_Latn"
    )
    with pytest.raises(ModelError, match=problem):
        open_tokenizer(folders["nllb"], languages=("engl", "xx"))
    with pytest.raises(ModelError, match="the source language is not given; the target language"):
        open_tokenizer(folders["m2m100"])


def test_a_missing_file_is_named(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["opus-mt"], tmp_path / "opus")
    (tmp_path / "opus" / "target.spm").unlink()
    config = tmp_path / "opus" / "tokenizer_config.json"
    config.write_text('{"tokenizer_class": "MarianTokenizer"}')
    with pytest.raises(ModelError, match=r"no target.spm, which MarianTokenizer needs"):
        open_tokenizer(tmp_path / "opus")


def test_two_vocabularies_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["opus-mt"], tmp_path / "opus")
    (tmp_path / "opus" / "target_vocab.json").write_bytes(
        (tmp_path / "opus" / "vocab.json").read_bytes()
    )
    (tmp_path / "opus" / "tokenizer_config.json").write_text('{"separate_vocabs": true}')
    with pytest.raises(ModelError, match="source and target have vocabularies of their own"):
        open_tokenizer(tmp_path / "opus")


def test_a_tag_behind_the_end_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["nllb"], tmp_path / "old")
    config = json.loads((tmp_path / "old" / "tokenizer_config.json").read_text())
    text = json.dumps(config | {"legacy_behaviour": True})
    (tmp_path / "old" / "tokenizer_config.json").write_text(text)
    with pytest.raises(ModelError, match=r"an empty text becomes .*check legacy_behaviour"):
        open_tokenizer(tmp_path / "old", languages=("eng_Latn", "deu_Latn"))


def test_another_language_or_file_is_another_fingerprint(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    one = open_tokenizer(folders["nllb"], languages=("eng_Latn", "deu_Latn"))
    other = open_tokenizer(folders["nllb"], languages=("eng_Latn", "fra_Latn"))
    assert one.fingerprint != other.fingerprint
    shutil.copytree(folders["opus-mt"], tmp_path / "opus")
    before = open_tokenizer(tmp_path / "opus").fingerprint
    assert before == open_tokenizer(folders["opus-mt"]).fingerprint
    shutil.copyfile(tmp_path / "opus" / "source.spm", tmp_path / "opus" / "target.spm")
    assert open_tokenizer(tmp_path / "opus").fingerprint != before


def test_places_of_pieces_are_told_by_classes_that_know_them(folders: dict[str, Path]) -> None:
    tokenizer = open_tokenizer(folders["nllb"], languages=("eng_Latn", "deu_Latn"))
    text = "The robot lifts a crane."
    (spans,), (ids,) = tokenizer.spans([text]), tokenizer.encode([text])
    written = [tokenizer.piece(number) for number in ids]
    found = [text[start:end] for start, end in spans]
    # behind the tag stands a mark that is put before the text and has no place of its own
    assert [one.strip() for one in found[2:-1]] == [
        str(piece).replace("▁", "") for piece in written[2:-1]
    ]
    with pytest.raises(ModelError, match=r"MarianTokenizer does not tell where .*set both to 0"):
        open_tokenizer(folders["opus-mt"]).spans([text])


def test_round_trips_cut_each_side_by_its_own_rules(folders: dict[str, Path]) -> None:
    tokenizer = open_tokenizer(folders["opus-mt"])
    report = RoundTripReport.of(tokenizer, SOURCES[:40], TARGETS[:40]).both
    assert (report.lines, report.exact, report.unknown) == (80, 80, 0)
    turned = RoundTripReport.of(tokenizer, TARGETS[:40], SOURCES[:40]).both
    assert turned.pieces > report.pieces
    assert (turned.exact, turned.unknown) != (80, 0)


def test_training_data_holds_each_side_by_its_own_rules(folders: dict[str, Path]) -> None:
    tokenizer = open_tokenizer(folders["opus-mt"])
    pairs = {"source": SOURCES[:20], "target": TARGETS[:20]}
    encoded = encode_corpus(PairTable.of(pairs), tokenizer, NO_CACHE)
    assert [row.tolist() for row in encoded.source] == tokenizer.encode(SOURCES[:20])
    assert [row.tolist() for row in encoded.target] == tokenizer.encode_target(TARGETS[:20])


def test_a_tokenizer_that_knows_no_words_cannot_be_sampled(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    write_pairs(tmp_path / "some.tsv", 5)
    file = CorpusSpec(file=str(tmp_path / "some.tsv"), source_field="1", target_field="2")
    text = read_text(DataSpec(train=(file,), dev=file, cleaning=CleaningSpec(overlap="keep")))
    tokenizer, plain = open_tokenizer(folders["opus-mt"]), TokenizerSpec()
    assert prepare(text, tokenizer, plain, seed=1).pairs == 5
    with pytest.raises(ModelError, match=r"does not cut text word by word, .*; set sampling_alpha"):
        prepare(text, tokenizer, TokenizerSpec(sampling_alpha=0.1), seed=1)


def test_special_pieces_that_training_text_spells_are_counted_with_their_rows(
    case: tuple[Path, Any], tmp_path: Path
) -> None:
    rows = [("the robot", "der Kran"), ("a <s>heavy</s> crane", "er"), ("it", "neuer <unk>")]
    for name, pairs in {"one": [*rows, ("", "leer")], "two": rows[:1]}.items():
        text = "".join(f"{source}\t{target}\n" for source, target in pairs)
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    one, two = (
        CorpusSpec(file=str(tmp_path / f"{name}.tsv"), source_field="1", target_field="2")
        for name in ("one", "two")
    )
    tokenizer = open_tokenizer(case[0], languages=case[1])
    keep = CleaningSpec(overlap="keep")
    text = read_text(DataSpec(train=(two, one), dev=two, cleaning=keep))
    report = prepare(text, tokenizer, TokenizerSpec(), seed=1).report.to_text()
    where = f"row 2 of {one.file}, row 3 of {one.file}"
    assert f"spelling of a special piece: 2 read as text (as {where})" in report
    text = read_text(DataSpec(train=(two,), dev=two, cleaning=keep))
    report = prepare(text, tokenizer, TokenizerSpec(), seed=1).report.to_text()
    assert "spelling of a special piece: none" in report


def test_a_folder_with_nothing_but_tokenizer_json_is_ours(tmp_path: Path) -> None:
    spec = TokenizerSpec(kind="bpe", vocab_size=60)
    train_tokenizer(SOURCES, spec, family="m2m_100", seed=1).save(tmp_path)
    assert isinstance(open_tokenizer(tmp_path), Tokenizer)


def test_what_transformers_4_cannot_read_is_written_in_its_words(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    """As transformers 5 saves a tokenizer of language tags."""
    loaded = stock(folders["nllb"], ("eng_Latn", "deu_Latn"))
    loaded.save_pretrained(tmp_path / "five")
    config = json.loads((tmp_path / "five" / "tokenizer_config.json").read_text())
    assert isinstance(config.get("extra_special_tokens"), list)
    tokenizer = open_tokenizer(tmp_path / "five")
    assert isinstance(tokenizer, StockTokenizer)
    tokenizer.save(tmp_path / "saved")
    config = json.loads((tmp_path / "saved" / "tokenizer_config.json").read_text())
    assert "extra_special_tokens" not in config
    again = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert again(SOURCES)["input_ids"] == loaded(SOURCES)["input_ids"]
    assert again(text_target=TARGETS)["input_ids"] == loaded(text_target=TARGETS)["input_ids"]
