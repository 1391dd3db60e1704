"""The fastest program with the same outputs: chosen by trial, and the choice kept."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import DecodeOptions, Sampling
from seq2seq.engines import automatic, comparison
from seq2seq.engines.automatic import AutomaticEngine, fastest_engine
from seq2seq.engines.comparison import compare
from seq2seq.engines.conversion import RECORD, conversion_folder, read_conversion, read_files
from seq2seq.engines.converted import ConvertedEngine
from seq2seq.engines.eight_bits import compare_eight_bits
from seq2seq.engines.native import EightBitEngine, NativeEngine
from seq2seq.errors import DeviceError, ModelError
from seq2seq.model.stock import load_model, save_model
from tests.engines.conftest import Loaded, load_everywhere
from tests.publish.small_models import edit_json, random_text

GREEDY = DecodeOptions(beams=1)
LINES = random_text(30, seed=3)


# How a program is chosen and kept asks nothing of the family: both are only chosen from.
@pytest.fixture(scope="module", params=["marian"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load_everywhere(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True, scope="module")
def small_trials_at_any_speed() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(automatic, "SAMPLE", 10)
        patch.setattr(automatic, "ENOUGH", 20)
        patch.setattr(comparison, "SLOWER", 1000.0)
        yield


@pytest.fixture
def folder(loaded: Loaded, tmp_path: Path) -> Path:
    return Path(shutil.copytree(loaded.folder, tmp_path / "model"))


@pytest.fixture(scope="module")
def trial(
    loaded: Loaded, small_trials_at_any_speed: None, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What a trial of the model leaves; made once for all tests that need no more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(tmp_path_factory.mktemp("trial")))
        open_fastest(loaded.folder)[0].search(loaded.tokenizer.encode(LINES), GREEDY)
        return conversion_folder(loaded.folder)


@pytest.fixture
def tried(folder: Path, trial: Path, cache: Path) -> Path:
    """A folder whose model was tried."""
    shutil.copytree(trial, conversion_folder(folder))
    return folder


def open_fastest(folder: Path, **given: Any) -> tuple[Any, list[str]]:
    """The engine, and the list that what it says will be in."""
    said: list[str] = []
    return fastest_engine(folder, say=said.append, **given), said


def texts(rows: Sequence[Sequence[Any]]) -> list[Any]:
    return [row[0].ids for row in rows]


@pytest.mark.parametrize("loaded", ["m2m_100", "marian"], indirect=True)
def test_ctranslate2_is_tried_once_and_then_our_own_program_is_not_loaded(
    loaded: Loaded, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = loaded.tokenizer.encode(LINES)
    expected = texts(loaded.native.search(sources, GREEDY))
    engine, said = open_fastest(folder)
    assert texts(engine.search(sources, GREEDY)) == expected
    assert said[0] == "engine: trying CTranslate2 on 10 lines, once for this model"
    assert said[1].startswith("engine: CTranslate2 4.")
    assert "on 10 lines 10 outputs as of our own program" in said[1]
    monkeypatch.setattr(automatic, "load_engine", None)
    again, said = open_fastest(folder)
    again.warm_up(GREEDY)
    assert texts(again.search(sources[:3], GREEDY)) == expected[:3]
    assert [line[:19] for line in said] == ["engine: CTranslate2"]


def test_few_lines_are_not_worth_the_trial(loaded: Loaded, folder: Path, cache: Path) -> None:
    sources = loaded.tokenizer.encode(LINES)
    for some in (sources[: automatic.ENOUGH - 1], sources[:5] * 9):
        engine, said = open_fastest(folder)
        assert texts(engine.search(some, GREEDY)) == texts(loaded.native.search(some, GREEDY))
        assert said == [
            "engine: native: too few lines; the first job of at least 20 tries CTranslate2, once "
            "for each model"
        ]
    assert not cache.exists()


def test_what_was_found_holds_until_the_model_changes(loaded: Loaded, tried: Path) -> None:
    folder, place, weights = tried, conversion_folder(tried), tried / "model.safetensors"
    assert read_conversion(place, folder) is not None
    os.utime(weights, (1, 1))
    edit_json(folder / "generation_config.json", lambda content: content.update(num_beams=2))
    assert read_conversion(place, folder) is not None, "only a time and the search have changed"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert read_conversion(place, folder) is None
    (kept,) = place.glob("ctranslate2-*")
    again, _ = open_fastest(folder)
    again.search(loaded.tokenizer.encode(LINES), GREEDY)
    assert [one for one in place.glob("ctranslate2-*") if one != kept] != []
    assert not kept.exists()


@pytest.mark.parametrize(
    "damage",
    [lambda place: (place / RECORD).write_text("{"),
     lambda place: edit_json(place / RECORD, lambda record: record.update(program="another")),
     lambda place: edit_json(place / RECORD, lambda record: record["agreement"].update(more=1)),
     lambda place: edit_json(place / RECORD, lambda record: record["agreement"].update(equal="1")),
     lambda place: edit_json(place / RECORD, lambda record: record.pop("eight_bits")),
     lambda place: edit_json(place / RECORD, lambda record: record.update(files=[])),
     lambda place: [path.unlink() for path in place.glob("*/model.bin")]],
)  # fmt: skip
def test_what_cannot_be_trusted_is_made_again(loaded: Loaded, tried: Path, damage: Any) -> None:
    sources = loaded.tokenizer.encode(LINES)
    damage(conversion_folder(tried))
    engine, said = open_fastest(tried)
    assert texts(engine.search(sources, GREEDY)) == texts(loaded.native.search(sources, GREEDY))
    assert said[0].startswith("engine: trying")


def test_a_model_that_ctranslate2_runs_otherwise_stays_with_our_own_program(
    loaded: Loaded, folder: Path
) -> None:
    weights = load_model(folder)
    assert weights.config.model_type == "marian"  # only post-norm decoders start from zeros there
    with torch.no_grad():  # what our own program and the stock classes start from
        weights.embedding.weight[weights.config.pad_token_id] = 3.0
    save_model(weights, folder)
    sources, own = loaded.tokenizer.encode(LINES), NativeEngine(weights)
    for _ in range(2):
        engine, said = open_fastest(folder)
        assert texts(engine.search(sources, GREEDY)) == texts(own.search(sources, GREEDY))
        assert "native: with CTranslate2 the log-probability of a piece differs by" in said[-1]
    assert len(said) == 1, "it is not tried again"
    assert not list(conversion_folder(folder).glob("ctranslate2-*"))


UNLIKE: dict[str, dict[str, Any]] = {
    "draws": {"beams": 1, "sampling": Sampling(seed=2)},
    "prefix": {"beams": 1, "prefix": (7,)},
    "always stops early": {"beams": 3, "early_stopping": False},
    "min_length": {"beams": 3, "min_length": 4},
    "with no_repeat_ngram": {"beams": 3, "no_repeat_ngram": 2},
    "with forbidden pieces": {"beams": 3, "forbidden": ((7,),)},
}


@pytest.mark.parametrize("reason", UNLIKE)
def test_what_ctranslate2_does_otherwise_is_done_by_our_own_program(
    loaded: Loaded, tried: Path, reason: str
) -> None:
    sources = loaded.tokenizer.encode(LINES)
    engine, said = open_fastest(tried)
    engine.search(sources[:1], GREEDY)
    assert said[-1].startswith("engine: CTranslate2")
    options = DecodeOptions(**UNLIKE[reason])
    assert texts(engine.search(sources[:9], options)) == texts(
        loaded.native.search(sources[:9], options)
    )
    assert said[-1].startswith("engine: native: not CTranslate2, ")
    assert reason in said[-1]


def test_a_beginning_for_each_output_is_given_to_our_own_program(
    loaded: Loaded, tried: Path
) -> None:
    sources = loaded.tokenizer.encode(LINES)
    engine, said = open_fastest(tried)
    engine.search(sources[:1], GREEDY)
    assert said[-1].startswith("engine: CTranslate2")
    prefixes = [[7, 8], []]
    found = engine.search(sources[:2], GREEDY, prefixes=prefixes)
    assert found == loaded.native.search(sources[:2], GREEDY, prefixes=prefixes)
    assert "it begins all outputs of a batch alike" in said[-1]


def test_eight_bits_are_weighed_once_and_that_is_said(loaded: Loaded, folder: Path) -> None:
    sources = loaded.tokenizer.encode(LINES)
    engine, said = open_fastest(folder, eight_bits=True)
    engine.search(sources, GREEDY)
    measured = read_conversion(conversion_folder(folder), folder)
    assert measured is not None
    assert measured.eight_bits is not None
    assert said[-1].startswith(f"8 bits: {measured.eight_bits.equal} of 10 outputs as with 32")
    again, repeated = open_fastest(folder, eight_bits=True)
    again.search(sources[:5], GREEDY)
    assert repeated[-1] == said[-1]
    exact, _ = open_fastest(folder)
    assert texts(exact.search(sources, GREEDY)) == texts(loaded.native.search(sources, GREEDY))


def in_eight_bits(loaded: Loaded) -> EightBitEngine:
    return EightBitEngine(loaded.native.model, say=lambda line: None)


@pytest.mark.skipif(not torch.cpu._is_vnni_supported(), reason="no products of 8 bits here")
def test_what_ctranslate2_cannot_take_is_rounded_by_our_own_program(
    loaded: Loaded, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, found = loaded.tokenizer.encode(LINES[:5]), []
    for missing in (False, True):
        if missing:
            monkeypatch.setattr(automatic, "find_spec", lambda name: None)
        engine, said = open_fastest(folder, eight_bits=True)
        found.append(engine.search(sources, GREEDY))
        assert [line.partition(":")[0] for line in said] == ["engine", "8 bits"]
        assert said[0].startswith("engine: native, with matrices of 8 bits: ")
    assert found[0] == found[1] == in_eight_bits(loaded).search(sources, GREEDY)
    assert found[0] != loaded.native.search(sources, GREEDY), "scores tell that it was rounded"


@pytest.mark.parametrize("missing", [False, True])
def test_a_processor_without_products_of_8_bits_is_named_and_32_are_used(
    loaded: Loaded, folder: Path, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    if missing:
        monkeypatch.setattr(automatic, "find_spec", lambda name: None)
    sources = loaded.tokenizer.encode(LINES[:5])
    engine, said = open_fastest(folder, eight_bits=True)
    assert engine.search(sources, GREEDY) == loaded.native.search(sources, GREEDY)
    assert said[-1].startswith("8 bits: this processor has no AVX512-VNNI, ")
    assert said[-1].endswith("; here 32 bits are used")


def test_what_rounding_costs_is_nothing_for_the_same_program_and_something_for_a_worse_one(
    loaded: Loaded, folder: Path
) -> None:
    sample = loaded.tokenizer.encode(LINES[:10])
    same = compare_eight_bits(loaded.native, loaded.native, sample, GREEDY)
    assert (same.lines, same.equal, same.loss) == (10, 10, 0.0)
    spoilt = load_model(folder)
    with torch.no_grad():
        for parameter in spoilt.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    worse = compare_eight_bits(loaded.native, NativeEngine(spoilt), sample, GREEDY)
    assert worse.equal < 10
    assert worse.loss > 0


def test_programs_are_compared_by_probabilities_outputs_and_time(
    loaded: Loaded, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = loaded.tokenizer.encode(LINES[:10])
    fine = compare(loaded.native, loaded.others["ctranslate2"], sample, GREEDY)
    assert (fine.lines, fine.equal, fine.problems) == (10, 10, ())
    assert fine.largest_difference < 1e-4
    spoilt = load_model(folder)
    with torch.no_grad():
        spoilt.embedding.weight.add_(torch.randn_like(spoilt.embedding.weight) * 0.2)
    monkeypatch.setattr(comparison, "SLOWER", 0.0)
    bad = compare(loaded.native, NativeEngine(spoilt), sample, GREEDY)
    assert len(bad.problems) == 3
    for words, problem in zip(("log-probability", "outputs", "times as long"), bad.problems,
                              strict=True):  # fmt: skip
        assert words in problem


def test_a_place_that_cannot_be_written_leaves_the_work_to_our_own_program(
    loaded: Loaded, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "file"))
    sources = loaded.tokenizer.encode(LINES)
    engine, said = open_fastest(folder)
    assert texts(engine.search(sources, GREEDY)) == texts(loaded.native.search(sources, GREEDY))
    assert said[-1].endswith(
        f"format cannot be kept in {engine.place}: Not a directory; until it can, every job is "
        "left to our own program: make room or allow writing there, or let SEQ2SEQ_CACHE name "
        "another folder"
    )


def test_what_cannot_be_noted_serves_this_job_and_what_that_costs_is_said_once(
    loaded: Loaded, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(automatic, "write_conversion", full)
    sources = loaded.tokenizer.encode(LINES)
    engine, said = open_fastest(folder, eight_bits=True)
    for _ in range(2):
        engine.search(sources, GREEDY)
    notes = [line for line in said if line.startswith("note: ")]
    assert notes == [
        f"note: {engine.place}: what was compared cannot be kept (No space left on device); every "
        "start compares anew, until it can: make room or allow writing there, or let "
        "SEQ2SEQ_CACHE name another folder"
    ]
    assert any(line.startswith("engine: CTranslate2") for line in said)
    assert open_fastest(folder)[0]._conversion is None


def test_a_run_keeps_it_and_a_stock_folder_is_left_as_it_is(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, stock = tmp_path / "run", tmp_path / "stock"
    run.mkdir()
    (run / "recipe.json").touch()
    assert conversion_folder(run) == run / "engines"
    assert conversion_folder(stock).parent == cache / "engines"
    assert conversion_folder(stock) != conversion_folder(tmp_path / "other" / "stock")
    (run / "engines").mkdir()
    monkeypatch.setattr(os, "access", lambda path, _: path != run / "engines")
    assert conversion_folder(run).parent == cache / "engines"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert conversion_folder(run).parent == cache / "engines"


@pytest.mark.parametrize(
    ("missing", "device", "reason"),
    [("find_spec", "auto", "not installed"), ("", "cuda", "on 'cuda'"), ("gpu", "auto", "a GPU")],
)
def test_where_ctranslate2_is_out_of_the_question_that_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, missing: str, device: str, reason: str
) -> None:
    if missing == "find_spec":
        monkeypatch.setattr(automatic, "find_spec", lambda name: None)
    if missing == "gpu":
        monkeypatch.setattr(automatic, "_has_gpu", lambda: True)
    said: list[str] = []
    try:
        engine = fastest_engine(folder, device=device, say=said.append)
        assert isinstance(engine, NativeEngine)
    except DeviceError:
        assert device == "cuda"
    assert reason in said[0]


def test_folders_of_other_programs_are_run_by_those(loaded: Loaded) -> None:
    engine, said = open_fastest(loaded.folder / "converted", eight_bits=True)
    assert isinstance(engine, ConvertedEngine)
    assert said == [f"engine: {automatic.program()}: the folder is in its format",
                    "8 bits: not used"]  # fmt: skip


def test_files_that_decide_are_known_by_their_bytes(folder: Path) -> None:
    before = read_files(folder)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= before.keys()
    assert "generation_config.json" not in before
    assert read_files(folder, {name: replace(one, sha256="x") for name, one in before.items()})[
        "config.json"
    ].sha256 == "x", "size and time tell that nothing has changed"  # fmt: skip


def test_options_and_sizes_are_those_of_the_model(loaded: Loaded, folder: Path) -> None:
    engine, _ = open_fastest(folder)
    assert isinstance(engine, AutomaticEngine)
    assert (engine.positions, engine.vocab_size) == (
        loaded.native.positions, loaded.native.vocab_size,
    )  # fmt: skip
    ids: list[Ids] = [*loaded.tokenizer.encode(LINES[:2])]
    assert engine.score(ids, ids) == loaded.native.score(ids, ids)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config.pop("vocab_size")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelError, match="marian config"):
        open_fastest(folder)
