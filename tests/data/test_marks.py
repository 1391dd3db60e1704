"""Marks go with their pair into whatever batch it comes, and point at nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from seq2seq.data.marks import Marks, join_marks
from seq2seq.data.parallel_text import read_text
from seq2seq.data.prepare import prepare
from seq2seq.data.ragged import Ragged
from seq2seq.recipe import CleaningSpec, CorpusSpec, DataSpec, TokenizerSpec
from seq2seq.tokenizer import train_tokenizer

SPEC = TokenizerSpec(vocab_size=250)


def rows(side: Ragged) -> list[list[int]]:
    return [side[i].tolist() for i in range(len(side))]


@pytest.fixture
def marks() -> Marks:
    return Marks(
        Ragged.of([[3], [], [4]]),
        Ragged.of([[5, 6], [], [0]]),
        Ragged.of([[0, 1], [], []]),
        Ragged.of([[], [], [1]]),
        Ragged.of([[2, 3], [], []]),
        Ragged.of([[2], [], []]),
    )


def test_pairs_are_taken_and_joined_with_what_is_marked_in_them(marks):
    taken = marks.take(np.array([2, 0, 0]))
    assert rows(taken.cue) == [[0], [5, 6], [5, 6]]
    assert rows(join_marks([taken, marks]).antecedent) == [[], [0, 1], [0, 1], [0, 1], [], []]
    assert (taken.count("pronoun"), taken.count("antecedent")) == (3, 2)


def test_pairs_that_lose_their_marks_leave_those_of_others(marks):
    left = marks.without(np.array([True, False, False]))
    assert rows(left.cue) == [[], [], [0]]
    assert rows(left.pronoun) == [[], [], [4]]


def test_a_batch_is_true_at_marked_pieces_alone(marks):
    batch = marks.batch(np.array([1, 0]), source=8, target=4)
    assert batch.antecedent.nonzero().tolist() == [[1, 0], [1, 1]]
    assert batch.cue.nonzero().tolist() == [[1, 5], [1, 6]]
    assert batch.decision.nonzero().tolist() == [[1, 2]]
    assert batch.decision.shape == (2, 4)
    assert batch.antecedents == 1


def test_the_fingerprint_tells_any_position_from_any_other(marks):
    moved = replace(marks, decision=Ragged.of([[], [2], []]))
    assert marks.fingerprint() == marks.take(np.arange(3)).fingerprint()
    assert marks.fingerprint() != moved.fingerprint()


@pytest.fixture
def text(pairs, write):
    """120 pairs, read with a cleaning that may drop, with weight 1.5."""

    def make(**cleaning):
        folder = write({f"{n}.tsv": "".join(f"{s}\t{t}\n" for s, t in pairs(120)) for n in "ab"})
        corpus = {"file": "a.tsv", "source_field": "1", "target_field": "2"}
        cleaning = CleaningSpec(**{"overlap": "keep", **cleaning})
        train = (CorpusSpec(**corpus, weight=1.5),)
        dev = CorpusSpec(**corpus)
        return read_text(DataSpec(folder=str(folder), train=train, dev=dev, cleaning=cleaning))

    return make


def first_pieces(count: int) -> Marks:
    """Pair i has its piece ``i % 3`` marked as pronoun, every other pair one as antecedent."""
    some = Ragged.of([[i % 3] for i in range(count)])
    half = Ragged.of([[i % 2] if i % 2 else [] for i in range(count)])
    return Marks(some, some, half, half, half, half)


@pytest.mark.parametrize("cleaning", [{}, {"max_source_pieces": 24}])
def test_marks_stay_with_their_pair_through_cleaning_weights_and_batches(text, cleaning):
    corpus = text(**cleaning)
    tokenizer = train_tokenizer(corpus.training_texts(), SPEC, family="m2m_100", seed=1)
    dataset = next(iter(corpus.train.values()))
    encoded = tokenizer.encode(dataset["source"])
    number = {tuple(ids): i for i, ids in enumerate(encoded)}
    training = prepare(corpus, tokenizer, SPEC, seed=1, marks=[first_pieces(120)])
    assert (training.pairs < 120) == bool(cleaning)
    epoch = training.epoch(1)
    chosen = np.array([5, 0, 17])
    batch = epoch.batch(chosen, tokenizer.pad_id)
    for row, pair in enumerate(chosen):
        i = number[tuple(epoch.source[pair].tolist())]
        assert batch.marks.pronoun[row].nonzero().tolist() == [[i % 3]]
        assert batch.marks.antecedent[row].any() == bool(i % 2)


def test_a_pair_that_is_cut_loses_its_marks(text):
    corpus = text(long="truncate", max_source_pieces=24)
    tokenizer = train_tokenizer(corpus.training_texts(), SPEC, family="m2m_100", seed=1)
    dataset = next(iter(corpus.train.values()))
    long = [len(ids) > 24 for ids in tokenizer.encode(dataset["source"])]
    assert 0 < sum(long) < 120
    training = prepare(corpus, tokenizer, SPEC, seed=1, marks=[first_pieces(120)])
    assert [not marked for marked in rows(training.marks[0].pronoun)] == long


def test_without_marks_a_batch_has_none(text):
    corpus = text()
    tokenizer = train_tokenizer(corpus.training_texts(), SPEC, family="m2m_100", seed=1)
    assert prepare(corpus, tokenizer, SPEC, seed=1).epoch(0).batch(np.arange(3), 1).marks is None


def test_marks_are_not_prepared_for_cuts_that_change(text):
    corpus = text()
    spec = TokenizerSpec(vocab_size=250, sampling_alpha=0.2)
    tokenizer = train_tokenizer(corpus.training_texts(), spec, family="m2m_100", seed=1)
    with pytest.raises(ValueError, match="marks would point elsewhere"):
        prepare(corpus, tokenizer, spec, seed=1, marks=[first_pieces(120)])
