"""From a recipe's corpora to the epochs that the training loop walks through.

    text = read_text(recipe.data)                      # read, judge by text, drop; report
    tokenizer = train_tokenizer(text.training_texts(), …)
    training = prepare(text, tokenizer, recipe.tokenizer, seed=…, cache=…)
    data = training.epoch(n)                           # n = 0, 1, …: rows and cuts of that epoch
    plan = plan_batches(data.source_lengths, data.target_lengths, epoch=n, …)
    batch = data.batch(plan[i], tokenizer.pad_id)

Everything after ``prepare`` is a pure function of the seed and the epoch number: which pairs, in
which cuts, in which batches. There is no iterator whose place a checkpoint would have to keep.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Int

from seq2seq.context import ContextFormat
from seq2seq.data.batches import Batch, collate
from seq2seq.data.clean import CleaningReport, Doubt, apply_cleaning
from seq2seq.data.context_pieces import Contexts, cut_finding, encode_contexts
from seq2seq.data.corpus import iterate_pairs
from seq2seq.data.encoded_corpora import (
    NO_CACHE,
    Cache,
    EncodedPairs,
    encode_corpus,
    encode_words,
)
from seq2seq.data.marks import Marks, join_marks
from seq2seq.data.parallel_text import ParallelText, corpus_sizes
from seq2seq.data.ragged import Rows, chained
from seq2seq.data.sampling import WordTable, sample_rows
from seq2seq.errors import DataError, ModelError
from seq2seq.recipe import TokenizerSpec
from seq2seq.tokenizer_like import Encoder, SpellsSpecial, TokenizerLike, WordEncoder

# keep random numbers for different purposes apart
ROWS_STREAM, CUTS_STREAM, ALONE_STREAM = 2, 3, 6


@dataclass(frozen=True, eq=False)
class EpochData:
    """The pairs of one epoch, cut into pieces."""

    source: Rows
    target: Rows
    marks: Marks | None = None
    given: Int[np.ndarray, " pairs"] | None = None
    """How many pieces at the start of each target are its context; None where none has any."""

    def __len__(self) -> int:
        return len(self.source)

    @property
    def source_lengths(self) -> Int[np.ndarray, " pairs"]:
        """Pieces of each source, the end included."""
        return self.source.lengths

    @property
    def target_lengths(self) -> Int[np.ndarray, " pairs"]:
        """Pieces of each target, the end included."""
        return self.target.lengths

    def batch(self, pairs: Int[np.ndarray, " chosen"], pad_id: int) -> Batch:
        """The rectangles of the pairs named."""
        given = None if self.given is None else self.given[pairs]
        batch = collate(self.source.take(pairs), self.target.take(pairs), pad_id, given)
        if self.marks is None:
            return batch
        source, target = batch.source_ids.shape[1], batch.target_ids.shape[1]
        return replace(batch, marks=self.marks.batch(pairs, source=source, target=target))


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Everything that epochs are made of."""

    corpora: tuple["EncodedCorpus", ...]
    table: WordTable | None
    eos_id: int
    limits: tuple[int, int]
    seed: int
    report: CleaningReport
    alone_share: float
    """Share of the pairs that an epoch shows without their context."""

    @property
    def pairs(self) -> int:
        """Pairs that may be trained on, each counted once."""
        return sum(len(corpus.pieces.source) for corpus in self.corpora)

    @property
    def marks(self) -> list[Marks]:
        """What training points at, for each corpus; empty where it points at nothing."""
        return [c.pieces.marks for c in self.corpora if c.pieces.marks is not None]

    @property
    def longest(self) -> int:
        """Most pieces that a side can have in any epoch, whatever cuts are drawn."""
        return max(corpus.longest(self.table, self.limits) for corpus in self.corpora)

    def check_budget(self, batch_tokens: int) -> None:
        """See that no pair of any epoch can be larger than a batch.

        Raises:
            DataError: One can; without this the run would stop in the epoch that draws it.
        """
        if self.longest > batch_tokens:
            raise DataError(
                f"training data: a side can have {self.longest} pieces, more than "
                f"train.batch_tokens = {batch_tokens}; raise it, or lower "
                "data.cleaning.max_source_pieces and max_target_pieces"
            )

    def epoch(self, number: int) -> EpochData:
        """The pairs of an epoch: weights applied, cuts drawn.

        Args:
            number: Counted from 0.

        Returns:
            The same for the same number, whatever was asked for before.
        """
        parts = [self._corpus_epoch(i, corpus, number) for i, corpus in enumerate(self.corpora)]
        marks = [part.marks for part in parts if part.marks is not None]
        given = [part.given for part in parts if part.given is not None]
        return EpochData(
            chained([part.source for part in parts]),
            chained([part.target for part in parts]),
            join_marks(marks) if marks else None,
            np.concatenate(given) if given else None,
        )

    def _corpus_epoch(self, place: int, corpus: "EncodedCorpus", number: int) -> EncodedPairs:
        rows, pairs = self._sentences(place, corpus, number)
        if corpus.contexts is None:
            return pairs
        random = np.random.default_rng([self.seed, place, ALONE_STREAM, number])
        alone = random.random(len(rows)) < self.alone_share
        return corpus.contexts.take(rows).before(pairs, self.limits, alone=alone)

    def _sentences(
        self, place: int, corpus: "EncodedCorpus", number: int
    ) -> tuple[Int[np.ndarray, " chosen"], EncodedPairs]:
        size = len(corpus.pieces.source)
        rows = epoch_rows(size, corpus.weight, [self.seed, place, ROWS_STREAM], number)
        if self.table is None or corpus.words is None:
            if len(rows) == size and corpus.weight == 1:
                return rows, corpus.pieces
            return rows, corpus.pieces.view(rows)
        random = np.random.default_rng([self.seed, place, CUTS_STREAM, number])
        sides = (
            (corpus.words.source, self.limits[0], corpus.long_source),
            (corpus.words.target, self.limits[1], corpus.long_target),
        )
        source, target = (
            sample_rows(
                words.view(rows),
                self.table,
                random,
                eos_id=self.eos_id,
                limit=limit,
                may_cut=long[rows],
            )
            for words, limit, long in sides
        )
        return rows, EncodedPairs(source, target)


@dataclass(frozen=True, eq=False)
class EncodedCorpus:
    """One training corpus after all cleaning."""

    pieces: EncodedPairs
    words: EncodedPairs | None
    weight: float
    long_source: Bool[np.ndarray, " rows"]
    long_target: Bool[np.ndarray, " rows"]
    contexts: Contexts | None = None
    """None where the model reads single sentences."""

    def longest(self, table: WordTable | None, limits: tuple[int, int]) -> int:
        """Most pieces that a side of any pair can have."""
        if self.contexts is not None:
            return max(limits) if table else self.contexts.most(self.pieces, limits)
        if self.words is None or table is None:
            return max(int(side.lengths.max()) for side in (self.pieces.source, self.pieces.target))
        sides = zip((self.words.source, self.words.target), limits, strict=True)
        return max(min(limit, table.longest_row(words) + 1) for words, limit in sides)


def prepare(
    text: ParallelText,
    encoder: Encoder,
    spec: TokenizerSpec,
    *,
    seed: int,
    cache: Cache = NO_CACHE,
    marks: Sequence[Marks] | None = None,
    form: ContextFormat | None = None,
) -> TrainingSet:
    """Encode the training pairs and clean them by their length in pieces.

    Args:
        text: From ``read_text``.
        encoder: The tokenizer.
        spec: Its sampling settings.
        seed: Of the run.
        cache: Where encoded text is kept; text is encoded anew by default.
        marks: For each training corpus the words that training points at; pairs that are cut
            lose theirs. Not with sampling, which moves them.
        form: How the sentences before each are read; None for single sentences. Their words are
            cut in the usual way, also with sampling.

    Returns:
        The training set; its report holds the findings by text and by length.

    Raises:
        DataError: Over-long pairs are refused, or no pair is left.
        ModelError: Subword sampling is asked of a tokenizer that cannot do it.
    """
    limits = (text.cleaning.max_source_pieces, text.cleaning.max_target_pieces)
    pieces = [encode_corpus(dataset, encoder, cache) for dataset in text.train.values()]
    words: list[EncodedPairs] | list[None] = [None] * len(pieces)
    table = None
    sampling = spec.sampling_alpha or spec.bpe_dropout
    if marks is not None:
        if sampling:
            raise ValueError("words are cut anew in each epoch, marks would point elsewhere")
        pieces = [replace(p, marks=marked) for p, marked in zip(pieces, marks, strict=True)]
    if sampling:
        if not isinstance(encoder, WordEncoder):
            raise ModelError(
                "tokenizer: it does not cut text word by word, subword sampling needs one that "
                "does; set sampling_alpha and bpe_dropout to 0"
            )
        words, table = encode_words(
            list(text.train.values()), encoder, spec, seed=seed, cache=cache
        )
    long = _long(pieces, limits, text.cleaning.long)
    doubts = [*_special(text, encoder), *_begun(text, encoder), long]
    stay, report = apply_cleaning(doubts, corpus_sizes(text.train), numbers=text.numbers)
    starts = np.cumsum([0, *corpus_sizes(text.train).values()])
    corpora = [
        _encoded_corpus(p, w, weight, limits, np.flatnonzero(stay[start:end]), encoder.eos_id)
        for p, w, weight, start, end in zip(
            pieces, words, text.weights.values(), starts[:-1], starts[1:], strict=True
        )
    ]
    findings = text.report.findings + report.findings
    if form is not None:
        contexts = [encode_contexts(one, encoder, form, cache) for one in text.train.values()]
        kept = [np.flatnonzero(stay[s:e]) for s, e in pairwise(starts)]
        contexts = [one.take(rows) for one, rows in zip(contexts, kept, strict=True)]
        findings = (*findings, cut_finding(contexts, [one.pieces for one in corpora], limits))
        corpora = [replace(c, contexts=one) for c, one in zip(corpora, contexts, strict=True)]
    report = replace(report, read=text.report.read, findings=findings)
    return TrainingSet(
        tuple(corpora), table, encoder.eos_id, limits, seed, report, text.alone_share
    )


def epoch_rows(size: int, weight: float, seed: list[int], epoch: int) -> Int[np.ndarray, " chosen"]:
    """Rows of a corpus that an epoch shows, each about ``weight`` times.

    An endless row of random orders of the corpus is dealt out, ``weight × size`` rows an epoch:
    weight 2 shows each row twice, weight 0.5 a half and in the next epoch the other half.

    Args:
        size: Rows of the corpus.
        weight: Share of it, or times, for one epoch.
        seed: Numbers that decide the orders.
        epoch: Counted from 0.

    Returns:
        Sorted row numbers.
    """
    if weight == 1:
        return np.arange(size)
    start, end = (round(weight * size * number) for number in (epoch, epoch + 1))
    rows = []
    for cycle in range(start // size, -(-end // size)):
        order = np.random.default_rng([*seed, cycle]).permutation(size)
        rows.append(order[max(start - cycle * size, 0) : end - cycle * size])
    return np.sort(np.concatenate(rows)) if rows else np.empty(0, dtype=np.int64)


def _encoded_corpus(
    pieces: EncodedPairs,
    words: EncodedPairs | None,
    weight: float,
    limits: tuple[int, int],
    rows: Int[np.ndarray, " kept"],
    eos_id: int,
) -> EncodedCorpus:
    everything = len(rows) == len(pieces.source)
    long_source = pieces.source.lengths[rows] > limits[0]
    long_target = pieces.target.lengths[rows] > limits[1]
    if not everything or long_source.any() or long_target.any():
        marks = None if pieces.marks is None else pieces.marks.take(rows)
        pieces = EncodedPairs(
            pieces.source.view(rows, limits[0], eos_id),
            pieces.target.view(rows, limits[1], eos_id),
            None if marks is None else marks.without(long_source | long_target),
        )
    if words is not None and not everything:
        words = words.view(rows)
    return EncodedCorpus(pieces, words, weight, long_source, long_target)


def _special(text: ParallelText, encoder: Encoder) -> list[Doubt]:
    """Pairs that hold what the tokenizer could take for one of its special pieces."""
    if not isinstance(encoder, SpellsSpecial):
        return []
    rows = [
        any(map(encoder.spells_special, pair))
        for dataset in text.train.values()
        for pair in iterate_pairs(dataset)
    ]
    return [Doubt("spelling of a special piece", "text", np.array(rows))]


def _begun(text: ParallelText, encoder: Encoder) -> list[Doubt]:
    """Pairs whose source has the words that every source is to begin with already."""
    lead = encoder.lead("") if isinstance(encoder, TokenizerLike) else ""
    if not lead:
        return []
    rows = [
        source.startswith(lead)
        for dataset in text.train.values()
        for source, _ in iterate_pairs(dataset)
    ]
    return [Doubt("source that begins with the prefix already", "keep", np.array(rows))]


def _long(pieces: list[EncodedPairs], limits: tuple[int, int], action: str) -> Doubt:
    rows, lost = [], 0
    for corpus in pieces:
        over = [
            np.maximum(side.lengths - limit, 0)
            for side, limit in zip((corpus.source, corpus.target), limits, strict=True)
        ]
        rows.append((over[0] > 0) | (over[1] > 0))
        lost += int(over[0].sum() + over[1].sum())
    what = f"over {limits[0]} source or {limits[1]} target pieces"
    detail = f"{lost:,} pieces cut off" if action == "truncate" and lost else ""
    return Doubt(what, action, np.concatenate(rows), detail)
