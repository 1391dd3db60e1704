"""A set by its parts, in words: by tag, by the scorer of its authors, and beside other sets."""

from collections.abc import Sequence

import numpy as np

from seq2seq.probe.items.sets import SIDE_OF_STEREOTYPE
from seq2seq.probe.report.result import Study
from seq2seq.probe.report.verdict import accuracy, p_value, share
from seq2seq.probe.statistics.bootstrap import Estimate, difference_of
from seq2seq.probe.statistics.by_tag import TagDifference, TagFigure
from seq2seq.text_table import align

STEREOTYPE = "stereotype"


def part_lines(study: Study) -> list[str]:
    """One line for each tag, with the figures of its values, and what the published scorer says."""
    lines = []
    for tag in dict.fromkeys(one.tag for one in study.parts.by_tag):
        figures = [_figure(one) for one in study.parts.by_tag if one.tag == tag]
        figures += [_difference(one) for one in study.parts.differences if one.tag == tag]
        lines.append(f"by {tag}: {'; '.join(figures)}")
    if study.parts.gap:
        shares = [f"{one.part} {100 * one.f1:.1f}" for one in study.parts.gap]
        _, masculine, feminine = study.parts.gap
        bias = f"; F/M {feminine.f1 / masculine.f1:.2f}" if masculine.f1 else ""
        lines.append(
            f"F1 as the scorer of GAP counts it, every name of every item: {', '.join(shares)}"
            f"{bias} (“both” for all would score 61 on the development set)"
        )
    return lines


def caveats(study: Study) -> list[str]:
    """What the figures do not say, a sentence each."""
    effects = study.verdict.causes.effects
    used = "what is used was found by hiding and exchanging" if effects else "nothing was hidden"
    lines = [f"Attention is not an explanation; {used}."]
    if study.spec.origin:
        lines.append(f"The items are {study.spec.origin}; other text may differ.")
    if study.verdict.translated is not None:
        lines.append(
            "The model chooses between two given translations; only free translations show what it "
            "writes."
        )
    if effects:
        lines.append(
            f"P-values of {len(effects)} knock-outs are corrected for their number; heads, "
            "carriers and groups of words are chosen on the other set."
        )
    return lines


def several_sets_text(studies: Sequence[Study]) -> str:
    """A table of sets on which one choice was reported, and their differences."""
    rows = [("set", "items", "accuracy", "p")]
    for one in studies:
        found = one.finding
        rows.append((one.spec.name, f"{found.items:,}", accuracy(found), p_value(found.p)))
    lines = [align(rows), *(_difference(one) for one in differences_of(studies))]
    return "\n".join(lines)


def differences_of(studies: Sequence[Study]) -> tuple[TagDifference, ...]:
    """What stereotypes help: the accuracy with them less that against them.

    Two sets belong together if their names differ in "pro" and "anti" alone, as those of WinoBias
    and WinoMT do.
    """
    sides = {
        (_side(one), SIDE_OF_STEREOTYPE.sub("*", one.spec.name.lower())): one for one in studies
    }
    found = []
    for (side, name), one in sides.items():
        other = sides.get(("anti", name))
        if side != "pro" or other is None:
            continue
        ours, theirs = one.record, other.record
        together = np.concatenate([ours.right, theirs.right])
        first = np.arange(len(together)) < len(ours.cases)
        difference = difference_of(
            together, np.stack([first, ~first]),
            [case.cluster for case in (*ours.cases, *theirs.cases)],
            resamples=one.spec.resamples, seed=one.spec.seed,
        )  # fmt: skip
        found.append(TagDifference(STEREOTYPE, one.spec.name, other.spec.name, difference))
    return tuple(found)


def _side(study: Study) -> str:
    every = {tag for case in study.record.cases for tag in case.tags}
    tags = {tag for tag in every if tag.startswith(f"{STEREOTYPE}=")}
    return tags.pop().partition("=")[2] if len(tags) == 1 else ""


def _figure(one: TagFigure) -> str:
    said = f"{one.accuracy:.1%}"
    if one.interval is not None:
        said = share(Estimate(one.accuracy, one.interval))
    return f"{one.value} {said} of {one.items:,}"


def _difference(one: TagDifference) -> str:
    interval = one.difference.interval
    return (
        f"{one.one} − {one.other}: {100 * one.difference.value:+z.1f} points "
        f"[{100 * interval.low:+z.1f}, {100 * interval.high:+z.1f}]"
    )
