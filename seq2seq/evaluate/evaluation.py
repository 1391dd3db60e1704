"""The protocol: every system, with and without context, on one suite, against the first of them.

A system is one model, or the same recipe trained from several seeds; its accuracy is the mean over
seeds, beside the range of them. What is right is decided item by item:

- *contrastive*: the right translation has a larger log-probability than every wrong one;
- *generated*: the model's own translation is right by the suite's rule;
- *unambiguous*: that translation shows the right words and none of the wrong ones.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError, ModelError
from seq2seq.evaluate.accuracy import Right, figure_of, mean_over
from seq2seq.evaluate.answers import AnswerOptions, Answers, Say, answers_of, contexts_of
from seq2seq.evaluate.item import Item, Judgement, Suite
from seq2seq.languages import language_of
from seq2seq.score.figure import Figure
from seq2seq.score.measure import TRIALS, ScoreOptions, measure_texts
from seq2seq.score.result import RESAMPLES, Score
from seq2seq.score.significance import PairedTest, tests_of
from seq2seq.score.texts import make_comparable
from seq2seq.translate import Translator

Open = Callable[[str], Translator]
"""Loads a model by its name."""


@dataclass(frozen=True)
class System:
    """What is compared: one model, or one recipe trained from several seeds.

    Attributes:
        name: as it was given.
        models: folder or Hub name of the model of each seed.
    """

    name: str
    models: tuple[str, ...]


@dataclass(frozen=True)
class SeedResult:
    """What the model of one seed answered in one condition, and what of it is right.

    Attributes:
        model: its name.
        answers: scores and translations.
        contrastive: for each item whether the right translation scored best; None where it has no
            wrong one. Empty where nothing was scored.
        judgements: of each translation; empty where nothing was written.
        scores: BLEU and chrF of the translations, where the suite has references.
    """

    model: str
    answers: Answers
    contrastive: Right
    judgements: tuple[Judgement | None, ...]
    scores: dict[str, Score]

    @property
    def generated(self) -> Right:
        """For each item whether the translation is right by the suite's rule."""
        return [None if one is None else float(one.right) for one in self.judgements]

    @property
    def unambiguous(self) -> Right:
        """For each item whether the translation shows what is right and nothing that is wrong."""
        return [
            None if one is None or one.unambiguous is None else float(one.unambiguous)
            for one in self.judgements
        ]


@dataclass(frozen=True)
class Condition:
    """One system with so much context.

    Attributes:
        system: which.
        context: the most sentences of context it was given; 0 for none.
        seeds: what the model of each seed did.
    """

    system: System
    context: int
    seeds: tuple[SeedResult, ...]

    @property
    def name(self) -> str:
        """The system, and its context if it had any."""
        if not self.context:
            return self.system.name
        return f"{self.system.name} + {self.context} sentence{'s' if self.context > 1 else ''}"

    def right(self, measure: str) -> Right:
        """For each item the mean over seeds; empty where it was not measured.

        Args:
            measure: "contrastive", "generated" or "unambiguous".
        """
        return mean_over([getattr(seed, measure) for seed in self.seeds])


MEASURES = ("contrastive", "generated", "unambiguous")


@dataclass(frozen=True)
class ProbeFigures:
    """What a probe of one model says of a question, on items of the suite.

    Attributes:
        model: its name.
        items: how many were reported.
        chosen_on: how many others the head was chosen on.
        lines: the verdict in words, the sentence that sums it up first.
        verdict: its figures, as in ``probe.json``.
        left_out: which items of the suite were not asked, and why.
        question: what was asked.
        asked: which items.
    """

    model: str
    items: int
    chosen_on: int
    lines: tuple[str, ...]
    verdict: Mapping[str, Any]
    left_out: tuple[str, ...]
    question: str = 'Who is "it"?'
    asked: str = "items that name pronoun and antecedent"


@dataclass(frozen=True)
class Evaluation:
    """Everything that was found.

    Attributes:
        suite: what was asked.
        path: where it lies.
        conditions: every system without context, then with it where it takes any.
        tests: for each measure the bootstrap's and the randomization's comparison of every
            condition with the first; empty for a single one.
        notes: what a reader of the figures should know.
        seconds: how long it took.
        probes: of each model, if they were asked for.
    """

    suite: Suite
    path: Path
    conditions: tuple[Condition, ...]
    tests: dict[str, tuple[PairedTest, PairedTest]]
    notes: tuple[str, ...]
    seconds: float
    probes: tuple[ProbeFigures, ...] = ()


def evaluate_systems(
    suite: Suite,
    path: Path,
    systems: Sequence[System],
    options: AnswerOptions,
    *,
    open_model: Open,
    say: Say,
) -> Evaluation:
    """Evaluate every system on a suite.

    Args:
        suite: the items.
        path: where they lie, for the report.
        systems: the baseline first.
        options: how they are asked; its context is the most a model is given.
        open_model: loads a model.
        say: told of progress.

    Returns:
        What was found.

    Raises:
        DataError: the suite has no items.
        ModelError: a model cannot be loaded, or does not translate between the suite's languages.
    """
    start = time.perf_counter()
    if not suite.items:
        raise DataError(f"{path}: no items, needed at least one; is it the right file?")
    conditions = [
        one for system in systems for one in _conditions(suite, system, options, open_model, say)
    ]
    return Evaluation(
        suite,
        path,
        tuple(conditions),
        _tests(suite.items, conditions),
        (*suite.notes, *_notes(conditions), *_note_on_context(conditions, options)),
        time.perf_counter() - start,
    )


def _conditions(
    suite: Suite, system: System, options: AnswerOptions, open_model: Open, say: Say
) -> list[Condition]:
    """One system in every condition, one model in memory at a time."""
    found: dict[int, list[SeedResult]] = {}
    for name in system.models:
        translator = open_model(name)
        _check_languages(name, translator, suite)
        for context in contexts_of(translator, suite, options):
            told = partial(_say_of, say, name)
            answers = answers_of(translator, suite, options, told, context=context)
            found.setdefault(context, []).append(_seed_result(name, suite, answers))
    uneven = {context: len(seeds) for context, seeds in found.items()}
    if len(set(uneven.values())) > 1:
        raise ModelError(
            f"{system.name}: its seeds take different contexts, needed one recipe; give them as "
            "systems of their own, without commas"
        )
    return [Condition(system, context, tuple(seeds)) for context, seeds in found.items()]


def open_for(name: str, suite: Suite, *, device: str) -> Translator:
    """Load a model; one of several languages, or of languages that it does not say, for a suite's.

    Args:
        name: as in ``Translator.load``.
        suite: its languages are those of a model that must be told.
        device: where it computes.

    Raises:
        ModelError: there is no such model, or it does not know the languages.
    """
    try:
        translator = Translator.load(name, device=device)
    except ModelError:  # perhaps because it must be told; if not, it says the same again
        translator = None
    if translator is not None and all(translator.languages):
        return translator
    source, target = suite.languages
    return Translator.load(name, device=device, source_language=source, target_language=target)


def _say_of(say: Say, name: str, what: str, done: int, of: int) -> None:
    say(f"{name}: {what}", done, of)


def _seed_result(name: str, suite: Suite, answers: Answers) -> SeedResult:
    contrastive = [
        float(row is not None and all(row[0] > other for other in row[1:])) if item.bads else None
        for item, row in zip(suite.items, answers.scores, strict=False)
    ]
    judgements = tuple(suite.judge(suite.items, answers.texts)) if answers.texts else ()
    return SeedResult(name, answers, contrastive, judgements, _scores(suite, answers.texts))


def _scores(suite: Suite, texts: Sequence[str]) -> dict[str, Score]:
    """BLEU and chrF of the translations of items that have a reference."""
    pairs = [(text, item.good) for item, text in zip(suite.items, texts, strict=False) if item.good]
    if not pairs:
        return {}
    options = ScoreOptions(metrics=("bleu", "chrf"), language=suite.languages[1])
    return measure_texts(
        make_comparable([t for t, _ in pairs], [[good for _, good in pairs]]), options
    )


def _check_languages(name: str, translator: Translator, suite: Suite) -> None:
    """Refuse a model of other languages than the suite's, where it says its own."""
    for side, known, needed in zip(
        ("source", "target"), translator.languages, suite.languages, strict=True
    ):
        if known and needed and language_of(known).code != language_of(needed).code:
            raise ModelError(
                f"{name}: its {side} language is '{known}', {suite.name} here needs '{needed}'; "
                "choose a model or files of the same languages"
            )


def _tests(
    items: Sequence[Item], conditions: Sequence[Condition]
) -> dict[str, tuple[PairedTest, PairedTest]]:
    if len(conditions) < 2:
        return {}
    found = {}
    for measure in MEASURES:
        figures = [(one.name, _figure(items, one.right(measure))) for one in conditions]
        known = [(name, figure) for name, figure in figures if figure is not None]
        if len(known) == len(conditions):
            found[measure] = tests_of(known, resamples=RESAMPLES, trials=TRIALS)
    return found


def _figure(items: Sequence[Item], right: Right) -> Figure | None:
    return figure_of(items, right) if any(value is not None for value in right) else None


def _notes(conditions: Sequence[Condition]) -> list[str]:
    """What was not plain, counted."""
    seeds = [seed for condition in conditions for seed in condition.seeds]
    notes = [note for seed in seeds for note in _notes_on_scores(seed)]
    unjudged = max(sum(one is None for one in seed.judgements) for seed in seeds)
    if unjudged:
        notes.append(
            f"{unjudged:,} items name no word to look for; what a model writes for them is not "
            "judged"
        )
    return list(dict.fromkeys(notes))


def _note_on_context(conditions: Sequence[Condition], options: AnswerOptions) -> list[str]:
    if not options.context or any(one.context for one in conditions):
        return []
    return ["no model here takes context that the suite has, so all were evaluated without"]


def _notes_on_scores(seed: SeedResult) -> list[str]:
    rows = [row for row in seed.answers.scores if row is not None]
    counts = {
        "items are longer than it can read; they count as wrong": len(seed.answers.scores)
        - len(rows),
        "items have a wrong translation that scores as much as the right one; they count as "
        "wrong": sum(row[0] == max(row[1:]) for row in rows if row),
        "items have more context than fits; its oldest pieces were left out": seed.answers.cut,
        "pieces of the suite's translations are not in its vocabulary": seed.answers.unknown,
    }
    return [f"{seed.model}: {count:,} {what}" for what, count in counts.items() if count]
