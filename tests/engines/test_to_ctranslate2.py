"""The oracle is CTranslate2's own converter of transformers models."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from seq2seq.decode.options import DecodeOptions
from seq2seq.engines import converted
from seq2seq.engines.converted import ConvertedEngine
from seq2seq.engines.native import NativeEngine
from seq2seq.engines.to_ctranslate2 import write_ctranslate2
from seq2seq.errors import ModelError
from seq2seq.families import Family
from seq2seq.model.stock import load_model
from seq2seq.tokenizer import load_tokenizer
from tests.publish.small_models import edit_json, random_text, small_folder

ctranslate2 = pytest.importorskip("ctranslate2")

MODELS: list[tuple[Family, dict[str, Any]]] = [
    ("m2m_100", {}),
    ("marian", {}),
    ("m2m_100", {"activation": "gelu", "scale_embedding": False, "encoder_layers": 3}),
    ("marian", {"activation": "swish", "decoder_layers": 1, "heads": 2}),
]


@pytest.mark.parametrize(("family", "changes"), MODELS)
def test_the_file_is_what_the_official_converter_writes(
    family: Family, changes: dict[str, Any], tmp_path: Path
) -> None:
    folder = small_folder(family, tmp_path / "model", **changes)
    converter = ctranslate2.converters.TransformersConverter(str(folder))
    converter.convert(str(tmp_path / "theirs"))
    (tmp_path / "ours").mkdir()
    write_ctranslate2(load_model(folder), load_tokenizer(folder), tmp_path / "ours", quantize=None)
    ours, theirs = (
        ctranslate2.Translator(str(tmp_path / name), device="cpu", intra_threads=1)
        for name in ("ours", "theirs")
    )
    tokenizer = load_tokenizer(folder)
    spell = tokenizer.backend.id_to_token
    sources = [[spell(i) for i in ids] for ids in tokenizer.encode(random_text(20))]
    targets = [[spell(i) for i in ids[:-1]] for ids in tokenizer.encode(random_text(20, seed=5))]
    for one, two in zip(
        ours.score_batch(sources, targets), theirs.score_batch(sources, targets), strict=True
    ):
        assert one.log_probs == pytest.approx(two.log_probs, abs=1e-5)
    search = {"beam_size": 4, "max_decoding_length": 12, "return_scores": True}
    for one, two in zip(
        ours.translate_batch(sources, **search),
        theirs.translate_batch(sources, **search),
        strict=True,
    ):
        assert one.hypotheses == two.hypotheses
        assert one.scores == pytest.approx(two.scores, abs=1e-5)
    sizes = [(tmp_path / name / "model.bin").stat().st_size for name in ("ours", "theirs")]
    assert abs(sizes[0] - sizes[1]) < 0.05 * sizes[1]
    vocabularies = [
        (tmp_path / name / "shared_vocabulary.json").read_text() for name in ("ours", "theirs")
    ]
    assert vocabularies[0] == vocabularies[1]


def test_a_model_with_three_matrices_keeps_them_apart(tmp_path: Path) -> None:
    folder = small_folder("m2m_100", tmp_path)
    state = load_file(folder / "model.safetensors")
    shared = state.pop("model.shared.weight")
    for name in ("model.encoder.embed_tokens", "model.decoder.embed_tokens", "lm_head"):
        state[f"{name}.weight"] = shared + 0.1 * torch.randn_like(shared)
        state[f"{name}.weight"][1] = 0
    state["model.shared.weight"] = state["model.encoder.embed_tokens.weight"].clone()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    edit_json(folder / "config.json", lambda content: content.update(tie_word_embeddings=False))
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    write_ctranslate2(model, tokenizer, folder, quantize=None)
    sources, targets = tokenizer.encode(random_text(9)), tokenizer.encode(random_text(9, seed=2))
    native, converted = NativeEngine(model), ConvertedEngine.load(folder)
    for one, two in zip(
        native.score(sources, targets), converted.score(sources, targets), strict=True
    ):
        assert two.token_log_probabilities == pytest.approx(one.token_log_probabilities, abs=1e-4)
    options = DecodeOptions(beams=2)
    for mine, other in zip(
        native.search(sources, options), converted.search(sources, options), strict=True
    ):
        assert mine[0].ids == other[0].ids


def test_the_package_is_asked_for_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_folder("marian", tmp_path)
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(ModelError, match=r"pip install seq2seq-toolkit\[ctranslate2\]"):
        write_ctranslate2(load_model(folder), load_tokenizer(folder), folder, quantize=None)


def test_a_model_that_fills_no_cache_gets_larger_batches() -> None:
    translator = SimpleNamespace(num_translators=2, device="cpu")
    batches = {}
    for size in (2**20, 2**30):
        engine = ConvertedEngine(
            translator, ["</s>", "<pad>"], eos="</s>", pad="<pad>", positions=64, weight_bytes=size
        )
        greedy, beams = ([10] * 1000, 1, 8192), ([50] * 1000, 5, 8192)
        batches[size] = [len(engine._batches(*one)) for one in (greedy, beams)]
    assert batches == {2**20: [14, 20], 2**30: [6, 14]}


def test_weights_in_8_bits_count_a_quarter_of_their_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_folder("m2m_100", tmp_path)
    write_ctranslate2(load_model(folder), load_tokenizer(folder), folder, quantize=None)
    monkeypatch.setattr(
        converted, "LARGE_WEIGHTS", (folder / converted.WEIGHTS).stat().st_size // 2
    )
    beams = [
        len(ConvertedEngine.load(folder, device="cpu", eight_bits=rounded)._batches(
            [50] * 1000, 5, 8192
        ))
        for rounded in (False, True)
    ]  # fmt: skip
    assert beams[0] < beams[1]
