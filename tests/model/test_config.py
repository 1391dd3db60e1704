import pytest

from seq2seq.errors import ModelError
from seq2seq.model.config import check_contract
from seq2seq.model.transformer import Transformer


def test_special_ids_follow_from_the_family(make_config):
    m2m_100, marian = make_config("m2m_100"), make_config("marian")
    assert (m2m_100.bos_token_id, m2m_100.pad_token_id, m2m_100.eos_token_id) == (0, 1, 2)
    assert m2m_100.decoder_start_token_id == 2
    assert (marian.eos_token_id, marian.pad_token_id) == (0, 49)
    assert marian.decoder_start_token_id == 49
    assert marian.forced_eos_token_id == 0


def test_no_layer_is_ever_dropped(family, make_config):
    config = make_config(family)
    assert config.encoder_layerdrop == config.decoder_layerdrop == 0


@pytest.mark.parametrize(
    ("family", "setting", "value", "said"),
    [
        ("m2m_100", "pad_token_id", 0, "pad_token_id is '0', 1 is needed by CTranslate2"),
        ("m2m_100", "decoder_start_token_id", 1, "decoder_start_token_id is '1', an id that is"),
        ("m2m_100", "encoder_layerdrop", 0.05, "encoder_layerdrop is '0.05', 0 is needed"),
        ("m2m_100", "decoder_layerdrop", 0.05, "decoder_layerdrop is '0.05', 0 is needed"),
        ("m2m_100", "decoder_attention_heads", 2, "the encoder has '4' heads and the decoder '2'"),
        ("m2m_100", "activation_function", "gelu_new", "activation_function is 'gelu_new', one of"),
        ("m2m_100", "eos_token_id", [2, 3], r"eos_token_id is '\[2, 3\]', one id is needed"),
        ("m2m_100", "d_model", 30, "d_model is '30', a multiple of '4' heads is needed"),
        ("m2m_100", "dropout", 1.0, "dropout is '1.0', 0 or more and below 1 is needed"),
        ("m2m_100", "decoder_layers", 0, "decoder_layers is '0', at least 1 is needed"),
        ("marian", "pad_token_id", 0, "pad_token_id is '0', the last id '49' is needed"),
        ("marian", "decoder_start_token_id", 0, "decoder_start_token_id is '0', the padding id"),
        ("marian", "decoder_vocab_size", 60, "decoder_vocab_size is '60', the joint vocabulary's"),
    ],
)
def test_a_setting_that_exports_to_another_model_is_refused(
    family, setting, value, said, make_config
):
    config = make_config(family)
    check_contract(config)
    setattr(config, setting, value)
    with pytest.raises(ModelError, match=f"{family} config: .*{said}"):
        Transformer(config)


def test_an_odd_width_is_refused(make_config):
    with pytest.raises(ModelError, match="d_model is '33', an even number from 4 is needed"):
        make_config("marian", width=33, heads=1)


def test_all_broken_rules_are_told_at_once(make_config):
    config = make_config("marian")
    config.pad_token_id, config.decoder_layerdrop = 3, 0.1
    with pytest.raises(ModelError) as caught:
        check_contract(config)
    for name in ("pad_token_id is '3'", "decoder_layerdrop", "decoder_start_token_id is '49'"):
        assert name in str(caught.value)


def test_another_architecture_is_refused(make_config):
    from transformers import BartConfig

    with pytest.raises(ModelError, match="model_type is 'bart', 'm2m_100' or 'marian' is needed"):
        check_contract(BartConfig())
