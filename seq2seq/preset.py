"""``preset = "auto"``: choices that follow from the number of training pairs, each with its reason.

A small corpus wants a small vocabulary, a small model and much dropout; the field's usual defaults
are made for millions of pairs and lose several BLEU points on thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.errors import RecipeError
from seq2seq.recipe import Recipe, given_keys, parse_recipe

WARMUP_PART = 5  # a warm-up that is chosen takes at most this part of the run


@dataclass(frozen=True)
class Choice:
    """One value that the preset chose, and why."""

    key: str
    value: Any
    reason: str

    def to_text(self) -> str:
        """One line for people."""
        return f"  {self.key} = {self.value}  ({self.reason})"


@dataclass(frozen=True)
class Tier:
    """What suits corpora of up to so many pairs."""

    most_pairs: float
    vocab_size: int
    width: int
    ffn_width: int
    heads: int
    layers: int
    dropout: float
    batch_tokens: int
    warmup_steps: int
    peak_lr: float
    epochs: int


# Vocabulary by corpus size: Gowda & May 2020 (arXiv:2004.02334), about 1k pieces for 30k pairs, 8k
# for a million, 32k for several millions; captions and other short sentences bear more. Size and
# dropout: Araabi & Monz 2020 (arXiv:2011.02266), smaller and shallower with more dropout below
# 100k pairs. Base shape: Vaswani et al. 2017 (arXiv:1706.03762).
TIERS = (
    Tier(15_000, 1000, 128, 256, 4, 3, 0.3, 2048, 500, 3e-3, 60),
    Tier(50_000, 4000, 128, 256, 4, 4, 0.3, 4096, 2000, 5e-3, 50),
    Tier(250_000, 8000, 256, 1024, 4, 4, 0.2, 4096, 2000, 2e-3, 20),
    Tier(1_500_000, 8000, 512, 1024, 4, 6, 0.3, 4096, 4000, 1e-3, 20),
    Tier(float("inf"), 32_000, 512, 2048, 8, 6, 0.1, 8192, 4000, 7e-4, 10),
)


def resolve_preset(
    recipe: Recipe, *, pairs: int, tokens_per_pair: float
) -> tuple[Recipe, tuple[Choice, ...]]:
    """Fill in what the recipe leaves to ``preset = "auto"``.

    Args:
        recipe: As loaded.
        pairs: Training pairs after cleaning.
        tokens_per_pair: Estimated target pieces of a pair; turns epochs into updates.

    Returns:
        The recipe with its values chosen and ``preset`` set to ``none``, so that resolving it
        again changes nothing; and the choices made. A key that the recipe gives stays as given.
    """
    if recipe.preset == "none":
        return recipe, ()
    given = given_keys(recipe)
    proposed = _choices(recipe, given, pairs=pairs, tokens_per_pair=tokens_per_pair)
    choices = tuple(choice for choice in proposed if choice.key not in given)
    return with_choices(recipe, choices), choices


def with_choices(recipe: Recipe, choices: Sequence[Choice]) -> Recipe:
    """The recipe with values chosen for it where it gives none itself.

    Args:
        recipe: As loaded.
        choices: Of this start, or those that a run began with and goes on with.

    Returns:
        A recipe whose ``preset`` is ``none``, because nothing is left to choose.
    """
    given = given_keys(recipe)
    content = recipe.model_dump(mode="json", exclude_unset=True)
    content["preset"] = "none"
    for choice in choices:
        if choice.key not in given:
            section, name = choice.key.split(".")
            content.setdefault(section, {})[name] = choice.value
    return parse_recipe(content, where="preset auto")


def fit_warmup(recipe: Recipe, *, where: str) -> tuple[Recipe, tuple[Choice, ...]]:
    """See that the learning rate reaches its peak before the run is over.

    Args:
        recipe: With or without a preset; where the preset is still to choose the length of the
            run or of the warm-up, nothing is done.
        where: What messages call the recipe, usually its path.

    Returns:
        The recipe and what was chosen: a fifth of the run where the recipe gives no warm-up and
        the default takes more than half of it, nothing otherwise.

    Raises:
        RecipeError: The recipe gives a warm-up that the run has no room for.
    """
    given, train = given_keys(recipe), recipe.train
    if recipe.preset == "auto" and not {"train.steps", "train.warmup_steps"} <= given:
        return recipe, ()
    warmup, room = train.warmup_steps, train.longest_warmup
    if "train.warmup_steps" in given:
        if warmup > room:
            raise RecipeError(f"{where}: {_too_long(recipe)}")
        return recipe, ()
    if warmup <= min(room, train.steps // 2):
        return recipe, ()
    fitting = min(room, train.steps // WARMUP_PART)
    reason = f"a fifth of train.steps = {train.steps:,}; the default, {warmup:,}, does not fit"
    choices = (Choice("train.warmup_steps", fitting, reason),)
    return with_choices(recipe, choices), choices


def _too_long(recipe: Recipe) -> str:
    train, room = recipe.train, recipe.train.longest_warmup
    end, remedy = "ends", f"lower train.warmup_steps to at most {room:,}, or raise train.steps"
    if train.schedule == "linear" and train.decay_share < 1:
        end = f"begins to fall (train.decay_share = {train.decay_share:g})"
        remedy += ", or lower train.decay_share"
    return (
        f"train.warmup_steps = {train.warmup_steps}: the learning rate would not reach its peak "
        f"before it {end} in a run of train.steps = {train.steps}; {remedy}"
    )


def _choices(
    recipe: Recipe, given: set[str], *, pairs: int, tokens_per_pair: float
) -> tuple[Choice, ...]:
    tier = next(tier for tier in TIERS if pairs <= tier.most_pairs)
    size = f"{pairs:,} pairs"
    train = recipe.train
    batch = train.batch_tokens if "train.batch_tokens" in given else tier.batch_tokens
    tokens = pairs * tokens_per_pair / (batch * train.accumulate)
    steps = -(-max(300, round(tier.epochs * tokens)) // 100) * 100
    length = train.steps if "train.steps" in given else steps
    shape = {"schedule": "linear"} if "train.schedule" not in given else {}
    room = train.model_copy(update={"steps": length, **shape}).longest_warmup
    warmup = min(tier.warmup_steps, length // WARMUP_PART, room)
    small = tier.dropout > 0.1
    return (
        Choice("tokenizer.vocab_size", tier.vocab_size, f"few pieces are learnt well from {size}"),
        Choice("model.width", tier.width, f"a model that {size} can fill"),
        Choice("model.ffn_width", tier.ffn_width, "goes with the width"),
        Choice("model.heads", tier.heads, "goes with the width"),
        Choice("model.encoder_layers", tier.layers, f"depth for {size}"),
        Choice("model.decoder_layers", tier.layers, f"depth for {size}"),
        Choice("model.dropout", tier.dropout, f"{'much' if small else 'usual'} for {size}"),
        Choice("train.batch_tokens", tier.batch_tokens, f"batch for {size}"),
        Choice("train.peak_lr", tier.peak_lr, f"goes with width {tier.width}"),
        Choice("train.schedule", "linear", "full rate, then a fall to zero: best for a set length"),
        Choice("train.steps", steps, f"about {tier.epochs} epochs of {size}"),
        Choice("train.warmup_steps", warmup, "at most a fifth of the run"),
    )
