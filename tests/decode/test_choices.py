import pytest
import torch
from transformers import NoRepeatNGramLogitsProcessor

from seq2seq.decode.choices import repetitions, top_entries


@pytest.mark.parametrize("vocabulary", [7, 64, 640, 1000, 4096, 4099])
@pytest.mark.parametrize("count", [1, 2, 10])
def test_the_top_entries_are_those_of_topk(vocabulary: int, count: int) -> None:
    scores = torch.randn(9, vocabulary)
    count = min(count, vocabulary)
    values, places = top_entries(scores, count)
    assert torch.equal(values, scores.topk(count).values)
    assert torch.equal(scores.gather(1, places), values)


def test_the_top_entries_may_all_lie_in_one_block_or_behind_the_last() -> None:
    scores = torch.zeros(2, 1000)
    scores[0, 130:140] = torch.arange(10.0) + 1
    scores[1, 990:1000] = torch.arange(10.0) + 1
    _, places = top_entries(scores, 3)
    assert places.tolist() == [[139, 138, 137], [999, 998, 997]]


def test_forbidden_entries_come_last() -> None:
    scores = torch.full((1, 1000), -torch.inf)
    scores[0, [3, 500]] = torch.tensor([1.0, 2.0])
    values, places = top_entries(scores, 4)
    assert places[0, :2].tolist() == [500, 3]
    assert values[0, 2:].tolist() == [-torch.inf, -torch.inf]


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
