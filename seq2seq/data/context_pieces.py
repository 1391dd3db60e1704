"""The context of each pair in pieces, and context and sentence joined as a model reads them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from seq2seq.context import ContextFormat, SideFormat
from seq2seq.data.corpus import iterate_contexts
from seq2seq.data.encoded_corpora import Cache, EncodedPairs, cached_pairs
from seq2seq.data.findings import EXAMPLES, Finding
from seq2seq.data.ragged import Ragged, concatenate, join_rows
from seq2seq.tokenizer_like import Encoder

Encode = Callable[[Sequence[str]], list[list[int]]]


@dataclass(frozen=True, eq=False)
class Contexts:
    """What stands before each pair of a corpus, in pieces, and how it is joined to the pair.

    Attributes:
        pieces: Each side's context, a separator behind each sentence; of no pieces where there is
            none.
        form: How they are joined.
    """

    pieces: EncodedPairs
    form: ContextFormat

    def take(self, rows: Int[np.ndarray, " taken"]) -> "Contexts":
        """Those of the pairs named, in that order."""
        return Contexts(self.pieces.view(rows), self.form)

    def before(
        self,
        pairs: EncodedPairs,
        limits: tuple[int, int],
        *,
        alone: Bool[np.ndarray, " pairs"] | None = None,
    ) -> EncodedPairs:
        """Put each context before its pair.

        Args:
            pairs: The sentences.
            limits: Most pieces of source and target; what of the context does not fit is cut from
                its oldest end.
            alone: Pairs that are left without context.

        Returns:
            The pairs with their context, whose pieces in the target are counted; marks point at the
            same words as before.
        """
        sentences = pairs.packed()
        source, target = (
            _fitting(context, own, side, limit, alone)
            for context, own, side, limit in zip(
                self.pieces.packed(),
                sentences,
                (self.form.source, self.form.target),
                limits,
                strict=True,
            )
        )
        given = np.where(target.lengths > 0, target.lengths + self.form.target.head, 0)
        marks = pairs.marks
        return EncodedPairs(
            _joined(source, sentences[0], self.form.source),
            _joined(target, sentences[1], self.form.target),
            None if marks is None else marks.moved(source.lengths, target.lengths),
            given,
        )

    def most(self, pairs: EncodedPairs, limits: tuple[int, int]) -> int:
        """Most pieces of a side of any pair together with its context."""
        sides = zip(
            (self.pieces.source, self.pieces.target), (pairs.source, pairs.target), limits,
            strict=True,
        )  # fmt: skip
        return max(
            min(limit, int((context.lengths + sentences.lengths).max()))
            for context, sentences, limit in sides
        )


def encode_contexts(dataset: Any, encoder: Encoder, form: ContextFormat, cache: Cache) -> Contexts:
    """The context of every pair of a corpus, over-long ones whole.

    Args:
        dataset: With the columns ``source_context`` and ``target_context``.
        encoder: The tokenizer.
        form: How many sentences, and what separates them.
        cache: As for ``encode_corpus``.

    Returns:
        A context for each pair.

    Raises:
        DataError: The cache's folder cannot be written.
    """

    def compute() -> EncodedPairs:
        sides: list[tuple[Ragged, Ragged]] = [
            (
                Ragged.of(contexts_of(sources, encoder.encode, form.source)),
                Ragged.of(contexts_of(targets, encoder.encode_target, form.target)),
            )
            for sources, targets in iterate_contexts(dataset)
        ]
        sources, targets = zip(*sides, strict=True)
        return EncodedPairs(concatenate(sources), concatenate(targets))

    key = ("contexts", dataset.fingerprint, encoder.fingerprint, repr(form))
    return Contexts(cached_pairs(key, cache, compute), form)


def cut_finding(
    contexts: Sequence[Contexts], pairs: Sequence[EncodedPairs], limits: tuple[int, int]
) -> Finding:
    """How many contexts do not fit before their sentences, and how much of them is cut."""
    rows, lost, place = [], 0, 0
    for one, sentences in zip(contexts, pairs, strict=True):
        joined = one.before(sentences, limits)
        missing = sum(
            (context.lengths + alone.lengths - whole.lengths)
            for context, alone, whole in (
                (one.pieces.source, sentences.source, joined.source),
                (one.pieces.target, sentences.target, joined.target),
            )
        )
        found = np.flatnonzero(missing > 0)
        rows += [place + int(row) for row in found]
        lost += int(missing[found].sum())
        place += len(sentences.source)
    what = f"context that does not fit into {limits[0]} source or {limits[1]} target pieces"
    detail = f"{lost:,} of its oldest pieces" if lost else ""
    examples = tuple(f"kept pair {row + 1}" for row in rows[:EXAMPLES])
    return Finding(what, "cut", len(rows), examples, detail)


def contexts_of(
    contexts: Sequence[Sequence[str]], encode: Encode, side: SideFormat
) -> list[list[int]]:
    """The contexts of some sentences in pieces.

    Args:
        contexts: For each sentence those before it, oldest first.
        encode: Turns texts of the side into pieces.
        side: How many sentences, and what separates them.

    Returns:
        A context for each sentence.
    """
    if not side.sentences:
        return [[] for _ in contexts]
    wanted = [sentences[-side.sentences :] for sentences in contexts]
    texts = list(dict.fromkeys(text for sentences in wanted for text in sentences))
    pieces = dict(zip(texts, encode(texts), strict=True))
    return [side.context([pieces[text] for text in sentences]) for sentences in wanted]


def _fitting(
    context: Ragged,
    sentences: Ragged,
    side: SideFormat,
    limit: int,
    alone: Bool[np.ndarray, " pairs"] | None,
) -> Ragged:
    """The end of each context that fits before its sentence."""
    room = limit - sentences.lengths
    kept = np.where(room > len(side.separator), np.minimum(context.lengths, room), 0)
    kept = np.where(context.lengths <= room, context.lengths, kept)
    return context.last(kept if alone is None else np.where(alone, 0, kept))


def _joined(context: Ragged, sentences: Ragged, side: SideFormat) -> Ragged:
    heads = np.full(len(sentences), side.head)
    rest = sentences.last(sentences.lengths - heads)
    return join_rows([sentences.cut(side.head), context, rest])
