"""The picture shows the weights it is given, and its names are text."""

import re
import xml.etree.ElementTree as ET

import pytest

from seq2seq.publish.page.heat_map import escape, heat_map

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>x</script>\"'&${1+1}{{x}}\u202e\x00"


def cells(svg: str) -> list[tuple[float, float, float, str]]:
    """Place in cells, opacity and title of everything that is drawn."""
    tree = ET.fromstring(svg)
    field, *found = tree.findall(f"{SVG}rect")
    left, top, side = float(field.get("x", "")), float(field.get("y", "")), 34
    return [
        (
            (float(cell.get("x", "")) - left) // side,
            (float(cell.get("y", "")) - top) // side,
            float(cell.get("fill-opacity", "")),
            cell.findtext(f"{SVG}title", ""),
        )
        for cell in found
    ]


def test_each_weight_is_drawn_at_its_row_and_column_and_named() -> None:
    svg = heat_map([[1.0, 0.0], [0.25, 0.75]], ["a", "b"], ["x", "y"], title="t")
    first, second, third = cells(svg)
    assert first == (0, 0, 1.0, "a ← x: 100.0%")
    assert (second[:2], second[3]) == ((0, 1), "b ← x: 25.0%")
    assert (third[:2], third[3]) == ((1, 1), "b ← y: 75.0%")
    assert 0.06 < second[2] < third[2] < 1


def test_large_cells_hold_their_weight_in_percent_where_it_counts() -> None:
    tree = ET.fromstring(heat_map([[0.7, 0.25, 0.05]], ["a"], ["x", "y", "z"], title="t"))
    shares = [one for one in tree.findall(f"{SVG}text") if "share" in one.get("class", "")]
    assert [(one.text, one.get("class")) for one in shares] == [
        ("70", "share strong"), ("25", "share"),
    ]  # fmt: skip
    small = heat_map([[1.0, *[0.0] * 19]], ["a"], ["x"] * 20, title="t")
    assert "share" not in small


def test_what_is_too_faint_to_see_is_not_drawn() -> None:
    svg = heat_map([[0.0049, 0.005, 0.9901]], ["a"], ["x", "y", "z"], title="t")
    assert [title for *_, title in cells(svg)] == ["a ← y: 0.5%", "a ← z: 99.0%"]


def test_names_are_text_whatever_they_hold() -> None:
    svg = heat_map([[1.0]], [HOSTILE], [HOSTILE], title=HOSTILE)
    tree = ET.fromstring(svg)
    assert {one.tag.removeprefix(SVG) for one in tree.iter()} == {"svg", "rect", "text", "title"}
    spelled = HOSTILE.replace("\u202e", "⟦U+202E⟧").replace("\x00", "⟦U+0000⟧")
    assert tree.get("aria-label") == spelled
    assert tree.findtext(f"{SVG}text") == spelled[:15] + "…", "a label is cut"
    assert tree.findtext(f".//{SVG}title") == f"{spelled} ← {spelled}: 100.0%", "a title is not"
    assert not re.search(r"[${}]|<script", svg), "nothing that a template of the page could fill"


@pytest.mark.parametrize("text", ["The wrench", "ñandú 日本語", "a·b ▁c </s>"])
def test_plain_text_is_left_alone(text: str) -> None:
    assert escape(text) == text.replace("<", "&lt;").replace(">", "&gt;")


def test_long_texts_get_smaller_cells() -> None:
    widths = []
    for count in (5, 20, 50, 200):
        svg = heat_map([[1 / count] * count], ["a"], ["x"] * count, title="t")
        widths.append(float(ET.fromstring(svg).find(f"{SVG}rect").get("width", "")) / count)  # type: ignore[union-attr]
    assert widths == [34, 26, 18, 12]


def test_a_name_from_right_to_left_turns_nothing_beside_it_around() -> None:
    svg = heat_map([[0.5]], ["אבא"], ["the"], title="t")
    assert [title for *_, title in cells(svg)] == ["\u2068אבא\u2069 ← the: 50.0%"]
    labels = ET.fromstring(svg).findall(f"{SVG}text")
    assert [one.get("unicode-bidi") for one in labels[:2]] == ["plaintext", "plaintext"]
