"""Who is "it" in the items of a test suite: a probe to stand beside the suite's own figures.

A suite has no set to choose a measure on. So a third of its items is drawn for that, whole clusters
at random, and the others are reported.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.evaluate.evaluation import ProbeFigures
from seq2seq.evaluate.item import Suite
from seq2seq.language_tags import choose_tags, language_codes, tagging
from seq2seq.probe.items.sets import FORMATS, CaseSet, cases_of_suite
from seq2seq.probe.model.loading import guided_heads
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.result import Study, StudySpec
from seq2seq.probe.report.text import verdict_fields, verdict_lines
from seq2seq.probe.study import probe_model
from seq2seq.score.cluster_sample import LEAST_CLUSTERS, draw_clusters

SHARE_TO_CHOOSE = 3  # one of so many items


def probe_items(suite: Suite, path: Path) -> CaseSet:
    """The items of a suite that a probe can ask.

    Args:
        suite: whose items, or a part of them, are evaluated.
        path: where it lies.

    Raises:
        DataError: It does not name what a probe needs, or too few of its items can be used.
    """
    found = cases_of_suite(suite, path)
    clusters = len({case.cluster for case in found.cases})
    if clusters < 2 * LEAST_CLUSTERS:
        why = "".join(f"; {problem}" for problem in found.problems)
        raise DataError(
            f"{path}: a probe can use {len(found.cases)} items in {clusters} clusters, needed "
            f"{2 * LEAST_CLUSTERS} clusters, half to choose a head on and half to report{why}"
        )
    return found


def probe_suite(
    model: StockModel,
    items: CaseSet,
    spec: StudySpec,
    *,
    languages: tuple[str | None, str | None] = (None, None),
    say: Callable[[str], None] = lambda _: None,
) -> Study:
    """Probe a model on the items of a suite.

    Args:
        model: any stock model of text.
        items: from `probe_items`.
        spec: name of the suite and sizes; what the items are, and on which of them the head is
            chosen, is filled in.
        languages: of the suite, which a model of many is told.
        say: told of each stage.

    Raises:
        DataError: the model's pieces leave too few items.
        ModelError: a model of many languages does not know those of the suite.
    """
    cases = items.cases
    wanted = len(cases) // SHARE_TO_CHOOSE
    drawn = set(draw_clusters([case.cluster for case in cases], wanted, seed=spec.seed))
    choose_on = [case for place, case in enumerate(cases) if place in drawn]
    report = [case for place, case in enumerate(cases) if place not in drawn]
    spec = replace(
        spec,
        selected_on=f"{len(choose_on):,} other items of it",
        kind=items.kind,
        origin=FORMATS[items.kind].origin,
        supervised=guided_heads(model.name),
    )
    with with_languages(model, languages):
        return probe_model(model, choose_on, report, spec=spec, left_out=items.problems, say=say)


def with_languages(
    model: StockModel, languages: tuple[str | None, str | None]
) -> AbstractContextManager[None]:
    """Let a model of many languages read and write those, and others what they always do."""
    if model.kind != "encoder-decoder" or not language_codes(model.tokenizer):
        return nullcontext()
    told, _ = choose_tags(model.tokenizer, languages, where=model.name)
    return tagging(model.tokenizer, *told)


def figures_of(study: Study) -> ProbeFigures:
    """What an evaluation prints and stores of a probe."""
    return ProbeFigures(
        model=study.model,
        items=study.items[1],
        chosen_on=study.items[0],
        lines=tuple(verdict_lines(study)),
        verdict=verdict_fields(study.verdict),
        left_out=study.problems,
    )
