"""What a study has found as one page: the verdict, the heads, a few sentences, and their twins.

The page is written for a reader who has no time: what was found stands at the top, and everything
below is there to doubt it. It holds no more than a megabyte; what does not fit is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from seq2seq.files import write_text
from seq2seq.probe.measures.routes import RouteScores, score_routes
from seq2seq.probe.measures.scores import ROUTES_OF_HEADS, Measure, reads_back, stack_and_word
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.page_examples import Shown, choose_examples
from seq2seq.probe.report.page_readings import readings_of, shown_knock_outs
from seq2seq.probe.report.parts import caveats, part_lines
from seq2seq.probe.report.result import Study
from seq2seq.probe.report.tables import tables_of
from seq2seq.probe.report.verdict import answers
from seq2seq.probe.report.wording import COUNTED, ROUTES, VARIANTS, link_of
from seq2seq.probe.statistics.selection import ALPHA, Finding
from seq2seq.viewer.content import (
    AttentionPage,
    Example,
    Grid,
    Head,
    Reading,
    Role,
    Share,
)
from seq2seq.viewer.figures import figures
from seq2seq.viewer.page import attention_page, example_size

MOST_BYTES = 999_000  # a megabyte, less the notes that say what was left out
PATHS = tuple(route for route in ROUTES if route.startswith("CH "))
ROLES: Mapping[str, Role] = {"it": "pronoun", "cue": "cue", "": "decision"}
"""How the pieces of a route's word are marked; of other words the page turns to none."""


def write_page(study: Study, model: StockModel, folder: Path) -> Path:
    """Write ``probe.html``, whose path is given back, and its figures as SVG files beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    page = study_page(study, model)
    path = folder / "probe.html"
    write_text(path, attention_page(page))
    for name, svg in figures(page).items():
        write_text(folder / f"{name}.svg", svg)
    return path


def study_page(study: Study, model: StockModel) -> AttentionPage:
    """Make the page of a study; of its examples as many as fit into a megabyte, at least one."""
    shown = choose_examples(study.placed, _judged(study))
    opened = _opened(study)
    page = AttentionPage(
        title="Who is “it”?",
        model=study.model,
        examples=_examples(study, model, shown),
        start=None if opened is None else _head(opened),
        findings=answers(study.verdict),
        grids=_grids(study, opened),
        tables=tables_of(study),
        notes=_notes(study),
    )
    return fitted(page)


def fitted(page: AttentionPage, most: int = MOST_BYTES) -> AttentionPage:
    """Leave out what makes a page larger than a browser opens at once, and say so at its foot.

    As many examples are kept as fit, in their order. If not even the first does, it stays with the
    maps of its first knock-out alone, then of none, and then without its twin.
    """

    def size(example: Example) -> int:
        return len(attention_page(replace(page, examples=(example,))).encode())

    first, *others = page.examples
    bare = _with_maps_of(first, 0)
    forms = (first, _with_maps_of(first, 1), bare, replace(bare, readings=bare.readings[:1]))
    whole, form = next(
        ((found, form) for form in forms if (found := size(form)) <= most), (most, forms[-1])
    )
    kept = [form]
    for example in others:
        if whole + example_size(example) <= most:
            whole += example_size(example)
            kept.append(example)
    missing = len(page.examples) - len(kept)
    notes = []
    if missing:
        notes.append(f"{missing} more examples would have made this page larger than 1 MB.")
    if kept[0] is not first:
        notes.append("So large a model leaves no room for the maps of every knock-out.")
    return replace(page, examples=tuple(kept), notes=(*page.notes, *notes))


def _with_maps_of(example: Example, knock_outs: int) -> Example:
    """The example with the maps of its first knock-outs only; of the others the answers stay."""

    def lean(reading: Reading) -> Reading:
        kept, others = reading.variants[:knock_outs], reading.variants[knock_outs:]
        return replace(reading, variants=(*kept, *(replace(one, panels=()) for one in others)))

    return replace(example, readings=tuple(map(lean, example.readings)))


def _judged(study: Study) -> Bool[np.ndarray, " items"]:
    """Whether the model has each case right; where it writes nothing, the chosen head."""
    record = study.record
    return record.right == 1 if record.preference is None else record.preference > 0


def _examples(study: Study, model: StockModel, shown: Sequence[Shown]) -> tuple[Example, ...]:
    placed = [one for group in shown for one in group.placed]
    carrier = study.verdict.causes.carrier
    name = None if carrier is None else carrier.found.name
    knock_outs = (
        shown_knock_outs(model, placed, name) if study.verdict.translated is not None else ()
    )
    shares = _shares(study, score_routes(model, placed, gradients=False))
    readings = list(readings_of(model, placed, knock_outs, shares))
    examples = []
    for group in shown:
        mine, readings = readings[: len(group.placed)], readings[len(group.placed) :]
        wrong = group.right.count(False)
        mark = f"✗ {wrong} of {len(group.right)} wrong: " if wrong else ""
        examples.append(Example(f"{mark}{group.title}", tuple(mine)))
    return tuple(examples)


def _opened(study: Study) -> Measure | None:
    """What the page opens at: the chosen measure, or the best of a stack where that is a chain."""
    candidates = [study.finding.measure, *(one.measure for one in study.by_route)]
    if study.head is not None:
        candidates.insert(1, study.head.measure)
    return next((one for one in candidates if one.stack and one.layer is not None), None)


def _head(measure: Measure) -> Head:
    assert measure.stack  # what has none, or no layer, is not opened
    assert measure.layer is not None
    return Head(measure.stack, measure.layer, measure.head)


def _grids(study: Study, opened: Measure | None) -> tuple[Grid, ...]:
    """Each route's accuracy by head, in plain attention; the chosen variants too, if others."""
    chosen = {one.measure.route: one.measure for one in study.by_route}
    wanted = [] if opened is None else [(opened.route, opened.variant)]
    for route in ROUTES_OF_HEADS:
        wanted.append((route, "raw"))
        if route in chosen:
            wanted.append((route, chosen[route].variant))
    grids = []
    for route, variant in dict.fromkeys(wanted):  # what the page opens at stands first
        cells = [
            one
            for one in study.table
            if (one.measure.route, one.measure.variant) == (route, variant) and one.measure.stack
        ]
        if cells:
            grids.append(_grid(cells, chosen.get(route)))
    return tuple(grids)


def _grid(cells: Sequence[Finding], best: Measure | None) -> Grid:
    first = cells[0].measure
    assert first.stack  # others have no cells
    places = [(one.measure.layer or 0, one.measure.head or 0) for one in cells]
    shape = (max(layer for layer, _ in places) + 1, max(head for _, head in places) + 1)
    accuracy, significant = np.full(shape, 0.5), np.zeros(shape, dtype=bool)
    for place, one in zip(places, cells, strict=True):
        accuracy[place] = one.accuracy
        significant[place] = one.p_fwer is not None and one.p_fwer <= ALPHA
    name = link_of(first.route)
    if first.variant != "raw":
        name = f"{name}, {VARIANTS[first.variant]}"
    chosen = None
    if best is not None and best.variant == first.variant:
        chosen = (best.layer or 0, best.head or 0)
    return Grid(
        first.stack,
        name,
        accuracy,
        significant,
        chosen,
        word=ROLES.get(stack_and_word(first)[1]),
        read_by=reads_back(first.route),
        by_head=first.head is not None,
    )


def _shares(study: Study, scores: RouteScores) -> list[tuple[Share, ...]]:
    """For each shown case, what the chosen head of each link and each path gives the nouns."""
    rows = {measure: row for row, measure in enumerate(scores.scores.measures)}
    one_way = [route for route, (*_, ways) in ROUTES_OF_HEADS.items() if len(ways) == 1]
    wanted: list[tuple[str, Measure]] = []
    for one in study.by_route:
        measure = one.measure
        plain = replace(measure, variant="raw") if measure.head is not None else measure
        if measure.route in one_way:
            wanted.append((f"{link_of(measure.route)} ({plain.place or 'all layers'})", plain))
        if measure.route == "CH":
            wanted += [
                (f"{ROUTES[path]} ({measure.place})", replace(measure, route=path))
                for path in PATHS
            ]
    gold, distractor = scores.scores.gold, scores.scores.distractor
    return [
        tuple(
            Share(name, float(gold[rows[one], item]), float(distractor[rows[one], item]))
            for name, one in wanted
            if one in rows
        )
        for item in range(gold.shape[1])
    ]


def _notes(study: Study) -> tuple[str, ...]:
    (dev, test), found = study.items, study.finding
    maps = COUNTED
    if study.verdict.translated is not None:
        maps = (
            "The maps are those of the right translation, which the model is made to write; what "
            f"it writes by itself is a greedy search. {maps}"
        )
    return (
        f"Heads and routes were chosen on {dev:,} items of {study.spec.selected_on} and reported "
        f"once on {test:,} of {study.spec.name} in {found.clusters:,} clusters, {found.pairs:,} "
        "whole pairs among them; brackets are 95 % cluster bootstraps.",
        "The examples were chosen by rule: of each family of sentences the shortest pair that is "
        "right, and the shortest that is wrong, if there is one.",
        maps,
        *caveats(study),
        *_drawn(found.measure),
        *(f"{line[:1].upper()}{line[1:]}." for line in part_lines(study)),
        *study.problems,
        f"{study.model}, read with transformers {version('transformers')}.",
    )


def _drawn(chosen: Measure) -> tuple[str, ...]:
    """What the maps show where another measure was chosen than plain attention of a head."""
    if chosen.variant == "raw" and chosen.head is not None:
        return ()
    name = f"{ROUTES.get(chosen.route, chosen.route)}, {VARIANTS[chosen.variant]}"
    place = chosen.place or "all layers"
    return (f"What was chosen is “{name}” ({place}); the maps show attention itself.",)
