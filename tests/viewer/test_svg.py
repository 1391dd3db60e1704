"""Pictures that hold their numbers and none of a text's markup."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np

from seq2seq.viewer.content import Grid
from seq2seq.viewer.svg import BLUE, ORANGE, as_file, head_grid, heat_map, level

SPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = ["</svg><script>alert(1)</script>", "<img onerror=x>", "\u202eabc", "a & b"]


def cells(svg: str) -> dict[tuple[int, int], float]:
    """Opacity of every drawn cell; less than 0 for orange."""
    found = {}
    for path in re.findall(r"<path [^>]*>", svg):
        opacity = float(re.search(r'fill-opacity="([\d.]+)"', path)[1])  # type: ignore[index]
        sign = -1 if 'class="less"' in path else 1
        for x, y, wide, back in re.findall(r"M(\d+) (\d+)h(\d+)v1h(-\d+)z", path):
            assert int(wide) == -int(back)
            found |= {(int(y), int(x) + i): sign * opacity for i in range(int(wide))}
    return found


def test_the_scale_starts_at_nothing_ends_at_all_and_never_falls() -> None:
    levels = [level(weight) for weight in np.linspace(0, 1, 101)]
    assert levels == sorted(levels)
    assert (levels[0], levels[-1], level(-1), level(2)) == (0, 16, 0, 16)
    assert level(1 / 64) == 1, "even attention to 64 words can be seen"


def test_every_cell_is_drawn_at_its_weight() -> None:
    weights = np.array([[0.0, 1.0, 1.0], [-1.0, 0.5, 0.01]])
    svg = heat_map(weights, ["a", "b"], ["x", "y", "z"], title="map")
    drawn = cells(svg)
    assert drawn == {(0, 1): 1.0, (0, 2): 1.0, (1, 0): -1.0, (1, 1): level(0.5) / 16,
                     (1, 2): level(0.01) / 16}  # fmt: skip


def test_a_large_map_is_a_few_paths() -> None:
    weights = np.random.default_rng(0).dirichlet(np.ones(64), 64)
    names = [f"w{i}" for i in range(64)]
    svg = heat_map(weights, names, names, title="map")
    assert svg.count("<path") <= 16
    assert len(svg) < 80_000


def test_roles_are_pointed_out() -> None:
    weights = np.full((2, 2), 0.5)
    svg = heat_map(weights, ["it", "was"], ["robot", "wrench"], title="map",
                   row_roles={0: "pronoun"},
                   column_roles={0: "distractor", 1: "correct"})  # fmt: skip
    assert re.findall(r'class="label (\w+)"[^>]*>(\w+)<', svg) == [
        ("pronoun", "it"), ("distractor", "robot"), ("correct", "wrench"),
    ]  # fmt: skip


def test_a_file_is_well_formed_whatever_the_words_are() -> None:
    svg = as_file(heat_map(np.full((4, 4), 0.25), HOSTILE, HOSTILE, title="</title><b>"))
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SPACE}svg"
    assert {element.tag.removeprefix(SPACE) for element in root.iter()} == {
        "svg", "title", "rect", "g", "path", "text",
    }  # fmt: skip
    shown = [text.text for text in root.iter(f"{SPACE}text")]
    assert shown[1:4] == ["<img onerror=x>", "⟦U+202E⟧abc", "a & b"]
    assert root[0].text == "</title><b>"


def test_a_label_that_is_cut_says_so() -> None:
    svg = heat_map(np.ones((1, 1)), ["a" * 40], ["ok"], title="map")
    assert f">{'a' * 15}…<" in svg


def test_the_grid_prints_each_heads_accuracy_and_colours_both_sides_of_chance() -> None:
    accuracy = np.array([[0.5, 0.98], [0.04, 0.61]])
    significant = np.array([[False, True], [True, False]])
    svg = head_grid(Grid("encoder", "it → noun", accuracy, significant), selected=(0, 1))
    root = ElementTree.fromstring(as_file(svg))
    texts = [(t.text, t.get("font-weight")) for t in root.iter(f"{SPACE}text")]
    assert texts == [
        ("head (from 0)", None), ("0", None), ("1", None),
        ("layer 0", None), ("50", None), ("98", "700"),
        ("layer 1", None), ("4", "700"), ("61", None),
    ]  # fmt: skip
    rects = [(r.get("class"), r.get("fill-opacity")) for r in root.iter(f"{SPACE}rect")][1:5]
    assert rects == [("less", "0.00"), ("more", "0.72"), ("less", "0.69"), ("more", "0.16")]
    fills = [r.get("fill") for r in root.iter(f"{SPACE}rect")][1:5]
    assert fills == [ORANGE, BLUE, ORANGE, BLUE], "a file has no style sheet to mend them"
    frame = next(r for r in root.iter(f"{SPACE}rect") if r.get("class") == "selected")
    assert (frame.get("x"), frame.get("y")) == ("100", "40")
