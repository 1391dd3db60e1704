"""Attention between words, worked by hand."""

import numpy as np
import pytest

from seq2seq.viewer.words import join_words, panel_words, word_label
from tests.viewer.sample_page import panels_of, random_maps, text_of


def test_a_word_is_read_with_all_its_pieces_and_reads_as_their_mean() -> None:
    maps = np.array([[0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.0, 0.0, 1.0]])
    joined = join_words(maps, [0, 0, 1], [0, 1, 1])
    np.testing.assert_allclose(joined, [[0.2, 0.8], [0.0, 1.0]])


@pytest.mark.parametrize("words", [[0, 1, 2, 3, 4], [0, 0, 0, 0, 0], [0, 1, 1, 2, 2]])
def test_rows_still_sum_to_one(words: list[int]) -> None:
    joined = join_words(random_maps((2, 3, 5, 5)), words, words)
    assert joined.shape == (2, 3, max(words) + 1, max(words) + 1)
    np.testing.assert_allclose(joined.sum(-1), 1, atol=1e-6)


def test_rows_that_begin_inside_a_text_keep_its_word_numbers() -> None:
    source, target = text_of("source", "The wrench."), text_of("translation", "Der Schlüssel.",
                                                               start="<s>")  # fmt: skip
    cross = panels_of(source, target, 0)[1]
    assert target.pieces == ("<s>", "Der", "Schl", "üssel", ".", "</s>")
    assert panel_words(cross, target, source) == ([1, 2, 2, 3, 4], [0, 1, 1, 2, 3])
    assert join_words(cross.maps, *panel_words(cross, target, source)).shape[-2:] == (4, 4)


def test_a_word_reads_as_it_stood() -> None:
    text = text_of("source", "The wrench.")
    assert [word_label(text, word) for word in range(4)] == ["The", "wrench", ".", "</s>"]
