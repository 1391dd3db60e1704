"""From a stock model to a page: the right pieces, words, rows and maps."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from seq2seq.errors import DataError, ModelError
from seq2seq.probe.items.pieces import pieces_of
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.attention_page import show_text
from seq2seq.probe.report.image_page import show_image
from seq2seq.viewer.content import Head, Text
from seq2seq.viewer.page import attention_page
from seq2seq.viewer.words import word_label
from tests.probe.stock_models import VIT, scatter
from tests.stock_layouts import m2m100, nllb
from tests.viewer.sample_page import gradient_png

TEXT = "The robot picked up the wrench because it was heavy."


def byte_tokenizer(*, closes: bool) -> Any:
    """Byte pairs learnt from a few words, so that other words have several pieces."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=290,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=special,
        show_progress=False,
    )
    tokenizer.train_from_iterator(["the robot because it was"] * 4, trainer)
    if closes:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A </s>", special_tokens=[("</s>", 2)]
        )
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", pad_token="<pad>", eos_token="</s>"
    )


def translator(**given: Any) -> StockModel:
    tokenizer = byte_tokenizer(closes=True)
    config = hf.BartConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=3, decoder_layers=1,
        encoder_attention_heads=4, decoder_attention_heads=2, encoder_ffn_dim=16,
        decoder_ffn_dim=16, max_position_embeddings=80, pad_token_id=1, bos_token_id=0,
        eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=None, **given,
    )  # fmt: skip
    torch.manual_seed(0)
    model = scatter(hf.BartForConditionalGeneration(config))
    model.generation_config.max_new_tokens = 12
    return StockModel(model, tokenizer, name="tiny")


def writer() -> StockModel:
    tokenizer = byte_tokenizer(closes=False)
    config = hf.GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=2, n_head=2,
                           n_positions=64, bos_token_id=0, eos_token_id=2)  # fmt: skip
    return StockModel(scatter(hf.GPT2LMHeadModel(config)), tokenizer, name="tiny-gpt")


def test_heads_that_share_their_keys_are_told_to_the_page() -> None:
    tokenizer = byte_tokenizer(closes=False)
    config = hf.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=8, num_key_value_heads=2, max_position_embeddings=64, pad_token_id=1,
    )  # fmt: skip
    model = StockModel(scatter(hf.LlamaForCausalLM(config)), tokenizer, name="tiny-llama")
    page = show_text(model, "the robot because it was")
    (panel,) = page.examples[0].readings[0].panels
    assert (panel.stack, panel.maps.shape[:2], panel.group) == ("decoder", (2, 8), 4)
    (plain,) = show_text(writer(), "it was").examples[0].readings[0].panels
    assert plain.group == 1


def words(text: Text) -> list[str]:
    """Its words; a piece that is only the mark of a blank is a word of its own."""
    labels = [word_label(text, word) for word in range(text.words[-1] + 1)]
    return [label for label in labels if label != "␣"]


def test_a_translation_by_hand_is_shown_row_by_row_as_it_is_written() -> None:
    model = translator()
    page = show_text(model, TEXT, target="la llave era pesada")
    (reading,) = page.examples[0].readings
    source, target = reading.texts
    assert words(source) == [
        "The", "robot", "picked", "up", "the", "wrench", "because", "it", "was", "heavy", ".",
        "</s>",
    ]  # fmt: skip
    assert words(target) == [
        "</s>", "la", "llave", "era", "pesada", "</s>",
    ]  # fmt: skip
    source_ids = pieces_of(model.tokenizer, TEXT).ids
    target_ids = pieces_of(model.tokenizer, "la llave era pesada").ids
    maps = model.read(model.inputs([source_ids], [(2, *target_ids[:-1])])).maps
    for panel in reading.panels:
        np.testing.assert_array_equal(panel.maps, maps[panel.stack][:, 0].numpy())
        assert panel.first_query == (panel.stack != "encoder")
    assert reading.panel("cross").maps.shape[-2:] == (len(target_ids), len(source_ids))  # type: ignore[union-attr]
    assert page.start == Head("encoder", 2), "the text has an “it”"
    assert show_text(model, "The robot was heavy.").start == Head("cross", 0)


def test_what_the_model_writes_by_itself_is_what_generate_writes() -> None:
    model = translator()
    page = show_text(model, TEXT)
    ids = torch.tensor([pieces_of(model.tokenizer, TEXT).ids])
    written = model.model.generate(input_ids=ids, attention_mask=torch.ones_like(ids))[0]
    target = page.examples[0].readings[0].texts[1]
    assert len(target.pieces) == len(written)
    assert page.examples[0].readings[0].panels[1].maps.shape[-2] == len(written) - 1
    assert any("shown piece by piece" in note for note in page.notes), "random bytes are no text"


@pytest.mark.parametrize("named", [{"max_new_tokens": 7}, {"max_length": 30}, {}], ids=str)
def test_a_translation_is_as_long_as_translate_makes_it_and_a_cut_is_said(
    named: dict[str, int],
) -> None:
    """The model ends nothing. Without a limit in its folder the library would stop after 20."""
    model = translator()
    end = model.tokenizer.eos_token_id
    with torch.no_grad():
        model.model.final_logits_bias[0, end] = -1e4
    model.model.generation_config.update(max_new_tokens=None, max_length=None)
    model.model.generation_config.update(**named)
    page = show_text(model, "the robot")
    read = len(page.examples[0].readings[0].texts[0].pieces)
    most = named.get("max_new_tokens") or named.get("max_length", 2 * read + 21) - 1
    assert f"The translation was cut at the length limit of {most} pieces." in page.notes
    assert len(page.examples[0].readings[0].texts[1].pieces) == 1 + most
    model.model.final_logits_bias[0, end] = 1e4
    assert not any("was cut" in note for note in show_text(model, "the robot").notes)


@pytest.mark.parametrize("made", [nllb, m2m100])
def test_a_model_of_many_languages_is_told_both_and_begins_as_the_target_asks(
    made: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder = made(tmp_path / "model")
    codes = ("eng_Latn", "deu_Latn", "fra_Latn") if made is nllb else ("en", "de", "fr")
    tag = (lambda code: code) if made is nllb else (lambda code: f"__{code}__")
    model = StockModel.load(folder)
    with pytest.raises(ModelError, match=r"source language is not given.*--target-lang"):
        show_text(model, "a heavy crane")
    before = model.tokenizer.src_lang, model.tokenizer.tgt_lang

    def first_pieces(opened: StockModel, **given: Any) -> tuple[str, str]:
        source, written = show_text(opened, "a heavy crane", **given).examples[0].readings[0].texts
        return source.pieces[0], written.pieces[1]

    for source, target in ((codes[0], codes[1]), (codes[2], codes[0])):
        told = first_pieces(model, languages=(source, target))
        assert told == (tag(source), tag(target))
    assert first_pieces(model, languages=(codes[0], codes[1]), target="er") == (
        tag(codes[0]), tag(codes[1]),
    )  # fmt: skip
    assert (model.tokenizer.src_lang, model.tokenizer.tgt_lang) == before
    config = folder / "tokenizer_config.json"
    said = {"src_lang": codes[0], "tgt_lang": codes[2]}
    config.write_text(json.dumps(json.loads(config.read_text()) | said), encoding="utf-8")
    stored = StockModel.load(folder)
    assert first_pieces(stored) == (tag(codes[0]), tag(codes[2]))
    assert first_pieces(stored, languages=(None, codes[1])) == (tag(codes[0]), tag(codes[1]))
    with pytest.raises(
        ModelError, match=r"tags no languages, needed none; leave out --source-lang"
    ):
        show_text(translator(), TEXT, languages=("en", None))


def test_a_decoder_alone_reads_its_text_causally_and_the_page_opens_at_it() -> None:
    model = writer()
    page = show_text(model, TEXT)
    (reading,) = page.examples[0].readings
    (panel,), (mark,) = reading.panels, reading.marks
    assert (panel.stack, panel.query, panel.key, panel.first_query) == (
        "decoder",
        "text",
        "text",
        0,
    )
    assert (np.triu(panel.maps, 1) == 0).all()
    assert (mark.role, "".join(reading.texts[0].pieces[piece] for piece in mark.pieces)) == (
        "pronoun", "it",
    )  # fmt: skip
    with pytest.raises(DataError, match="tiny-gpt: a target for a model of kind 'decoder'"):
        show_text(model, TEXT, target="x")


def test_bytes_of_a_character_are_shown_once() -> None:
    text = show_text(writer(), "it 重 🔧").examples[0].readings[0].texts[0]
    assert text.pieces[-4:] == ("🔧", "⋯", "⋯", "⋯")
    assert words(text) == ["it", "重", "🔧"]


def test_what_cannot_be_read_is_refused() -> None:
    model = writer()
    with pytest.raises(DataError, match="text: empty, needed at least one word"):
        show_text(model, " ")
    with pytest.raises(DataError, match=r"text: \d+ pieces, needed at most 64, which tiny-gpt can"):
        show_text(model, "robot " * 80)
    with pytest.raises(ModelError, match="tiny-gpt: reads text, not images; leave out --image"):
        show_image(model, Path("x.png"))


def test_a_tokenizer_that_cannot_say_where_its_pieces_stand_shows_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from seq2seq.errors import SpanError

    def refuse(*_: Any, **__: Any) -> None:
        raise SpanError("these pieces cannot be placed")

    monkeypatch.setattr("seq2seq.probe.report.attention_page.pieces_of", refuse)
    page = show_text(writer(), "it was")
    text = page.examples[0].readings[0].texts[0]
    assert (text.pieces, text.words) == (("it", "Ġwas"), (0, 1))
    assert "not joined to words: these pieces cannot be placed" in page.notes[1]


@pytest.fixture
def vision(tmp_path: Path) -> StockModel:
    folder = tmp_path / "vit"
    scatter(hf.ViTModel(VIT)).save_pretrained(folder)
    hf.ViTImageProcessorPil(size={"height": 8, "width": 8}).save_pretrained(folder)
    return StockModel.load(folder)


def test_an_image_is_shown_as_the_model_saw_it(vision: StockModel, tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "gradient.png"
    path.write_bytes(gradient_png())
    page = show_image(vision, path)
    (text,) = page.examples[0].readings[0].texts
    assert text.pieces == ("[CLS]", "row 1, column 1", "row 1, column 2", "row 2, column 1",
                           "row 2, column 2")  # fmt: skip
    picture = text.picture
    assert picture is not None
    assert (picture.rows, picture.columns, picture.first) == (2, 2, 1)
    shown_file = tmp_path / "shown.png"
    shown_file.write_bytes(picture.png)
    with Image.open(shown_file) as shown, Image.open(path) as given:
        expected = np.array(given.resize((8, 8), Image.Resampling.BILINEAR), int)
        assert np.abs(np.array(shown, int) - expected).max() <= 1
    assert page.examples[0].readings[0].panels[0].maps.shape == (2, 4, 5, 5)
    assert "row 2, column 2" in attention_page(page)
    with pytest.raises(ModelError, match="reads images, not text; add --image FILE"):
        show_text(vision, "a")


def test_a_file_that_is_no_image_is_refused(vision: StockModel, tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_text("meow")
    with pytest.raises(DataError, match=r"cat\.jpg: no image that can be read"):
        show_image(vision, path)


def test_an_image_that_would_fill_the_memory_or_never_ends_is_refused(
    vision: StockModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    Image.new("RGB", (9, 9)).save(tmp_path / "cat.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9)
    with pytest.raises(DataError, match=r"cat\.png: no image that can be read: .*bomb"):
        show_image(vision, tmp_path / "cat.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"zero\.png: a pipe or a device, needed an image"):
        show_image(vision, tmp_path / "zero.png")
