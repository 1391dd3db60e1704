"""Pictures that stand by themselves: whole XML files, of what the page opens at."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from seq2seq.viewer.content import AttentionPage
from seq2seq.viewer.figures import figures
from seq2seq.viewer.static import difference_svg, opening_head, opening_view
from tests.viewer.sample_page import (
    picture_page,
    plain_page,
    plain_reading,
    sample_page,
    sample_reading,
)
from tests.viewer.test_page import HOSTILE

SPACE = "{http://www.w3.org/2000/svg}"


def test_a_pair_has_its_maps_their_difference_and_a_grid_for_each_stack() -> None:
    found = figures(sample_page())
    assert list(found) == ["heads-encoder", "heads-cross", "map-1", "map-2", "map-difference"]
    for text in found.values():
        assert ElementTree.fromstring(text).tag == f"{SPACE}svg"
    assert found["heads-encoder"].count("★") == 1
    assert "★" not in found["heads-cross"]


def test_the_difference_is_the_second_map_less_the_first() -> None:
    page = sample_page()
    head, readings = opening_head(page), page.examples[0].readings
    views = [opening_view(reading, head) for reading in readings]
    assert views[0] is not None
    assert views[1] is not None
    gap = views[1].weights[7] - views[0].weights[7]
    assert (np.argmin(gap), np.argmax(gap)) == (5, 1), "less to the wrench, more to the robot"
    svg = difference_svg(readings[0], readings[1], head)
    assert "heavy/clever" in svg
    assert re.search(r'class="less"[^>]*M5 7', svg), "row 7 is “it”, column 5 the wrench"
    assert re.search(r'class="more"[^>]*M1 7', svg), "column 1 is the robot"
    same = difference_svg(readings[0], readings[0], head)
    assert 'class="less"' not in same
    assert 'class="more"' not in same


def test_texts_of_different_length_have_no_difference() -> None:
    head = opening_head(plain_page(("a", "b")))
    assert difference_svg(plain_reading(("a", "b")), plain_reading(("a", "b", "c")), head) == ""
    assert difference_svg(plain_reading(("a",)), sample_reading("heavy", "wrench", "robot"),
                          head) == ""  # fmt: skip


@pytest.mark.parametrize(
    ("page", "names"),
    [(plain_page(HOSTILE), ["map-1"]), (picture_page(), [])], ids=["hostile", "picture"],
)  # fmt: skip
def test_any_page_can_be_asked_and_hostile_words_stay_words(
    page: AttentionPage, names: list[str]
) -> None:
    found = figures(page)
    assert list(found) == names
    for text in found.values():
        root = ElementTree.fromstring(text)
        assert {one.tag.removeprefix(SPACE) for one in root.iter()} <= {
            "svg", "title", "rect", "g", "path", "text",
        }  # fmt: skip
