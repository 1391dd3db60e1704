"""The end of a run: choose the weights, save the stock folder, score the test sets."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.cells import cell_len
from safetensors.torch import load_file
from torch import Tensor

from seq2seq.context import format_of, store_context
from seq2seq.errors import CheckpointError
from seq2seq.files import write_text
from seq2seq.lines import read_lines
from seq2seq.model.stock import SearchDefaults
from seq2seq.model.weights import load_weights
from seq2seq.opened_model import trained_on
from seq2seq.pronouns.gender_report import GenderReport, report_gender
from seq2seq.pronouns.items import Item, read_items
from seq2seq.recipe import Recipe
from seq2seq.run import Run, write_json
from seq2seq.score.from_recipe import final_options
from seq2seq.score.report import ScoreReport, score_texts
from seq2seq.score.table import pad
from seq2seq.task_prefix import store_task
from seq2seq.tokenizer_like import TokenizerLike
from seq2seq.train.checkpoint import Progress, candidate_damage, candidate_path, written_anew
from seq2seq.train.context_test_sets import translate_with_context
from seq2seq.train.criterion.criterion import Criterion
from seq2seq.train.log import TrainingLog
from seq2seq.train.selection import (
    LOSS,
    ValidatedWeights,
    decided_by,
    first_varying_score,
    ranking_key,
    score_text,
    undecided_note,
)
from seq2seq.train.stop import Stop
from seq2seq.train.trainable import TrainableModel
from seq2seq.train.validate import Validator, decode_options, first_piece, perplexity
from seq2seq.translate import Long, Report, Translation, Translator


@dataclass(frozen=True)
class Choice:
    """Which weights became the model."""

    weights: str
    """``step 400``, or ``average of steps …``."""
    dev: ValidatedWeights
    rejected: str
    """What lost against it, with its score; empty where there was no contest."""
    decided_by: str
    """What told it apart from the next best: the dev score, ``chrf``, ``loss`` or ``step``."""
    undecided: str = ""
    """That the dev score told no weights apart, where it did not."""

    def to_json(self, metric: str) -> dict[str, Any]:
        """The scores on the dev set."""
        content = {"metric": metric, "score": self.dev.score, "chrf": self.dev.chrf}
        if self.dev.loss is not None:
            content |= {
                LOSS: self.dev.loss,
                "perplexity": perplexity(self.dev.loss),
            }
        rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in content.items()}
        return rounded | {"decided_by": self.decided_by}


@dataclass(frozen=True)
class Finished:
    """The scores of a finished run."""

    choice: Choice
    select_by: str
    reports: Mapping[str, ScoreReport]
    genders: GenderReport
    """Of the test sets that hold pronoun items."""
    alone: Mapping[str, ScoreReport] = field(default_factory=dict)
    """Of a model that reads context, the same test sets without it."""

    def to_json(self) -> dict[str, Any]:
        """As ``scores.json`` keeps it."""
        return {
            "weights": self.choice.weights,
            "rejected": self.choice.rejected,
            "dev": self.choice.to_json(self.select_by),
            "test": {name: report.to_json() for name, report in self.reports.items()},
            "gender": self.genders.to_json(),
        } | ({"test_alone": {n: r.to_json() for n, r in self.alone.items()}} if self.alone else {})

    def to_text(self) -> str:
        """For people: whole tables for a single test set, a row each for several."""
        choice = self.choice
        dev = f"weights: {choice.weights}, dev {self.select_by} {choice.dev.score:.2f}"
        if choice.dev.chrf is not None and self.select_by != "chrf":
            dev += f", chrf {choice.dev.chrf:.2f}"
        if choice.dev.loss is not None:
            dev += f", perplexity {perplexity(choice.dev.loss):.2f}"
        if choice.rejected:
            dev += f" (rejected: {choice.rejected})"
        if choice.undecided:
            dev += f"\n{choice.undecided}"
        parts = [dev]
        reports = dict(self.reports)
        for name, report in self.alone.items():
            reports[f"{name}, each sentence alone"] = report
        if len(reports) == 1:
            parts += [f"{name}\n{report.to_text()}" for name, report in reports.items()]
        elif reports:
            parts.append(overview(reports))
        if self.genders.sets:
            parts.append(self.genders.to_text())
        return "\n\n".join(parts)


def overview(reports: Mapping[str, ScoreReport]) -> str:
    """A row for each test set with the half width of the interval; signatures and notes below.

    A metric that has several signatures, as chrF and ROUGE of test sets with different tokens may,
    names the test sets of each.
    """
    widest = max(map(cell_len, reports))
    rows, signatures = [], dict[str, dict[str, list[str]]]()
    for name, report in reports.items():
        cells = []
        for score in report.scores.values():
            half = (score.interval[1] - score.interval[0]) / 2 if score.interval else 0.0
            cells.append(f"{score.name} {score.value:6.2f} ± {half:4.2f}")
            signatures.setdefault(score.name, {}).setdefault(score.signature, []).append(name)
        rows.append(f"{pad(name, widest)}  {'   '.join(cells)}")
    lines = []
    for metric, found in signatures.items():
        for signature, sets in found.items():
            which = f" of {', '.join(sets)}" if len(found) > 1 else ""
            lines.append(f"{metric}{which}: {signature}")
    notes = [f"note: {name}: {note}" for name, report in reports.items() for note in report.notes]
    return "\n".join([*rows, *lines, *notes])


def finish(
    run: Run,
    recipe: Recipe,
    tokenizer: TokenizerLike,
    tests: Mapping[str, Any],
    *,
    trainable: TrainableModel,
    criterion: Criterion,
    progress: Progress,
    validator: Validator,
    stop: Stop,
    log: TrainingLog,
    is_main: bool,
) -> Finished | None:
    """Choose the final weights, save them as a stock folder, and score the test sets.

    Every rank takes part in choosing and in translating, the first alone does the rest.

    Args:
        run: Where everything goes.
        recipe: The resolved recipe.
        tokenizer: Saved beside the model.
        tests: Test sets with columns ``source`` and ``target``, by name.
        trainable: Its weights are replaced by the chosen ones.
        criterion: What they were trained by.
        progress: Knows the candidates.
        validator: Scores an average on the dev set.
        stop: Asked between two batches and between two test sets.
        log: For a line on each test set.
        is_main: Whether this is the first rank.

    Returns:
        The scores; None on all other ranks.

    Raises:
        Stopped: Before the scores were written; all of this can be done again.
    """
    choice = choose_weights(run, criterion, progress, validator)
    log.say(f"weights: {choice.weights}")
    if is_main:
        save_best(run, trainable, tokenizer, recipe)
    reports: dict[str, ScoreReport] = {}
    items: dict[str, tuple[Sequence[Item], Sequence[str]]] = {}
    translator = Translator(
        trainable.engine,
        tokenizer,
        languages=(recipe.source_language, recipe.target_language),
        trained=trained_on(run),
        work=recipe.task,
        context=format_of(recipe.data.context, tokenizer),
    )
    alone: dict[str, ScoreReport] = {}
    for name, data in tests.items():
        log.progress(f"translating {name}: {len(data):,} segments")
        sources, references = list(data["source"]), list(data["target"])
        if translator.context is not None:
            without = translate_test(translator, recipe, name, data, stop, log, alone=True)
            alone[name] = score_test(recipe, name, sources, references, without)
        hypotheses = translate_test(translator, recipe, name, data, stop, log)
        if is_main:
            write_lines(run.translations / f"{name}.txt", hypotheses)
            reports[name] = score_test(recipe, name, sources, references, hypotheses)
        stop.check_together()
        spec = recipe.data.test[name]
        if is_main and spec.pronoun_items and spec.file is not None:
            shown = items_shown(name, Path(recipe.data.folder) / spec.file, log)
            if shown:
                items[name] = (shown, hypotheses)
    if not is_main:
        return None
    finished = Finished(choice, validator.metric, reports, report_gender(items), alone)
    write_json(run.scores, finished.to_json())
    return finished


def items_shown(name: str, path: Path, log: TrainingLog) -> list[Item]:
    """Read the items of a test set whose translations show who is meant.

    Args:
        name: of the set.
        path: its file.
        log: told if there is nothing to judge, as in Vietnamese with one pronoun for all things.

    Returns:
        The items; none where no target tells.
    """
    items = read_items(path)
    if any(item.contrastive for item in items):
        return items
    log.say(f"{name}: none of its {len(items):,} targets tells who is meant, so none is judged")
    return []


def translate_test(
    translator: Translator,
    recipe: Recipe,
    name: str,
    data: Any,
    stop: Stop,
    log: TrainingLog,
    *,
    alone: bool = False,
) -> list[str]:
    """Translate a test set as a user would, and say what was not plain.

    Args:
        translator: The model.
        recipe: With the search.
        name: Of the set.
        data: Its rows.
        stop: Asked between two batches.
        log: Told of the counts.
        alone: Whether each sentence is to stand alone, also for a model that reads context.

    Returns:
        A translation for each row.
    """
    sources = list(data["source"])
    # A document is summarised from its beginning, a text is translated whole.
    long: Long = "truncate" if recipe.task == "summarization" else "split"
    broken = sum("\n" in text for text in sources)
    if broken:  # training and tokenizer know white space only
        log.say(f"{name}: {broken:,} sources with line breaks, which are read as spaces")
    start = time.perf_counter()
    first_id = first_piece(translator.tokenizer, translator.engine)
    options = decode_options(recipe, beams=recipe.decode.beams, first_id=first_id)

    def translate(texts: list[str]) -> list[Translation]:
        return translator.translate(
            texts,
            options,
            long=long,
            restore=False,  # scores are those of the model's own text
            max_source_pieces=recipe.data.cleaning.max_source_pieces,
            progress=stop.check,
        )

    if translator.context is None or alone:
        found = stop.divide([text.replace("\n", " ") for text in sources], translate)
    else:
        most = recipe.data.cleaning.max_source_pieces
        found = translate_with_context(translator, data, options, stop, max_source_pieces=most)
    name = f"{name}, each sentence alone" if alone else name
    log.say(f"{name}: {Report.of(found, seconds=time.perf_counter() - start).sentences()}")
    return [one.text for one in found]


def choose_weights(
    run: Run, criterion: Criterion, progress: Progress, validator: Validator
) -> Choice:
    """Load the best candidate, or the average of all where that scores higher on the dev set."""
    refuse_damaged(run, progress)
    model, sound = criterion.model, progress.candidates
    best, paths = sound[0], [candidate_path(run.checkpoints, one.step) for one in sound]
    metric, single = validator.metric, f"step {best.step}"
    equal, validations = progress.equal_scores, progress.validations
    undecided = undecided_note(equal, metric, validations)
    if len(paths) == 1:
        load_weights(model, load_file(paths[0]))
        return Choice(single, best, "", first_varying_score(equal, metric, validations), undecided)
    steps = ", ".join(str(step) for step in sorted(one.step for one in sound))
    average = f"average of steps {steps}"
    load_weights(model, average_weights(paths))
    found = validator(criterion)
    if ranking_key(found) > ranking_key(best):
        told = decided_by(metric, found, best)
        return Choice(average, found, f"{single}, {score_text(best, told)}", told, undecided)
    load_weights(model, load_file(paths[0]))
    rivals: list[ValidatedWeights] = [found, sound[1]]
    told = decided_by(metric, best, max(rivals, key=ranking_key))
    rejected = f"{average}, {score_text(found, decided_by(metric, best, found))}"
    return Choice(single, best, rejected, told, undecided)


def average_weights(paths: list[Path]) -> dict[str, Tensor]:
    """The mean of several sets of weights, summed in double precision.

    Source:
        Vaswani et al. 2017 (arXiv:1706.03762) §6.1 average the last checkpoints.
    """
    total: dict[str, Tensor] = {}
    dtypes: dict[str, torch.dtype] = {}
    for path in paths:
        for name, value in load_file(path).items():
            dtypes[name] = value.dtype
            total[name] = total[name] + value.double() if name in total else value.double()
    return {name: (value / len(paths)).to(dtypes[name]) for name, value in total.items()}


def refuse_damaged(run: Run, progress: Progress) -> None:
    """Refuse to choose among fewer candidates than there were: the end would be another model.

    Raises:
        CheckpointError: The file of a candidate is missing or damaged.
    """
    if problem := candidate_damage(run.checkpoints, progress):
        raise CheckpointError(
            f"{run.checkpoints}: {problem}, needed all of them to end with the same model; restore "
            "the file from a copy, or give the same command with --resume, which goes back to a "
            "checkpoint before it where one is kept"
        )


def save_best(
    run: Run, trainable: TrainableModel, tokenizer: TokenizerLike, recipe: Recipe
) -> None:
    """Replace ``best/`` by a complete stock folder of these weights."""
    search = SearchDefaults(
        beams=recipe.decode.beams,
        length_penalty=recipe.decode.length_penalty,
        no_repeat_ngram=recipe.decode.no_repeat_ngram,
        max_length=recipe.data.cleaning.max_target_pieces + 1,
        first_id=tokenizer.first_id,
    )
    languages = recipe.source_language, recipe.target_language
    limit = min(recipe.model.max_positions, recipe.data.cleaning.max_source_pieces)
    with written_anew(run.best) as folder:
        trainable.save(folder, search)
        store_task(folder, recipe.source_prefix or "", recipe.task, languages)
        tokenizer.save(folder, max_length=limit)
        store_context(folder, recipe.data.context)


def score_test(
    recipe: Recipe,
    name: str,
    sources: Sequence[str],
    references: Sequence[str],
    hypotheses: Sequence[str],
) -> ScoreReport:
    """Score one test set by the metrics of its task."""
    official = recipe.score.tokenized_references.get(name)
    tokenized = [] if official is None else [read_lines(Path(recipe.data.folder) / official)]
    options = final_options(recipe)
    return score_texts(
        hypotheses, [references], sources=sources, tokenized_references=tokenized, options=options
    )


def write_lines(path: Path, lines: Sequence[str]) -> None:
    """One segment a line; a line break inside a segment becomes a space."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(line.replace("\n", " ") + "\n" for line in lines)
    write_text(path, text)
