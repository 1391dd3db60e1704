"""Which row carries the antecedent? What to knock out to find it, whatever the maps look like.

A model may translate "it" perfectly with every head at chance: the role may follow from the verb,
the cue may hold the answer, the decoder may look ahead. So every word of the pronoun's clause is
taken away in turn, in all layers and heads; `seq2seq.probe.causes.experiment` counts what that
costs, and what the same operation costs on other words that draw as much attention.

Names: ``it off``: the row sees only itself. ``it→nouns``: the row does not see the two nouns;
``it→gold`` one of them; ``nouns→it``: the nouns do not see it. ``decision→it``: the decoder's
decision row does not see that word of the source; ``decision→gold``: nor the antecedent there,
``decision→written gold``: nor the one that it has written itself.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from seq2seq.probe.items.pieces import Rows
from seq2seq.probe.items.placement import PlacedCase, batches_of, inputs_of
from seq2seq.probe.measures.routes import decision_rows
from seq2seq.probe.model.interventions import Stack, self_only
from seq2seq.probe.model.reading import Inputs
from seq2seq.probe.model.stock_model import StockModel

CLAUSE = ("conjunction", "it", "was", "cue", "stop", "end")

PRONOUN = ("it off", "it→nouns", "it→gold", "decision→it")
"""Knock-outs of the pronoun itself, which are shown with their control whatever they cost."""

Edges = Callable[[PlacedCase], tuple[Rows, Rows]]
"""Which rows of a case lose sight of which columns."""


@dataclass(frozen=True)
class KnockOut:
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


def knock_outs_of(placed: Sequence[PlacedCase], match: "MatchedWords") -> list[KnockOut]:
    """List what is tried: every word of the clause, in encoder and decoder.

    Args:
        placed: cases with a decision row.
        match: other words that draw as much attention.

    Returns:
        Knock-outs of single rows, their edges, and of both at once.
    """
    words = clause_of(placed)
    found = []
    for word in words:
        found += [
            KnockOut(f"{word} off", "encoder", _row(word), match.row, off=True),
            KnockOut(f"{word}→nouns", "encoder", _to_nouns(word), match.two(word)),
            KnockOut(f"{word}→gold", "encoder", _to_noun(word, 0), match.gold(word)),
            KnockOut(f"nouns→{word}", "encoder", _from_nouns(word), match.back(word)),
            KnockOut(f"decision→{word}", "cross", _decision_to(word), match.cross),
        ]
    found += [
        KnockOut("clause→nouns", "encoder", lambda one: (_clause(one, words), _both(one))),
        KnockOut("nouns→clause", "encoder", lambda one: (_both(one), _clause(one, words))),
        KnockOut("decision→nouns", "cross", lambda one: (_decision_row(one), _both(one))),
        KnockOut("decision→gold", "cross", _decision_to_gold, match.cross),
        KnockOut("decision→clause", "cross", lambda one: (_decision_row(one), _clause(one, words))),
    ]
    if all(one.decision is not None and one.decision.nouns is not None for one in placed):
        found += [
            KnockOut("decision→written nouns", "decoder", _decision_to_written, match.written),
            KnockOut("decision→written gold", "decoder", _decision_to_written_gold, match.written),
        ]
    return found


def clause_of(placed: Sequence[PlacedCase]) -> list[str]:
    """The words of the clause that all cases have."""
    return [name for name in CLAUSE if all(name in one.words for one in placed)]


def readers_of(placed: Sequence[PlacedCase], match: "MatchedWords", word: str) -> list[KnockOut]:
    """List who may read what is written in the row of a word.

    Args:
        placed: cases with a decision row.
        match: as in `knock_outs_of`.
        word: of the clause.

    Returns:
        Knock-outs of the sight of that row: of the other words of the clause, of the nouns, of all
        other words of the text, and of the decision row.
    """
    readers = [one for one in clause_of(placed) if one != word]
    found = [
        KnockOut(f"{one}→{word}", "encoder", _from_to(one, word), match.word(one, word))
        for one in readers
    ]
    return [
        *found,
        KnockOut(f"nouns→{word}", "encoder", _from_nouns(word), match.back(word)),
        KnockOut(f"others→{word}", "encoder", _from_others(word)),
        KnockOut(f"decision→{word}", "cross", _decision_to(word), match.cross),
    ]


def control_of(knock_out: KnockOut) -> KnockOut | None:
    """The same operation on matched words; None where there is no match."""
    if knock_out.control is None:
        return None
    return KnockOut(
        f"{knock_out.name}, control", knock_out.stack, knock_out.control, off=knock_out.off
    )


def edges_of(
    knock_out: KnockOut, batch: Sequence[PlacedCase], inputs: Inputs
) -> Bool[Tensor, "batch query key"]:
    """Write a knock-out as the edges of a batch."""
    assert inputs.target_ids is not None  # encoder-decoders have targets
    source, target = inputs.source_ids.shape[1], inputs.target_ids.shape[1]
    queries = source if knock_out.stack == "encoder" else target
    keys = target if knock_out.stack == "decoder" else source
    edges = torch.zeros(len(batch), queries, keys, dtype=torch.bool)
    for number, one in enumerate(batch):
        rows, columns = knock_out.edges(one)
        if knock_out.off:
            lonely = torch.zeros(1, queries, dtype=torch.bool)
            lonely[0, list(rows)] = True
            edges[number] = self_only(lonely)[0]
        else:
            for row in rows:
                edges[number, row, list(columns)] = True
    return edges


@dataclass(frozen=True)
class MatchedWords:
    """For each case, other words of the text by how much attention they draw.

    Attributes:
        mass: mean attention of all encoder layers and heads, by case id.
        seen: mean attention of the decision row over all cross layers and heads, by case id.
    """

    mass: dict[str, Float[np.ndarray, "source source"]]
    seen: dict[str, Float[np.ndarray, " source"]]

    @classmethod
    def of(cls, model: StockModel, placed: Sequence[PlacedCase]) -> "MatchedWords":
        """Read the model once and keep mean maps."""
        mass, seen = {}, {}
        for numbers in batches_of(model, placed):
            batch = [placed[number] for number in numbers]
            reading = model.read(
                inputs_of(model, batch), stacks=("encoder", "cross"), rows=decision_rows(batch)
            )
            encoder = reading.maps["encoder"].mean((0, 2))
            cross = reading.maps["cross"].mean((0, 2))
            for number, one in enumerate(batch):
                mass[one.case.id] = encoder[number].numpy()
                seen[one.case.id] = cross[number, _decision_row(one)[0]].numpy()
        return cls(mass, seen)

    def row(self, one: PlacedCase, rank: int = 0) -> tuple[Rows, Rows]:
        """Another word of the text, to be isolated like a word of the clause: the longest.

        Args:
            one: the case.
            rank: 1 for the second longest, and so on, where several words are wanted.
        """
        others = sorted(one.others, key=lambda rows: (len(rows), rows), reverse=True)
        return others[min(rank, len(others) - 1)], ()

    def gold(self, word: str) -> Edges:
        """The other word that draws most nearly what the gold noun draws from a word."""
        return lambda one: (
            one.words[word],
            self._nearest(one, one.words[word], [one.nouns[0]])[0],
        )

    def two(self, word: str) -> Edges:
        """Two other words that draw most nearly what the nouns draw from a word."""
        return lambda one: (
            one.words[word],
            tuple(row for rows in self._nearest(one, one.words[word], one.nouns) for row in rows),
        )

    def word(self, reader: str, word: str) -> Edges:
        """The other word that draws most nearly what one word of the clause draws from another."""
        return lambda one: (
            one.words[reader],
            self._nearest(one, one.words[reader], [one.words[word]])[0],
        )

    def back(self, word: str) -> Edges:
        """The other word that draws most nearly what a word of the clause draws from the nouns."""
        return lambda one: (_both(one), self._nearest(one, _both(one), [one.words[word]])[0])

    def noun(self, word: str) -> Edges:
        """The other word that draws most nearly what a word draws from the gold noun."""
        return lambda one: (
            one.nouns[0],
            self._nearest(one, one.nouns[0], [one.words[word]])[0],
        )

    def cross(self, one: PlacedCase, rank: int = 0) -> tuple[Rows, Rows]:
        """The word outside of the clause that the decision row sees most, nouns excepted.

        Args:
            one: the case.
            rank: 1 for the word that it sees second most, and so on.
        """
        seen = self.seen[one.case.id]
        others = sorted(one.others, key=lambda rows: -float(seen[list(rows)].sum()))
        return _decision_row(one), others[min(rank, len(others) - 1)]

    def written(self, one: PlacedCase) -> tuple[Rows, Rows]:
        """The first piece that the decoder has written: it is no noun."""
        return _decision_row(one), (1,)

    def _nearest(self, one: PlacedCase, looking: Rows, words: Iterable[Rows]) -> list[Rows]:
        given = self.mass[one.case.id][list(looking)].mean(0)
        left, found = list(one.others), list[Rows]()
        for word in words:
            wanted = float(given[list(word)].sum())
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


def _from_to(reader: str, word: str) -> Edges:
    return lambda one: (one.words[reader], one.words[word])


def _from_others(word: str) -> Edges:
    """Every row of the text that is neither of the clause nor of a noun."""
    return lambda one: (tuple(row for rows in one.others for row in rows), one.words[word])


def _decision_to(word: str) -> Edges:
    return lambda one: (_decision_row(one), one.words[word])


def _decision_to_gold(one: PlacedCase) -> tuple[Rows, Rows]:
    return _decision_row(one), one.nouns[0]


def _decision_to_written(one: PlacedCase) -> tuple[Rows, Rows]:
    assert one.decision is not None  # knocks_of has looked
    assert one.decision.nouns is not None
    first, second = one.decision.nouns
    return _decision_row(one), (*first, *second)


def _decision_to_written_gold(one: PlacedCase) -> tuple[Rows, Rows]:
    assert one.decision is not None  # knocks_of has looked
    assert one.decision.nouns is not None
    return _decision_row(one), one.decision.nouns[0]


def _both(one: PlacedCase) -> Rows:
    return (*one.nouns[0], *one.nouns[1])


def _clause(one: PlacedCase, words: Sequence[str]) -> Rows:
    return tuple(row for word in words for row in one.words[word])


def _decision_row(one: PlacedCase) -> Rows:
    assert one.decision is not None  # only such cases are searched
    return (one.decision.row,)
