"""Words from pieces: cases worked by hand, one text and a batch alike."""

import pytest
import torch

from seq2seq.probe.measures.aggregation import attention_between

# one head; pieces: [the] [wre] [nch] [it] [was], rows are what looks
MAP = torch.tensor(
    [
        [0.2, 0.2, 0.2, 0.2, 0.2],
        [0.5, 0.1, 0.1, 0.2, 0.1],
        [0.1, 0.3, 0.4, 0.1, 0.1],
        [0.0, 0.3, 0.1, 0.4, 0.2],
        [0.1, 0.5, 0.1, 0.1, 0.2],
    ]
)


def test_two_pieces_look_at_two_pieces() -> None:
    # "itwas" looks: rows 3 and 4; "wrench" is pieces 1 and 2
    found = attention_between(MAP[None, None, None], [(3, 4)], [[(1, 2), (0,)]])
    assert found.shape == (1, 1, 1, 2)
    assert found[0, 0, 0].tolist() == pytest.approx([((0.3 + 0.1) + (0.5 + 0.1)) / 2, 0.1 / 2])


def test_a_batch_gives_each_text_what_it_gets_alone() -> None:
    maps = torch.rand(2, 3, 4, 9, 9).softmax(-1)
    queries = [(1,), (4, 5), (8,)]
    words = [[(0,), (2, 3)], [(1, 2, 7), (0,), (8,)], [(3,)]]
    together = attention_between(maps, queries, words)
    assert together.shape == (2, 3, 4, 3)
    for row, (query, found) in enumerate(zip(queries, words, strict=True)):
        alone = attention_between(maps[:, row : row + 1], [query], [found])
        torch.testing.assert_close(together[:, row : row + 1, :, : len(found)], alone)
    assert together[:, 0, :, 2].isnan().all(), "a word that a text does not have"
    assert together[:, 2, :, 1:].isnan().all()
    assert together[:, 1].isfinite().all()


def test_texts_without_words_give_no_figures() -> None:
    assert attention_between(MAP[None, None, None], [(0,)], [[]]).shape == (1, 1, 1, 0)


def test_cross_attention_has_other_rows_than_columns() -> None:
    maps = torch.tensor([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])[None, None, None]
    found = attention_between(maps, [(1,)], [[(0, 1), (2,)]])
    torch.testing.assert_close(found[0, 0, 0], torch.tensor([0.9, 0.1]))


def test_a_word_without_pieces_is_refused() -> None:
    with pytest.raises(ValueError, match="word 1 has no pieces"):
        attention_between(MAP[None, None, None], [(0,)], [[(1,), ()]])
    with pytest.raises(ValueError, match="word 0 has no pieces"):
        attention_between(MAP[None, None, None], [()], [[(1,)]])
