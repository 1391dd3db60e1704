import random
from typing import Any

import pytest
import torch

from seq2seq.decode import batches as module
from seq2seq.decode.batches import encode_batch
from seq2seq.decode.lengths import even_batches, length_batches


def test_batches_hold_neighbours_in_length_within_the_budget() -> None:
    batches = list(length_batches([3, 10, 4, 4, 12, 1, 30], 24))
    assert batches == [[6], [4, 1], [2, 3, 0, 5]]


def test_equal_lengths_keep_their_order() -> None:
    assert list(length_batches([2, 2, 2, 2], 4)) == [[0, 1], [2, 3]]


def test_nothing_gives_no_batch() -> None:
    assert list(length_batches([], 10)) == []


def padded_pieces(lengths: list[int], batches: list[list[int]]) -> list[int]:
    return [max(lengths[place] for place in batch) * len(batch) for batch in batches]


def test_every_worker_gets_as_many_batches_of_about_one_size() -> None:
    draw = random.Random(1)
    lengths = [draw.randint(3, 40) for _ in range(1000)]
    for most, workers in ((9000, 2), (9000, 3), (700, 4)):
        batches = even_batches(lengths, most, workers=workers)
        sizes = padded_pieces(lengths, batches)
        assert sorted(place for batch in batches for place in batch) == list(range(1000))
        assert len(batches) % workers == 0
        assert len(batches) < len(list(length_batches(lengths, most))) + workers
        assert max(sizes) <= most
        assert max(sizes) < 1.15 * min(sizes)
    plain = padded_pieces(lengths, list(length_batches(lengths, 9000)))
    assert max(plain) > 1.5 * min(plain)  # what is left over makes one that is smaller


def test_one_worker_and_few_sequences_are_no_exception() -> None:
    assert even_batches([], 10, workers=2) == []
    assert even_batches([5], 10, workers=2) == [[0]]
    assert even_batches([5, 50], 10, workers=2) == [[1], [0]]
    assert even_batches([2, 2, 2, 2], 4, workers=1) == [[0, 1], [2, 3]]
    assert even_batches([2, 2, 2, 2], 8, workers=2, each=2) == [[0], [1], [2], [3]]


@pytest.mark.parametrize("rows", [slice(24), slice(1)], ids=["padded", "one"])
def test_a_batch_is_encoded_in_parts_that_make_no_difference(
    trained: Any, rows: slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = trained.sources[rows]
    read: list[int] = []
    encode = trained.ours.encode

    def count(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        read.append(len(ids))
        return encode(ids, mask)  # type: ignore[no-any-return]

    monkeypatch.setattr(trained.ours, "encode", count)
    with torch.no_grad():
        whole = encode_batch(trained.ours, sources)
        monkeypatch.setattr(module, "ENCODED_PIECES", 1)
        one_by_one = encode_batch(trained.ours, sources)
    assert read == [len(sources)] + [1] * len(sources)
    torch.testing.assert_close(one_by_one.memory, whole.memory, atol=1e-5, rtol=0)
    assert whole.mask is None or not torch.equal(whole.mask[:1], whole.mask[1:2])
