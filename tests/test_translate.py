"""The models here are random: what counts is which text goes in, and where its output comes out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
from tokenizers import models, pre_tokenizers, processors

from seq2seq.decode.options import DecodeOptions
from seq2seq.decode.search import decode
from seq2seq.decode.stored import stored_options
from seq2seq.errors import DataError, ModelError
from seq2seq.model.config import build_config
from seq2seq.model.stock import save_model
from seq2seq.model.transformer import Transformer
from seq2seq.tokenizer import Tokenizer
from seq2seq.translate import Report, Translator

WORDS = ["Ann", "sees", "Bob", "The", "dog", "runs", "and", "we", "sleep", ".", ","]
POSITIONS = 12
OPTIONS = DecodeOptions(beams=2, max_length_factor=0, max_length_offset=6)


def word_tokenizer() -> Tokenizer:
    """One piece for each word and mark; everything else is unknown."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *WORDS]
    backend = tokenizers.Tokenizer(
        models.WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="<unk>")
    )
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 2)]
    )
    backend.add_special_tokens(pieces[:4])
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return Tokenizer(backend, names)


def small_model(vocabulary: int = 4 + len(WORDS)) -> Transformer:
    config = build_config(
        "m2m_100", vocab_size=vocabulary, width=16, ffn_width=32, heads=2, encoder_layers=1,
        decoder_layers=1, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0,
        activation="relu", scale_embedding=True, max_positions=POSITIONS,
    )  # fmt: skip
    torch.manual_seed(1)
    model = Transformer(config).eval()
    # New weights listen little to the source; different inputs are to have different outputs.
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "cross_attention.key_value" in name or "cross_attention.output" in name:
                parameter.mul_(20)
    return model


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator(small_model(), word_tokenizer(), OPTIONS)


def alone(translator: Translator, text: str) -> str:
    """What decoding itself makes of one short text."""
    best = decode(translator.model, translator.tokenizer.encode([text]), OPTIONS)[0][0]
    return translator.tokenizer.decode([best.ids])[0]


LONG = "Ann sees Bob . The dog runs and we sleep . Bob sleep ."


def test_there_is_one_output_for_every_input_in_order(translator: Translator) -> None:
    texts = ["The dog runs .", "", "Ann sees Bob .", "   \t", "we sleep"]
    found = translator.translate(texts)
    expected = [alone(translator, text) if text.strip() else "" for text in texts]
    assert [one.text for one in found] == expected
    assert len(set(expected)) == 4  # three different outputs and the empty one


def test_blank_input_gives_empty_output_and_is_counted(translator: Translator) -> None:
    found = translator.translate(["", "  ", "\r", "\N{NO-BREAK SPACE}", "Ann"])
    assert [one.text for one in found[:4]] == ["", "", "", ""]
    assert [one.parts for one in found] == [0, 0, 0, 0, 1]
    report = Report.of(found)
    assert (report.lines, report.empty) == (5, 4)


def test_long_input_is_split_into_sentences_and_joined(translator: Translator) -> None:
    found = translator.translate(["Ann", LONG])
    sentences = ["Ann sees Bob .", "The dog runs and we sleep .", "Bob sleep ."]
    wanted = " ".join(alone(translator, sentence) for sentence in sentences).strip()
    assert found[1].text == wanted
    assert found[1].parts == 3
    report = Report.of(found)
    assert (report.lines, report.split, report.truncated) == (2, 1, 0)


def test_what_just_fits_is_not_split(translator: Translator) -> None:
    fits, too_long = "Ann . " * 5 + "Ann", "Ann . " * 6
    found = translator.translate([fits, too_long])
    assert [one.parts for one in found] == [1, 6]


def test_a_split_output_has_the_log_probability_of_all_its_parts(translator: Translator) -> None:
    found = translator.translate([LONG], OPTIONS)[0].candidates[0]
    sentences = ["Ann sees Bob .", "The dog runs and we sleep .", "Bob sleep ."]
    parts = [
        h[0] for h in decode(translator.model, translator.tokenizer.encode(sentences), OPTIONS)
    ]
    total = sum(part.log_probability for part in parts)
    assert found.log_probability == pytest.approx(total, abs=1e-5)
    assert found.score == pytest.approx(total / sum(len(part.ids) for part in parts), abs=1e-5)


def test_long_input_can_be_truncated_and_the_loss_is_counted(translator: Translator) -> None:
    pieces = translator.tokenizer.encode([LONG])[0]
    found = translator.translate([LONG, "Ann"], long="truncate")
    begin = decode(translator.model, [[*pieces[: POSITIONS - 1], 2]], OPTIONS)[0][0]
    assert found[0].text == translator.tokenizer.decode([begin.ids])[0]
    assert [one.dropped for one in found] == [len(pieces) - POSITIONS, 0]
    report = Report.of(found)
    assert (report.truncated, report.dropped_pieces) == (1, len(pieces) - POSITIONS)


def test_long_input_can_be_refused_with_its_line(translator: Translator) -> None:
    message = (
        r"input: line 2 has '15' pieces, line 4 has '13' pieces, needed at most 12; split them"
    )
    with pytest.raises(DataError, match=message):
        translator.translate(["Ann", LONG, "Bob", "Ann . " * 6], long="refuse")
    with pytest.raises(DataError, match=r"line 3 has '15' pieces and 2 more, needed at most 12"):
        translator.translate([LONG] * 5, long="refuse")


def test_a_lower_limit_than_the_models_can_be_set(translator: Translator) -> None:
    found = translator.translate(["Ann sees Bob . The dog runs ."], max_source_pieces=6)
    assert found[0].parts == 2
    with pytest.raises(DataError, match="max_source_pieces is '1', needed at least 2"):
        translator.translate(["Ann"], max_source_pieces=1)


def test_a_line_break_inside_an_input_is_refused(translator: Translator) -> None:
    with pytest.raises(DataError, match="input: text 2 contains a line break, needed one line"):
        translator.translate(["Ann", "The dog\nruns"])


def test_other_line_separators_are_white_space(translator: Translator) -> None:
    odd, plain = translator.translate(["The\u2028dog\rruns", "The dog runs"])
    assert odd.text == plain.text


def test_unknown_pieces_are_counted(translator: Translator) -> None:
    found = translator.translate(["Ann sees Zoe", "qqq zzz", "Bob"])
    assert [one.unknown for one in found] == [1, 2, 0]
    assert Report.of(found).unknown_pieces == 3


def test_candidates_come_best_first_with_their_scores(translator: Translator) -> None:
    options = DecodeOptions(beams=4, n_best=3, max_length_factor=0, max_length_offset=6)
    for one in translator.translate(["The dog runs .", LONG], options):
        assert len(one.candidates) == 3
        assert one.text == one.candidates[0].text
        scores = [candidate.score for candidate in one.candidates]
        assert scores == sorted(scores, reverse=True)


def test_outputs_cut_off_at_the_length_limit_are_counted(translator: Translator) -> None:
    options = DecodeOptions(beams=1, max_length_factor=0, max_length_offset=1)
    found = translator.translate(["The dog runs .", "Ann sees Bob .", ""], options)
    ended = [one.candidates[0].ended for one in found if one.candidates]
    assert Report.of(found).unfinished == ended.count(False) > 0


def test_a_stream_gives_what_one_call_gives(translator: Translator) -> None:
    texts = ["The dog runs .", "", LONG, "Zoe", "we sleep"]
    chunks = list(translator.stream(iter(texts), chunk_lines=2))
    assert [len(chunk.translations) for chunk in chunks] == [2, 2, 1]
    streamed = [one.text for chunk in chunks for one in chunk.translations]
    assert streamed == [one.text for one in translator.translate(texts)]
    total = sum((chunk.report for chunk in chunks), Report())
    assert (total.lines, total.empty, total.split, total.unknown_pieces) == (5, 1, 1, 1)
    assert total.seconds > 0


def test_a_stream_reads_no_further_than_it_has_to(translator: Translator) -> None:
    read: list[int] = []

    def lines() -> Iterator[str]:
        for number in range(10):
            read.append(number)
            yield "Ann"

    stream = translator.stream(lines(), chunk_lines=3)
    next(stream)
    assert read == [0, 1, 2]


def test_a_stream_names_the_line_of_the_whole_input(translator: Translator) -> None:
    with pytest.raises(DataError, match="input: line 5 has '15' pieces"):
        list(translator.stream(["Ann"] * 4 + [LONG], long="refuse", chunk_lines=2))


def test_the_report_says_what_is_not_zero() -> None:
    assert Report(lines=1200, seconds=3.04).sentences() == "1,200 lines in 3.0 s"
    report = Report(3, 1, 2, 1, 1500, 7, 1, 0.5)
    assert report.sentences() == (
        "3 lines in 0.5 s; 1 empty; 2 longer than the model can read, split; 1 longer than the "
        "model can read, 1,500 pieces cut; 1 outputs cut off at the length limit; 7 pieces unknown "
        "to the model"
    )


def test_a_folder_is_loaded_with_the_search_it_asks_for(
    translator: Translator, tmp_path: Path
) -> None:
    save_model(translator.model, tmp_path / "best")
    translator.tokenizer.save(tmp_path / "best")
    for folder in (tmp_path, tmp_path / "best"):
        loaded = Translator.load(folder)
        assert loaded.options == DecodeOptions(beams=5)
        found = loaded.translate([LONG], OPTIONS)
        assert [one.text for one in found] == [one.text for one in translator.translate([LONG])]


@pytest.mark.parametrize(
    ("stored", "options"),
    [
        ({}, DecodeOptions(early_stopping=True)),
        ({"num_beams": 4, "early_stopping": False}, DecodeOptions(beams=4, early_stopping=False)),
        ({"early_stopping": "never"}, DecodeOptions(early_stopping=False)),
        (
            {"length_penalty": 0.6, "no_repeat_ngram_size": 3, "forced_bos_token_id": 9},
            DecodeOptions(length_penalty=0.6, no_repeat_ngram=3, first_id=9),
        ),
        ({"no_repeat_ngram_size": None, "num_beams": None}, DecodeOptions()),
    ],
)
def test_generation_settings_are_read(
    stored: dict[str, Any], options: DecodeOptions, tmp_path: Path
) -> None:
    (tmp_path / "generation_config.json").write_text(json.dumps(stored), encoding="utf-8")
    assert stored_options(tmp_path) == options


def test_without_generation_settings_the_defaults_stand(tmp_path: Path) -> None:
    assert stored_options(tmp_path) == DecodeOptions()


def test_damaged_generation_settings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "generation_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"generation_config.json: not JSON .*, copy or download"):
        stored_options(tmp_path)


def test_a_tokenizer_of_another_model_is_refused() -> None:
    with pytest.raises(ModelError, match="tokenizer has '15' pieces, the model '10'; needed the"):
        Translator(small_model(vocabulary=10), word_tokenizer())
