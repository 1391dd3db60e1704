"""Compare the folders that `seq2seq probe` wrote, or tabulate seeds and models. See ``--help``.

Everything is counted again from ``items.jsonl``, so no model is needed. Items of two probes are the
same if their texts are: the corpora of two languages name the same sentence differently.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from seq2seq.errors import DataError, Seq2SeqError
from seq2seq.probe.causes.free_translation import UNTOUCHED
from seq2seq.probe.report.item_record import ITEMS_FILE, read_record
from seq2seq.probe.report.verdict import share
from seq2seq.probe.report.verdict_table import HEADINGS, verdict_row
from seq2seq.probe.report.wording import COUNTED
from seq2seq.probe.statistics.bootstrap import (
    SEED,
    Estimate,
    mean_of,
    seed_bootstrap,
    unpaired_bootstrap,
)
from seq2seq.probe.statistics.permutation import exact_mcnemar
from seq2seq.text_table import markdown

Folder = Annotated[Path, typer.Argument(help="A folder with items.jsonl, such as RUN/probe/T1.")]
app = typer.Typer(add_completion=False, rich_markup_mode=None)
QUESTIONS = {
    "attention": "the chosen measure prefers the noun its sign says",
    "preferred": "the good one of two translations is preferred",
    "written": "the free translation shows the right gender",
}


@dataclass(frozen=True)
class Difference:
    """Two probes on one question.

    Attributes:
        question: a key of `QUESTIONS`.
        one: accuracy of the first.
        other: accuracy of the second.
        difference: first less second.
        items: how many of each.
        left_out: how many answers of each are not counted, because the other has none to their
            texts.
        paired: whether they are the same items.
        p: exact McNemar over items; None for other items.
        p_pairs: the same over whole pairs, which are less dependent; None without pairs.
    """

    question: str
    one: float
    other: float
    difference: Estimate
    items: tuple[int, int]
    left_out: tuple[int, int]
    paired: bool
    p: float | None
    p_pairs: float | None

    @property
    def sample(self) -> str:
        """What was compared with what, in a few words."""
        if not self.paired:
            return f"none shared, {self.items[0]:,} and {self.items[1]:,} independent"
        ours, theirs = self.left_out
        return f"{self.items[0]:,} shared, {ours:,} and {theirs:,} left out"


@dataclass(frozen=True)
class SeedsRow:
    """Several training seeds on one question.

    Attributes:
        question: a key of `QUESTIONS`, or the name of a knock-out, after which the good
            translation is still preferred.
        values: accuracy of each seed.
        mean: with an interval over seeds and clusters of items.
        deviation: of the values, with one degree of freedom less.
    """

    question: str
    values: tuple[float, ...]
    mean: Estimate
    deviation: float


@dataclass(frozen=True)
class _Item:
    """What an item says: to each question that it answers, 1 where that is right."""

    cluster: str
    pair: str
    answers: Mapping[str, float]


def compare_probes(one: Path, other: Path, *, seed: int = SEED) -> tuple[Difference, ...]:
    """Compare two probes on every question that both answer.

    Args:
        one: folder of the first.
        other: folder of the second.
        seed: of the draws.

    Returns:
        The differences. Where at least half of the smaller set stands in the other, on what they
        share; where nothing does, the sets count as independent.

    Raises:
        DataError: a folder holds no items of this version, or a text twice; or the two share
            some texts, but fewer than half of the smaller set.
    """
    sets = [_by_text(folder) for folder in (one, other)]
    shared = sum(text in sets[1] for text in sets[0])
    if 0 < 2 * shared < min(map(len, sets)):
        raise DataError(
            f"{one / ITEMS_FILE}: {shared} of {len(sets[0])} texts are shared with the "
            f"{len(sets[1])} of {other / ITEMS_FILE}, needed half of the smaller set, to pair "
            "them, or none, to count as independent; probe both on one set"
        )
    found = []
    for question in QUESTIONS:
        sides = [_that_answer(question, items) for items in sets]
        if shared:
            counts = [len(side) for side in sides]
            sides = [{text: side[text] for text in sides[0] if text in sides[1]} for side in sides]
            left_out = (counts[0] - len(sides[0]), counts[1] - len(sides[1]))
            if sides[0]:
                found.append(_difference(question, sides, left_out, seed))
        elif all(sides):
            found.append(_difference(question, sides, None, seed))
    return tuple(found)


def seeds_table(folders: Sequence[Path], *, seed: int = SEED) -> tuple[SeedsRow, ...]:
    """Mean and spread over the probes of several training seeds.

    Args:
        folders: of probes on the same items.
        seed: of the draws.

    Returns:
        A row for each question that all answer, and for each knock-out that all tried.

    Raises:
        DataError: fewer than two folders, or their items differ.
    """
    if len(folders) < 2:
        raise DataError(
            f"seeds: {len(folders)} probe folders, needed two or more; one seed has no spread"
        )
    sets = [_by_text(folder) for folder in folders]
    for folder, items in zip(folders, sets, strict=True):
        if items.keys() != sets[0].keys():
            raise DataError(
                f"{folder / ITEMS_FILE}: {len(items)} items, needed the {len(sets[0])} of "
                f"{folders[0] / ITEMS_FILE}; probe all seeds on one set"
            )
    rows = []
    for question in dict.fromkeys((*QUESTIONS, *next(iter(sets[0].values())).answers)):
        sides = [_that_answer(question, items) for items in sets]
        if all(side and side.keys() == sides[0].keys() for side in sides):
            texts = list(sides[0])
            values = np.array([[side[text].answers[question] for text in texts] for side in sides])
            mean = seed_bootstrap(values, [sides[0][text].cluster for text in texts], seed=seed)
            each = values.mean(axis=1)
            rows.append(SeedsRow(question, tuple(each.tolist()), mean, float(each.std(ddof=1))))
    return tuple(rows)


def _by_text(folder: Path) -> dict[str, _Item]:
    path = folder / ITEMS_FILE
    items = read_record(path)
    found = {one["text"]: _Item(one["cluster"], one["pair"], _answers(one)) for one in items}
    if len(found) < len(items):
        raise DataError(
            f"{path}: {len(items) - len(found)} texts stand twice, needed each once, to know "
            "items of two probes as the same; probe a set without repetitions"
        )
    return found


def _answers(item: Mapping[str, Any]) -> dict[str, float]:
    preferences = {"preferred": item["preference"], **item["knock_outs"]}
    answers = {"attention": item["right"], "written": item["shown"].get(UNTOUCHED)}
    answers |= {
        name: None if value is None else (np.sign(value) + 1) / 2
        for name, value in preferences.items()
    }
    return {name: float(value) for name, value in answers.items() if value is not None}


def _that_answer(question: str, items: Mapping[str, _Item]) -> dict[str, _Item]:
    return {text: item for text, item in items.items() if question in item.answers}


def _difference(
    question: str,
    sides: Sequence[Mapping[str, _Item]],
    left_out: tuple[int, int] | None,
    seed: int,
) -> Difference:
    """Compare the answers to a question; of the same items if it is known what is left out."""
    one, other = (np.array([item.answers[question] for item in side.values()]) for side in sides)
    clusters = [[item.cluster for item in side.values()] for side in sides]
    p = p_pairs = None
    if left_out is None:
        found = unpaired_bootstrap((one, clusters[0]), (other, clusters[1]), seed=seed)
    else:
        found = mean_of(one - other, clusters[0], seed=seed)
        p = exact_mcnemar(one == 1, other == 1)
        pairs: dict[str, list[int]] = {}
        for place, item in enumerate(sides[0].values()):
            pairs.setdefault(item.pair, []).append(place)
        whole = [places for name, places in pairs.items() if name and len(places) == 2]
        if whole:
            p_pairs = exact_mcnemar(*((side[whole] == 1).all(axis=1) for side in (one, other)))
    return Difference(
        question, float(one.mean()), float(other.mean()), found, (len(one), len(other)),
        left_out or (0, 0), left_out is not None, p, p_pairs,
    )  # fmt: skip


@app.command()
def difference(one: Folder, other: Folder) -> None:
    """Compare two probes, first less second; the same texts are paired.

    Example: scripts/compare_probes difference runs/es/probe/T1 runs/vi/probe/T1
    """
    for found in compare_probes(one, other):
        typer.echo(_difference_line(found))


@app.command()
def seeds(
    folders: Annotated[list[Path], typer.Argument(help="Folders of several training seeds.")],
) -> None:
    """Tabulate mean and standard deviation over training seeds, probed on one set.

    Example: scripts/compare_probes seeds runs/s1/probe/T1 runs/s2/probe/T1 runs/s3/probe/T1
    """
    for row in seeds_table(folders):
        typer.echo(_seeds_line(row))


@app.command()
def verdicts(
    models: Annotated[list[str], typer.Argument(help="NAME=FOLDER[,FOLDER...], a seed a folder.")],
) -> None:
    """Write a Markdown table, a row a model: what is right, shown, used, and carried by what.

    Example: scripts/compare_probes verdicts guided=g1/probe/T1,g2/probe/T1 plain=u1/probe/T1
    """
    rows = []
    for given in models:
        name, equals, folders = given.partition("=")
        if not equals or not folders:
            raise DataError(f"{given!r}: no folders in it, needed NAME=FOLDER[,FOLDER...]")
        rows.append(verdict_row(name, [Path(folder) for folder in folders.split(",")]))
    typer.echo(f"{markdown(HEADINGS, rows)}\n\n{COUNTED}")


def _difference_line(found: Difference) -> str:
    tests = "" if found.p is None else f"; McNemar p {found.p:.4g}"
    if found.p_pairs is not None:
        tests += f", over pairs {found.p_pairs:.4g}"
    return (
        f"{found.question:<12}{found.one:>7.1%} against {found.other:>6.1%}: difference "
        f"{share(found.difference)} ({found.sample}{tests})"
    )


def _seeds_line(row: SeedsRow) -> str:
    values = " ".join(f"{100 * value:.1f}" for value in row.values)
    return f"{row.question:<26}{share(row.mean):>24}  sd {100 * row.deviation:4.1f}  of {values}"


if __name__ == "__main__":
    try:
        app()
    except Seq2SeqError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
