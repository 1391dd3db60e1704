"""Which row carries the antecedent? A search by knock-out, whatever the maps look like.

A model may translate "it" perfectly with every head at chance: the role may follow from the verb,
the cue may hold the answer, the decoder may look ahead. So every word of the pronoun's clause is
taken away in turn, in all layers and heads, and what that costs is counted in decisions: the share
of items in which the model still prefers the good translation. Each cost stands beside that of the
same operation on other words that draw as much attention.

Names: ``it off``: the row sees only itself. ``it→nouns``: the row does not see the two nouns;
``it→gold`` one of them; ``nouns→it``: the nouns do not see it. ``decision→it``: the decoder's
decision row does not see that word of the source.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from seq2seq.probe.access import Inputs, StockModel
from seq2seq.probe.intervention import Intervention, KnockOut, Stack, self_only
from seq2seq.probe.placed import Placed, inputs_of
from seq2seq.probe.resampling import SEED, Estimate, Interval, cluster_bootstrap, paired_bootstrap
from seq2seq.probe.routes import BATCH, preference
from seq2seq.probe.spans import Rows

CLAUSE = ("conjunction", "it", "was", "cue", "stop", "end")

Edges = Callable[[Placed], tuple[Rows, Rows]]
"""Which rows of a case lose sight of which columns."""


@dataclass(frozen=True)
class Effect:
    """What an intervention costs.

    Attributes:
        name: what was taken away.
        accuracy: share of items in which the good translation is still preferred.
        cost: how much of the accuracy is gone.
        control: the same cost for matched other words; None where there is no match.
        change: mean fall of the preference, in nats.
    """

    name: str
    accuracy: Estimate
    cost: Estimate
    control: Estimate | None
    change: float


@dataclass(frozen=True)
class Knock:
    """An intervention that is described for a case before there is a batch.

    Attributes:
        name: as in the table.
        stack: where.
        edges: which rows lose which columns.
        control: the same for matched words; None where there is no match.
        off: whether the rows see nothing but themselves; columns do not matter then.
    """

    name: str
    stack: Stack
    edges: Edges
    control: Edges | None = None
    off: bool = False


def knocks_of(placed: Sequence[Placed], match: "Match") -> list[Knock]:
    """List what is tried: every word of the clause, in encoder and decoder.

    Args:
        placed: cases with a decision row.
        match: other words that draw as much attention.

    Returns:
        Knock-outs of single rows, their edges, and of both at once.
    """
    words = [name for name in CLAUSE if all(name in one.words for one in placed)]
    found = []
    for word in words:
        found += [
            Knock(f"{word} off", "encoder", _row(word), match.row, off=True),
            Knock(f"{word}→nouns", "encoder", _to_nouns(word), match.two(word)),
            Knock(f"{word}→gold", "encoder", _to_noun(word, 0), match.gold(word)),
            Knock(f"nouns→{word}", "encoder", _from_nouns(word)),
            Knock(f"decision→{word}", "cross", _decision_to(word), match.cross),
        ]
    found += [
        Knock("clause→nouns", "encoder", lambda one: (_clause(one, words), _both(one))),
        Knock("nouns→clause", "encoder", lambda one: (_both(one), _clause(one, words))),
        Knock("decision→nouns", "cross", lambda one: (_decision_row(one), _both(one))),
        Knock("decision→clause", "cross", lambda one: (_decision_row(one), _clause(one, words))),
    ]
    if all(one.decision is not None and one.decision.nouns is not None for one in placed):
        found.append(Knock("decision→written nouns", "decoder", _decision_to_written))
    return found


def search_carrier(
    model: StockModel, placed: Sequence[Placed], *, seed: int = SEED
) -> tuple[Estimate, tuple[Effect, ...]]:
    """Try every knock-out on all cases.

    Args:
        model: an encoder-decoder.
        placed: cases with a decision row.
        seed: of intervals and of matched words.

    Returns:
        The accuracy of the untouched model, and the effects, the costliest first.
    """
    clusters = tuple(one.case.cluster for one in placed)
    match = Match.of(model, placed)
    intact = preferences(model, placed, None)
    effects = []
    for knock in knocks_of(placed, match):
        after = preferences(model, placed, knock)
        beside = None
        if knock.control is not None:
            twin = Knock(knock.name, knock.stack, knock.control, off=knock.off)
            beside = preferences(model, placed, twin)
        effects.append(effect_of(knock.name, intact, after, beside, clusters=clusters, seed=seed))
    effects.sort(key=lambda one: -one.cost.value)
    return accuracy_of(intact, clusters, seed=seed), tuple(effects)


def preferences(
    model: StockModel,
    placed: Sequence[Placed],
    knock: Knock | None,
    *,
    heads: Bool[Tensor, "layers heads"] | None = None,
    also: Sequence[Intervention] = (),
) -> Float[np.ndarray, " items"]:
    """Preference for the good translation with something knocked out.

    Args:
        model: an encoder-decoder.
        placed: cases with a decision row.
        knock: what is knocked out; None for nothing.
        heads: where; None for all.
        also: interventions that do not depend on the case.

    Returns:
        In nats, for each case.
    """
    found = []
    for start in range(0, len(placed), BATCH):
        batch = placed[start : start + BATCH]
        inputs = inputs_of(model, batch)
        done = [*also]
        if knock is not None:
            edges = edges_of(knock, batch, inputs)
            done.append(KnockOut(knock.stack, edges, heads))
        reading = model.read(inputs, stacks=(), interventions=done)
        found.append(preference(reading, batch).numpy())
    return np.concatenate(found)


def edges_of(
    knock: Knock, batch: Sequence[Placed], inputs: Inputs
) -> Bool[Tensor, "batch query key"]:
    """Write a knock-out as the edges of a batch."""
    assert inputs.target_ids is not None  # encoder-decoders have targets
    source, target = inputs.source_ids.shape[1], inputs.target_ids.shape[1]
    queries = source if knock.stack == "encoder" else target
    keys = target if knock.stack == "decoder" else source
    edges = torch.zeros(len(batch), queries, keys, dtype=torch.bool)
    for number, one in enumerate(batch):
        rows, columns = knock.edges(one)
        if knock.off:
            lonely = torch.zeros(1, queries, dtype=torch.bool)
            lonely[0, list(rows)] = True
            edges[number] = self_only(lonely)[0]
        else:
            for row in rows:
                edges[number, row, list(columns)] = True
    return edges


def effect_of(
    name: str,
    intact: Float[np.ndarray, " items"],
    after: Float[np.ndarray, " items"],
    control: Float[np.ndarray, " items"] | None,
    *,
    clusters: Sequence[str],
    seed: int = SEED,
) -> Effect:
    """Count what a knock-out cost.

    Args:
        name: of the knock-out.
        intact: preferences of the untouched model.
        after: with the knock-out.
        control: with the knock-out of matched words.
        clusters: of the items.
        seed: of the intervals.

    Returns:
        The effect.
    """
    before, now = _right(intact), _right(after)
    return Effect(
        name,
        accuracy_of(after, clusters, seed=seed),
        paired_bootstrap(before, now, clusters, seed=seed),
        None if control is None else paired_bootstrap(before, _right(control), clusters, seed=seed),
        float((intact - after).mean()),
    )


def accuracy_of(
    preference: Float[np.ndarray, " items"], clusters: Sequence[str], *, seed: int = SEED
) -> Estimate:
    """Share of items in which the good translation is preferred."""
    right = _right(preference)
    interval: Interval = cluster_bootstrap(right[None], clusters, seed=seed)[0]
    return Estimate(float(right.mean()), interval)


def _right(preference: Float[np.ndarray, " items"]) -> Float[np.ndarray, " items"]:
    return np.where(preference == 0, 0.5, preference > 0)


@dataclass(frozen=True)
class Match:
    """For each case, other words of the text by how much attention they draw.

    Attributes:
        mass: mean attention of all encoder layers and heads, by case id.
        seen: mean attention of the decision row over all cross layers and heads, by case id.
    """

    mass: dict[str, Float[np.ndarray, "source source"]]
    seen: dict[str, Float[np.ndarray, " source"]]

    @classmethod
    def of(cls, model: StockModel, placed: Sequence[Placed]) -> "Match":
        """Read the model once and keep mean maps."""
        mass, seen = {}, {}
        for start in range(0, len(placed), BATCH):
            batch = placed[start : start + BATCH]
            reading = model.read(inputs_of(model, batch), stacks=("encoder", "cross"))
            encoder = reading.maps["encoder"].mean((0, 2))
            cross = reading.maps["cross"].mean((0, 2))
            for number, one in enumerate(batch):
                mass[one.case.id] = encoder[number].numpy()
                seen[one.case.id] = cross[number, _decision_row(one)[0]].numpy()
        return cls(mass, seen)

    def row(self, one: Placed) -> tuple[Rows, Rows]:
        """Another word of the text, to be isolated like a word of the clause: the longest."""
        return max(one.others, key=lambda rows: (len(rows), rows)), ()

    def gold(self, word: str) -> Edges:
        """The other word that draws most nearly what the gold noun draws from a word."""
        return lambda one: (one.words[word], self._nearest(one, word, [one.nouns[0]])[0])

    def two(self, word: str) -> Edges:
        """Two other words that draw most nearly what the nouns draw from a word."""
        return lambda one: (
            one.words[word],
            tuple(row for rows in self._nearest(one, word, one.nouns) for row in rows),
        )

    def cross(self, one: Placed) -> tuple[Rows, Rows]:
        """The word outside of the clause that the decision row sees most, nouns excepted."""
        seen = self.seen[one.case.id]
        return _decision_row(one), max(one.others, key=lambda rows: float(seen[list(rows)].sum()))

    def written(self, one: Placed) -> tuple[Rows, Rows]:
        """The first piece that the decoder has written: it is no noun."""
        return _decision_row(one), (1,)

    def _nearest(self, one: Placed, word: str, nouns: Iterable[Rows]) -> list[Rows]:
        given = self.mass[one.case.id][list(one.words[word])].mean(0)
        left, found = list(one.others), list[Rows]()
        for noun in nouns:
            wanted = float(given[list(noun)].sum())
            left.sort(key=lambda rows: abs(float(given[list(rows)].sum()) - wanted))
            found.append(left.pop(0) if left else ())
        return found


def _row(word: str) -> Edges:
    return lambda one: (one.words[word], ())


def _to_nouns(word: str) -> Edges:
    return lambda one: (one.words[word], _both(one))


def _to_noun(word: str, noun: int) -> Edges:
    return lambda one: (one.words[word], one.nouns[noun])


def _from_nouns(word: str) -> Edges:
    return lambda one: (_both(one), one.words[word])


def _decision_to(word: str) -> Edges:
    return lambda one: (_decision_row(one), one.words[word])


def _decision_to_written(one: Placed) -> tuple[Rows, Rows]:
    assert one.decision is not None  # knocks_of has looked
    assert one.decision.nouns is not None
    first, second = one.decision.nouns
    return _decision_row(one), (*first, *second)


def _both(one: Placed) -> Rows:
    return (*one.nouns[0], *one.nouns[1])


def _clause(one: Placed, words: Sequence[str]) -> Rows:
    return tuple(row for word in words for row in one.words[word])


def _decision_row(one: Placed) -> Rows:
    assert one.decision is not None  # only such cases are searched
    return (one.decision.row,)
