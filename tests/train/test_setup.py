import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from accelerate import PartialState

from seq2seq import preset
from seq2seq.errors import CheckpointError, DeviceError, RecipeError, TrainingError
from seq2seq.opened_model import READS_SEVERAL, trained_on
from seq2seq.preset import Choice
from seq2seq.recipe import Recipe, TrainSpec
from seq2seq.recipe_file import parse_recipe
from seq2seq.run import Run
from seq2seq.tokenizer import train_tokenizer
from seq2seq.train import setup
from seq2seq.train.run import device_kind, train
from seq2seq.train.setup import (
    Prepared,
    check_folder,
    check_processes,
    check_trackers,
    prepare_run,
    recorded_choices,
    write_facts,
)


def recipe(**train: object) -> Recipe:
    corpus = {"file": "a.tsv"}
    data = {"train": [corpus], "dev": corpus}
    languages = {"source_language": "en", "target_language": "de"}
    return parse_recipe({**languages, "data": data, "train": train}, where="test")


def test_a_folder_with_a_checkpoint_is_not_trained_into_again(tmp_path: Path) -> None:
    run = Run(tmp_path)
    (run.checkpoints / "step-000010").mkdir(parents=True)
    assert check_folder(run, resume=True) == ""
    with pytest.raises(RecipeError, match="holds a run already; continue it with --resume"):
        check_folder(run, resume=False)


def test_a_run_that_is_to_go_on_and_is_not_there_begins_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = '{ file = "a.tsv" }'
    (tmp_path / "r.toml").write_text(
        'source_language = "en"\ntarget_language = "de"\n'
        f"[data]\ntrain = [{corpus}]\ndev = {corpus}\n",
        encoding="utf-8",
    )
    monkeypatch.setattr("seq2seq.train.run._train_together", lambda *_, **__: "trained")
    begun = partial(train, tmp_path / "r.toml", device="cpu", overrides=["train.processes=1"])
    said = f"note: {tmp_path / 'mistyped'}: nothing to resume there; begins anew\n"
    for resume in (True, False):
        assert begun(run_folder=tmp_path / "mistyped", resume=resume) == "trained"
        assert capsys.readouterr().err == (said if resume else "")


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("left", ["best", "scores.json"])
def test_a_finished_run_without_checkpoints_is_not_begun_again(
    tmp_path: Path, left: str, resume: bool
) -> None:
    (tmp_path / left).mkdir()
    with pytest.raises(RecipeError, match="finished and its checkpoints are gone, needed one"):
        check_folder(Run(tmp_path), resume=resume)


def test_a_start_that_never_saved_may_be_repeated_with_another_recipe(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.recipe.write_text("{}")
    check_folder(run, resume=False)


def test_what_was_chosen_for_a_run_is_read_again_once_it_has_saved_something(
    tmp_path: Path,
) -> None:
    run, chosen = Run(tmp_path), Choice("train.warmup_steps", 12, "a fifth")
    run.data_report.write_text(json.dumps({"preset": [asdict(chosen)]}))
    assert recorded_choices(run) is None
    (run.checkpoints / "step-000010").mkdir(parents=True)
    assert recorded_choices(run) == (chosen,)
    run.data_report.write_text("{}")
    with pytest.raises(CheckpointError, match=r"data.json: cannot be read .* what was chosen"):
        recorded_choices(run)


def test_a_launcher_that_starts_too_few_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = PartialState(cpu=True)
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(TrainingError, match=r"WORLD_SIZE = 4: 1 process\(es\) take part"):
        check_processes(recipe(), alone)


def test_one_process_has_nobody_to_share_out_weights_to() -> None:
    with pytest.raises(TrainingError, match=r"train.fsdp = true: one process takes part, needed"):
        check_processes(recipe(fsdp=True), PartialState(cpu=True))


@pytest.mark.parametrize(("there", "expected"), [(True, "cuda"), (False, "cpu")])
def test_a_run_takes_the_gpu_where_there_is_one_and_the_cpu_where_it_is_asked_for(
    there: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert device_kind("auto") == expected
    assert device_kind("cpu") == "cpu"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mps", "'mps' cannot be trained on, needed auto, cpu or cuda"),
        ("cuda:1", "CUDA_VISIBLE_DEVICES chooses among several"),
        ("cuda", "cuda: no CUDA device here"),
    ],
)
def test_a_device_that_cannot_be_trained_on_is_refused(
    name: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=said):
        device_kind(name)


def test_a_tracker_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "get_available_trackers", lambda: ["tensorboard"])
    check_trackers(recipe(trackers=["tensorboard"]))
    with pytest.raises(TrainingError, match=r"train.trackers: mlflow not installed"):
        check_trackers(recipe(trackers=["tensorboard", "mlflow"]))


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_copying_pairs_are_said_and_reported_but_not_counted_as_real(
    share: float, tmp_path: Path
) -> None:
    lines = "".join(f"Tom ate {n} figs.\tTom comió {n} higos.\n" for n in range(100, 160))
    (tmp_path / "a.tsv").write_text(lines, encoding="utf-8")
    corpus = {"file": "a.tsv", "source_field": "1", "target_field": "2"}
    data = {
        "folder": str(tmp_path), "train": [corpus], "dev": {**corpus, "max_rows": 3},
        "cleaning": {"overlap": "keep"}, "copying": {"share": share}, "cache": None,
    }  # fmt: skip
    content = {"source_language": "en", "target_language": "es", "data": data}
    content["tokenizer"] = {"vocab_size": 40, "kind": "bpe"}
    run, said = Run(tmp_path / "run"), list[str]()
    prepared = prepare_run(parse_recipe(content, where="test"), run, say=said.append)
    write_facts(run, prepared, "# given", say=said.append)
    assert run.recipe_given.read_text() == "# given"
    report = json.loads(run.data_report.read_text(encoding="utf-8"))
    assert report["pairs"] == prepared.training.pairs == 60
    lines_about = [line for line in said if line.startswith("copying: ")]
    assert len(lines_about) == (1 if share else 0)
    assert ("copying" in report) == bool(share)
    if share:
        copying = report["copying"]
        assert copying["pairs"] + copying["too_long"] + copying["unknown"] == 30
        assert copying["shared_name"] == 60
        assert len(prepared.training.epoch(0)) == 60 + copying["pairs"]


@pytest.mark.parametrize(
    ("cache", "place"), [("auto", "named"), ("OWN", "own"), (None, None)], ids=str
)
def test_corpora_are_kept_where_the_recipe_or_the_environment_says(
    cache: str | None, place: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "named"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    lines = "".join(f"Tom ate {n} figs.\tTom comió {n} higos.\n" for n in range(100, 160))
    (tmp_path / "a.tsv").write_text(lines, encoding="utf-8")
    corpus = {"file": "a.tsv", "source_field": "1", "target_field": "2"}
    data = {
        "folder": str(tmp_path), "train": [corpus], "dev": {**corpus, "max_rows": 3},
        "cleaning": {"overlap": "keep"},
        "cache": str(tmp_path / "own") if cache == "OWN" else cache,
    }  # fmt: skip
    content = {"source_language": "en", "target_language": "es", "data": data}
    content["tokenizer"] = {"vocab_size": 40, "kind": "bpe"}
    prepare_run(parse_recipe(content, where="test"), Run(tmp_path / "run"), say=lambda line: None)
    kept = [name for name in ("named", "own", "home") if list(tmp_path.glob(f"{name}/**/*.arrow"))]
    assert kept == ([] if place is None else [place])


@pytest.mark.parametrize("most", [3_000, 500_000])
def test_of_a_large_text_a_part_teaches_the_vocabulary_and_that_is_said(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(f"fig {n} of Tom\tel higo {n} de Tom\n" for n in range(500))
    (tmp_path / "a.tsv").write_text(lines, encoding="utf-8")
    corpus = {"file": "a.tsv", "source_field": "1", "target_field": "2"}
    data = {
        "folder": str(tmp_path), "train": [corpus], "dev": {**corpus, "max_rows": 3},
        "cleaning": {"overlap": "keep"}, "cache": None,
    }  # fmt: skip
    content = {"source_language": "en", "target_language": "es", "data": data}
    content["tokenizer"] = {"vocab_size": 60, "kind": "bpe"}
    learnt: list[list[str]] = []

    def trained(texts: Iterable[str], *rest: object, **more: object) -> object:
        learnt.append(list(texts))
        return train_tokenizer(learnt[-1], *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(setup, "MOST_VOCABULARY_CHARACTERS", most)
    monkeypatch.setattr(setup, "train_tokenizer", trained)
    said, whole = list[str](), len(lines) - 1000
    for name in ("one", "two"):
        prepare_run(parse_recipe(content, where="test"), Run(tmp_path / name), say=said.append)
    assert learnt[0] == learnt[1]
    drawn, told = len("".join(learnt[0])), [line for line in said if "vocabulary" in line]
    if most > whole:
        assert (drawn, told) == (whole, [])
        return
    assert 0.8 * most < drawn < 1.2 * most
    assert 0.4 < sum(line.startswith("fig") for line in learnt[0]) / len(learnt[0]) < 0.6
    part = f"{100 * most / whole:.1f} %"
    assert told[0] == (
        f"vocabulary: learnt from {part} of the lines, drawn at random, because the text has "
        f"{whole:,} characters; 3,000 are enough"
    )


CJK = [chr(0x4E00 + number) for number in range(1500)]


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of English words and Chinese characters: as many pieces, far fewer spaces."""
    random, folder = Random(3), tmp_path_factory.mktemp("chinese")
    words = ["".join(random.choices("aeiklmnoprst", k=3)) for _ in range(1500)]
    lines = []
    for _ in range(400):
        numbers = [int(1500 * random.random() ** 3) for _ in range(random.randint(3, 9))]
        english = " ".join(words[number] for number in numbers)
        lines.append(f"{english}\t{''.join(CJK[number] for number in numbers)}\n")
    (folder / "a.tsv").write_text("".join(lines), encoding="utf-8")
    return folder


def chosen(
    folder: Path, *, back: bool = False, weight: float = 1.0, accumulate: int = 1
) -> Prepared:
    """A recipe whose preset is without_preset on these pairs, in one direction or the other."""
    first, second = ("2", "1") if back else ("1", "2")
    corpus = {"file": "a.tsv", "source_field": first, "target_field": second}
    data = {"folder": str(folder), "cache": None, "train": [corpus | {"weight": weight}]}
    content = {
        "source_language": "zh" if back else "en",
        "target_language": "en" if back else "zh",
        "preset": "auto",
        "data": data | {"dev": corpus, "cleaning": {"overlap": "keep"}},
        "train": {"batch_tokens": 256, "accumulate": accumulate},
    }
    run = Run(folder / f"{back} {weight} {accumulate}")
    return prepare_run(parse_recipe(content, where="test"), run, say=lambda _: None)


def test_both_directions_of_a_corpus_are_trained_for_as_long(chinese: Path) -> None:
    there, back = (chosen(chinese, back=back) for back in (False, True))
    assert there.recipe.train.steps == pytest.approx(back.recipe.train.steps, rel=0.1)
    epoch = there.training.epoch(0)
    longer = np.maximum(epoch.source_lengths, epoch.target_lengths).sum()
    updates = 60 * longer / 256  # without what cutting into batches loses
    assert updates < there.recipe.train.steps < 1.2 * updates + 100
    assert there.recipe.tokenizer.vocab_size > 1000 + 400
    assert there.recipe.preset == "none"


def test_weights_and_micro_batches_are_counted_in_the_length_of_a_run(chinese: Path) -> None:
    plain, twice, fewer = (
        chosen(chinese, **values).recipe.train.steps  # type: ignore[arg-type]
        for values in ({}, {"weight": 2.0}, {"accumulate": 2})
    )
    assert twice == pytest.approx(2 * plain, rel=0.1)
    assert fewer == pytest.approx(plain / 2, rel=0.1)


def test_a_run_goes_on_with_what_was_chosen_whatever_would_be_chosen_now(
    chinese: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, run = chosen(chinese), Run(chinese / "False 1.0 1")
    write_facts(run, begun, "", say=lambda _: None)
    tiers = [replace(tier, vocab_size=64, width=16, epochs=1) for tier in preset.TIERS]
    monkeypatch.setattr(preset, "TIERS", tiers)
    assert chosen(chinese, weight=0.5).recipe.model.width == 16
    (run.checkpoints / "step-000010").mkdir(parents=True)
    resumed = chosen(chinese)
    assert (resumed.recipe, resumed.choices) == (begun.recipe, begun.choices)
    report = json.loads(run.data_report.read_text())
    report["preset"] = [one for one in report["preset"] if one["key"] != "train.steps"]
    run.data_report.write_text(json.dumps(report))  # as a version that chose less had it
    assert chosen(chinese).recipe.train.steps == TrainSpec().steps


@pytest.mark.parametrize(("task", "share"), [("translation", 0.25), ("summarization", None)])
def test_the_share_of_sources_with_several_sentences_is_kept(
    task: str, share: float | None, tmp_path: Path
) -> None:
    ends = ["Dr. Hill slept.", "Tom ate. He slept.", "It cost 3.50 here.", "No end"]
    lines = "".join(f"Note {n}: {end}\tx {n}\n" for n in range(40) for end in ends)
    (tmp_path / "a.tsv").write_text(lines, encoding="utf-8")
    corpus = {"file": "a.tsv", "source_field": "1", "target_field": "2"}
    data = {"folder": str(tmp_path), "train": [corpus], "dev": {**corpus, "max_rows": 3},
            "cleaning": {"overlap": "keep"}, "cache": None}  # fmt: skip
    content = {"task": task, "source_language": "en", "target_language": "en", "data": data,
               "tokenizer": {"vocab_size": 50, "kind": "bpe"}}  # fmt: skip
    run = Run(tmp_path / "run")
    prepared = prepare_run(parse_recipe(content, where="test"), run, say=lambda line: None)
    write_facts(run, prepared, "", say=lambda line: None)
    report = json.loads(run.data_report.read_text(encoding="utf-8"))
    assert report["several_sentences_share"] == share
    assert trained_on(run) == ("lines" if share is None or share > READS_SEVERAL else "sentences")
