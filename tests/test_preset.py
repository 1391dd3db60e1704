"""``preset = "auto"``: the size of the data chooses, and what the recipe gives stays."""

from typing import Any

import pytest

from seq2seq.preset import TIERS, resolve_preset
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
