"""What does not fit together is refused before a page is written."""

import numpy as np
import pytest

from seq2seq.viewer.content import AttentionPage, Example, Mark, Panel, Reading, Text
from tests.viewer.sample_page import plain_reading, random_maps, sample_reading

TEXT = Text("source", ("a", "b"), (0, 1), (False, True))


def test_a_text_needs_a_word_and_a_blank_for_each_piece() -> None:
    with pytest.raises(ValueError, match="text 'x': 2 pieces, 1 word numbers and 2 blanks"):
        Text("x", ("a", "b"), (0,), (False, True))
    with pytest.raises(ValueError, match="text 'x': 0 pieces"):
        Text("x", (), (), ())


@pytest.mark.parametrize("words", [(1, 1), (0, 2), (0, -1)])
def test_words_are_numbered_without_a_gap(words: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="needed 0 first and steps of 0 or 1"):
        Text("x", ("a", "b"), words, (False, False))


def test_maps_may_not_be_larger_than_their_texts() -> None:
    maps = random_maps((1, 1, 2, 2))
    Reading((TEXT,), (Panel("encoder", "source", "source", maps),))
    with pytest.raises(ValueError, match="maps of 2 × 2 pieces, needed at most 1 × 2"):
        Reading((TEXT,), (Panel("decoder", "source", "source", maps, first_query=1),))
    with pytest.raises(ValueError, match=r"no text 'target', needed one of \['source'\]"):
        Reading((TEXT,), (Panel("cross", "target", "source", maps),))


@pytest.mark.parametrize("mark", [Mark("cue", "source", (2,)), Mark("cue", "source", ()),
                                  Mark("cue", "nowhere", (0,))])  # fmt: skip
def test_a_mark_points_at_pieces_that_exist(mark: Mark) -> None:
    with pytest.raises(ValueError, match="mark 'cue': pieces"):
        Reading((TEXT,), (), marks=(mark,))


def test_two_readings_stand_side_by_side_only_with_the_same_stacks() -> None:
    whole = sample_reading("heavy", "wrench", "robot")
    with pytest.raises(ValueError, match="needed one reading, or two with the same stacks"):
        Example("pair", (whole, plain_reading(("a", "b"))))
    with pytest.raises(ValueError, match="no examples"):
        AttentionPage("page", "model", ())


def test_texts_have_names_of_their_own() -> None:
    with pytest.raises(ValueError, match=r"texts named \['source', 'source'\]"):
        Reading((TEXT, TEXT), ())


def test_arrays_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(TypeError):
        Panel("encoder", "source", "source", np.ones((2, 2), np.float32))
