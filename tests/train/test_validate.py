from seq2seq.train.validate import cut_sources


def test_long_dev_sources_keep_their_end_and_are_counted() -> None:
    sources = [[5, 6, 2], [5, 6, 7, 8, 2]]
    assert cut_sources(sources, 4, 2) == ([[5, 6, 2], [5, 6, 7, 2]], 1)
    assert cut_sources(sources, 5, 2) == (sources, 0)
