"""The cuts of a word, against sentencepiece, tokenizers, and lists made by hand."""

import io
import itertools
import math

import pytest
import sentencepiece
from tokenizers import Tokenizer, models

from seq2seq.data.segmentation import DropoutSampler, Spelling, UnigramSampler, merge

SCORES = {
    "a": -2.0,
    "b": -3.0,
    "c": -4.0,
    "ab": -2.5,
    "bc": -3.5,
    "abc": -7.0,
    "▁": -1.0,
    "▁a": -2.2,
}
IDS = {piece: number for number, piece in enumerate(SCORES, start=4)}
UNKNOWN = 3


def choices(word, *, best=64, alpha=1.0, scores=SCORES):
    ids = {piece: number for number, piece in enumerate(scores, start=4)}
    return UnigramSampler(scores, Spelling(ids, UNKNOWN), best, alpha).choices(word)


def all_ways(word: str) -> list[tuple[float, list[str]]]:
    """Every cut of a word into known pieces, best first, by trying all."""
    ways = []
    for breaks in itertools.product([False, True], repeat=len(word) - 1):
        ends = [i + 1 for i, cut in enumerate(breaks) if cut] + [len(word)]
        pieces = [word[a:b] for a, b in itertools.pairwise([0, *ends])]
        if all(piece in SCORES for piece in pieces):
            ways.append((sum(SCORES[piece] for piece in pieces), pieces))
    return sorted(ways, key=lambda way: -way[0])


@pytest.mark.parametrize("word", ["▁abc", "▁abcabc", "▁cab", "b"])
@pytest.mark.parametrize("alpha", [0.1, 1.0])
def test_probabilities_are_those_of_all_cuts_to_the_power_of_alpha(word, alpha):
    ways = all_ways(word)
    total = sum(math.exp(alpha * score) for score, _ in ways)
    expected = {tuple(IDS[p] for p in way): math.exp(alpha * s) / total for s, way in ways}
    found = choices(word, alpha=alpha)
    assert dict(zip(found.cuts, found.probabilities, strict=True)) == pytest.approx(expected)
    assert found.cuts[0] == tuple(IDS[piece] for piece in ways[0][1])


def test_only_the_best_cuts_are_kept_and_their_probabilities_sum_to_one():
    found = choices("▁abcabc", best=3)
    assert found.cuts == tuple(tuple(IDS[p] for p in way) for _, way in all_ways("▁abcabc")[:3])
    assert sum(found.probabilities) == pytest.approx(1)


def test_neighbouring_unknown_characters_become_one_unknown_piece():
    assert choices("▁xyb").cuts == ((IDS["▁"], UNKNOWN, IDS["b"]),)
    assert Spelling(IDS, UNKNOWN).cut(["x", "b", "y", "z"]) == (UNKNOWN, IDS["b"], UNKNOWN)


def test_unknown_characters_are_spelt_in_bytes_where_there_are_some():
    spelling = Spelling(IDS, UNKNOWN, byte_ids=range(1000, 1256))
    in_bytes = (1000 + 0xC3, 1000 + 0xA9, 1000 + 0x78)
    assert UnigramSampler(SCORES, spelling, 64, 1.0).choices("▁éxb").cuts == (
        (IDS["▁"], *in_bytes, IDS["b"]),
    )
    sampler = DropoutSampler({("▁", "a"): 0}, spelling, draws=20, dropout=0.5, seed=1)
    assert set(sampler.choices("▁aéx").cuts) == {
        (IDS["▁a"], *in_bytes),
        (IDS["▁"], IDS["a"], *in_bytes),
    }


def test_a_character_known_only_inside_a_longer_piece_is_not_called_unknown_lightly():
    found = choices("▁qb", scores=SCORES | {"qb": -12.0})
    assert found.cuts == ((10, 12), (10, UNKNOWN, 5))
    assert found.probabilities[0] > 0.9


def test_the_best_cuts_are_sentencepieces_nbest(pairs):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(source for source, _ in pairs(200)), model_writer=model, vocab_size=200,
        unk_id=0, bos_id=-1, eos_id=-1, pad_id=-1, minloglevel=2,
        normalization_rule_name="identity",
    )  # fmt: skip
    oracle = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [oracle.id_to_piece(i) for i in range(oracle.get_piece_size())]
    scores = {piece: oracle.get_score(i) for i, piece in enumerate(pieces) if i}
    for word in ("terchenlo", "chenterun", "vebrasoge"):
        nbest = oracle.nbest_encode(word, nbest_size=8, out_type=str)
        expected = [tuple(pieces.index(piece) + 3 for piece in cut) for cut in nbest]
        assert len(expected) == 8
        assert list(choices("▁" + word, best=8, scores=scores).cuts) == expected


MERGES = [("l", "o"), ("lo", "w"), ("e", "r"), ("▁", "low"), ("w", "er"), ("n", "e"), ("ne", "wer")]
RANKS = {pair: rank for rank, pair in enumerate(MERGES)}
VOCABULARY = {
    piece: number
    for number, piece in enumerate([*"▁lowern", *("".join(pair) for pair in MERGES)], start=4)
}


def oracle_pieces(word: str, dropout: float | None = None) -> tuple[str, ...]:
    model = models.BPE(vocab=VOCABULARY, merges=MERGES, dropout=dropout)
    return tuple(token.value for token in Tokenizer(model).model.tokenize(word))


@pytest.mark.parametrize("word", ["▁lower", "▁newer", "▁lowlow", "rewl", "▁"])
def test_without_dropout_merging_is_that_of_tokenizers(word):
    assert tuple(merge(word, RANKS)) == oracle_pieces(word)


def dropout_draws(word: str, *, dropout: float, draws: int, seed: int = 1):
    return DropoutSampler(RANKS, Spelling(VOCABULARY, UNKNOWN), draws, dropout, seed).choices(word)


def exact_law(pieces: tuple[str, ...], dropout: float) -> dict[tuple[str, ...], float]:
    """Probability of every cut under algorithm 1 of the paper, worked out without drawing.

    Of the possible merges in their order, the first that is not left out is made: the k-th with
    probability ``(1 - p) p ** k``. Where all are left out, the cut is final.
    """
    possible = sorted(
        (RANKS[pair], place)
        for place, pair in enumerate(itertools.pairwise(pieces))
        if pair in RANKS
    )
    law = {pieces: dropout ** len(possible)}
    for turn, (_, place) in enumerate(possible):
        merged = (*pieces[:place], pieces[place] + pieces[place + 1], *pieces[place + 2 :])
        for cut, share in exact_law(merged, dropout).items():
            law[cut] = law.get(cut, 0.0) + (1 - dropout) * dropout**turn * share
    return law


def test_with_dropout_cuts_are_as_frequent_as_the_algorithm_says():
    draws, dropout = 4000, 0.3
    found = dropout_draws("▁lower", dropout=dropout, draws=draws)
    ours = dict(zip(found.cuts, found.probabilities, strict=True))
    law = exact_law(tuple("▁lower"), dropout)
    assert sum(law.values()) == pytest.approx(1.0)
    expected = {tuple(VOCABULARY[piece] for piece in cut): share for cut, share in law.items()}
    for cut in ours.keys() | expected.keys():  # within four standard errors of a share
        assert ours.get(cut, 0.0) == pytest.approx(expected.get(cut, 0.0), abs=0.032)


def test_dropout_draws_depend_on_seed_and_word_alone():
    one = dropout_draws("▁lower", dropout=0.3, draws=20)
    assert one == dropout_draws("▁lower", dropout=0.3, draws=20)
    assert one != dropout_draws("▁lower", dropout=0.3, draws=20, seed=2)


def test_the_plain_cut_stands_first_even_if_it_is_never_drawn():
    found = dropout_draws("▁lower", dropout=0.999, draws=3)
    assert found.cuts[0] == tuple(VOCABULARY[piece] for piece in oracle_pieces("▁lower"))
    assert found.probabilities[0] == 0
    assert sum(found.probabilities) == pytest.approx(1)
