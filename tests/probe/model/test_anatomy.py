import pytest
import transformers as hf
from torch import nn

from seq2seq.errors import ModelError
from seq2seq.probe.model.anatomy import Kind, anatomy_of
from seq2seq.probe.model.loading import kind_of
from seq2seq.probe.model.stock_model import StockModel
from tests.probe.stock_models import DEEP, VIT, WIDE, build


def names_of(model, modules) -> set[str]:
    names = {module: name for name, module in model.named_modules()}
    return {names[module] for module in modules}


def test_each_stack_is_found_without_asking_for_names():
    model = build("marian")
    anatomy = anatomy_of(model, "encoder-decoder", name="marian")
    for stack, expected in (
        ("encoder", {f"model.encoder.layers.{layer}.self_attn" for layer in range(3)}),
        ("decoder", {f"model.decoder.layers.{layer}.self_attn" for layer in range(2)}),
        ("cross", {f"model.decoder.layers.{layer}.encoder_attn" for layer in range(2)}),
    ):
        found = [module for module, of in anatomy.stack_of.items() if of == stack]
        assert names_of(model, found) == expected
        assert all(anatomy.projection_of[module] is module.out_proj for module in found)


@pytest.mark.parametrize(
    ("family", "projection"),
    [("t5", "o"), ("bert", "output.dense"), ("gpt2", "c_proj"), ("llama", "o_proj"),
     ("distilbert", "out_lin")],
)  # fmt: skip
def test_the_output_projection_is_found_in_every_family(family, projection):
    model = build(family)
    anatomy = anatomy_of(model, kind_of(model.config, name=family), name=family)
    assert anatomy.projection_of.keys() == anatomy.stack_of.keys()
    found = names_of(model, anatomy.projection_of.values())
    assert all(name.endswith(f".{projection}") for name in found)


def test_no_output_projection_is_guessed_where_something_comes_between():
    model = build("bert")

    class Doubling(nn.Linear):
        def forward(self, x):
            return super().forward(x)

    attention = model.encoder.layer[0].attention
    attention.self.forward = doubled(attention.self.forward)
    anatomy = anatomy_of(model, "encoder", name="bert")
    assert attention.self in anatomy.stack_of
    assert attention.self not in anatomy.projection_of
    assert len(anatomy.projection_of) == 2


def doubled(forward):
    def run(*given, **named):
        said, weights = forward(*given, **named)
        return 2 * said, weights

    return run


def test_families_that_keep_their_attention_to_themselves_are_refused_with_what_would_do():
    config = hf.XLNetConfig(vocab_size=60, d_model=24, n_layer=2, n_head=4, d_inner=32)
    message = r"xlnet: no attention maps came back from (en|de)coder: XLNet.* needed an enc.*Marian"
    with pytest.raises(ModelError, match=message):
        StockModel(hf.XLNetLMHeadModel(config), None, name="xlnet")


@pytest.mark.parametrize(
    ("family", "kind", "sharing"),
    [("llama", "decoder", 2), ("gpt2", "decoder", 1), ("bart", "encoder-decoder", 1)],
)
def test_heads_that_share_their_keys_are_counted(family: str, kind: Kind, sharing: int):
    found = anatomy_of(build(family), kind, name=family).sharing
    assert set(found.values()) == {sharing}


def test_layers_with_different_numbers_of_heads_are_refused():
    model = build("bert")
    odd = model.encoder.layer[1].attention.self
    odd.num_attention_heads, odd.attention_head_size = 2, 12
    with pytest.raises(ModelError, match=r"bert: layers of encoder have \[4, 2, 4\] heads"):
        StockModel(model, None, name="bert")


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (hf.MarianConfig(), "encoder-decoder"),
        (hf.M2M100Config(), "encoder-decoder"),
        (hf.T5Config(), "encoder-decoder"),
        (hf.BertConfig(), "encoder"),
        (hf.BertConfig(is_decoder=True), "decoder"),
        (hf.XLMRobertaConfig(), "encoder"),
        (hf.GPT2Config(), "decoder"),
        (hf.LlamaConfig(**DEEP), "decoder"),
        (VIT, "encoder"),
    ],
    ids=lambda value: getattr(value, "model_type", value),
)
def test_the_configuration_tells_the_kind(config, kind):
    assert kind_of(config, name="m") == kind


@pytest.mark.parametrize("config", [hf.Wav2Vec2Config(), hf.CLIPConfig(), hf.WhisperConfig()])
def test_other_kinds_are_refused_with_what_would_do(config):
    message = f"m: a model of type '{config.model_type}'; needed an encoder-decoder.*ViT.*Llama"
    with pytest.raises(ModelError, match=message):
        kind_of(config, name="m")


def test_a_configuration_that_cannot_be_run_is_refused_in_one_line():
    model = hf.BartForConditionalGeneration(hf.BartConfig(**WIDE, activation_dropout=7))
    with pytest.raises(ModelError, match=r"^mine: transformers cannot run this model: .*but got 7"):
        anatomy_of(model, "encoder-decoder", name="mine")
