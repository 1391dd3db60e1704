"""Graphs in onnxruntime against the model they were traced from, on shapes never traced."""

import sys
from pathlib import Path

import pytest
import torch

from seq2seq.decode.options import DecodeOptions
from seq2seq.engines.native import NativeEngine
from seq2seq.errors import ModelError
from seq2seq.families import Family
from seq2seq.model.transformer import Transformer
from seq2seq.publish.run_onnx import OnnxEngine
from seq2seq.publish.to_onnx import FIRST, NEXT, write_onnx
from seq2seq.tokenizer import Tokenizer
from tests.publish.small_models import POSITIONS, random_model, random_text, small_tokenizer

onnxruntime = pytest.importorskip("onnxruntime")

Exported = tuple[Transformer, Tokenizer, Path]


@pytest.fixture(scope="module", params=["m2m_100", "marian"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    family: Family = request.param
    tokenizer, folder = small_tokenizer(family), tmp_path_factory.mktemp(family)
    model = random_model(family, tokenizer.vocab_size, encoder_layers=1)
    write_onnx(model, folder, quantize=None)
    return model, tokenizer, folder


def texts(tokenizer: Tokenizer, *, seed: int) -> list[list[int]]:
    """Sources of every length, the longest as long as the model can read."""
    ids = tokenizer.encode(random_text(12, seed=seed))
    long = (ids[0][:-1] * POSITIONS)[: POSITIONS - 1]
    return [*(one[:POSITIONS] for one in ids), [*long, tokenizer.eos_id], [tokenizer.eos_id]]


def test_given_targets_have_the_same_probability_piece_by_piece(exported: Exported) -> None:
    model, tokenizer, folder = exported
    pairs = texts(tokenizer, seed=1), texts(tokenizer, seed=2)[::-1]
    ours, theirs = NativeEngine(model), OnnxEngine(folder, model.config)
    for batch_tokens in (8192, 30):
        found = theirs.score(*pairs, batch_tokens=batch_tokens)
        for one, two in zip(ours.score(*pairs), found, strict=True):
            expected = one.token_log_probabilities
            assert two.token_log_probabilities == pytest.approx(expected, abs=5e-5)


def test_the_first_graph_reads_whole_targets(exported: Exported) -> None:
    model, tokenizer, folder = exported
    source, inputs = torch.tensor([[5, 6, 7, tokenizer.eos_id]] * 3), torch.randint(4, 40, (3, 15))
    inputs[:, 0] = model.config.decoder_start_token_id
    with torch.no_grad():
        memory = model.encode(source, None)
        expected = model.logits(model.decode(inputs, memory, None))
    session = onnxruntime.InferenceSession(str(folder / FIRST))
    feed = {"encoder_attention_mask": torch.ones_like(source).numpy(), "input_ids": inputs.numpy(),
            "encoder_hidden_states": memory.numpy()}  # fmt: skip
    logits = torch.tensor(session.run(None, feed)[0])
    assert (logits - expected).abs().max() < 1e-4


def test_greedy_outputs_and_their_ends_are_ours(exported: Exported) -> None:
    model, tokenizer, folder = exported
    sources = texts(tokenizer, seed=3)
    for factor in (2.0, 0.3):
        options = DecodeOptions(beams=1, max_length_factor=factor, max_length_offset=2)
        ours = NativeEngine(model).search(sources, options)
        theirs = OnnxEngine(folder, model.config).search(sources, options)
        for (one,), (two,) in zip(ours, theirs, strict=True):
            assert (one.ids, one.ended) == (two.ids, two.ended)
            assert one.score == pytest.approx(two.score, abs=1e-4)


def test_inputs_have_the_names_that_other_programs_use(exported: Exported) -> None:
    session = onnxruntime.InferenceSession(str(exported[2] / NEXT))
    names = [one.name for one in session.get_inputs()]
    assert names[:4] == [
        "encoder_attention_mask",
        "input_ids",
        "past_key_values.0.decoder.key",
        "past_key_values.0.decoder.value",
    ]
    assert "present.1.decoder.value" in [one.name for one in session.get_outputs()]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (DecodeOptions(beams=2), "only greedy search is known here; ask for 1 beam"),
        (
            DecodeOptions(beams=1, no_repeat_ngram=3),
            "knows neither no_repeat_ngram, nor given or forbidden pieces",
        ),
    ],
)
def test_a_search_that_it_does_not_know_is_refused(
    exported: Exported, options: DecodeOptions, problem: str
) -> None:
    model, tokenizer, folder = exported
    with pytest.raises(ModelError, match=problem):
        OnnxEngine(folder, model.config).search(tokenizer.encode(["a dog"]), options)


def test_the_package_is_asked_for_where_it_is_missing(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=r"pip install seq2seq-toolkit\[onnx\]"):
        write_onnx(exported[0], tmp_path, quantize=None)
