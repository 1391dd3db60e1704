"""What is settled before the first update: text, preset, tokenizer, the facts on disk."""

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from accelerate.tracking import get_available_trackers

from seq2seq.built_in_corpus import make_missing_corpus
from seq2seq.context import format_of
from seq2seq.data.batches import plan_batches
from seq2seq.data.copying import CopyingReport, with_copying
from seq2seq.data.encoded_corpora import Cache
from seq2seq.data.parallel_text import ParallelText
from seq2seq.data.prepare import TrainingSet, prepare
from seq2seq.data.text_cache import read_cached_text
from seq2seq.environment import describe_environment
from seq2seq.errors import CheckpointError, RecipeError, TrainingError
from seq2seq.files import cache_folder, read_json_object, refuse_odd_files
from seq2seq.normalization import normalize
from seq2seq.preset import (
    WARMUP,
    Choice,
    fit_warmup,
    length_choices,
    shape_choices,
    with_choices,
    without_preset,
)
from seq2seq.recipe import Recipe
from seq2seq.recipe_file import differences, language_notes, recipe_json
from seq2seq.round_trip import RoundTripReport
from seq2seq.run import Run, describe_start, write_json
from seq2seq.score.from_recipe import selection_signature
from seq2seq.sentences import sentences_of
from seq2seq.stock_tokenizer import open_tokenizer
from seq2seq.tokenizer import train_tokenizer, vocabulary_note
from seq2seq.tokenizer_like import TokenizerLike
from seq2seq.train.checkpoint import steps_saved, written_anew
from seq2seq.train.pretrained import Pretrained, open_pretrained
from seq2seq.train.pronoun_marks import MarkedRows, mark_text
from seq2seq.train.resume import check_changes, machine_changes

# Lines that characters are counted in; more would find rare ones that need no piece.
MOST_COUNTED = 500_000
# Characters that a vocabulary is learnt from, at most: each takes the trainer 24 bytes, and in so
# many 32,000 pieces are seen a hundred times and more.
MOST_VOCABULARY_CHARACTERS = 20_000_000
ROUND_TRIP_LINES = 20_000
SENTENCE_LINES = 5_000  # of each corpus, to see how many hold several sentences

Say = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """Everything that is settled before the first update."""

    recipe: Recipe
    choices: tuple[Choice, ...]
    text: ParallelText
    tokenizer: TokenizerLike
    training: TrainingSet
    round_trip: RoundTripReport
    marked: MarkedRows | None = None
    """None where training points at no words."""
    pretrained: Pretrained | None = None
    """The model to train further; None where training starts from random weights."""
    copying: CopyingReport | None = None
    """None where no copying pairs are made."""


def check_folder(run: Run, *, resume: bool) -> str:
    """Refuse to mix two runs in one folder; one that never saved anything has no past to mix.

    Returns:
        What whoever asked to resume should know; empty if nothing.

    Raises:
        RecipeError: The folder holds a run, and resuming was not asked for, or it holds a finished
            run without any checkpoint to resume from.
        CheckpointError: A pipe or a device stands in it, which writing would wait for.
    """
    if run.folder.is_dir():
        refuse_odd_files(run.folder, error=CheckpointError)
    saved = bool(steps_saved(run.checkpoints))
    if not saved and (run.scores.exists() or run.best.exists()):
        raise RecipeError(
            f"{run.folder}: finished and its checkpoints are gone, needed one to resume from; give "
            "another folder with --run"
        )
    if saved and not resume:
        raise RecipeError(
            f"{run.folder}: holds a run already; continue it with --resume, or give another folder "
            "with --run"
        )
    return "" if saved or not resume else f"{run.folder}: nothing to resume there; begins anew"


def check_processes(recipe: Recipe, state: PartialState) -> None:
    """Refuse to train on fewer processes than meant.

    ``accelerate launch --cpu --num_processes 2`` starts one process and says nothing, while
    ``torchrun --nproc_per_node 2`` starts two.

    Raises:
        TrainingError: Another number takes part than the launcher or the recipe names.
    """
    wanted = {
        "train.processes": None if recipe.train.processes == "auto" else recipe.train.processes,
        "WORLD_SIZE": int(os.environ["WORLD_SIZE"]) if "WORLD_SIZE" in os.environ else None,
    }
    if recipe.train.fsdp and state.num_processes == 1:
        raise TrainingError(
            "train.fsdp = true: one process takes part, needed several to share out the weights; "
            "set train.processes, start with torchrun, or remove it"
        )
    for name, count in wanted.items():
        if count is not None and count != state.num_processes:
            raise TrainingError(
                f"{name} = {count}: {state.num_processes} process(es) take part; set "
                f"train.processes = {count} and use no launcher (WORLD_SIZE is not set then), or "
                f"start with 'torchrun --nproc_per_node {count} -m -- seq2seq train …'"
            )


def check_trackers(recipe: Recipe) -> None:
    """Refuse a tracker that is not installed; Accelerate would leave it out and say nothing.

    Raises:
        TrainingError: A tracker of the recipe cannot be used.
    """
    usable = {str(getattr(tracker, "value", tracker)) for tracker in get_available_trackers()}
    missing = [name for name in recipe.train.trackers if name not in usable]
    if missing:
        raise TrainingError(
            f"train.trackers: {', '.join(missing)} not installed; 'pip install {' '.join(missing)}'"
        )


def prepare_run(recipe: Recipe, run: Run, *, say: Say, processes: int = 1) -> Prepared:
    """Read and clean the text, settle the preset, and make or load the tokenizer.

    A model to train further is looked at first: it decides what the recipe may say.

    Args:
        recipe: As it was read.
        run: The run, which may have begun.
        say: Told what was found and chosen.
        processes: That each take micro-batches of their own.

    Returns:
        What training needs.
    """
    for note in language_notes(recipe):
        say(note)
    pretrained = None
    if recipe.init is not None:
        recipe, pretrained = open_pretrained(recipe, recipe.init, run)
        say(pretrained.to_text())
    begun = recorded_choices(run)
    make_missing_corpus(recipe, say=say)
    cache = Cache(_cache_folder(recipe.data.cache), say)
    text = read_cached_text(recipe.data, cache)
    say(text.report.to_text())
    recipe, choices = _settle_shape(recipe, begun, text)
    for choice in choices:
        say(choice.to_text())
    if pretrained is None:
        tokenizer = _tokenizer(recipe, run, text, say)
        say(vocabulary_note(tokenizer, recipe.tokenizer))
    else:
        tokenizer = pretrained.tokenizer
    marks = None
    if recipe.train.points_at_words:
        marks = mark_text(text, recipe.data, tokenizer, cache)
    training = prepare(
        text,
        tokenizer,
        recipe.tokenizer,
        seed=recipe.seed,
        cache=cache,
        marks=marks,
        form=format_of(recipe.data.context, tokenizer),
    )
    copying = None
    if recipe.data.copying.share:
        training = with_copying(training, text, tokenizer, recipe)
        copying = training.report_copying()
        say(copying.to_text())
    training.check_budget(recipe.train.batch_tokens)
    recipe, more = _settle_length(recipe, begun, text, training, processes=processes)
    for choice in more:
        say(choice.to_text())
    for finding in training.report.findings[len(text.report.findings) :]:
        say(finding.to_text())
    marked = None
    if marks is not None:
        marked = MarkedRows.of(training.marks)
        say(marked.to_text())
        marked.check(recipe.train)
    sides = (islice(text.training_side(side), ROUND_TRIP_LINES // 2) for side in (0, 1))
    round_trip = RoundTripReport.of(tokenizer, *sides)
    say(round_trip.to_text())
    return Prepared(
        recipe, choices + more, text, tokenizer, training, round_trip, marked, pretrained, copying
    )


def recorded_choices(run: Run) -> tuple[Choice, ...] | None:
    """What was chosen for a run that has saved something, which holds to its end; else None.

    Raises:
        CheckpointError: The file that keeps them is damaged.
    """
    if not steps_saved(run.checkpoints):
        return None
    needed = "what was chosen for this run, or a new run with --run"
    content = read_json_object(run.data_report, error=CheckpointError, needed=needed)
    try:
        return tuple(Choice(**choice) for choice in content["preset"])
    except (KeyError, TypeError) as error:
        raise CheckpointError(
            f"{run.data_report}: cannot be read ({error}), needed to go on with what was chosen "
            "for this run; restore it, or start a new run with --run"
        ) from None


def _cache_folder(wanted: str | None) -> Path | None:
    if wanted is None:
        return None
    return cache_folder() if wanted == "auto" else Path(wanted).expanduser()


def _settle_shape(
    recipe: Recipe, begun: tuple[Choice, ...] | None, text: ParallelText
) -> tuple[Recipe, tuple[Choice, ...]]:
    """Fill in what decides pieces and model: as the run began, or from the text."""
    if begun is None:
        counts = count_characters(text) if recipe.preset == "auto" else {}
        begun = shape_choices(recipe, pairs=text.pairs, characters=counts)
    return with_choices(recipe, begun), begun


def _settle_length(
    recipe: Recipe,
    begun: tuple[Choice, ...] | None,
    text: ParallelText,
    training: TrainingSet,
    *,
    processes: int,
) -> tuple[Recipe, tuple[Choice, ...]]:
    """Fill in the rest, from what an epoch of the encoded text costs."""
    if begun is not None:
        recipe = without_preset(recipe)
        if any(choice.key == WARMUP for choice in begun):  # shortened then, so shorten it again
            recipe, _ = fit_warmup(recipe)
        return recipe, ()
    chosen: tuple[Choice, ...] = ()
    if recipe.preset == "auto":
        epoch = training.epoch(0)
        plan = plan_batches(
            epoch.source_lengths,
            epoch.target_lengths,
            batch_tokens=recipe.train.batch_tokens,
            seed=recipe.seed,
            epoch=0,
            world_size=processes,
        )
        chosen = length_choices(
            recipe,
            pairs=text.pairs,
            epoch_pairs=len(epoch),
            batches=len(plan),
            processes=processes,
        )
    recipe, fitted = fit_warmup(without_preset(with_choices(recipe, chosen)))
    return recipe, chosen + fitted


def count_characters(text: ParallelText) -> Counter[str]:
    """How often each character stands in the training text, of a large one in a part of it."""
    every = max(1, 2 * text.pairs // MOST_COUNTED)
    counts = Counter[str]()
    for line in islice(text.training_texts(), 0, None, every):
        counts.update(normalize(line))
    return counts


def text_hashes(prepared: Prepared) -> dict[str, str]:
    """What tells text and tokenizer of this run from all others, by the name of each part."""
    hashes = prepared.text.hashes() | {"tokenizer": prepared.tokenizer.fingerprint}
    marks = enumerate(prepared.training.marks, 1)
    return hashes | {f"marks {number}": one.fingerprint() for number, one in marks}


def write_facts(run: Run, prepared: Prepared, given: str, *, say: Say) -> None:
    """Write recipe, environment and data report; on a resume, first check and say what changed.

    Args:
        run: Where.
        prepared: What is settled.
        given: Text of the recipe.
        say: Told what changed.

    Raises:
        CheckpointError: A change of recipe or data would change the past of the run.
    """
    hashes = text_hashes(prepared)
    machine = describe_environment() | {
        "threads": torch.get_num_threads(),
        "device": str(PartialState().device),
        "dev_score": selection_signature(prepared.recipe),
    }
    if steps_saved(run.checkpoints):
        changes = differences(run.read_recipe(), prepared.recipe)
        for line in check_changes(run, prepared.recipe, changes, hashes):
            say(f"changed: {line}")
        for line in machine_changes(run, machine):
            say(f"changed: {line} (the last bits of weights and scores may differ)")
    run.folder.mkdir(parents=True, exist_ok=True)
    run.recipe_given.write_text(given, encoding="utf-8")
    write_json(run.environment, machine | {"start": describe_start(run), "data": hashes})
    choices = [{"key": c.key, "value": c.value, "reason": c.reason} for c in prepared.choices]
    report = {
        "cleaning": prepared.training.report.to_json(),
        "pairs": prepared.training.pairs,
        "preset": choices,
        "round_trip": prepared.round_trip.to_json(),
        "several_sentences_share": _several_sentences(prepared),
    }
    if prepared.copying is not None:
        report["copying"] = prepared.copying.to_json()
    if prepared.marked is not None:
        report["marked_rows"] = prepared.marked.to_json()
    write_json(run.data_report, report)
    write_json(run.recipe, json.loads(recipe_json(prepared.recipe)))


def _several_sentences(prepared: Prepared) -> float | None:
    """Share of the training sources that hold several sentences; None for documents.

    A model that saw hardly any leaves out all but one, so whoever translates has to know.
    """
    if prepared.recipe.task == "summarization":
        return None
    language, several, seen = prepared.recipe.source_language, 0, 0
    for pairs in prepared.text.train.values():
        rows = np.arange(0, len(pairs), max(1, len(pairs) // SENTENCE_LINES))
        sources = pairs.select(rows)["source"]
        several += sum(len(sentences_of(text, language=language)) > 1 for text in sources)
        seen += len(rows)
    return several / seen if seen else 0.0


def _tokenizer(recipe: Recipe, run: Run, text: ParallelText, say: Say) -> TokenizerLike:
    if (run.tokenizer / "tokenizer_config.json").is_file():
        return open_tokenizer(run.tokenizer)
    characters = text.characters()
    share = MOST_VOCABULARY_CHARACTERS / characters
    if share < 1:
        say(
            f"vocabulary: learnt from {100 * share:.1f} % of the lines, drawn at random, because "
            f"the text has {characters:,} characters; {MOST_VOCABULARY_CHARACTERS:,} are enough"
        )
    tokenizer = train_tokenizer(
        text.sample(share, seed=recipe.seed),
        recipe.tokenizer,
        family="marian" if recipe.model.family == "marian" else "m2m_100",
        seed=recipe.seed,
        separator=recipe.data.context.used,
    )
    with written_anew(run.tokenizer) as kept:
        tokenizer.save(kept, max_length=recipe.model.max_positions)
    return tokenizer
