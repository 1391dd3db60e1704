"""The same ids, options and answers, whichever program runs the model."""

import gc
import shutil
import sys
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from seq2seq.decode.options import DecodeOptions, Hypothesis, Sampling
from seq2seq.engines import converted
from seq2seq.engines.converted import ConvertedEngine, _device_of, converted_folder
from seq2seq.engines.load import fitting_engine, load_engine
from seq2seq.engines.stock import StockEngine
from seq2seq.errors import DeviceError, ModelError
from seq2seq.run import Run
from seq2seq.translate import Report, Translator
from tests.engines.conftest import Loaded
from tests.publish.small_models import POSITIONS, edit_json, random_text

NAMES = ("transformers", "ctranslate2")
SEARCHES: list[dict[str, Any]] = [
    {"beams": 1},
    {"beams": 4, "n_best": 4},
    {"beams": 3, "length_penalty": 0.0, "n_best": 2},
    {"beams": 4, "length_penalty": 2.0},
    {"beams": 4, "max_length_factor": 0.5, "max_length_offset": 1, "n_best": 2},
    {"beams": 1, "max_length_factor": 0.5, "max_length_offset": 1},
    {"beams": 3, "first_id": 9, "n_best": 3},
    {"beams": 1, "first_id": 9},
    {"beams": 1, "no_repeat_ngram": 2},
    {"beams": 1, "min_length": 6},
    {"beams": 1, "forbidden": ((7,), (8, 9))},
    {"beams": 3, "max_length": 4, "n_best": 2},
]
STOCK_SEARCHES: list[dict[str, Any]] = [
    {"beams": 3, "no_repeat_ngram": 2, "n_best": 2},
    {"beams": 3, "min_length": 4},
    {"beams": 1, "prefix": (7, 8)},
    {"beams": 3, "first_id": 9, "prefix": (7,), "n_best": 3, "length_penalty": 0.5},
    {"beams": 1, "sampling": Sampling(temperature=0.9, top_k=9, seed=3), "n_best": 3},
    {"beams": 3, "forbidden": ((7,), (8, 9)), "n_best": 3},
    {"beams": 3, "forbidden": ((7,), (8, 9)), "renormalize": True, "n_best": 3},
    {"beams": 3, "early_stopping": "never", "max_length_factor": 0.5, "max_length_offset": 3},
    {"beams": 3, "early_stopping": False, "max_length_factor": 0.5, "max_length_offset": 3},
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_outputs_ends_and_scores_are_ours(
    loaded: Loaded, name: str, search: dict[str, Any]
) -> None:
    check(loaded, name, search)


@pytest.mark.parametrize("search", STOCK_SEARCHES, ids=str)
def test_stock_classes_know_every_option(loaded: Loaded, search: dict[str, Any]) -> None:
    check(loaded, "transformers", search)


@pytest.mark.parametrize("name", ["native", *NAMES])
@pytest.mark.parametrize("beams", [1, 3])
def test_nothing_is_left_of_a_search_whose_results_are_gone(
    loaded: Loaded, name: str, beams: int
) -> None:
    """Python looks for cycles seldom, so what stands in one makes a long job ever larger."""
    engine = loaded.native if name == "native" else loaded.others[name]
    sources = loaded.tokenizer.encode(random_text(9, seed=7))
    options = DecodeOptions(beams=beams, max_length_factor=0.5, max_length_offset=1)
    gc.collect()
    before = {id(one) for one in gc.get_objects()}
    gc.disable()
    try:
        found = engine.search(sources, options)
        assert len(found) == len(sources)
        del found
        new = [one for one in gc.get_objects() if id(one) not in before]
        assert [one for one in new if isinstance(one, Hypothesis)] == []
    finally:
        gc.enable()


def test_freed_memory_is_given_back_behind_many_batches_and_no_others(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, tidied = loaded.others["ctranslate2"], list[bool]()
    monkeypatch.setattr(converted, "give_back_freed_memory", lambda: tidied.append(True))
    monkeypatch.setattr(engine, "_greedy_tokens", 1)
    sources = [[7, 8, 2]] * converted.MANY_BATCHES
    for some, times in ((sources[1:], 0), (sources, 1)):
        engine.search(some, DecodeOptions(beams=1, max_length=4))
        assert len(tidied) == times


def check(loaded: Loaded, name: str, search: dict[str, Any]) -> None:
    sources = loaded.tokenizer.encode([*random_text(9, seed=7), "日本 é", "a </s> b", "<0x41>"])
    assert set(sources[9]) & set(loaded.tokenizer.byte_ids)
    options = DecodeOptions(**search)
    if options not in loaded.searched:
        loaded.searched[options] = loaded.native.search(sources, options)
    ours = loaded.searched[options]
    done: list[int] = []
    theirs = loaded.others[name].search(
        sources, options, batch_tokens=64 * options.beams, progress=done.append
    )
    assert len(done) > 1
    assert done[-1] == len(sources)
    for mine, other in zip(ours, theirs, strict=True):
        assert [one.ids for one in mine] == [one.ids for one in other]
        for one, two in zip(mine, other, strict=True):
            assert one.ended == two.ended
            assert two.score == pytest.approx(one.score, abs=1e-4)
            assert two.log_probability == pytest.approx(one.log_probability, abs=5e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_the_same_is_found_without_scores(
    loaded: Loaded, name: str, search: dict[str, Any]
) -> None:
    sources = loaded.tokenizer.encode(random_text(9, seed=7))
    engine, options = loaded.others[name], DecodeOptions(**search)
    scored = engine.search(sources, options)
    found = engine.search(sources, replace(options, scored=False))
    for row, expected in zip(found, scored, strict=True):
        assert [(one.ids, one.ended) for one in row] == [(one.ids, one.ended) for one in expected]
        numbers = [number for one in row for number in (one.score, one.log_probability)]
        assert all(map(isnan, numbers)) == any(map(isnan, numbers)) == (options.beams == 1)


@pytest.mark.parametrize("name", NAMES)
def test_given_targets_are_scored_alike(loaded: Loaded, name: str) -> None:
    sources = loaded.tokenizer.encode(random_text(9, seed=1))
    targets = [*loaded.tokenizer.encode(random_text(8, seed=2)), [9, 8]]  # the last has no end
    for first_id in (None, targets[0][0]):
        expected = loaded.native.score(sources, targets, first_id=first_id)
        found = loaded.others[name].score(sources, targets, first_id=first_id, batch_tokens=40)
        for one, two in zip(expected, found, strict=True):
            numbers = one.token_log_probabilities
            assert two.token_log_probabilities == pytest.approx(numbers, abs=1e-4)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"beams": 2, "early_stopping": False}, "it always stops early, early_stopping 'False'"),
        ({"beams": 2, "early_stopping": "never"}, "it always stops early, early_stopping 'never'"),
        ({"beams": 2, "min_length": 3}, "min_length is '3' with 2 beams, which it compares by"),
    ],
)
def test_ctranslate2_refuses_what_it_would_do_differently(
    loaded: Loaded, asked: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ModelError, match=f"ctranslate2 engine: {problem}.*; use engine native"):
        loaded.others["ctranslate2"].search([[5, 2]], DecodeOptions(**asked))


@pytest.mark.parametrize("name", NAMES)
def test_sources_that_do_not_fit_are_refused(loaded: Loaded, name: str) -> None:
    long = [5] * (POSITIONS + 1)
    with pytest.raises(ModelError, match=f"source 2 has '25' pieces, needed 1 to {POSITIONS}"):
        loaded.others[name].search([[5], long], DecodeOptions())
    with pytest.raises(ModelError, match=r"source 1 has '0' pieces"):
        loaded.others[name].score([[]], [[5]])


@pytest.mark.parametrize("name", NAMES)
def test_text_is_prepared_and_counted_alike(loaded: Loaded, name: str) -> None:
    lines = ["the red fox", "", "a dog sees. " * 9 + "the owl runs.", "an owl \N{SNOWMAN}"]
    plain = Translator.load(loaded.folder)
    place = loaded.folder / "converted" if name == "ctranslate2" else loaded.folder
    other = Translator.load(place, engine=name)  # type: ignore[arg-type]
    assert other.options == plain.options
    expected, found = plain.translate(lines), other.translate(lines)
    assert [one.text for one in found] == [one.text for one in expected]
    assert Report.of(found) == Report.of(expected)
    assert Report.of(found).split == Report.of(found).empty == 1
    with pytest.raises(ModelError, match="another program runs the model; needed engine native"):
        _ = other.model


def test_more_beams_than_the_folder_asks_for_work_in_every_engine(
    loaded: Loaded, tmp_path: Path
) -> None:
    """A model saved with one beam does not stop early, and CTranslate2 knows no other rule."""
    folder = tmp_path / "greedy"
    shutil.copytree(loaded.folder, folder)
    for place in (folder, folder / "converted"):
        edit_json(
            place / "generation_config.json",
            lambda content: content.update(num_beams=1, early_stopping=False),
        )
    lines, found = ["the red fox", "a dog sees the owl"], {}
    for name in ("native", "transformers", "ctranslate2"):
        place = folder / "converted" if name == "ctranslate2" else folder
        translator = Translator.load(place, engine=name)  # type: ignore[arg-type]
        assert (translator.search().beams, translator.remarks) == (1, ())
        options = translator.search(beams=3)
        assert options.early_stopping == (name == "ctranslate2")
        said = "early_stopping is 'False' with 3 beams, but CTranslate2 always stops early"
        assert any(said in remark for remark in translator.remarks) == (name == "ctranslate2")
        found[name] = [one.text for one in translator.translate(lines, options)]
    assert found["native"] == found["transformers"]
    early = Translator.load(folder).search(beams=3)
    again = Translator.load(folder).translate(lines, replace(early, early_stopping=True))
    assert found["ctranslate2"] == [one.text for one in again]


def test_an_export_of_a_run_is_found(loaded: Loaded, tmp_path: Path) -> None:
    run = Run(tmp_path)
    whole, small = run.exports / "ctranslate2", run.exports / "ctranslate2-int8"
    whole.mkdir(parents=True)
    with pytest.raises(ModelError, match=r"no model.bin, needed a CTranslate2 model; make one wit"):
        load_engine("ctranslate2", run.folder)
    (whole / "model.bin").touch()
    assert converted_folder(run.folder) == whole
    small.mkdir()
    (small / "model.bin").touch()
    with pytest.raises(ModelError, match=r"has 2 CTranslate2 exports, needed one; name .*-int8"):
        converted_folder(run.folder)
    assert converted_folder(small) == small


def test_a_damaged_conversion_is_refused(loaded: Loaded, tmp_path: Path) -> None:
    for file in (loaded.folder / "converted").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.bin").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="CTranslate2 cannot load it"):
        ConvertedEngine.load(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer_config.json: no such file, needed what "):
        ConvertedEngine.load(tmp_path)


def test_a_folder_that_stock_classes_cannot_load_is_refused(loaded: Loaded, tmp_path: Path) -> None:
    for file in loaded.folder.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    edit_json(tmp_path / "config.json", lambda content: content.update(model_type="bert"))
    with pytest.raises(ModelError, match="model of type 'bert', needed an encoder-decoder"):
        StockEngine.load(tmp_path)


def test_a_model_that_names_no_first_piece_is_refused_where_it_is_needed(loaded: Loaded) -> None:
    engine = StockEngine.load(loaded.folder)
    expected = engine.score([[5, 6, 2]], [[7, 2]])
    settings, started = engine._settings, engine._settings.decoder_start_token_id
    settings.decoder_start_token_id, settings.bos_token_id = None, started
    assert engine.score([[5, 6, 2]], [[7, 2]]) == expected  # as generate falls back
    settings.bos_token_id = None
    with pytest.raises(ModelError, match="no decoder_start_token_id in gener"):
        engine.score([[5, 6, 2]], [[7, 2]])


def test_a_stock_folder_without_a_weight_is_refused_where_the_library_would_invent_it(
    loaded: Loaded, tmp_path: Path
) -> None:
    for file in loaded.folder.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(loaded.folder / "model.safetensors")
    lost = next(name for name in sorted(tensors) if "layer" in name)
    save_file(
        {name: tensor for name, tensor in tensors.items() if name != lost},
        tmp_path / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(ModelError, match=f"1 weights are missing, such as '{lost}'"):
        StockEngine.load(tmp_path)


def test_ctranslate2_is_asked_for_where_it_is_missing(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(ModelError, match=r"pip install seq2seq-toolkit\[ctranslate2\]"):
        ConvertedEngine.load(loaded.folder / "converted")


def test_what_ctranslate2_cannot_follow_is_refused_with_the_reason(loaded: Loaded) -> None:
    engine = loaded.others["ctranslate2"]
    sources = loaded.tokenizer.encode(["the fox"])
    asked = DecodeOptions(beams=1, sampling=Sampling(), prefix=(5,))
    problem = (
        "ctranslate2 engine: its draws cannot be repeated by a seed for each line; it counts the "
        "pieces of a given prefix in its scores; use engine native"
    )
    with pytest.raises(ModelError, match=problem):
        engine.search(sources, asked)


@pytest.mark.parametrize(
    ("name", "count", "found"),
    [
        ("auto", 0, ("cpu", 0)),
        ("auto", 1, ("cuda", 0)),
        ("cpu", 2, ("cpu", 0)),
        ("cuda", 2, ("cuda", 0)),
        ("cuda:1", 2, ("cuda", 1)),
    ],
)
def test_ctranslate2_runs_on_the_device_that_is_named(
    name: str, count: int, found: tuple[str, int]
) -> None:
    assert _device_of(name, count=count) == found


def test_loading_ctranslate2_leaves_the_threads_of_torch_as_they_are(loaded: Loaded) -> None:
    usual = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        for _ in range(2):
            engine = ConvertedEngine.load(loaded.folder / "converted")
            assert engine._translator.num_translators == torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(usual)


@pytest.mark.parametrize(
    ("name", "count", "problem"),
    [
        ("cuda", 0, r"cuda: CTranslate2 finds no CUDA device\(s\) here; leave the device out"),
        ("cuda:2", 2, r"cuda:2: CTranslate2 finds 2 CUDA device\(s\) here"),
        ("mps", 0, "ctranslate2 engine: device 'mps', needed auto, cpu, cuda or cuda:N"),
    ],
)
def test_a_device_that_ctranslate2_does_not_find_is_refused(
    name: str, count: int, problem: str
) -> None:
    with pytest.raises(DeviceError, match=problem):
        _device_of(name, count=count)


def test_a_device_that_is_not_here_is_refused_before_anything_is_read(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for name in ("native", "transformers", "auto"):
        with pytest.raises(DeviceError, match="cuda: no CUDA device here"):
            load_engine(name, loaded.folder, device="cuda")  # type: ignore[arg-type]


def test_the_engine_that_fits_a_folder_is_found(loaded: Loaded, tmp_path: Path) -> None:
    assert fitting_engine(loaded.folder) == "native"
    assert fitting_engine(loaded.folder / "converted") == "ctranslate2"
    (tmp_path / "config.json").write_text('{"model_type": "t5"}', encoding="utf-8")
    assert fitting_engine(tmp_path) == "transformers"
