"""What a probe has found, whole: what every text, table and page of it is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seq2seq.probe.causes.free_translation import Generated
from seq2seq.probe.head_controls.head import ControlFigure
from seq2seq.probe.items.placement import PlacedCase
from seq2seq.probe.report.item_record import Record
from seq2seq.probe.report.provenance import Provenance
from seq2seq.probe.report.verdict import Verdict
from seq2seq.probe.statistics.bootstrap import RESAMPLES, SEED, Estimate
from seq2seq.probe.statistics.by_tag import TagDifference, TagFigure
from seq2seq.probe.statistics.gap_score import GapScore
from seq2seq.probe.statistics.selection import Choice, Finding

RANDOM_TWINS = 5


@dataclass(frozen=True)
class StudySpec:
    """What is measured.

    Attributes:
        name: of the set that is reported.
        selected_on: of the set that the head is chosen on.
        resamples: of intervals and permutations.
        random_twins: models of the same shape with random weights, as controls.
        causal: whether to search the carrier and take the chosen head apart.
        seed: of all draws.
        contributions: whether contributions of columns through all layers are weighed; None to do
            so unless the texts are long.
        only: route, layer and head to choose among; None for any of them.
        kind: of the file that is reported, as in `read_cases`.
        origin: where the items come from, to be read after "the items are"; empty if nothing is
            known of it.
        supervised: stack, layer and head, all from 0, that training told where to look; None for
            all heads of a layer.
    """

    name: str
    selected_on: str
    resamples: int = RESAMPLES
    random_twins: int = RANDOM_TWINS
    causal: bool = True
    seed: int = SEED
    contributions: bool | None = None
    only: tuple[str | None, int | None, int | None] = (None, None, None)
    kind: str = ""
    origin: str = ""
    supervised: tuple[tuple[str, int, int | None], ...] = ()


@dataclass(frozen=True)
class Parts:
    """What the chosen measure does on parts of the reported set.

    Attributes:
        by_tag: its accuracy by what cases are tagged with, and by the answers of the model.
        differences: of tags of two values.
        gap: its F1 as the scorer of GAP counts; empty for other sets.
        gap_answers: by case id the name that it says is meant; no part of ``probe.json``.
    """

    by_tag: tuple[TagFigure, ...] = ()
    differences: tuple[TagDifference, ...] = ()
    gap: tuple[GapScore, ...] = ()
    gap_answers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a probe has found.

    Attributes:
        spec: what was measured.
        model: its name.
        kind: encoder, decoder or encoder-decoder.
        items: how many were scored, on the set for the choice and on the reported one.
        problems: what was left out and why, of both sets.
        verdict: what it all comes to.
        chosen: what was chosen on the first set, over all routes.
        finding: the same on the second set.
        by_route: for each route its own choice on the first set, reported on the second.
        table: every measure on the second set.
        baselines: rules that look at no attention, on the second set.
        faithfulness: rank correlation of the chosen measure's margin with the preference.
        seconds: time spent.
        head: the best single head on the first set, which is taken apart and controlled.
        wrong_queries: what the same head gives from the rows of other words.
        controls: what it does where "it" means nothing, or the target does not tell.
        generated: what free translations show, untouched and with knock-outs.
        provenance: what the figures hang on.
        parts: the chosen measure on parts of the reported set.
        record: every item; no part of ``probe.json``.
        placed: the same items in pieces; no part of it either.
    """

    spec: StudySpec
    model: str
    kind: str
    items: tuple[int, int]
    problems: tuple[str, ...]
    verdict: Verdict
    chosen: Choice
    finding: Finding
    by_route: tuple[Finding, ...]
    table: tuple[Finding, ...]
    baselines: tuple[Finding, ...]
    faithfulness: Estimate | None
    seconds: float
    head: Choice | None = None
    wrong_queries: tuple[Finding, ...] = ()
    controls: tuple[ControlFigure, ...] = ()
    generated: tuple[Generated, ...] = ()
    provenance: Provenance
    parts: Parts = field(default_factory=Parts)
    record: Record = field(repr=False, compare=False)
    placed: tuple[PlacedCase, ...] = field(repr=False, compare=False)
