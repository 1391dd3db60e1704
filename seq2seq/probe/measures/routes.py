"""Ways in which attention may lead from a pronoun to its antecedent, each scored by itself.

    E→   encoder: the pronoun looks at the noun          E←  the noun looks at the pronoun
    E↔   mean of both                                    Ec→ the cue looks at the noun
    X    cross-attention of the decision row
    D    decoder: the decision row looks at the noun that it has written
    CH   chain: cross-attention of the decision row to any word, times what reaches that word from
         the noun through the encoder; split by that word: the noun itself, "it", the cue, others

The row after the decision, which word aligners read, is none of them: its input is the good piece,
so that a head may find the noun of that gender in a model which knows nothing.

What a route gives the gold noun and the other one is all that statistics need. Variants of a map:
``raw``; ``norm``, weighted by the size of what is transported; ``gradient``, weighted by how much
the preference for the good translation hangs on it; ``rollout``, all layers up to one multiplied;
``alti``, the same with what each column contributes in place of how much it is looked at.

Source: Clark et al. 2019; Kobayashi et al. 2020; Abnar and Zuidema 2020; Mąka et al. 2025; Ferrando
et al. 2022 (ALTI, ALTI+).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from seq2seq.errors import ModelError
from seq2seq.probe.items.pieces import Rows
from seq2seq.probe.items.placement import PlacedCase, batches_of, inputs_of
from seq2seq.probe.measures.accuracy import layout_of
from seq2seq.probe.measures.aggregation import attention_between
from seq2seq.probe.measures.scores import Measure, Scores
from seq2seq.probe.model.contributions import Shares, rolled, source_shares
from seq2seq.probe.model.interventions import Stack
from seq2seq.probe.model.reading import Reading
from seq2seq.probe.model.stock_model import StockModel

MOST_VECTORS = 20_000_000
"""Pairs of pieces, in all layers, whose contributions are weighed without being asked for."""

Found = Float[Tensor, "layers batch heads nouns"]


@dataclass(frozen=True)
class RouteScores:
    """What all measures give the nouns of some cases, and the model's own preference.

    Attributes:
        scores: of every measure; the columns are the cases.
        preference: log-probability of the good piece less that of the bad one in the decision row,
            in nats; None where the model or the cases have no translation.
        skipped: routes that were not measured, and why.
    """

    scores: Scores
    preference: Float[np.ndarray, " items"] | None
    skipped: tuple[str, ...]


def score_routes(
    model: StockModel,
    placed: Sequence[PlacedCase],
    *,
    gradients: bool = True,
    contributions: bool | None = None,
    layers: int | None = None,
) -> RouteScores:
    """Score every route, layer and head of a model.

    Args:
        model: any stock model.
        placed: cases in pieces.
        gradients: whether to take gradients of the preference, too; they cost a backward pass.
        contributions: whether to weigh contributions through all layers, which compares a vector
            for each two pieces; None to do so unless the texts are long.
        layers: how many layers of the first stack to run where nothing else is measured, which is
            so without translations; None for all.

    Returns:
        The scores.
    """
    common = _Common.of(model, placed)
    unweighed = _unweighed(model, placed, contributions)
    weighed = contributions is not False and not unweighed
    skipped = (*_skipped(model, placed, common), *unweighed)
    measures: tuple[Measure, ...] = ()
    table = np.empty((0, len(placed), 2))
    preferences = np.zeros(len(placed), dtype=np.float32)
    for numbers in batches_of(model, placed):
        batch = [placed[number] for number in numbers]
        reading = _read(
            model, batch, common, gradients=gradients, contributions=weighed, layers=layers
        )
        part = dict(_measures(reading, batch, common))
        if not measures:
            measures, table = tuple(part), np.empty((len(part), len(placed), 2))
        # Many small arrays that stayed would keep what a batch frees from being used again.
        table[:, numbers] = np.stack([part[one] for one in measures])
        if common.translations:
            preferences[numbers] = preference(reading, batch).numpy()
        del reading  # not to be kept beside the next
    layout = layout_of([one.case for one in placed])
    scores = Scores(measures, layout, table[..., 0], table[..., 1])
    return RouteScores(scores, preferences if common.translations else None, skipped)


@dataclass(frozen=True)
class _Common:
    """What every case of a set has, so that all batches are asked the same.

    Attributes:
        read: both nouns in the text that is read; words that a probe asks about may be written
            alone.
        translations: two that can be told apart.
        written: both nouns written before the decision.
        cue: a word that decides.
    """

    read: bool
    translations: bool
    written: bool
    cue: bool

    @classmethod
    def of(cls, model: StockModel, placed: Sequence[PlacedCase]) -> "_Common":
        decisions = [one.decision for one in placed if one.decision is not None]
        translations = model.kind == "encoder-decoder" and len(decisions) == len(placed)
        return cls(
            all(all(one.nouns) for one in placed),
            translations,
            translations and all(one.nouns is not None for one in decisions),
            all("cue" in one.words for one in placed),
        )


def decision_rows(placed: Sequence[PlacedCase]) -> list[int]:
    """The decision row of each case; only cases that have one may be asked about."""
    return [one.decision.row for one in placed if one.decision is not None]


def preference(reading: Reading, placed: Sequence[PlacedCase]) -> Float[Tensor, " batch"]:
    """How much more likely the good translation's piece is than the bad one's, in nats.

    The reading has the logits of all rows, or of `decision_rows` alone.
    """
    assert reading.logits is not None  # encoder-decoders have some
    decisions = [one.decision for one in placed if one.decision is not None]
    items = torch.arange(len(decisions))
    alone = reading.logits.shape[1] == 1  # a prefix has two rows at least
    rows = reading.logits[items, torch.tensor([0 if alone else one.row for one in decisions])]
    good = rows[items, torch.tensor([one.good for one in decisions])]
    bad = rows[items, torch.tensor([one.bad for one in decisions])]
    return good - bad


def _read(
    model: StockModel,
    batch: Sequence[PlacedCase],
    common: _Common,
    *,
    gradients: bool,
    contributions: bool,
    layers: int | None,
) -> Reading:
    inputs = inputs_of(model, batch)
    rows = decision_rows(batch) if common.translations else None
    first = next(iter(model.depth))  # without translations nothing else is measured

    def objective(logits: Tensor) -> Tensor:
        return preference(Reading(logits, {}), batch).sum()

    return model.read(
        inputs,
        values=True,
        contributions=contributions,
        layers=None if common.translations else layers or model.depth[first],
        rows=rows,
        objective=objective if gradients and common.translations else None,
    )


def _unweighed(
    model: StockModel, placed: Sequence[PlacedCase], wanted: bool | None
) -> tuple[str, ...]:
    """Why contributions are not weighed; nothing if they are, or nobody wants them."""
    if wanted is False:
        return ()
    sizes = [len(one.source.ids) for one in placed]
    vectors = sum(size**2 for size in sizes) * sum(model.depth.values())
    if wanted is None and vectors > MOST_VECTORS:
        return (
            f"alti: left out, since texts of up to {max(sizes)} pieces have {vectors:,} pairs of "
            f"pieces in all layers, more than {MOST_VECTORS:,}; it can be asked for",
        )
    try:
        model.read(inputs_of(model, placed[:1]), stacks=(), contributions=True)
    except ModelError as error:
        return (f"alti: {error}",)
    return ()


def _skipped(model: StockModel, placed: Sequence[PlacedCase], common: _Common) -> tuple[str, ...]:
    reasons = []
    if not common.read:
        reasons.append("E, X, CH: in some cases a word stands in what is written alone")
    if model.kind == "encoder-decoder" and not common.translations:
        silent = sum(one.decision is None for one in placed)
        reasons.append(f"X, D, CH: {silent:,} cases have no two translations to tell apart")
    if common.translations and not common.written:
        reasons.append("D: in some cases a noun is not written before the decision")
    if not common.cue:
        reasons.append("Ec→: some cases name no cue")
    return tuple(reasons)


def _measures(
    reading: Reading, batch: Sequence[PlacedCase], common: _Common
) -> Iterable[tuple[Measure, Float[np.ndarray, "batch nouns"]]]:
    if not common.read:
        if common.written:
            yield from _written_measures(reading, batch)
        return
    stack: Stack = "encoder" if "encoder" in reading.maps else "decoder"
    nouns = [one.nouns for one in batch]
    it = [one.words["it"] for one in batch]
    for variant, maps, values in _variants(reading, stack):
        forth = attention_between(maps, it, nouns, values=values)
        yield from _each("E→", variant, stack, forth)
        if stack == "encoder":
            back = _back(maps, nouns, it, values)
            yield from _each("E←", variant, stack, back)
            yield from _each("E↔", variant, stack, (forth + back) / 2)
        if common.cue:
            cue = [one.words["cue"] for one in batch]
            found = attention_between(maps, cue, nouns, values=values)
            yield from _each("Ec→", variant, stack, found)
    rolled = rollout(reading.maps[stack])
    yield from _each("E→", "rollout", stack, attention_between(rolled, it, nouns), heads=False)
    if common.translations:
        yield from _translation_measures(reading, batch, rolled[-1, :, 0], common)
    if reading.contributions:
        yield from _contributed(reading.contributions, stack, batch, common)


def _translation_measures(
    reading: Reading,
    batch: Sequence[PlacedCase],
    reached: Float[Tensor, "batch source source"],
    common: _Common,
) -> Iterable[tuple[Measure, Float[np.ndarray, "batch nouns"]]]:
    rows, nouns = decision_rows(batch), [one.nouns for one in batch]
    for variant, maps, values in _variants(reading, "cross"):
        here = attention_between(maps, [(row,) for row in rows], nouns, values=values)
        yield from _each("X", variant, "cross", here)
    if common.written:
        yield from _written_measures(reading, batch)
    seen = reading.maps["cross"].mean(2)[:, torch.arange(len(batch)), torch.tensor(rows)]
    for path, found in _chains(seen, reached, batch).items():
        yield from _each(f"CH {path}".strip(), "raw", "", found[:, :, None], heads=False)


def _written_measures(
    reading: Reading, batch: Sequence[PlacedCase]
) -> Iterable[tuple[Measure, Float[np.ndarray, "batch nouns"]]]:
    written = [one.nouns_in("decoder") for one in batch]
    rows = [(row,) for row in decision_rows(batch)]
    for variant, maps, values in _variants(reading, "decoder"):
        here = attention_between(maps, rows, written, values=values)
        yield from _each("D", variant, "decoder", here)


def _contributed(
    shares: Shares, stack: Stack, batch: Sequence[PlacedCase], common: _Common
) -> Iterable[tuple[Measure, Float[np.ndarray, "batch nouns"]]]:
    it, nouns = [one.words["it"] for one in batch], [one.nouns for one in batch]
    found = attention_between(rolled(shares[stack])[:, :, None], it, nouns)
    yield from _each("E→", "alti", stack, found, heads=False)
    if common.translations:
        rows = [(row,) for row in decision_rows(batch)]
        found = attention_between(source_shares(shares)[:, :, None], rows, nouns)
        yield from _each("X", "alti", "cross", found, heads=False)


def _variants(
    reading: Reading, stack: Stack
) -> Iterable[
    tuple[
        str,
        Float[Tensor, "layers batch heads query key"],
        Float[Tensor, "layers batch heads key"] | None,
    ]
]:
    """Names of variants, their maps, and what each column of a map is multiplied by."""
    maps = reading.maps[stack]
    yield "raw", maps, None
    if stack in reading.values:
        yield "norm", maps, reading.values[stack]
    if stack in reading.gradients:
        yield "gradient", (maps * reading.gradients[stack]).abs(), None


def _back(
    maps: Float[Tensor, "layers batch heads query key"],
    nouns: Sequence[tuple[Rows, Rows]],
    it: Sequence[Rows],
    values: Float[Tensor, "layers batch heads key"] | None,
) -> Found:
    looked_at = [[rows] for rows in it]
    looking = ([one[noun] for one in nouns] for noun in (0, 1))
    found = [attention_between(maps, rows, looked_at, values=values) for rows in looking]
    return torch.cat(found, dim=-1)


def rollout(
    maps: Float[Tensor, "layers batch heads query key"],
) -> Float[Tensor, "layers batch 1 query key"]:
    """Multiply the maps of all layers up to each, half of every row staying where it is.

    Source: Abnar and Zuidema 2020, section 3 (attention rollout).
    """
    return rolled((maps.mean(2) + torch.eye(maps.shape[-1])) / 2)[:, :, None]


def _chains(
    seen: Float[Tensor, "layers batch source"],
    reached: Float[Tensor, "batch source source"],
    batch: Sequence[PlacedCase],
) -> dict[str, Float[Tensor, "layers batch nouns"]]:
    """What the decision row gets from each noun through the encoder, by the word it looks at."""
    columns = torch.zeros(len(batch), 2, seen.shape[-1])
    paths = {name: torch.zeros(len(batch), 2, seen.shape[-1]) for name in ("direct", "it", "cue")}
    for number, one in enumerate(batch):
        for noun, rows in enumerate(one.nouns):
            columns[number, noun, list(rows)] = 1
            paths["direct"][number, noun, list(rows)] = 1
            for word in ("it", "cue"):
                paths[word][number, noun, list(one.words.get(word, ()))] = 1
    whole = torch.einsum("lbk,bkw,bnw->lbnk", seen, reached, columns)
    found = {"": whole.sum(-1)}
    for name, mask in paths.items():
        found["direct" if name == "direct" else f"via {name}"] = (whole * mask).sum(-1)
    found["via others"] = found[""] - sum(found[name] for name in found if name)
    return found


def _each(
    route: str, variant: str, stack: Stack | Literal[""], found: Found, *, heads: bool = True
) -> Iterable[tuple[Measure, Float[np.ndarray, "batch nouns"]]]:
    for layer in range(found.shape[0]):
        for head in range(found.shape[2]):
            measure = Measure(route, variant, stack, layer, head if heads else None)
            yield measure, found[layer, :, head].double().numpy()
