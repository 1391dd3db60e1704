"""``preset = "auto"``: choices that follow from the training pairs, each with its reason.

A small corpus wants a small vocabulary, a small model and much dropout; the field's usual defaults
are made for millions of pairs and lose several BLEU points on thousands. The number of pairs and
the characters they are written in settle vocabulary and shape. What an epoch costs is known once
the vocabulary has cut the pairs into pieces; that settles the length of the run.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.environment import computes_in_bf16
from seq2seq.recipe import Recipe
from seq2seq.recipe_file import given_keys, parse_recipe

WARMUP = "train.warmup_steps"
WARMUP_PART = 5  # a warm-up that is chosen takes at most this part of the run
FEWEST_STEPS = 300
VALIDATIONS = 10
# An alphabet with its capitals, accents, digits and marks; a script with more has thousands.
ALPHABET = 400
# What sentencepiece advises for scripts of many characters; the rest of them is spelt in bytes.
RICH_COVERAGE = 0.9995
COVERAGES = (1.0, RICH_COVERAGE, 0.999, 0.998, 0.995, 0.99, 0.98, 0.95)
CHARACTER_SHARE = 0.8  # most of a vocabulary that may be single characters


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
    seen_pairs: float = math.inf
    """Pairs that a run sees in all its epochs, at most."""


# Vocabulary by corpus size: Gowda & May 2020 (arXiv:2004.02334), about 1k pieces for 30k pairs, 8k
# for a million, 32k for several millions; captions and other short sentences bear more. Size and
# dropout: Araabi & Monz 2020 (arXiv:2011.02266), smaller and shallower with more dropout below
# 100k pairs. Base shape: Vaswani et al. 2017 (arXiv:1706.03762). The second row's run takes half an
# hour at most on two cores.
TIERS = (
    Tier(15_000, 1000, 128, 256, 4, 3, 0.3, 2048, 500, 3e-3, 60),
    Tier(50_000, 4000, 128, 256, 4, 4, 0.3, 4096, 2000, 5e-3, 60, 1.2e6),
    Tier(250_000, 8000, 256, 1024, 4, 4, 0.2, 4096, 2000, 2e-3, 20),
    Tier(1_500_000, 8000, 512, 1024, 4, 6, 0.3, 4096, 4000, 1e-3, 20),
    Tier(float("inf"), 32_000, 512, 2048, 8, 6, 0.1, 8192, 4000, 7e-4, 10),
)


def shape_choices(
    recipe: Recipe, *, pairs: int, characters: Mapping[str, int]
) -> tuple[Choice, ...]:
    """Choose vocabulary, model and batch.

    Args:
        recipe: As loaded.
        pairs: Training pairs after cleaning.
        characters: How often each character stands in them.

    Returns:
        What the recipe does not give itself; nothing without the preset.
    """
    if recipe.preset == "none":
        return ()
    tier, size = tier_of(pairs), f"{pairs:,} pairs"
    small = tier.dropout > 0.1
    width_is_given = "model.width" in given_keys(recipe)
    fitting = f"usual for {size}" if width_is_given else f"goes with width {tier.width}"
    return _not_given(
        recipe,
        *_vocabulary(recipe, tier, characters, size),
        Choice("model.width", tier.width, f"a model that {size} can fill"),
        Choice("model.ffn_width", tier.ffn_width, fitting),
        Choice("model.heads", tier.heads, fitting),
        Choice("model.encoder_layers", tier.layers, f"depth for {size}"),
        Choice("model.decoder_layers", tier.layers, f"depth for {size}"),
        Choice("model.dropout", tier.dropout, f"{'much' if small else 'usual'} for {size}"),
        Choice("train.batch_tokens", tier.batch_tokens, f"batch for {size}"),
        Choice("train.peak_lr", tier.peak_lr, fitting),
    )


def _vocabulary(
    recipe: Recipe, tier: Tier, characters: Mapping[str, int], size: str
) -> tuple[Choice, ...]:
    """Room for the pieces that so many pairs teach, and for each character of the script."""
    given, spec = given_keys(recipe), recipe.tokenizer
    rich = len(characters) > ALPHABET
    coverage, reason = 1.0, ""
    if "tokenizer.character_coverage" in given:
        coverage = spec.character_coverage
    elif "tokenizer.vocab_size" in given:
        room = CHARACTER_SHARE * spec.vocab_size
        fitting = (one for one in COVERAGES if characters_needed(characters, one) <= room)
        coverage = next(fitting, COVERAGES[-1])
        reason = f"{len(characters):,} characters leave no room for other pieces"
    elif rich and spec.byte_fallback:
        coverage = RICH_COVERAGE
        reason = f"{len(characters):,} characters; the rarest are spelt in bytes"
    needed = characters_needed(characters, coverage)
    pieces = tier.vocab_size
    why = f"few pieces are learnt well from {size}"
    if needed > ALPHABET:
        pieces = _round_up(pieces + needed, 100)
        why = f"{tier.vocab_size:,} suit {size}, and {needed:,} more hold single characters"
    chosen = [Choice("tokenizer.vocab_size", pieces, why)]
    if coverage < 1:
        chosen.append(Choice("tokenizer.character_coverage", coverage, reason))
    return tuple(chosen)


def characters_needed(characters: Mapping[str, int], coverage: float) -> int:
    """How many characters, the most frequent first, make up a share of a text."""
    left, needed = coverage * sum(characters.values()), 0
    for count in sorted(characters.values(), reverse=True):
        if left <= 0:
            break
        left, needed = left - count, needed + 1
    return needed


def length_choices(
    recipe: Recipe, *, pairs: int, epoch_pairs: int, batches: int, processes: int = 1
) -> tuple[Choice, ...]:
    """Choose the length of the run and what hangs on it.

    Args:
        recipe: With vocabulary, model and batch settled.
        pairs: Training pairs after cleaning.
        epoch_pairs: Pairs that an epoch shows, weights applied.
        batches: Micro-batches of an epoch on each process.
        processes: That train together.

    Returns:
        What the recipe does not give itself; nothing without the preset.
    """
    if recipe.preset == "none":
        return ()
    given, train, tier = given_keys(recipe), recipe.train, tier_of(pairs)
    updates = batches / train.accumulate
    epochs = max(1.0, min(tier.epochs, tier.seen_pairs / max(epoch_pairs, 1)))
    steps = _round_up(max(FEWEST_STEPS, epochs * updates), 100)
    length = train.steps if "train.steps" in given else steps
    shape = {} if "train.schedule" in given else {"schedule": "linear"}
    room = train.model_copy(update={"steps": length, **shape}).longest_warmup
    warmup = min(tier.warmup_steps, length // WARMUP_PART, room)
    together = f" of {processes} processes" if processes > 1 else ""
    together += f" of {train.accumulate} micro-batches" if train.accumulate > 1 else ""
    validate = max(50, _round_up(length / VALIDATIONS, 50))
    return _not_given(
        recipe,
        Choice("train.schedule", "linear", "full rate, then a fall to zero: best for a set length"),
        Choice(
            "train.steps",
            steps,
            f"about {steps / max(updates, 1e-9):,.0f} epochs of {epoch_pairs:,} pairs, "
            f"{updates:,.0f} updates{together} each",
        ),
        Choice("train.warmup_steps", warmup, "at most a fifth of the run"),
        Choice("train.validate_every_steps", validate, f"about {VALIDATIONS} times in the run"),
    )


def tier_of(pairs: int) -> Tier:
    """What suits a corpus of a size."""
    return next(tier for tier in TIERS if pairs <= tier.most_pairs)


def _not_given(recipe: Recipe, *choices: Choice) -> tuple[Choice, ...]:
    given = given_keys(recipe)
    return tuple(choice for choice in choices if choice.key not in given)


def _round_up(value: float, unit: int) -> int:
    return math.ceil(value / unit) * unit


def with_choices(recipe: Recipe, choices: Sequence[Choice]) -> Recipe:
    """The recipe with values chosen for it where it gives none itself."""
    if not choices:
        return recipe
    given = given_keys(recipe)
    content = recipe.model_dump(mode="json", exclude_unset=True)
    for choice in choices:
        if choice.key not in given:
            section, name = choice.key.split(".")
            content.setdefault(section, {})[name] = choice.value
    return parse_recipe(content, where="preset auto")


def without_preset(recipe: Recipe) -> Recipe:
    """The recipe without a preset, when nothing is left to choose."""
    if recipe.preset == "none":
        return recipe
    content = recipe.model_dump(mode="json", exclude_unset=True)
    return parse_recipe(content | {"preset": "none"}, where="preset auto")


def fit_warmup(recipe: Recipe) -> tuple[Recipe, tuple[Choice, ...]]:
    """See that the learning rate reaches its peak before the run is over.

    Args:
        recipe: With or without a preset; where the preset is still to choose the length of the
            run or of the warm-up, nothing is done.

    Returns:
        The recipe and what was chosen: a fifth of the run where the recipe gives a warm-up that
        the schedule has no room for, or gives none and the default takes more than half of the
        run; nothing otherwise.
    """
    given, train = given_keys(recipe), recipe.train
    if recipe.preset == "auto" and not {"train.steps", WARMUP} <= given:
        return recipe, ()
    warmup, room = train.warmup_steps, train.longest_warmup
    most, what = (
        (room, "what the recipe gives")
        if WARMUP in given
        else (min(room, train.steps // 2), "the default")
    )
    if warmup <= most:
        return recipe, ()
    fitting = min(room, train.steps // WARMUP_PART)
    reason = f"a fifth of train.steps = {train.steps:,}; {what}, {warmup:,}, does not fit"
    content = recipe.model_dump(mode="json", exclude_unset=True)
    content.setdefault("train", {})["warmup_steps"] = fitting
    fitted = parse_recipe(content, where="warm-up")
    return fitted, (Choice(WARMUP, fitting, reason),)


def largest_feature_bytes(recipe: Recipe) -> int | None:
    """Size of the largest features in training: a feed-forward block's for a whole micro-batch.

    None where the recipe does not say it: the preset chooses sizes later, and ``init`` brings a
    model's. Where training is to try 16 bits, they count if the processor computes in bf16.
    """
    chosen_later = {"model.ffn_width", "train.batch_tokens"} - given_keys(recipe)
    if recipe.init is not None or (recipe.preset == "auto" and chosen_later):
        return None
    precision = recipe.train.precision
    halves = computes_in_bf16() if precision == "auto" else precision in ("bf16", "fp16")
    return recipe.train.batch_tokens * recipe.model.ffn_width * (2 if halves else 4)
