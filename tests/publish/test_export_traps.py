"""What converters and stock programs do in silence: each is shown to happen, and to be refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.decode.options import DecodeOptions
from seq2seq.engines import to_ctranslate2
from seq2seq.engines.converted import ConvertedEngine
from seq2seq.engines.native import NativeEngine
from seq2seq.errors import ModelError, PublishError
from seq2seq.model import transformer
from seq2seq.model.stock import stock_state
from seq2seq.model.transformer import Transformer
from seq2seq.publish import export as exporting
from seq2seq.publish.export import export
from seq2seq.tokenizer import Tokenizer
from tests.publish.small_models import (
    edit_json,
    random_model,
    save_folder,
    small_folder,
    small_tokenizer,
    write_pairs,
)

ctranslate2 = pytest.importorskip("ctranslate2")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs") / "held.tsv")


def refuse(folder: Path, pairs: Path, tmp_path: Path) -> str:
    """Export to CTranslate2, which must not work; what is said."""
    with pytest.raises((ModelError, PublishError)) as caught:
        export(folder, "ctranslate2", out=tmp_path / "out", pairs=pairs)
    assert not (tmp_path / "out").exists()
    return str(caught.value)


def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off everything that looks at a model before it is converted."""
    monkeypatch.setattr(transformer, "check_contract", lambda config: None)
    monkeypatch.setattr(exporting, "check_publishable", lambda model, folder: None)


def test_a_pre_norm_model_whose_padding_is_not_1_is_refused(pairs: Path, tmp_path: Path) -> None:
    folder = small_folder("m2m_100", tmp_path / "model")
    edit_json(folder / "config.json", lambda content: content.update(pad_token_id=0))
    assert "pad_token_id is '0', 1 is needed by CTranslate2" in refuse(folder, pairs, tmp_path)


def test_a_padding_id_other_than_1_would_shift_the_positions_of_the_stock_class(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_folder("m2m_100", tmp_path / "model")
    edit_json(folder / "config.json", lambda content: content.update(pad_token_id=0))
    unguarded(monkeypatch)
    with pytest.raises(PublishError, match="the log-probability of a piece differs by"):
        export(folder, "hub", out=tmp_path / "out", pairs=pairs)


def test_a_post_norm_model_whose_padding_row_is_not_zero_is_refused(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = small_tokenizer("marian")
    model = random_model("marian", tokenizer.vocab_size)
    with torch.no_grad():
        model.embedding.weight[-1] = 0.3
    folder = save_folder(model, tokenizer, tmp_path / "model")
    message = refuse(folder, pairs, tmp_path)
    assert "the embedding of padding has entries up to '0.3', 0 is needed" in message
    unguarded(monkeypatch)
    assert "the log-probability of a piece differs by" in refuse(folder, pairs, tmp_path)


def test_a_post_norm_model_that_starts_with_another_piece_is_refused(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_folder("marian", tmp_path / "model")
    edit_json(folder / "config.json", lambda content: content.update(decoder_start_token_id=0))
    assert "decoder_start_token_id is '0', the padding id" in refuse(folder, pairs, tmp_path)
    unguarded(monkeypatch)
    assert "the log-probability of a piece differs by" in refuse(folder, pairs, tmp_path)


@pytest.mark.parametrize("family", ["m2m_100", "marian"])
def test_quantising_leaves_the_model_alone(
    family: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = small_tokenizer(family)
    model = random_model(family, tokenizer.vocab_size)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def is_unchanged() -> bool:
        return all(torch.equal(one, before[name]) for name, one in model.state_dict().items())

    to_ctranslate2.write_ctranslate2(model, tokenizer, tmp_path, quantize="int8")
    assert is_unchanged()
    # What would happen without copies:
    aliases = stock_state(model) | {
        "model.shared.weight": model.embedding.weight.detach(),
        "model.encoder.layers.0.fc1.weight": model.encoder[0].feed_forward.expand.weight.detach(),
    }
    monkeypatch.setattr(to_ctranslate2, "stock_state", lambda model: aliases)
    to_ctranslate2.write_ctranslate2(model, tokenizer, tmp_path, quantize="int8")
    assert not is_unchanged()


def write_converted(model: Transformer, tokenizer: Tokenizer, folder: Path) -> ConvertedEngine:
    save_folder(model, tokenizer, folder)
    to_ctranslate2.write_ctranslate2(model, tokenizer, folder, quantize=None)
    return ConvertedEngine.load(folder)


def test_an_output_may_be_empty(tmp_path: Path) -> None:
    """CTranslate2 left to itself forbids that, and shares out the probability of the end."""
    tokenizer = small_tokenizer("marian")
    model = random_model("marian", tokenizer.vocab_size)
    assert model.logits_bias is not None
    model.logits_bias[tokenizer.eos_id] = 4.0
    engine = write_converted(model, tokenizer, tmp_path)
    sources, options = tokenizer.encode(["the red fox", "an owl sees"]), DecodeOptions(beams=3)
    ours = NativeEngine(model).search(sources, replace(options, n_best=3))
    assert any(found[0].ids == (tokenizer.eos_id,) for found in ours)
    for mine, other in zip(ours, engine.search(sources, replace(options, n_best=3)), strict=True):
        assert [one.ids for one in mine] == [one.ids for one in other]
        for one, two in zip(mine, other, strict=True):
            assert one.score == pytest.approx(two.score, abs=1e-4)
            assert (one.ended, len(one.ids) > 0) == (two.ended, True)
