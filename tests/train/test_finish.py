from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from seq2seq.errors import CheckpointError
from seq2seq.files import file_sha256
from seq2seq.pronouns.gender_report import report_gender
from seq2seq.pronouns.items import Row, write_rows
from seq2seq.recipe_file import parse_recipe
from seq2seq.run import Run
from seq2seq.train.checkpoint import Candidate, Progress, candidate_path
from seq2seq.train.criterion.criterion import Criterion
from seq2seq.train.finish import (
    Finished,
    choose_weights,
    items_shown,
    overview,
    score_test,
    translate_test,
    write_lines,
)
from seq2seq.train.selection import Validation
from seq2seq.translate import Translation
from tests.train import pointing


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


class Judge:
    """A dev set that likes weights near a number; one that is blind sees it in chrF alone."""

    metric = "bleu"

    def __init__(self, ideal: float, *, blind: bool = False):
        self.ideal = ideal
        self.blind = blind

    def __call__(self, criterion: Criterion) -> Validation:
        likes = 10 - abs(criterion.model.weight.item() - self.ideal)
        return Validation("bleu", 0.0 if self.blind else likes, likes, 1.5, {})


def run_with(
    folder: Path, ideal: float, *, blind: bool = False
) -> tuple[Run, nn.Linear, Progress, Judge]:
    """Candidates with weights 1 and 3, scored by the judge."""
    run, model = Run(folder), nn.Linear(1, 1, bias=False)
    judge = Judge(ideal, blind=blind)
    run.checkpoints.mkdir()
    candidates = []
    for step, weight in ((10, 1.0), (20, 3.0)):
        path = candidate_path(run.checkpoints, step)
        save_file({"weight": torch.tensor([[weight]])}, path)
        likes = 10 - abs(weight - ideal)
        score = 0.0 if blind else likes
        candidates.append(Candidate(step, score, file_sha256(path), chrf=likes, loss=1.5))
    candidates.sort(key=lambda one: (-one.score, -(one.chrf or 0)))
    equal = {"bleu": 0.0} if blind else {}
    progress = Progress(candidates=candidates, validations=2, equal_scores=equal)
    return run, model, progress, judge


def test_a_line_break_in_a_test_source_is_read_as_a_space_and_said() -> None:
    seen: list[str] = []

    def translate(
        sources: list[str], *_: object, restore: bool = True, **__: object
    ) -> list[Translation]:
        assert not restore  # a score is that of the model's own text
        seen.extend(sources)
        return [Translation((), 1, 0, 0) for _ in sources]

    translator: Any = SimpleNamespace(
        translate=translate,
        engine=None,
        tokenizer=SimpleNamespace(first_id=None),
        context=None,
    )
    recipe = parse_recipe(
        {"source_language": "en", "target_language": "de",
         "data": {"train": [{"file": "a.tsv"}], "dev": {"file": "b.tsv"}}},
        where="test",
    )  # fmt: skip
    log: Any = Log()
    stop: Any = SimpleNamespace(check=None, divide=lambda items, work: work(items))
    data = {"source": ["one\ntwo", "three"]}
    assert len(translate_test(translator, recipe, "t", data, stop, log)) == 2
    assert seen == ["one two", "three"]
    assert log.lines[0] == "t: 1 sources with line breaks, which are read as spaces"


def test_an_average_that_wins_on_dev_is_taken(tmp_path: Path) -> None:
    run, model, progress, judge = run_with(tmp_path, ideal=2.1)
    choice = choose_weights(run, Criterion(model), progress, judge)  # type: ignore[arg-type]
    assert model.weight.item() == 2.0
    assert choice.weights == "average of steps 10, 20"
    assert choice.dev.score == pytest.approx(9.9)
    assert (choice.rejected, choice.decided_by) == ("step 20, 9.10", "bleu")


def test_an_average_that_loses_is_rejected(tmp_path: Path) -> None:
    run, model, progress, judge = run_with(tmp_path, ideal=3.0)
    choice = choose_weights(run, Criterion(model), progress, judge)  # type: ignore[arg-type]
    assert model.weight.item() == 3.0
    assert (choice.weights, choice.dev.score) == ("step 20", 10.0)
    assert (choice.rejected, choice.decided_by) == ("average of steps 10, 20, 9.00", "bleu")


@pytest.mark.parametrize(("ideal", "weights"), [(2.1, "average of steps 10, 20"), (3.0, "step 20")])
def test_where_the_dev_score_is_blind_chrf_decides_and_that_is_said(
    tmp_path: Path, ideal: float, weights: str
) -> None:
    run, model, progress, judge = run_with(tmp_path, ideal, blind=True)
    choice = choose_weights(run, Criterion(model), progress, judge)  # type: ignore[arg-type]
    assert (choice.weights, choice.decided_by) == (weights, "chrf")
    assert choice.rejected.endswith(", 0.00 (chrf 9.10)" if ideal == 2.1 else "0.00 (chrf 9.00)")
    text = Finished(choice, "bleu", {}, report_gender({})).to_text()
    assert text.endswith("\ndev bleu is 0.00 in all 2 validations: chrF decides")
    likes = 10 - abs(ideal - model.weight.item())
    assert choice.to_json("bleu") == {
        "metric": "bleu", "score": 0.0, "chrf": pytest.approx(likes),
        "loss_nats_per_token": 1.5, "perplexity": 4.4817, "decided_by": "chrf",
    }  # fmt: skip


def test_test_sets_are_scored_in_their_language_and_notes_end_the_overview() -> None:
    lines = ["今天天气很好。", "孩子们在花园里玩。"]
    recipe = parse_recipe(
        {"source_language": "en", "target_language": "zho_Hans",
         "data": {"train": [{"file": "a.tsv"}], "dev": {"file": "b.tsv"}}},
        where="test",
    )  # fmt: skip
    report = score_test(recipe, "t", ["a", "b"], lines, lines)
    assert list(report.scores) == ["bleu", "chrf"]
    assert report.scores["bleu"].value == pytest.approx(100)
    assert "tok:zh" in report.scores["bleu"].signature
    assert report.to_json()["language"] == {"code": "zho_Hans", "source": "given"}
    other = score_test(recipe, "u", ["a"], ["good day"], ["good day"])
    text = overview({"t": report, "u": other})
    assert text.splitlines()[0].startswith("t  BLEU 100.00")
    assert "\nnote: u: only 0% of the references' letters are of scripts without spaces" in text


def test_the_overview_names_the_test_sets_of_each_signature() -> None:
    recipe = parse_recipe(
        {"task": "summarization", "source_language": "xx", "target_language": "xx",
         "data": {"train": [{"file": "a.tsv"}], "dev": {"file": "b.tsv"}}},
        where="test",
    )  # fmt: skip
    lines = {"ru": "хорошая погода", "zh": "今天天气很好", "fr": "il fait beau"}
    reports = {name: score_test(recipe, name, ["a"], [one], [one]) for name, one in lines.items()}
    shown = overview(reports).splitlines()
    assert [line.partition("nrefs")[0] for line in shown if line.startswith("ROUGE-1")] == [
        "ROUGE-1 of ru, fr: ", "ROUGE-1 of zh: ",
    ]  # fmt: skip
    alike = overview({name: reports[name] for name in ("ru", "fr")}).splitlines()
    assert any(line.startswith("ROUGE-1: nrefs:1|") for line in alike)


@pytest.mark.parametrize("step", [10, 20])
def test_damaged_or_missing_weights_are_refused_for_the_end_would_be_another_model(
    tmp_path: Path, step: int
) -> None:
    run, model, progress, judge = run_with(tmp_path, ideal=3.0)
    damaged = candidate_path(run.checkpoints, step)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x00")
    said = f"weights-0000{step}.safetensors, one of the best weights so far, does not have the hash"
    with pytest.raises(CheckpointError, match=said):
        choose_weights(run, Criterion(model), progress, judge)  # type: ignore[arg-type]
    damaged.unlink()
    with pytest.raises(CheckpointError, match="is missing, needed all of them to end with the sam"):
        choose_weights(run, Criterion(model), progress, judge)  # type: ignore[arg-type]


def test_a_line_break_inside_a_translation_stays_one_line(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "b.txt", ["x\ny", "", "z"])
    assert (tmp_path / "a" / "b.txt").read_text() == "x y\n\nz\n"


def test_a_set_whose_targets_tell_nothing_is_not_judged_and_that_is_said(tmp_path: Path) -> None:
    items = pointing.items()[:8]
    silent = [replace(one, bad=one.good, good_spans=(), bad_spans=()) for one in items]
    log = Log()
    for name, some in (("telling", items), ("silent", silent)):
        path = tmp_path / name
        write_rows(path, [Row(one.source, one.good, one) for one in some])
        shown = items_shown(name, path, log)
        assert [one.id for one in shown] == [one.id for one in (some if name == "telling" else [])]
    assert log.lines == ["silent: none of its 8 targets tells who is meant, so none is judged"]
