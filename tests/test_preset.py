"""``preset = "auto"``: the size of the data chooses, and what the recipe gives stays."""

from typing import Any

import pytest

from seq2seq.errors import RecipeError
from seq2seq.preset import TIERS, Choice, fit_warmup, resolve_preset, with_choices
from seq2seq.recipe import Recipe, differences, parse_recipe


def recipe(**given: Any) -> Recipe:
    content: dict[str, Any] = {
        "source_language": "en",
        "target_language": "vi",
        "preset": "auto",
        "data": {"train": [{"file": "a.tsv"}], "dev": {"file": "b.tsv"}},
    }
    return parse_recipe(content | given, where="test")


def test_without_the_preset_nothing_is_chosen() -> None:
    plain = recipe(preset="none")
    assert resolve_preset(plain, pairs=1000, tokens_per_pair=10) == (plain, ())


def test_what_is_chosen_is_what_the_recipe_then_says() -> None:
    resolved, choices = resolve_preset(recipe(), pairs=7127, tokens_per_pair=12)
    changed = {key: new for key, (_, new) in differences(recipe(), resolved).items()}
    defaults = {choice.key: choice.value for choice in choices} | {"preset": "none"}
    assert changed.items() <= defaults.items()
    assert all(choice.reason for choice in choices)
    assert resolved.tokenizer.vocab_size == 1000
    assert resolved.model.dropout == 0.3


def test_what_the_recipe_gives_stays_as_given() -> None:
    given = recipe(train={"steps": 50}, model={"dropout": 0.05})
    resolved, choices = resolve_preset(given, pairs=7127, tokens_per_pair=12)
    assert (resolved.train.steps, resolved.model.dropout) == (50, 0.05)
    assert not {"train.steps", "model.dropout"} & {choice.key for choice in choices}


def test_resolving_again_changes_nothing() -> None:
    resolved, _ = resolve_preset(recipe(), pairs=7127, tokens_per_pair=12)
    assert resolve_preset(resolved, pairs=5, tokens_per_pair=1) == (resolved, ())


def test_more_data_never_gives_a_smaller_vocabulary_or_model() -> None:
    sizes = []
    for tier in TIERS:
        pairs = int(min(tier.most_pairs, 4_500_000))
        resolved, _ = resolve_preset(recipe(), pairs=pairs, tokens_per_pair=25)
        sizes.append((resolved.tokenizer.vocab_size, resolved.model.width))
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 3


@pytest.mark.parametrize("pairs", [1, 50, 15_000, 15_001, 10_000_000])
def test_every_size_of_data_gives_a_recipe_that_can_be_used(pairs: int) -> None:
    resolved, _ = resolve_preset(recipe(), pairs=pairs, tokens_per_pair=20)
    assert 0 < resolved.train.warmup_steps < resolved.train.steps
    assert resolved.train.steps % 100 == 0


def fitted(**train: Any) -> tuple[int, tuple[Choice, ...]]:
    found, choices = fit_warmup(recipe(preset="none", train=train), where="r.toml")
    return found.train.warmup_steps, choices


@pytest.mark.parametrize("steps", [300, 7999, 3])
def test_a_default_warm_up_that_does_not_fit_is_shortened_and_said(steps: int) -> None:
    warmup, choices = fitted(steps=steps)
    assert warmup == steps // 5
    assert [choice.key for choice in choices] == ["train.warmup_steps"]
    assert choices[0].to_text() == (
        f"  train.warmup_steps = {steps // 5}  (a fifth of train.steps = {steps:,}; the default, "
        "4,000, does not fit)"
    )


def test_a_default_warm_up_that_fits_stays_without_a_word() -> None:
    assert fitted(steps=8000) == (4000, ())
    assert fitted() == (4000, ())


def test_a_warm_up_that_is_given_is_never_changed() -> None:
    assert fitted(steps=300, warmup_steps=299) == (299, ())
    assert fitted(steps=100, warmup_steps=60, schedule="linear") == (60, ())
    assert fitted(steps=100, warmup_steps=99, schedule="linear", decay_share=1.0) == (99, ())


def test_a_warm_up_that_is_given_and_cannot_fit_is_refused() -> None:
    with pytest.raises(RecipeError) as caught:
        fitted(steps=300, warmup_steps=300)
    assert str(caught.value) == (
        "r.toml: train.warmup_steps = 300: the learning rate would not reach its peak before it "
        "ends in a run of train.steps = 300; lower train.warmup_steps to at most 299, or raise "
        "train.steps"
    )
    match = (
        r"before it begins to fall \(train.decay_share = 0.4\) .* at most 60, or raise .* or lower"
    )
    with pytest.raises(RecipeError, match=match):
        fitted(steps=100, warmup_steps=61, schedule="linear")


def test_a_preset_that_chooses_length_or_warm_up_is_not_judged_before() -> None:
    for train in ({"warmup_steps": 20_000}, {"steps": 100}, {}):
        open_recipe = recipe(train=train)
        assert fit_warmup(open_recipe, where="r.toml") == (open_recipe, ())
    with pytest.raises(RecipeError, match=r"train.warmup_steps = 200"):
        fit_warmup(recipe(train={"steps": 100, "warmup_steps": 200}), where="r.toml")


def test_what_a_preset_chooses_leaves_room_for_a_fall_that_is_given() -> None:
    given = recipe(train={"decay_share": 0.9, "steps": 100})
    resolved, _ = resolve_preset(given, pairs=1000, tokens_per_pair=12)
    assert resolved.train.warmup_steps == 10
    assert fit_warmup(resolved, where="r.toml") == (resolved, ())


def test_choices_of_an_earlier_start_hold_where_the_recipe_gives_nothing() -> None:
    begun = (Choice("train.warmup_steps", 7, "then"), Choice("model.width", 64, "then"))
    found = with_choices(recipe(model={"width": 32}), begun)
    assert (found.train.warmup_steps, found.model.width, found.preset) == (7, 32, "none")
