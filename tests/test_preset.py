"""``preset = "auto"``: the size of the data chooses, and what the recipe gives stays."""

from typing import Any

import pytest

from seq2seq import preset
from seq2seq.preset import (
    TIERS,
    Choice,
    characters_needed,
    fit_warmup,
    largest_feature_bytes,
    length_choices,
    shape_choices,
    with_choices,
    without_preset,
)
from seq2seq.recipe import Recipe
from seq2seq.recipe_file import differences, parse_recipe


def recipe(**given: Any) -> Recipe:
    content: dict[str, Any] = {
        "source_language": "en",
        "target_language": "vi",
        "preset": "auto",
        "data": {"train": [{"file": "a.tsv"}], "dev": {"file": "b.tsv"}},
    }
    return parse_recipe(content | given, where="test")


LATIN = {chr(number): 1000 for number in range(97, 123)}
# 3,000 characters, most of them rare
CHINESE = {chr(0x4E00 + rank): 10**8 // (1 + rank) ** 2 for rank in range(3000)}


def shaped(given: Recipe, *, pairs: int, characters: dict[str, int] = LATIN) -> Recipe:
    return with_choices(given, shape_choices(given, pairs=pairs, characters=characters))


def resolved(given: Recipe, *, pairs: int, batches: int = 100) -> Recipe:
    shape = shaped(given, pairs=pairs)
    length = length_choices(shape, pairs=pairs, epoch_pairs=pairs, batches=batches)
    return without_preset(with_choices(shape, length))


def test_without_the_preset_nothing_is_chosen() -> None:
    plain = recipe(preset="none")
    assert shape_choices(plain, pairs=1000, characters=LATIN) == ()
    assert length_choices(plain, pairs=1000, epoch_pairs=1000, batches=9) == ()
    assert without_preset(plain) is plain


def test_what_is_chosen_is_what_the_recipe_then_says() -> None:
    shape = shape_choices(recipe(), pairs=7127, characters=LATIN)
    found = with_choices(recipe(), shape)
    length = length_choices(found, pairs=7127, epoch_pairs=7127, batches=61)
    found = without_preset(with_choices(found, length))
    changed = {key: new for key, (_, new) in differences(recipe(), found).items()}
    chosen = {choice.key: choice.value for choice in shape + length} | {"preset": "none"}
    assert changed.items() <= chosen.items()
    assert all(choice.reason for choice in shape + length)
    assert (found.tokenizer.vocab_size, found.model.dropout) == (1000, 0.3)
    assert found.tokenizer.character_coverage == 1.0


def test_what_the_recipe_gives_stays_as_given() -> None:
    given = recipe(train={"steps": 50}, model={"dropout": 0.05})
    shape = shape_choices(given, pairs=7127, characters=LATIN)
    length = length_choices(given, pairs=7127, epoch_pairs=7127, batches=61)
    assert not {"train.steps", "model.dropout"} & {choice.key for choice in shape + length}
    found = resolved(given, pairs=7127)
    assert (found.train.steps, found.model.dropout) == (50, 0.05)


def test_resolving_again_changes_nothing() -> None:
    found = resolved(recipe(), pairs=7127)
    assert resolved(found, pairs=5) is found


def test_more_data_never_gives_a_smaller_vocabulary_or_model() -> None:
    sizes = []
    for tier in TIERS:
        found = resolved(recipe(), pairs=int(min(tier.most_pairs, 4_500_000)))
        sizes.append((found.tokenizer.vocab_size, found.model.width))
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 3


@pytest.mark.parametrize("pairs", [1, 50, 15_000, 15_001, 10_000_000])
def test_every_size_of_data_gives_a_recipe_that_can_be_used(pairs: int) -> None:
    train = resolved(recipe(), pairs=pairs, batches=max(1, pairs // 100)).train
    assert 0 < train.warmup_steps < train.steps
    assert train.steps % 100 == 0
    assert 5 <= train.steps / train.validate_every_steps <= 10


def test_a_script_of_thousands_of_characters_gets_room_for_them_and_for_words() -> None:
    for pairs, fewer in ((8000, 1000), (21_000, 4000)):
        spec = shaped(recipe(), pairs=pairs, characters=CHINESE).tokenizer
        assert spec.character_coverage == 0.9995
        needed = characters_needed(CHINESE, spec.character_coverage)
        assert 400 < needed < 3000
        assert fewer + needed <= spec.vocab_size < fewer + needed + 100


def test_a_vocabulary_that_is_given_holds_as_many_characters_as_it_has_room_for() -> None:
    found = [
        shaped(recipe(tokenizer={"vocab_size": size}), pairs=8000, characters=CHINESE).tokenizer
        for size in (300, 1000, 2500, 4000)
    ]
    assert [spec.character_coverage for spec in found] == [0.995, 0.999, 0.9995, 1.0]
    for spec in found:
        assert characters_needed(CHINESE, spec.character_coverage) <= 0.8 * spec.vocab_size


def test_characters_are_counted_from_the_most_frequent_on() -> None:
    counts = {"a": 90, "b": 9, "c": 1}
    needed = [characters_needed(counts, coverage) for coverage in (0.9, 0.91, 0.99, 0.991, 1.0)]
    assert needed == [1, 2, 2, 3, 3]


def length(pairs: int, **values: Any) -> dict[str, Choice]:
    train = values.pop("train", {})
    values = {"epoch_pairs": pairs, "batches": 60, **values}
    return {one.key: one for one in length_choices(recipe(train=train), pairs=pairs, **values)}


def test_the_length_is_so_many_epochs_of_what_an_epoch_costs() -> None:
    steps = length(7127)["train.steps"]
    assert (steps.value, steps.reason) == (3600, "about 60 epochs of 7,127 pairs, 60 updates each")
    assert length(7127, batches=120)["train.steps"].value == 7200
    weighted = length(7127, epoch_pairs=14_254, batches=120)["train.steps"]
    assert weighted.reason == "about 60 epochs of 14,254 pairs, 120 updates each"


def test_updates_of_several_processes_and_micro_batches_are_fewer() -> None:
    steps = length(7127, batches=30, processes=2, train={"accumulate": 3})["train.steps"]
    assert steps.value == 600
    assert steps.reason == (
        "about 60 epochs of 7,127 pairs, 10 updates of 2 processes of 3 micro-batches each"
    )


def test_a_reason_says_the_epochs_that_there_are() -> None:
    assert length(50, batches=1)["train.steps"].reason.startswith("about 300 epochs of 50 pairs")
    assert length(40_000)["train.steps"].reason.startswith("about 30 epochs of 40,000 pairs")


def fitted(**train: Any) -> tuple[int, tuple[Choice, ...]]:
    found, choices = fit_warmup(recipe(preset="none", train=train))
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


def test_a_warm_up_that_is_given_and_fits_is_never_changed() -> None:
    assert fitted(steps=300, warmup_steps=299) == (299, ())
    assert fitted(steps=100, warmup_steps=60, schedule="linear") == (60, ())
    assert fitted(steps=100, warmup_steps=99, schedule="linear", decay_share=1.0) == (99, ())


@pytest.mark.parametrize(
    ("steps", "given", "schedule"),
    [(300, 300, "cosine"), (300, 4000, "cosine"), (100, 61, "linear")],
)
def test_a_warm_up_that_is_given_and_cannot_fit_is_shortened_and_said(
    steps: int, given: int, schedule: str
) -> None:
    warmup, choices = fitted(steps=steps, warmup_steps=given, schedule=schedule)
    assert warmup == steps // 5
    assert choices[0].to_text() == (
        f"  train.warmup_steps = {steps // 5}  (a fifth of train.steps = {steps:,}; what the "
        f"recipe gives, {given:,}, does not fit)"
    )


def test_a_preset_that_chooses_length_or_warm_up_is_not_judged_before() -> None:
    for train in ({"warmup_steps": 20_000}, {"steps": 100}, {}):
        open_recipe = recipe(train=train)
        assert fit_warmup(open_recipe) == (open_recipe, ())
    found, choices = fit_warmup(recipe(train={"steps": 100, "warmup_steps": 200}))
    assert (found.train.warmup_steps, len(choices)) == (20, 1)


def test_what_a_preset_chooses_leaves_room_for_a_fall_that_is_given() -> None:
    given = recipe(train={"decay_share": 0.9, "steps": 100})
    found = resolved(given, pairs=1000)
    assert found.train.warmup_steps == 10
    assert fit_warmup(found) == (found, ())


def test_choices_of_an_earlier_start_hold_where_the_recipe_gives_nothing() -> None:
    begun = (Choice("train.warmup_steps", 7, "then"), Choice("model.width", 64, "then"))
    found = without_preset(with_choices(recipe(model={"width": 32}), begun))
    assert (found.train.warmup_steps, found.model.width, found.preset) == (7, 32, "none")


def test_what_goes_with_a_width_names_the_one_that_is_taken() -> None:
    for given, reason in (({}, "goes with width 128"), ({"width": 64}, "usual for 7,127 pairs")):
        chosen = shape_choices(recipe(model=given), pairs=7127, characters=LATIN)
        reasons = {choice.key: choice.reason for choice in chosen}
        for key in ("model.ffn_width", "model.heads", "train.peak_lr"):
            assert reasons[key] == reason


def test_the_size_of_features_is_known_where_recipe_and_processor_tell_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = {"model": {"ffn_width": 512}, "train": {"batch_tokens": 2048}}
    assert largest_feature_bytes(recipe(model=sizes["model"])) is None
    assert largest_feature_bytes(recipe(preset="none", init="t5-small", **sizes)) is None
    for fast, expected in ((True, 2 << 20), (False, 4 << 20)):
        monkeypatch.setattr(preset, "computes_in_bf16", lambda fast=fast: fast)
        assert largest_feature_bytes(recipe(**sizes)) == expected
    monkeypatch.setattr(preset, "computes_in_bf16", lambda: True)
    exact = {"train": {"batch_tokens": 2048, "precision": "fp32"}}
    assert largest_feature_bytes(recipe(**(sizes | exact))) == 4 << 20
