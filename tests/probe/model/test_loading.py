import json
from pathlib import Path

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from seq2seq.errors import ModelError
from seq2seq.probe.model.stock_model import StockModel
from tests.probe.stock_models import VIT, VOCABULARY, build, lines, scatter


def save(family: str, folder: Path, *, dtype: torch.dtype = torch.float32) -> Path:
    build(family).to(dtype).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(VOCABULARY)}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    hf.PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", ["marian", "t5", "bert", "gpt2"])
def test_a_stock_folder_opens_as_the_model_that_was_saved(family, tmp_path):
    model = StockModel.load(save(family, tmp_path))
    expected = StockModel(build(family), None, name=family)
    inputs = model.inputs(lines(5, 3), lines(4, 2) if family in ("marian", "t5") else None)
    maps = model.read(inputs).maps
    for stack, found in expected.read(inputs).maps.items():
        assert torch.equal(maps[stack], found)
    assert model.tokenizer("w5 w7")["input_ids"] == [5, 7]
    assert model.name == str(tmp_path)


def test_an_output_that_is_cut_off_is_given_no_end(tmp_path):
    folder = save("marian", tmp_path)
    path = folder / "generation_config.json"
    search = json.loads(path.read_text(encoding="utf-8")) | {"forced_eos_token_id": 3}
    path.write_text(json.dumps(search), encoding="utf-8")
    assert StockModel.load(folder).model.generation_config.forced_eos_token_id is None


def test_a_run_folder_opens_as_its_best_model(tmp_path):
    save("m2m_100", tmp_path / "best")
    model = StockModel.load(str(tmp_path))
    assert model.kind == "encoder-decoder"
    assert model.start_id == 2


def test_narrow_weights_are_widened(tmp_path):
    model = StockModel.load(save("bert", tmp_path, dtype=torch.bfloat16))
    assert {weight.dtype for weight in model.model.parameters()} == {torch.float32}
    assert not model.model.training


def test_a_model_of_images_opens_without_a_tokenizer(tmp_path):
    scatter(hf.ViTModel(VIT)).save_pretrained(tmp_path)
    model = StockModel.load(tmp_path)
    assert (model.kind, model.tokenizer) == ("encoder", None)


def test_the_pooler_of_an_encoder_may_be_missing_and_nothing_else(tmp_path):
    save("bert", tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    without = {name: each for name, each in weights.items() if "pooler" not in name}
    assert len(without) < len(weights)
    save_file(without, tmp_path / "model.safetensors", {"format": "pt"})
    assert StockModel.load(tmp_path).depth == {"encoder": 3}
    lost = "encoder.layer.1.attention.self.query.weight"
    del without[lost]
    save_file(without, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=f"1 weights are missing, such as '{lost}'"):
        StockModel.load(tmp_path)


def test_a_place_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="neither a run folder nor a model folder"):
        StockModel.load(tmp_path)
    with pytest.raises(ModelError, match="nowhere: no such folder here, and no name of a model on"):
        StockModel.load(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="nobody/nothing: no such folder here, and the Hub does"):
        StockModel.load("nobody/nothing")


@pytest.mark.parametrize("family", ["bert", "gpt2", "t5", "marian", "llama"])
def test_a_folder_without_a_tokenizer_is_refused_even_where_the_library_makes_one_up(
    family, tmp_path
):
    build(family).save_pretrained(tmp_path)
    message = f"{tmp_path}: cannot be opened, needed a complete model folder: "
    with pytest.raises(ModelError, match=message):
        StockModel.load(tmp_path)


def test_a_folder_of_another_kind_is_refused(tmp_path):
    hf.Wav2Vec2Config().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="a model of type 'wav2vec2'; needed an encoder-decoder"):
        StockModel.load(tmp_path)
