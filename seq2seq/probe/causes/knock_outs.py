"""What is taken from a model to find out what its answer hangs on, word by word.

A model may translate "it" perfectly with every head at chance: the role may follow from the verb,
the cue may hold the answer, the decoder may look ahead. So every word of the text is taken away in
turn, in all layers and heads; `seq2seq.probe.causes.experiment` counts what that costs.

Names: ``it off``: the row sees only itself. ``it→nouns``: the row does not see the two nouns,
``it→gold`` and ``it→other`` one of them; ``it⇄nouns``: it sees each in place of the other;
``nouns→it``: the nouns do not see it. ``decision→it``: the decoder's decision row does not see that
word of the source, ``decision→written nouns`` what it has written itself.

A noun that is hidden alone leaves its attention to the other one, so that the answer may be wrong
because the row is told the wrong noun, not because it was told nothing. Only what hiding *both*
costs is the loss of what the row has read; what exchanging them costs is how far the answer follows
the row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool
from torch import Tensor

from seq2seq.probe.items.pieces import Rows
from seq2seq.probe.items.placement import WORDS, PlacedCase
from seq2seq.probe.model.interventions import BlockedEdges, ExchangedColumns, Stack, self_only
from seq2seq.probe.model.reading import Inputs

PRONOUN = ("it off", "it→nouns", "it⇄nouns", "decision→it")
"""Knock-outs of the pronoun itself, which are shown with their control whatever they cost."""

OTHER_WORDS = "other words"
"""All words of the text that have no name, taken together."""

CHOSEN = ", chosen head"
"""What stands behind the name of a knock-out that is not of all heads."""

ALL_WORDS = "all words"
"""Of every word that has a name, and all others: of each row that is no noun's."""

How = Literal["hidden", "exchanged", "alone"]

Look = Callable[[PlacedCase], tuple[Rows, tuple[Rows, ...]]]
"""Which rows of a case look, and at which words."""


@dataclass(frozen=True, eq=False)
class KnockOut:
    """An intervention that is described for a case before there is a batch.

    Attributes:
        name: as in the table.
        stack: where.
        look: which rows are meant, and the words they look at. A case without such words is left
            as it is, unless its rows are to see only themselves.
        how: the words are ``hidden`` from the rows, or ``exchanged``, which needs two; or each row
            is ``alone``, which needs none.
        heads: which heads of which layers; None for all.
    """

    name: str
    stack: Stack
    look: Look
    how: How = "hidden"
    heads: Bool[Tensor, "layers heads"] | None = None


@dataclass(frozen=True)
class SightOfNouns:
    """The four ways to interfere with what some rows see of the nouns.

    Attributes:
        name: of the rows: "it", "it + cue", "decision".
        gold: they do not see the antecedent.
        other: they do not see the other noun.
        both: they see neither.
        exchanged: they see each in place of the other; None where it is the nouns that look.
    """

    name: str
    gold: KnockOut
    other: KnockOut
    both: KnockOut
    exchanged: KnockOut | None


def sight_of_nouns(
    name: str,
    stack: Stack,
    rows: Callable[[PlacedCase], Rows],
    *,
    heads: Bool[Tensor, "layers heads"] | None = None,
) -> SightOfNouns:
    """Describe four ways to interfere with what some rows see of the nouns, in some heads or all.

    In the decoder the nouns are those that it has written.
    """

    def look(*nouns: int) -> Look:
        return lambda one: (rows(one), tuple(one.nouns_in(stack)[noun] for noun in nouns))

    both = look(0, 1)
    where = "" if heads is None else CHOSEN
    return SightOfNouns(
        name,
        KnockOut(f"{name}→gold{where}", stack, look(0), heads=heads),
        KnockOut(f"{name}→other{where}", stack, look(1), heads=heads),
        KnockOut(f"{name}→nouns{where}", stack, both, heads=heads),
        KnockOut(f"{name}⇄nouns{where}", stack, both, "exchanged", heads),
    )


def sight_by_nouns(word: str, *, heads: Bool[Tensor, "layers heads"] | None = None) -> SightOfNouns:
    """Describe what the nouns see of a word, in the encoder; arguments as for `sight_of_nouns`."""

    def look(*nouns: int) -> Look:
        return lambda one: (
            tuple(row for noun in nouns for row in one.nouns[noun]),
            (rows_of_word(one, word),),
        )

    where = "" if heads is None else CHOSEN
    return SightOfNouns(
        f"nouns→{word}",
        KnockOut(f"gold→{word}{where}", "encoder", look(0), heads=heads),
        KnockOut(f"other→{word}{where}", "encoder", look(1), heads=heads),
        KnockOut(f"nouns→{word}{where}", "encoder", look(0, 1), heads=heads),
        None,
    )


def sight_of_words(words: Sequence[str], name: str = "") -> SightOfNouns:
    """Describe what the rows of some words see of the nouns, in all heads; named by the words."""
    return sight_of_nouns(
        name or " + ".join(words),
        "encoder",
        lambda one: tuple(row for word in words for row in rows_of_word(one, word)),
    )


def knock_outs_of(placed: Sequence[PlacedCase]) -> dict[str, KnockOut]:
    """List what is tried, by name: single rows, their edges, and what the decision row sees."""
    found = []
    for word in words_of(placed):
        sight = sight_of_words([word])
        assert sight.exchanged is not None  # a word looks at nouns
        off = KnockOut(f"{word} off", "encoder", _alone(word), "alone")
        found += [off, sight.both, sight.exchanged, sight_by_nouns(word).both, _decision_to(word)]
        if word in ("it", "cue"):
            found += [sight.gold, sight.other]
    stacks: list[tuple[str, Stack]] = [("decision", "cross")]
    if all(one.decision is not None and one.decision.nouns is not None for one in placed):
        stacks.append(("decision, written", "decoder"))
    for name, stack in stacks:
        sight = sight_of_nouns(name, stack, lambda one: one.rows_of(""))
        assert sight.exchanged is not None  # the decision row looks at nouns
        found += [sight.both, sight.exchanged, sight.gold, sight.other]
    return {one.name: one for one in found}


def words_of(placed: Sequence[PlacedCase]) -> list[str]:
    """The words that at least half of the cases have; last, all others together."""
    return [
        word
        for word in (*WORDS, OTHER_WORDS)
        if 2 * sum(bool(rows_of_word(one, word)) for one in placed) >= len(placed)
    ]


def rows_of_word(one: PlacedCase, word: str) -> Rows:
    """The rows of a word of a case; none where it has no such word."""
    if word != OTHER_WORDS:
        return one.words.get(word, ())
    named = {row for rows in one.words.values() for row in rows}
    return tuple(row for rows in one.others for row in rows if row not in named)


def readers_of(placed: Sequence[PlacedCase], word: str) -> list[KnockOut]:
    """List who may read the row of a word: the other words, the nouns, and the decision row."""
    found = [
        KnockOut(f"{reader}→{word}", "encoder", _word_to(reader, word))
        for reader in words_of(placed)
        if reader != word
    ]
    return [*found, sight_by_nouns(word).both, _decision_to(word)]


def intervention_of(
    knock_out: KnockOut, batch: Sequence[PlacedCase], inputs: Inputs
) -> BlockedEdges | ExchangedColumns:
    """Write a knock-out as an intervention in a batch."""
    assert inputs.target_ids is not None  # encoder-decoders have targets
    source, target = inputs.source_ids.shape[1], inputs.target_ids.shape[1]
    queries = source if knock_out.stack == "encoder" else target
    keys = target if knock_out.stack == "decoder" else source
    looking = torch.zeros(len(batch), queries, dtype=torch.bool)
    columns = torch.zeros(len(batch), 2, keys, dtype=torch.bool)
    for number, one in enumerate(batch):
        rows, words = knock_out.look(one)
        if words or knock_out.how == "alone":
            looking[number, list(rows)] = True
        for place, word in enumerate(words):
            columns[number, place, list(word)] = True
    if knock_out.how == "exchanged":
        return ExchangedColumns(knock_out.stack, looking, columns, knock_out.heads)
    edges = looking[:, :, None] & columns.any(1)[:, None]
    if knock_out.how == "alone":
        edges = self_only(looking)
    return BlockedEdges(knock_out.stack, edges, knock_out.heads)


def _alone(word: str) -> Look:
    return lambda one: (rows_of_word(one, word), ())


def _word_to(reader: str, word: str) -> Look:
    return lambda one: (rows_of_word(one, reader), (rows_of_word(one, word),))


def _decision_to(word: str) -> KnockOut:
    return KnockOut(
        f"decision→{word}", "cross", lambda one: (one.rows_of(""), (rows_of_word(one, word),))
    )
