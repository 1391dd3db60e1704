"""Exports of random models: the same model in another format, or no export at all."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.errors import PublishError
from seq2seq.families import Family
from seq2seq.publish import export as exporting
from seq2seq.publish.export import check_tokenizer, export
from seq2seq.publish.export_check import Target, verify_check
from seq2seq.publish.held_out import HeldOut, file_pairs
from seq2seq.stock_tokenizer import open_tokenizer
from tests.publish.small_models import edit_json, small_folder, write_pairs
from tests.publish.whole_export import whole_export
from tests.stock_layouts import ENGLISH, GERMAN, nllb, sentences

pytest.importorskip("ctranslate2")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.xdist_group("exports")

TARGETS: tuple[Target, ...] = ("hub", "ctranslate2", "onnx")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_folder("marian", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs") / "held.tsv")


@pytest.mark.parametrize("family", ["m2m_100", "marian"])
@pytest.mark.parametrize("target", TARGETS)
def test_an_export_in_32_bits_is_the_same_model(family: Family, target: Target) -> None:
    found = whole_export(family, target)
    assert found.folder.name == "out"
    check, measured = verify_check(found.folder), found.measured
    assert check == found.check
    assert (check.target, check.pairs, check.passed) == (target, 40, True)
    assert 0 < check.largest_difference <= check.tolerance == 1e-4
    assert check.greedy_agreement == check.beam_agreement == 1.0
    assert measured.beams == (1 if target == "onnx" else 4)
    assert measured.model.score == measured.export.score
    assert measured.pieces > 120
    written = json.loads((found.folder / "measured.json").read_text())
    assert written == measured.to_json()
    sizes = [p.stat().st_size for p in found.folder.iterdir() if p.name not in
             ("export.json", "measured.json")]  # fmt: skip
    assert written["export"]["bytes"] == sum(sizes)
    beside = sorted(path.name for path in found.folder.parent.iterdir())
    assert beside == ["held.tsv", "model", "out"]


@pytest.mark.parametrize("target", ["ctranslate2", "onnx"])
def test_an_export_in_8_bits_is_smaller_and_says_what_it_costs(
    model: Path, pairs: Path, target: Target, tmp_path: Path
) -> None:
    found = export(model, target, out=tmp_path / "int8", pairs=pairs, quantize="int8")
    assert found.check.name == "int8"
    weights = {"ctranslate2": "model.bin", "onnx": "encoder_model.onnx"}[target]
    assert (found.folder / weights).stat().st_size < (model / "model.safetensors").stat().st_size
    assert 1e-3 < found.measured.mean_difference < 0.1
    text = found.to_text()
    assert "BLEU" in text
    assert "sentences/s" in text


def spoil(monkeypatch: pytest.MonkeyPatch, size: float) -> None:
    """Let the converter see a model that is a little different."""
    real = exporting.write_ctranslate2

    def write(model: Any, *arguments: Any, **named: Any) -> None:
        weight = model.decoder[0].feed_forward.expand.weight
        kept = weight.detach().clone()
        with torch.no_grad():
            weight.add_(size)
        real(model, *arguments, **named)
        with torch.no_grad():
            weight.copy_(kept)

    monkeypatch.setattr(exporting, "write_ctranslate2", write)


def test_an_export_that_differs_is_refused_and_leaves_nothing(
    model: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 1e-2)
    with pytest.raises(PublishError) as caught:
        export(model, "ctranslate2", out=tmp_path / "sub" / "out", pairs=pairs)
    message = str(caught.value)
    assert message.startswith("export to ctranslate2: the log-probability of a piece differs by '")
    assert "needed at most 0.0001" in message
    assert message.endswith("this is not the same model, nothing was kept")
    assert list((tmp_path / "sub").iterdir()) == []


def test_an_8_bit_export_may_not_be_another_model(
    model: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 3.0)
    with pytest.raises(PublishError, match=r"pieces differ by '.*' on average, needed at most 0.1"):
        export(model, "ctranslate2", out=tmp_path / "out", pairs=pairs, quantize="int8")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_export_leaves_nothing(
    model: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, "measure", interrupt)
    with pytest.raises(KeyboardInterrupt):
        export(model, "ctranslate2", out=tmp_path / "out", pairs=pairs)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_not_written_to(
    model: Path, pairs: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(PublishError, match=r"exists already, needed a new folder; remove it or"):
        export(model, "hub", out=tmp_path, pairs=pairs)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_stock_folder_has_no_8_bits(model: Path, pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"stock folders hold 32-bit floats, needed the format"):
        export(model, "hub", out=tmp_path / "out", pairs=pairs, quantize="int8")


def test_a_model_alone_needs_a_place_and_text(model: Path, pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="not a run folder, needed one or --out; add --out DIR"):
        export(model, "hub", pairs=pairs)
    with pytest.raises(PublishError, match=r"names no held-out text, needed some .* --pairs FILE"):
        export(model, "hub", out=tmp_path / "out")


def test_pairs_of_a_translation_memory_are_those_of_the_models_languages(tmp_path: Path) -> None:
    path = tmp_path / "memory.TMX"
    texts = {"de": "ein Fuchs", "en": "a fox", "fr": "un renard"}
    sides = "".join(f'<tuv xml:lang="{code}"><seg>{t}</seg></tuv>' for code, t in texts.items())
    header = '<tmx version="1.4"><header srclang="de"/>'
    path.write_text(f"{header}<body><tu>{sides}</tu></body></tmx>", encoding="utf-8")
    name, pairs = file_pairs(path, ("en", "fr"))
    assert (name, list(pairs)) == ("memory.TMX", [("a fox", "un renard")])
    with pytest.raises(PublishError, match=r"model's folder does not name its source and target;"):
        file_pairs(path, ("en", None))


def test_an_incomplete_model_is_refused(model: Path, pairs: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "model")
    for name in ("generation_config.json", "tokenizer.json"):
        (tmp_path / "model" / name).unlink()
    problem = r"generation_config.json, tokenizer.json missing, needed a complete stock model"
    with pytest.raises(PublishError, match=problem):
        export(tmp_path / "model", "hub", out=tmp_path / "out", pairs=pairs)


def test_a_tokenizer_that_stock_programs_read_differently_is_refused(
    model: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = exporting.AutoTokenizer.from_pretrained

    def load(folder: Path, **named: Any) -> Any:
        tokenizer = real(folder, **named)
        tokenizer.add_tokens(["fox"])
        return tokenizer

    monkeypatch.setattr(exporting.AutoTokenizer, "from_pretrained", load)
    with pytest.raises(PublishError, match=r"AutoTokenizer cuts or joins '\d+' of 300 texts"):
        export(model, "hub", out=tmp_path / "out", pairs=pairs)


def test_a_target_that_stock_programs_cut_differently_is_refused(tmp_path: Path) -> None:
    """The source's tag is right, the target's is another language's."""
    tokenizer = open_tokenizer(nllb(tmp_path / "base"), languages=("eng_Latn", "deu_Latn"))
    tokenizer.save(tmp_path / "saved")
    sources, targets = sentences(ENGLISH, 5), sentences(GERMAN, 5)
    ids = tokenizer.encode(sources), tokenizer.encode_target(targets)
    text = HeldOut("some", sources, targets, *ids, left_out=0)
    check_tokenizer(tmp_path / "saved", tokenizer, text)
    config = tmp_path / "saved" / "tokenizer_config.json"
    edit_json(config, lambda content: content.update(tgt_lang="fra_Latn"))
    with pytest.raises(PublishError, match="cuts or joins '5' of 15 texts differently"):
        check_tokenizer(tmp_path / "saved", tokenizer, text)


SETTINGS: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    (
        "generation_config.json",
        lambda content: content.update(early_stopping=False),
        "asks for 4 beams and early_stopping 'false', true is needed, because CTranslate2",
    ),
    (
        "generation_config.json",
        lambda content: content.pop("early_stopping") and content.update(early_stopping="never"),
        "early_stopping 'never', true is needed",
    ),
    (
        "tokenizer_config.json",
        lambda content: content.update(tokenizer_class="TokenizersBackend"),
        "tokenizer_class 'TokenizersBackend', which transformers 4 does not know",
    ),
    (
        "tokenizer_config.json",
        lambda content: content.update(extra_special_tokens=["<x>"]),
        "has a list as extra_special_tokens, which transformers 4 cannot read",
    ),
    (
        "tokenizer_config.json",
        lambda content: content.pop("model_input_names"),
        "does not rule out token_type_ids, which generate refuses",
    ),
]


@pytest.mark.parametrize(("name", "change", "problem"), SETTINGS)
def test_settings_that_other_programs_read_differently_are_refused(
    model: Path,
    pairs: Path,
    name: str,
    change: Callable[[dict[str, Any]], Any],
    problem: str,
    tmp_path: Path,
) -> None:
    shutil.copytree(model, tmp_path / "model")
    edit_json(tmp_path / "model" / name, change)
    with pytest.raises(PublishError) as caught:
        export(tmp_path / "model", "hub", out=tmp_path / "out", pairs=pairs)
    assert problem in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
