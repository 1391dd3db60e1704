import json
from pathlib import Path

import pytest

from seq2seq.environment import VERSIONED, describe_environment
from seq2seq.errors import CheckpointError
from seq2seq.recipe import Recipe
from seq2seq.recipe_file import differences, parse_recipe, recipe_json
from seq2seq.run import Run
from seq2seq.train.checkpoint import Progress, begin_checkpoint, finish_checkpoint, temporary_path
from seq2seq.train.resume import check_changes, machine_changes

HASHES = {"train a": "1", "dev": "2", "test t": "3"}


def recipe(**train: object) -> Recipe:
    corpus = {"file": "a.tsv"}
    content = {
        "source_language": "en",
        "target_language": "de",
        "data": {"train": [corpus], "dev": corpus},
        "train": {"steps": 100, "warmup_steps": 10, "schedule": "linear", **train},
    }
    return parse_recipe(content, where="test")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of that recipe with a checkpoint at step 30."""
    run = Run(tmp_path)
    run.recipe.write_text(recipe_json(recipe()))
    run.environment.write_text(json.dumps({"data": HASHES}))
    temporary = temporary_path(run.checkpoints, 30)
    begin_checkpoint(temporary)
    content = {**Progress(step=30).__dict__, "candidates": []}
    (temporary / "progress.json").write_text(json.dumps(content))
    for name in ("model", "optimizer", "rng-0"):
        (temporary / f"{name}.safetensors").touch()
    finish_checkpoint(temporary, run.checkpoints, 30)
    return run


def check(run: Run, new: Recipe, hashes: dict[str, str] = HASHES) -> list[str]:
    return check_changes(run, new, differences(run.read_recipe(), new), hashes)


def test_the_same_recipe_passes_without_a_word(run: Run) -> None:
    assert check(run, recipe()) == []


def test_what_comes_after_an_update_may_change_and_is_said(run: Run) -> None:
    lines = check(run, recipe(patience=3, save_every_steps=50))
    assert lines == ["train.patience: 0 → 3", "train.save_every_steps: 500 → 50"]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"batch_tokens": 1024}, "train.batch_tokens: 4096 → 1024"),
        ({"label_smoothing": 0.2}, "train.label_smoothing: 0.1 → 0.2"),
        ({"accumulate": 2}, "train.accumulate: 1 → 2"),
    ],
)
def test_what_shaped_the_past_may_not_change(
    run: Run, change: dict[str, object], line: str
) -> None:
    with pytest.raises(CheckpointError, match="would alter its past") as caught:
        check(run, recipe(**change))
    assert line in str(caught.value)


def test_the_choosing_score_may_be_named_otherwise_but_not_be_another(run: Run) -> None:
    assert check(run, recipe(select_by="bleu")) == ['train.select_by: "auto" → "bleu"']
    with pytest.raises(CheckpointError, match=r'train\.select_by: "bleu" → "chrf"'):
        check(run, recipe(select_by="chrf"))


def test_dev_scores_of_another_tokenizer_are_refused(run: Run) -> None:
    environment = {"data": HASHES, "dev_score": "bleu|tok:ja-mecab-0.996-IPA"}
    run.environment.write_text(json.dumps(environment))
    with pytest.raises(
        CheckpointError, match=r"score: bleu\|tok:ja-mecab-0.996-IPA → bleu\|tok:13a"
    ):
        check(run, recipe())
    run.environment.write_text(json.dumps(environment | {"dev_score": "bleu|tok:13a"}))
    assert check(run, recipe()) == []
    char = parse_recipe(
        json.loads(recipe_json(recipe())) | {"score": {"tokenize": "char"}}, where="t"
    )
    with pytest.raises(CheckpointError, match=r"tok:13a → bleu\|tok:char \(give score.tokenize as"):
        check(run, char)
    run.environment.write_text(json.dumps({"data": HASHES}))  # as older versions wrote it
    with pytest.raises(CheckpointError, match=r"dev score: bleu\|tok:13a → bleu\|tok:char"):
        check(run, char)


def test_all_forbidden_changes_are_named_at_once(run: Run) -> None:
    with pytest.raises(CheckpointError) as caught:
        check(run, recipe(batch_tokens=1024, accumulate=2))
    assert "train.batch_tokens" in str(caught.value)
    assert "train.accumulate" in str(caught.value)


def test_more_steps_are_free_while_the_rate_has_not_begun_to_fall(run: Run) -> None:
    # The fall of a linear schedule begins at step 60; the run stands at 30.
    assert check(run, recipe(steps=200)) == ["train.steps: 100 → 200"]


def test_fewer_steps_that_would_have_lowered_past_rates_are_refused(run: Run) -> None:
    with pytest.raises(CheckpointError, match="changes the rate of updates already made"):
        check(run, recipe(steps=40))


def test_more_steps_are_refused_where_they_would_have_guided_past_updates_otherwise(
    run: Run,
) -> None:
    guided = {"weight": 1.0, "end": 0.2}
    run.recipe.write_text(recipe_json(recipe(guided_attention=guided)))
    with pytest.raises(CheckpointError, match=r"train\.steps: 100 → 200"):
        check(run, recipe(guided_attention=guided, steps=200))


def test_another_peak_is_refused(run: Run) -> None:
    with pytest.raises(CheckpointError, match=r"train.peak_lr: 0.0007 → 0.001 \(changes the rate"):
        check(run, recipe(peak_lr=1e-3))


def test_changed_training_text_is_refused_and_a_new_test_set_is_not(run: Run) -> None:
    assert check(run, recipe(), HASHES | {"test new": "4"}) == []
    with pytest.raises(CheckpointError, match='train a: text "1" → "other"'):
        check(run, recipe(), HASHES | {"train a": "other"})
    with pytest.raises(CheckpointError, match='dev: text "2" → "other"'):
        check(run, recipe(), HASHES | {"dev": "other"})


def test_another_text_of_a_test_set_is_said(run: Run) -> None:
    assert check(run, recipe(), HASHES | {"test t": "9", "test new": "4"}) == [
        "test t: another text than before, scores of it cannot be compared with earlier ones"
    ]


def test_any_rate_may_change_before_the_first_checkpoint(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.recipe.write_text(recipe_json(recipe()))
    run.environment.write_text(json.dumps({"data": HASHES}))
    assert check(run, recipe(peak_lr=1e-3)) == ["train.peak_lr: 0.0007 → 0.001"]


def test_another_machine_is_said_but_not_refused(run: Run) -> None:
    start = {"threads": 2, "processor": "A", "device": "cpu", "versions": {"torch": "2.13"}}
    run.environment.write_text(json.dumps(start | {"data": HASHES}))
    assert machine_changes(run, start) == []
    assert machine_changes(run, start | {"threads": 1}) == ["threads: 2 → 1"]
    assert machine_changes(run, start | {"versions": {"torch": "3"}}) == ['torch: "2.13" → "3"']


@pytest.mark.parametrize("name", VERSIONED)
def test_another_version_of_anything_that_numbers_depend_on_is_said(run: Run, name: str) -> None:
    start = describe_environment()
    run.environment.write_text(json.dumps(start | {"data": HASHES}))
    assert machine_changes(run, start) == []
    now = start | {"versions": start["versions"] | {name: "99"}}
    before = json.dumps(start["versions"][name])
    assert machine_changes(run, now) == [f'{name}: {before} → "99"']


def test_another_python_and_another_version_of_ours_are_said(run: Run) -> None:
    start = describe_environment() | {
        "python": "3.11.9",
        "seq2seq": {"version": "1", "commit": "a"},
    }
    run.environment.write_text(json.dumps(start | {"data": HASHES}))
    now = start | {"python": "3.12.1", "seq2seq": {"version": "2", "commit": "b"}}
    assert machine_changes(run, now) == [
        'python: "3.11.9" → "3.12.1"',
        'seq2seq version: "1" → "2"',
        'seq2seq commit: "a" → "b"',
    ]


def test_an_unreadable_environment_is_explained(run: Run) -> None:
    run.environment.write_text("{")
    with pytest.raises(CheckpointError, match="to tell whether the data is the same"):
        check(run, recipe())
