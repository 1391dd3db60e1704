import json
import math
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoModelForSeq2SeqLM, GenerationConfig

from seq2seq.engines.stock_loading import load_encoder_decoder
from seq2seq.errors import ModelError
from seq2seq.model.stock import load_model, merged_state, save_model, stock_state
from seq2seq.model.transformer import Transformer


def largest(difference):
    return difference.abs().max().item()


def stock_logits(stock, ids, inputs, mask):
    return stock(input_ids=ids, attention_mask=mask.long(), decoder_input_ids=inputs).logits


def test_a_saved_model_loads_as_the_stock_class_without_a_warning(
    family, make_pair, make_batch, tmp_path, stock_warnings
):
    ours, _ = make_pair(family, decoder_layers=1)
    save_model(ours, tmp_path)
    stock, info = AutoModelForSeq2SeqLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values()), info
    assert stock_warnings == []
    ids, inputs, mask = make_batch(ours.config, 3, 8, target=5, pads=True)
    with torch.no_grad():
        found = stock_logits(stock.eval(), ids, inputs, mask)
    assert largest(found - ours(ids, inputs, mask)) <= 1e-5


def test_the_stock_class_generates_from_a_saved_folder_without_a_warning(
    family, make_pair, make_batch, tmp_path, stock_warnings
):
    ours, _ = make_pair(family)
    save_model(ours, tmp_path)
    stock = AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    ids, _, mask = make_batch(ours.config, 2, 6, target=2, pads=True)
    written = stock.generate(input_ids=ids, attention_mask=mask.long(), max_length=12)
    assert stock_warnings == []
    assert (written[:, 0] == ours.config.decoder_start_token_id).all()
    settings = GenerationConfig.from_pretrained(tmp_path)
    assert settings.early_stopping is True
    assert settings.bad_words_ids == [[ours.config.pad_token_id]]
    assert settings.max_length == 128


def test_loading_draws_no_random_weights(make_config, tmp_path):
    """They take seconds, move the generator, and load the compiler for the meta device."""
    save_model(Transformer(make_config("m2m_100")), tmp_path)
    before = torch.get_rng_state()
    load_model(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    Transformer(make_config("m2m_100"))
    assert not torch.equal(torch.get_rng_state(), before)


def test_a_saved_model_loads_again_bit_for_bit(family, make_config, tmp_path):
    model = Transformer(make_config(family, encoder_layers=3))
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    expected = model.state_dict()
    numbers = again.config.to_dict() | {"_name_or_path": ""}  # where it was read, not what it is
    assert numbers == model.config.to_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in again.state_dict().items())


def test_a_folder_that_the_stock_class_saved_loads(family, make_pair, make_batch, tmp_path):
    ours, stock = make_pair(family, activation="swish")
    stock.save_pretrained(tmp_path)
    again = load_model(tmp_path)
    batch = make_batch(ours.config, 3, 8, target=5, pads=True)
    assert torch.equal(again(*batch), ours(*batch))


def test_shards_and_half_precision_load(make_pair, make_batch, tmp_path):
    ours, stock = make_pair("m2m_100")
    stock.half().save_pretrained(tmp_path, max_shard_size="20KB")
    assert not (tmp_path / "model.safetensors").exists()
    again = load_model(tmp_path)
    batch = make_batch(ours.config, 2, 5, target=4, pads=True)
    assert again.embedding.weight.dtype == torch.float32
    assert largest(again(*batch) - ours(*batch)) < 0.02


@pytest.mark.parametrize("shares", [True, False], ids=["idle-shared-matrix", "no-shared-matrix"])
def test_models_with_separate_matrices_load_and_save(
    shares, make_config, make_batch, tmp_path, stock_warnings
):
    from transformers import MarianMTModel

    config = make_config("marian")
    config.tie_word_embeddings = False
    config.share_encoder_decoder_embeddings = shares
    stock = MarianMTModel(config).eval()
    with torch.no_grad():
        for tensor in stock.parameters():
            tensor.add_(torch.randn_like(tensor) * 0.15 if tensor.requires_grad else 0)
        stock.final_logits_bias.normal_()
    stock.save_pretrained(tmp_path / "stock")
    ours = load_model(tmp_path / "stock")
    batch = make_batch(config, 3, 8, target=5, pads=True)
    with torch.no_grad():
        expected = stock_logits(stock, *batch)
    assert largest(ours(*batch) - expected) <= 1e-5
    save_model(ours, tmp_path / "ours")
    again = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "ours").eval()
    assert stock_warnings == []
    assert largest(stock_logits(again, *batch) - expected) <= 1e-5


def test_untied_files_that_hold_one_input_matrix_load(make_config):
    config = make_config("m2m_100")
    config.tie_word_embeddings = False
    model = Transformer(config)
    state = stock_state(model)
    del state["model.encoder.embed_tokens.weight"], state["model.decoder.embed_tokens.weight"]
    state["model.shared.weight"].normal_()
    model.load_state_dict(merged_state(model, state))
    assert torch.equal(model.embedding.weight, state["model.shared.weight"])
    assert torch.equal(model.target_embedding.weight, model.embedding.weight)
    assert not torch.equal(model.output_weight, model.embedding.weight)


def test_weights_with_repeated_names_and_position_tables_load(family, make_pair):
    ours, _ = make_pair(family)
    state = stock_state(ours)
    shared = state.pop("model.shared.weight")
    state["lm_head.weight"] = state["model.encoder.embed_tokens.weight"] = shared
    state["model.encoder.embed_positions.weights"] = torch.zeros(3, 3)
    again = Transformer(ours.config)
    again.load_state_dict(merged_state(again, state))
    assert torch.equal(again.embedding.weight, ours.embedding.weight)


def test_changing_exported_weights_in_place_leaves_the_model_alone(family, make_pair):
    ours, _ = make_pair(family)
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    for tensor in stock_state(ours).values():
        tensor.zero_()
    assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())


def test_weights_that_do_not_fit_are_refused_with_every_reason(make_pair):
    ours, _ = make_pair("m2m_100")
    state = stock_state(ours)
    del state["model.encoder.layers.0.fc1.bias"]
    state["model.decoder.layer_norm.weight"] = torch.zeros(7)
    state["model.decoder.extra"] = torch.zeros(1)
    state["lm_head.weight"] = state["model.shared.weight"] + 1
    with pytest.raises(ModelError) as caught:
        merged_state(ours, state)
    for said in (
        "model.encoder.layers.0.fc1.bias is missing",
        r"model.decoder.layer_norm.weight has shape '[7]', '[32]' is needed",
        "model.decoder.extra is unknown",
        "lm_head.weight differs from model.shared.weight, which config.json calls the same",
    ):
        assert said in str(caught.value)


def test_a_long_list_of_reasons_is_cut_with_a_count(make_pair):
    ours, _ = make_pair("m2m_100")
    with pytest.raises(ModelError, match=r"; and \d+ more; check that config.json"):
        merged_state(ours, {})


def test_a_folder_without_a_model_is_refused(family, make_config, tmp_path):
    with pytest.raises(
        ModelError, match=r"config.json: no such file, needed the config.json of a stock"
    ):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(
        ModelError, match=r"config.json: not JSON .*, needed the config.json of a stock"
    ):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5"}))
    with pytest.raises(ModelError, match="model_type is 't5', 'm2m_100' or 'marian' is needed"):
        load_model(tmp_path)
    save_model(Transformer(make_config(family)), tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"model.safetensors: cannot be read .*, a whole"):
        load_model(tmp_path)
    weights.unlink()
    with pytest.raises(
        ModelError, match=r"no model.safetensors, weights in that format are needed"
    ):
        load_model(tmp_path)
    (tmp_path / "encoder_model.onnx").touch()
    with pytest.raises(ModelError, match=r"graphs in ONNX, .*; give the model that they were"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("d_model", "wide", "d_model"),
        ("encoder_layers", 10**9, "encoder_layers is 1000000000, input should be less than"),
        ("encoder_ffn_dim", 2**19, "'\\[524288, 32\\]' is needed"),
        ("dropout", "none", "dropout"),
        ("scale_embedding", "yes", "scale_embedding"),
        ("max_position_embeddings", -5, "max_position_embeddings is -5"),
        ("eos_token_id", 99_999, "eos_token_id is 99999, a piece of the"),
        ("pad_token_id", None, "pad_token_id is None"),
    ],
)  # fmt: skip
def test_numbers_that_no_model_can_have_are_refused_before_it_is_built(
    make_config, tmp_path, key, value, problem
):
    save_model(Transformer(make_config("m2m_100")), tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ModelError, match=problem):
        load_model(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\x80\x04.", b"PK\x03\x04", pickle.dumps({"a": [1.0]}), pickle.dumps(Path())],
)
def test_a_file_of_weights_that_is_none_is_refused(make_config, tmp_path, content):
    save_model(Transformer(make_config("m2m_100")), tmp_path)
    weights = tmp_path / "model.safetensors"
    for path in (weights, tmp_path / "pytorch_model.bin"):
        weights.unlink(missing_ok=True)
        path.write_bytes(content)
        with pytest.raises(ModelError, match=f"{path.name}: cannot be read"):
            load_model(tmp_path)


def test_a_pickle_of_more_than_weights_is_refused(make_config, tmp_path):
    save_model(Transformer(make_config("m2m_100")), tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save({"weight": torch.zeros(1), "steps": 3}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"cannot be read \(a dict with more than tensors\)"):
        load_model(tmp_path)


def test_layer_dropping_of_a_published_model_is_switched_off(make_pair, tmp_path):
    _, stock = make_pair("m2m_100")
    stock.config.encoder_layerdrop = 0.05
    stock.save_pretrained(tmp_path)
    assert load_model(tmp_path).config.encoder_layerdrop == 0


def test_weights_are_saved_once_in_32_bits(family, make_pair, tmp_path):
    ours, _ = make_pair(family)
    save_model(ours, tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    assert "lm_head.weight" not in state
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == (
        ["M2M100ForConditionalGeneration"] if family == "m2m_100" else ["MarianMTModel"]
    )


def write_tokenizer(folder, config):
    """A vocabulary of words w4, w5, ... with the special pieces where the family wants them."""
    special = {config.eos_token_id: "</s>", config.pad_token_id: "<pad>"}
    special |= {0: "<s>", 3: "<unk>"} if config.model_type == "m2m_100" else {1: "<unk>"}
    pieces = {special.get(i, f"w{i}"): i for i in range(config.vocab_size)}
    tokenizer = Tokenizer(models.WordLevel(pieces, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", config.eos_token_id)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
    }
    if config.model_type == "m2m_100":
        settings["bos_token"] = "<s>"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return {i: piece for piece, i in pieces.items()}


def ctranslate2_scores(folder, sources, targets):
    ctranslate2 = pytest.importorskip("ctranslate2")
    converter = ctranslate2.converters.TransformersConverter(str(folder))
    converter.convert(str(folder / "ctranslate2"))
    translator = ctranslate2.Translator(str(folder / "ctranslate2"), device="cpu", intra_threads=1)
    return [result.log_probs for result in translator.score_batch(sources, targets)]


def score_both(model, folder):
    """Log-probabilities of random targets from CTranslate2 and from us."""
    config = model.config
    save_model(model, folder)
    pieces = write_tokenizer(folder, config)
    eos = config.eos_token_id
    sources = [[*torch.randint(4, 48, (n,)).tolist(), eos] for n in (3, 9, 20)]
    targets = [torch.randint(4, 48, (n,)).tolist() for n in (4, 11, 16)]
    theirs = ctranslate2_scores(
        folder,
        [[pieces[i] for i in ids] for ids in sources],
        [[pieces[i] for i in ids] for ids in targets],
    )
    ours = []
    for source, target in zip(sources, targets, strict=True):
        inputs = torch.tensor([[config.decoder_start_token_id, *target]])
        with torch.no_grad():
            scores = model(torch.tensor([source]), inputs).log_softmax(-1)[0]
        ours.append(scores.gather(1, torch.tensor([*target, eos])[:, None])[:, 0])
    return theirs, ours


def random_for_ctranslate2(make_pair, family):
    model, _ = make_pair(family, activation="gelu", encoder_layers=3)
    if family == "marian":
        with torch.no_grad():
            model.embedding.weight[-1].zero_()
            model.logits_bias.zero_()[-1] = -1e4
    return model


def test_ctranslate2_converts_a_saved_folder_and_agrees(family, make_pair, tmp_path):
    model = random_for_ctranslate2(make_pair, family)
    for theirs, ours in zip(*score_both(model, tmp_path), strict=True):
        assert largest(torch.tensor(theirs) - ours) <= 1e-4


def test_ctranslate2_disagrees_when_the_padding_row_is_not_zero(make_pair, tmp_path):
    model = random_for_ctranslate2(make_pair, "marian")
    with torch.no_grad():
        model.embedding.weight[-1].normal_(std=0.2)
    theirs, ours = score_both(model, tmp_path)
    assert largest(torch.tensor(theirs[0]) - ours[0]) > 1e-2


def test_one_file_of_a_sharded_model_is_missing(make_pair, tmp_path):
    _, stock = make_pair("m2m_100")
    stock.save_pretrained(tmp_path, max_shard_size="20KB")
    next(iter(sorted(tmp_path.glob("model-*.safetensors")))).unlink()
    with pytest.raises(ModelError, match=r"model-00001.*cannot be read"):
        load_model(tmp_path)


def test_a_marian_folder_without_a_logits_bias_loads_like_the_stock_class(make_pair, tmp_path):
    ours, _ = make_pair("marian")
    save_model(ours, tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    del state["final_logits_bias"]
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert not load_model(tmp_path).logits_bias.any()


@pytest.mark.parametrize("name", ["../../secret.safetensors", "/etc/secret", "deep/a", "..\\a"])
def test_an_index_that_names_files_elsewhere_is_refused(make_pair, tmp_path, name):
    _, stock = make_pair("m2m_100")
    stock.save_pretrained(tmp_path / "a" / "b", max_shard_size="20KB")
    index = tmp_path / "a" / "b" / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    first = next(iter(content["weight_map"]))
    shutil.copy(index.parent / content["weight_map"][first], tmp_path / "secret.safetensors")
    content["weight_map"][first] = name
    index.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"names '.*', a file of the folder itself is needed"):
        load_model(index.parent)


@pytest.mark.parametrize("text", ["[]", "{}", "{", '{"weight_map": 3}', '{"weight_map": {"a": 1}}'])
def test_an_index_that_is_none_is_refused(make_pair, tmp_path, text):
    ours, _ = make_pair("m2m_100")
    save_model(ours, tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors.index.json").write_text(text)
    with pytest.raises(ModelError, match=r"index\.json: .*'weight_map'"):
        load_model(tmp_path)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_weights_that_are_not_finite_are_refused_by_name(make_pair, tmp_path, number):
    ours, _ = make_pair("m2m_100")
    with torch.no_grad():
        ours.encoder[0].feed_forward.expand.bias[3] = number
    save_model(ours, tmp_path)
    with pytest.raises(ModelError, match=r"1 weights hold .* such as 'model.encoder.layers.0.fc1"):
        load_model(tmp_path)
    with pytest.raises(ModelError, match=r"1 weights hold .* such as 'model.encoder.layers.0.fc1"):
        load_encoder_decoder(tmp_path)
