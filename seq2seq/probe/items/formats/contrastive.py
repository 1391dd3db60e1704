"""Reader of contrastive pairs: a source, its good translation, and a bad one."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines
from seq2seq.probe.items.case import Case, Span
from seq2seq.probe.items.formats.question import Question, Unusable

HEADERS = (("source", "good", "bad"), ("source", "target", "contrast"))


def read_contrast(path: Path) -> Iterator[Question]:
    """Tab-separated lines of source, good target and bad target; a header is optional.

    Nothing is known of pronouns in them, so they serve to compare translations only.

    Raises:
        DataError: A line has other columns, or an empty one.
    """
    for number, line in enumerate(iterate_lines(path), start=1):
        values = tuple(value.strip() for value in line.split("\t"))
        if not line.strip() or (number == 1 and tuple(map(str.lower, values)) in HEADERS):
            continue
        if len(values) != 3 or not all(values):
            raise DataError(
                f"{path}:{number}: {sum(map(bool, values))} texts in {len(values)} columns, "
                "needed source, good target and bad target, with tabs between"
            )
        yield Question(f"line {number}", partial(_case, f"{path.name}:{number}", *values))


def contrast_spans(good: str, bad: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Where two translations differ: what is left without the words they begin and end with.

    Args:
        good: One translation.
        bad: Another one.

    Returns:
        One stretch of whole words in each, or none in one of them if it only lacks something.
    """
    ours, theirs = ([m.span() for m in re.finditer(r"\S+", text)] for text in (good, bad))
    words = [good[slice(*span)] for span in ours], [bad[slice(*span)] for span in theirs]
    most = min(len(ours), len(theirs))
    begin = next((at for at in range(most) if words[0][at] != words[1][at]), most)
    end = next(
        (at for at in range(most - begin) if words[0][-1 - at] != words[1][-1 - at]), most - begin
    )
    left = ours[begin : len(ours) - end], theirs[begin : len(theirs) - end]
    good_spans, bad_spans = (((spans[0][0], spans[-1][1]),) if spans else () for spans in left)
    return good_spans, bad_spans


def _case(name: str, source: str, good: str, bad: str) -> Case:
    if good == bad:
        raise Unusable("the good and the bad translation are the same")
    good_spans, bad_spans = contrast_spans(good, bad)
    return Case(
        id=name,
        text=source,
        pronoun=None,
        cluster=source,
        good=good,
        bad=bad,
        good_spans=good_spans,
        bad_spans=bad_spans,
    )
