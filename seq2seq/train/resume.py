"""What may differ between a run and its continuation: the future, never the past."""

import json
from collections.abc import Mapping
from typing import Any

from seq2seq.errors import CheckpointError
from seq2seq.recipe import Recipe
from seq2seq.run import Run, read_environment, recorded_hashes
from seq2seq.score.from_recipe import selection_metric, selection_signature
from seq2seq.train.checkpoint import newest_sound_checkpoint, read_progress, steps_saved
from seq2seq.train.schedule import guidance_weight, learning_rate

# These decide what happens after an update, or after the run, and nothing that has happened.
FUTURE = (
    "train.select_by",  # compared by the metric that it comes to
    "train.validate_every_steps",
    "train.validation_beams",
    "train.patience",
    "train.keep_best",
    "train.keep_last",
    "train.save_every_steps",
    "train.log_every_steps",
    "train.max_skipped_updates",
    "train.processes",
    "train.trackers",
    "data.cache",
    "data.folder",  # the text itself is compared by its hash
    "data.built_in",  # as above
)
FUTURE_SECTIONS = ("decode.", "score.", "data.test")
# These shape the learning rate and the weight of guided attention: free to change as long as both
# were the same in every past update.
RATE = (
    "train.steps",
    "train.peak_lr",
    "train.warmup_steps",
    "train.schedule",
    "train.decay_share",
)


def check_changes(
    run: Run, recipe: Recipe, changes: Mapping[str, tuple[Any, Any]], hashes: Mapping[str, str]
) -> list[str]:
    """Compare a resumed run's recipe and data with those it began with.

    Args:
        run: The folder, still with the old recipe and environment.
        recipe: The recipe it is to continue with.
        changes: Keys that differ, with old and new value.
        hashes: Hash of the text of each data set as it is read now.

    Returns:
        A line ``key: old → new`` for each allowed change, and one for each changed test set.

    Raises:
        CheckpointError: A change would make the past another one; all such changes at once.
    """
    lines = {key: f"{key}: {_text(old)} → {_text(new)}" for key, (old, new) in changes.items()}
    forbidden = [line for key, line in lines.items() if not _about_the_future(key)]
    forbidden += _changed_selection(run, recipe)
    rates = [line for key, line in lines.items() if key in RATE]
    if rates and not _same_past_rates(run, recipe):
        forbidden += [f"{line} (changes the rate of updates already made)" for line in rates]
    forbidden += _changed_data(run, hashes)
    if forbidden:
        raise CheckpointError(
            f"{run.folder}: cannot be resumed with these changes, which would alter its past:\n  "
            + "\n  ".join(forbidden)
            + "\n  undo them, or start a new run with --run"
        )
    return [*lines.values(), *_changed_tests(run, hashes)]


def machine_changes(run: Run, machine: Mapping[str, Any]) -> list[str]:
    """What of the machine differs from the run's start and may round numbers differently."""
    before, now = _numbers_from(read_environment(run)), _numbers_from(machine)
    return [
        f"{key}: {_text(before.get(key))} → {_text(now.get(key))}"
        for key in dict.fromkeys([*before, *now])
        if before.get(key) != now.get(key)
    ]


def _numbers_from(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What of a machine numbers depend on; of an older version's record what it has."""
    found = {key: environment.get(key) for key in ("threads", "device", "processor", "python")}
    found |= {f"seq2seq {key}": one for key, one in environment.get("seq2seq", {}).items()}
    return found | dict(environment.get("versions", {}))


def _about_the_future(key: str) -> bool:
    return (
        key in FUTURE or key in RATE or key.startswith(FUTURE_SECTIONS) or key.endswith(".license")
    )


def _changed_selection(run: Run, recipe: Recipe) -> list[str]:
    """Scores of one metric cannot be ranked among those of another, or of other words."""
    old, new = selection_metric(run.read_recipe()), selection_metric(recipe)
    if old != new:
        return [f"train.select_by: {_text(old)} → {_text(new)}"]
    noted, now = read_environment(run).get("dev_score"), selection_signature(recipe)
    before = noted or selection_signature(run.read_recipe())  # older versions did not note it
    hint = "give score.tokenize as it was, and install the extras 'ja' or 'ko' where they are gone"
    return [] if before == now else [f"dev score: {before} → {now} ({hint})"]


def _same_past_rates(run: Run, recipe: Recipe) -> bool:
    if not steps_saved(run.checkpoints):
        return True
    checkpoint, _ = newest_sound_checkpoint(run.checkpoints)
    old, new = run.read_recipe().train, recipe.train
    return all(
        learning_rate(step, old) == learning_rate(step, new)
        and guidance_weight(step, old.guided_attention, steps=old.steps)
        == guidance_weight(step, new.guided_attention, steps=new.steps)
        for step in range(1, read_progress(checkpoint).step + 1)
    )


def _changed_data(run: Run, hashes: Mapping[str, str]) -> list[str]:
    old = recorded_hashes(run)
    return [
        f"{name}: text {_text(old.get(name))} → {_text(hashes.get(name))}"
        for name in dict.fromkeys([*old, *hashes])
        if not name.startswith("test ") and old.get(name) != hashes.get(name)
    ]


def _changed_tests(run: Run, hashes: Mapping[str, str]) -> list[str]:
    old = recorded_hashes(run)
    return [
        f"{name}: another text than before, scores of it cannot be compared with earlier ones"
        for name, digest in hashes.items()
        if name.startswith("test ") and old.get(name, digest) != digest
    ]


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
