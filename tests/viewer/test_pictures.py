"""The pictures of several heads, the direction of reading, and what is saved, in a real browser."""

import base64
import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from seq2seq.viewer.content import AttentionPage, Example, Grid, Panel, Reading, Text
from seq2seq.viewer.page import attention_page
from seq2seq.viewer.svg import level
from seq2seq.viewer.words import join_words, panel_words
from tests.viewer.browser import CHROMIUM, Browser
from tests.viewer.sample_page import HEADS, LAYERS, random_maps, sample_page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
SINGLE = replace(sample_page(), examples=sample_page().examples[1:])
READING = SINGLE.examples[0].readings[0]
IT, WRENCH, END = 7, 5, 11  # words of the source


@pytest.fixture
def browser(chromium: Browser, tmp_path: Path) -> Browser:
    chromium.open(attention_page(SINGLE), tmp_path)
    return chromium


def words(stack: int, layer: int, head: int | None) -> np.ndarray:
    """A map of the only reading, word by word."""
    panel = READING.panels[stack]
    maps = panel.maps[layer].mean(0) if head is None else panel.maps[layer, head]
    query, key = READING.text(panel.query), READING.text(panel.key)
    return join_words(maps, *panel_words(panel, query, key))


def view(browser: Browser, what: str) -> Any:
    return browser.js(
        f"(() => {{ const view = viewOf(example().readings[0], 0); return {what}; }})()"
    )


def figures_said(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"(\d+) %", text)]


def test_r_turns_from_what_a_word_reads_to_what_reads_it(browser: Browser) -> None:
    assert browser.text(".said").startswith("“it” reads: “wrench” 90 %")
    browser.press("r")
    assert browser.text("[aria-label='Direction'] [aria-pressed='true']") == "What reads it"
    reading_it = np.sort(words(0, 1, 2)[:, IT])[::-1]
    assert browser.text(".said").startswith("“it” is read by: “")
    np.testing.assert_allclose(figures_said(browser.text(".said")), 100 * reading_it[:3], atol=2)
    frame = "document.querySelector('#maps rect.chosen').getAttribute"
    assert browser.js(f"+{frame}('height') > +{frame}('width')"), "a column is framed"
    strongest = browser.js("+document.querySelector('[data-key=\"head 1 2\"]').textContent")
    assert strongest == 98, "a probe's figure is no matter of direction"
    browser.press("r")
    assert browser.text(".said").startswith("“it” reads: “wrench” 90 %")


def test_a_source_word_can_be_asked_when_it_is_read(browser: Browser) -> None:
    browser.press("2")
    browser.click("[data-key='0 source 5']")
    assert browser.text(".said").startswith("“wrench” is read when writing: “")
    column = np.sort(words(1, 1, 1)[:, WRENCH])[::-1]
    np.testing.assert_allclose(figures_said(browser.text(".said")), 100 * column[:3], atol=2)
    assert browser.text(".reading .active").startswith("wrench")
    browser.press("]")
    assert browser.text(".said").startswith("“because” is read when writing")
    browser.click("[data-key='0 translation 3']")
    assert browser.text(".said").startswith("Writing “hob”, it reads")


def test_without_special_pieces_the_rest_is_shared_out(browser: Browser) -> None:
    browser.press("s")
    whole = words(0, 1, 2)
    whole[:, END] = 0
    rest = whole / whole.sum(-1, keepdims=True)
    np.testing.assert_allclose(view(browser, "view.plain.weights"), rest, atol=0.015)
    turned = "weightsOf({ map: turned(view.plain), row: 5, readBy: true }, 1, 2, true)"
    np.testing.assert_allclose(view(browser, turned), rest[:, WRENCH], atol=0.015)
    assert browser.text("#choices [data-key='Without special pieces'][aria-pressed='true']")


def test_stronger_colours_are_those_of_shares_of_the_strongest(browser: Browser) -> None:
    token = "document.querySelector('[data-key=\"0 source 9\"]').className"
    shade = f"+{token}.match(/ a(\\d+)/)[1]"
    row = words(0, 1, 2)[IT]
    assert abs(browser.js(shade) - level(row[9])) <= 1
    browser.press("c")
    assert abs(browser.js(shade) - level(row[9] / row.max())) <= 1
    most = words(0, 1, 2).max()
    np.testing.assert_allclose(view(browser, "view.plain.gain"), 1 / most, rtol=0.02)
    assert browser.text("#pictures [aria-pressed='true'][data-key='Stronger colours']")


def test_lines_are_drawn_of_each_head_that_was_added(browser: Browser) -> None:
    browser.press("v")
    weights = words(0, 1, 2)
    row = ".line[stroke-width]"
    assert browser.count(f"#maps g {row}") == (weights[IT] >= 0.1).sum()
    browser.press("h")
    browser.press("ArrowLeft")
    browser.press("h")
    both = (words(0, 1, 1)[IT] >= 0.1).sum() + (weights[IT] >= 0.1).sum()
    assert browser.count(f"#maps g {row}") == both
    assert browser.count("#maps .h0") > 0
    assert browser.count("#maps .h1") > 0
    assert browser.count(".chip") == 2
    ends = "[...document.querySelectorAll('#maps > figure path.h1:not([stroke-width])')].reduce("
    assert (
        browser.js(f"{ends}(sum, p) => sum + p.getAttribute('d').split('M').length - 1, 0)")
        == (words(0, 1, 1) >= 0.1).sum()
    )
    browser.click(".chip")
    assert browser.count(".chip") == 1
    browser.click("[data-key='+ all of this layer']")
    assert browser.count(".chip") == HEADS
    assert browser.count("#maps .h3") > 0


def test_lines_that_are_weaker_than_asked_are_left_out(browser: Browser) -> None:
    browser.press("v")
    browser.js("(() => { const s = document.querySelector('[data-key=least]'); s.value = 60;"
               " s.dispatchEvent(new Event('change')); })()")  # fmt: skip
    assert "links from 60 %" in browser.text("#pictures")
    assert browser.count("#maps g .line") == 1, "it → wrench"


def test_a_layer_shows_what_one_word_reads_in_each_head(browser: Browser) -> None:
    drawn = view(browser, "layerMap(view, 1, false).weights")
    expected = [*(words(0, 1, head)[IT] for head in range(HEADS)), words(0, 1, None)[IT]]
    np.testing.assert_allclose(drawn, expected, atol=0.012)
    browser.press("v")
    browser.press("v")
    labels = "[...document.querySelectorAll('#maps .label')].map(t => t.firstChild.data)"
    assert browser.js(labels)[: HEADS + 1] == ["head 0", "head 1", "head 2", "head 3", "mean"]
    browser.press("ArrowRight")
    assert browser.text(".now") == "Layer 1, head 3"


@pytest.mark.parametrize("bare", [False, True])
def test_a_small_map_of_a_short_text_has_a_pixel_for_each_weight(
    browser: Browser, *, bare: bool
) -> None:
    """The opacity of each pixel is the root of the weight."""
    panel = READING.panels[0]
    special = [len(panel.maps[0, 0]) - 1] if bare else []
    size = panel.maps.shape[-1]
    alpha = browser.js(
        f"[...smallMap(example().readings[0].panels[0], {special}, {1 * HEADS + 2}, {size}, {size})"
        ".data].filter((_, i) => i % 4 === 3)"
    )
    maps = panel.maps[1, 2].copy()
    maps[:, special] = 0
    maps /= maps.sum(-1, keepdims=True)
    np.testing.assert_allclose(np.reshape(alpha, (size, size)), 255 * np.sqrt(maps), atol=4)


def test_a_click_on_one_of_all_heads_chooses_it(browser: Browser) -> None:
    for _ in range(3):
        browser.press("v")
    assert browser.text("#pictures [aria-pressed='true']") == "All heads"
    box = browser.js(
        "(() => { const e = document.querySelector('svg.all'); e.scrollIntoView();"
        " const b = e.getBoundingClientRect(); return {x: b.x, y: b.y}; })()"
    )
    at = {"x": box["x"] + 30 + 72 * 1.5, "y": box["y"] + 22 + 72 * 2.5}
    for kind in ("mousePressed", "mouseReleased"):
        browser.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)
    assert browser.text(".now") == "Layer 2, head 1"
    assert browser.count("#maps rect.field") == LAYERS * HEADS


def test_a_page_opens_at_the_figure_that_stands_first_and_at_its_word(
    chromium: Browser, tmp_path: Path
) -> None:
    """What reads “it” was measured and chosen, not what “it” reads."""
    accuracy = np.full((LAYERS, HEADS), 0.5)
    grids = (
        Grid("encoder", "noun → it", accuracy, None, (1, 2), word="pronoun", read_by=True),
        Grid("encoder", "cue → noun", accuracy, None, (1, 2), word="cue"),
    )
    html = attention_page(replace(SINGLE, grids=grids))
    still = re.search(r'<p class="said">(.*?)</p>', html)
    assert still is not None
    assert still[1].startswith("“<bdi>it</bdi>” is read by: ")
    chromium.open(html, tmp_path)
    assert chromium.text("#heads h2").startswith("noun → it")
    assert chromium.text(".said") == re.sub(r"<.*?>", "", still[1])
    chromium.click("[data-key='cue → noun']")
    assert chromium.text(".said").startswith("“heavy” reads: ")
    chromium.click("[data-key='noun → it']")
    assert chromium.text(".said").startswith("“it” is read by: ")


def test_heads_that_share_keys_stand_together(chromium: Browser, tmp_path: Path) -> None:
    panel = replace(READING.panels[0], group=2)
    page = replace(SINGLE, examples=(Example("one", (replace(READING, panels=(panel,)),)),),
                   grids=())  # fmt: skip
    chromium.open(attention_page(page), tmp_path)
    starts = "[...document.querySelectorAll('th.group-start')].map(t => t.textContent)"
    assert chromium.js(starts) == ["2", "mean"]
    assert "Every 2 heads, from one gap to the next, share their keys" in chromium.text("#heads")


def test_what_is_seen_is_saved_as_an_svg_file_that_needs_no_style_sheet(
    browser: Browser, tmp_path: Path
) -> None:
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    for picture in ("map", "lines", "layer", "all"):
        browser.click(".save")
        path = tmp_path / f"attention-encoder-1.2-{picture}.svg"
        browser.wait(path.exists)
        text = path.read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root[0].text is not None
        assert root[0].text.endswith(", Layer 1, head 2")
        assert "class=" not in text
        assert "var(" not in text
        assert 'fill="rgb(' in text
        browser.press("v")
    assert (browser.requests, browser.complaints) == ([], [])


def test_what_is_seen_is_saved_as_a_png(browser: Browser) -> None:
    packed = browser.js(
        "pngBlob(document.querySelector('svg.map'), 'map').then(blob => blob.arrayBuffer())"
        ".then(buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))))"
    )
    png = base64.b64decode(packed)
    assert png.startswith(b"\x89PNG")
    size = "document.querySelector('svg.map').viewBox.baseVal"
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (browser.js(f"2 * {size}.width"), browser.js(f"2 * {size}.height"))
    colours = browser.js(
        "(async () => { const image = new Image(); image.src = 'data:image/png;base64,"
        f"{packed}'; await image.decode(); const c = document.createElement('canvas');"
        " c.width = image.width; c.height = image.height; const p = c.getContext('2d');"
        " p.drawImage(image, 0, 0); const drawn = p.getImageData(0, 0, c.width, c.height).data;"
        " return new Set(new Uint32Array(drawn.buffer)).size; })()"
    )
    assert colours > 10, "it is not an empty sheet"


@pytest.fixture(scope="module")
def long_page() -> str:
    names = tuple(f"word{i}" for i in range(400))
    text = Text("text", names, tuple(range(400)), (False, *[True] * 399), language="vi")
    reading = Reading((text,), (Panel("encoder", "text", "text", random_maps((2, 2, 400, 400))),))
    return attention_page(AttentionPage("Attention", "m", (Example("long", (reading,)),)))


@pytest.mark.parametrize("width", [400, 1280])
def test_a_long_text_scrolls_within_the_page_and_its_labels_stay(
    chromium: Browser, tmp_path: Path, long_page: str, width: int
) -> None:
    chromium.open(long_page, tmp_path, width=width)
    size = "document.documentElement.scroll"
    assert chromium.js(f"{size}Width") <= width
    assert chromium.js(f"{size}Height") < 2600
    card = "document.querySelector('.reading')"
    inside = (
        "(() => { const a = document.querySelector('.active').getBoundingClientRect(),"
        f" b = {card}.getBoundingClientRect(); return a.top >= b.top && a.bottom <= b.bottom; }})()"
    )
    assert chromium.js(inside), "the word that reads is in sight"
    scroll = "document.querySelector('#maps .scroll')"
    assert chromium.js(f"{scroll}.scrollTop") > 4000, "and so is its row"
    chromium.js(f"{scroll}.scrollTo(900, 1200)")
    moved = (
        "[...document.querySelectorAll('#maps svg > g[transform]')].slice(1)"
        ".map(g => g.getAttribute('transform'))"
    )
    chromium.wait(lambda: chromium.js(moved) == ["translate(900 0)", "translate(0 1200)"])
    chromium.press("v")
    chromium.press("v")
    chromium.press("v")
    chromium.press("r")
    assert chromium.complaints == []
    assert chromium.js("document.querySelector('.text').lang") == "vi"
