from seq2seq.decode.lengths import length_batches


def test_batches_hold_neighbours_in_length_within_the_budget() -> None:
    batches = list(length_batches([3, 10, 4, 4, 12, 1, 30], 24))
    assert batches == [[6], [4, 1], [2, 3, 0, 5]]


def test_equal_lengths_keep_their_order() -> None:
    assert list(length_batches([2, 2, 2, 2], 4)) == [[0, 1], [2, 3]]


def test_nothing_gives_no_batch() -> None:
    assert list(length_batches([], 10)) == []
