import pytest
import torch
from torch import nn
from transformers import BertConfig, EncoderDecoderConfig, EncoderDecoderModel

from seq2seq.errors import ModelError
from seq2seq.probe.model.attention_function import NAME, attending, stock_attention
from seq2seq.probe.model.interventions import BlockedEdges
from seq2seq.probe.model.stock_model import StockModel
from tests.probe.stock_models import DEEP, build, lines, scatter


def settings(model) -> list[str]:
    return [part.config._attn_implementation for part in model.modules() if hasattr(part, "config")]


def refusing(*_, **__):
    raise RuntimeError("broken on purpose")


@pytest.mark.parametrize("before", ["sdpa", "eager"])
@pytest.mark.parametrize("family", ["bart", "t5", "bert", "llama"])
def test_the_setting_is_as_before_even_after_an_exception(family, before):
    model = build(family)
    model.set_attn_implementation(before)
    model.train()
    list(model.modules())[-1].eval()  # whoever mixes the two gets the mixture back
    modes = [module.training for module in model.modules()]
    with attending(model, stock_attention):
        assert set(settings(model)) == {NAME}
        assert not any(module.training for module in model.modules())
    assert set(settings(model)) == {before}
    with pytest.raises(RuntimeError, match="broken on purpose"), attending(model, refusing):
        model(input_ids=torch.tensor([[5, 6]]))
    assert set(settings(model)) == {before}
    assert [module.training for module in model.modules()] == modes


def test_a_refused_intervention_leaves_the_model_as_it_was():
    model = StockModel(build("bart"), None, name="bart")
    inputs = model.inputs(lines(4), lines(3))
    before = model.read(inputs)
    everything = BlockedEdges("cross", torch.ones(1, 3, 4, dtype=torch.bool))
    with pytest.raises(ModelError, match="nothing left to see"):
        model.read(inputs, interventions=[everything])
    assert set(settings(model.model)) == {"sdpa"}
    after = model.read(inputs)
    assert torch.equal(after.logits, before.logits)
    assert after.maps["cross"].shape == before.maps["cross"].shape


def test_parts_with_settings_of_their_own_get_them_back():
    config = EncoderDecoderConfig.from_encoder_decoder_configs(
        BertConfig(**DEEP), BertConfig(**DEEP)
    )
    config.pad_token_id, config.decoder_start_token_id = 0, 2
    stock = scatter(EncoderDecoderModel(config))
    stock.encoder.set_attn_implementation("eager")
    before = settings(stock)
    assert set(before) == {"eager", "sdpa"}
    model = StockModel(stock, None, name="bert to bert")
    inputs = model.inputs(lines(5, 3), lines(4, 2))
    maps = model.read(inputs).maps
    assert settings(stock) == before
    stock.set_attn_implementation("eager")
    with torch.no_grad():
        answer = stock(
            input_ids=inputs.source_ids,
            attention_mask=inputs.source_mask.long(),
            decoder_input_ids=inputs.target_ids,
            decoder_attention_mask=inputs.target_mask.long(),
            output_attentions=True,
        )
    expected = torch.stack(list(answer.cross_attentions))
    assert (maps["cross"] - expected).abs().max() <= 1e-5


@pytest.mark.parametrize("family", ["marian", "gpt2", "bert"])
def test_a_model_that_goes_on_attending_past_the_probe_is_refused(family, monkeypatch):
    model = build(family)
    monkeypatch.setattr(type(model), "set_attn_implementation", lambda self, name: None)
    with pytest.raises(ModelError, match=r"no attention maps came back from (enc|dec)oder"):
        StockModel(model, None, name=family)
    monkeypatch.undo()
    opened = StockModel(model, None, name=family)
    inputs = opened.inputs(lines(4), lines(3) if family == "marian" else None)
    monkeypatch.setattr(type(model), "set_attn_implementation", lambda self, name: None)
    with pytest.raises(ModelError, match=r"maps came back from .* 0.* needed .*under 'sdpa'"):
        opened.read(inputs)


def test_the_name_of_our_attention_does_nothing_while_nobody_reads():
    model = build("bert")
    with attending(model, stock_attention):
        pass
    model.set_attn_implementation(NAME)
    with pytest.raises(ModelError, match=r"BertSelfAttention: .* while nobody reads it"):
        model(input_ids=torch.tensor([[5, 6]]))


def test_a_module_without_written_out_attention_is_refused():
    with pytest.raises(ModelError, match="Linear: no written-out attention beside it"):
        stock_attention(nn.Linear(2, 2))
