from math import inf

import pytest
import torch
from transformers import NoRepeatNGramLogitsProcessor

from seq2seq.decode.choices import best_continuations, repetitions


@pytest.mark.parametrize("vocabulary", [7, 64, 640, 1000, 4096, 4099])
@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("count", [1, 2, 10])
def test_the_best_continuations_are_those_of_topk(vocabulary: int, beams: int, count: int) -> None:
    gain, so_far = torch.randn(9, beams, vocabulary), torch.randn(9, beams)
    total = (gain + so_far[:, :, None]).flatten(1)
    values, beam, piece = best_continuations(gain, so_far, count)
    assert torch.equal(values, total.topk(min(count, beams * vocabulary)).values)
    assert torch.equal(total.gather(1, beam * vocabulary + piece), values)
    assert all(len(set(row)) == len(row) for row in (beam * vocabulary + piece).tolist())


def test_the_best_continuations_may_all_lie_in_one_block_or_behind_the_last() -> None:
    gain = torch.zeros(2, 2, 1000)
    gain[0, 1, 130:140] = torch.arange(10.0) + 1
    gain[1, 0, 990:1000] = torch.arange(10.0) + 1
    _, beam, piece = best_continuations(gain, torch.tensor([[0.0, -0.5], [-0.5, 0.0]]), 3)
    assert beam.tolist() == [[1, 1, 1], [0, 0, 0]]
    assert piece.tolist() == [[139, 138, 137], [999, 998, 997]]


def test_greedy_search_takes_the_first_of_equals_wherever_it_lies() -> None:
    gain = torch.zeros(4, 1, 1000)
    for row, places in enumerate(([130, 500], [999], [64, 127, 128], [959, 960])):
        gain[row, 0, places] = 1.0
    values, beam, piece = best_continuations(gain, torch.tensor([[0.0], [-1.0], [-2.0], [-inf]]), 1)
    assert values.tolist() == [[1.0], [0.0], [-1.0], [-inf]]
    assert beam.tolist() == [[0]] * 4
    assert piece.tolist() == [[130], [999], [64], [959]]


def test_a_beam_that_does_not_count_is_continued_only_where_no_other_is_left() -> None:
    gain = torch.full((1, 2, 1000), -torch.inf)
    gain[0, 0, [3, 500]] = torch.tensor([1.0, 2.0])
    gain[0, 1] = 3.0
    values, beam, piece = best_continuations(gain, torch.tensor([[0.0, -torch.inf]]), 4)
    assert values[0].tolist() == [2.0, 1.0, -torch.inf, -torch.inf]
    assert beam[0, :2].tolist() == [0, 0]
    assert piece[0, :2].tolist() == [500, 3]


def test_what_completes_a_trigram_again_is_found() -> None:
    history = torch.tensor([[2, 5, 6, 7, 5, 6], [2, 5, 6, 7, 6, 5]])
    assert repetitions(history, 3, vocabulary=9).nonzero().tolist() == [[0, 7]]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_repetitions_are_those_of_transformers(size: int) -> None:
    history = torch.randint(0, 4, (50, 12))
    scores = NoRepeatNGramLogitsProcessor(size)(history, torch.zeros(50, 6))
    found = repetitions(history, size, vocabulary=6)
    assert torch.equal(found, scores == -torch.inf)
    assert found.any()
