"""The page in a real browser: what keys and clicks do, and that nothing leaves it."""

from pathlib import Path

import numpy as np
import pytest

from seq2seq.viewer.page import attention_page
from seq2seq.viewer.words import join_words, panel_words
from tests.viewer.browser import CHROMIUM, Browser
from tests.viewer.sample_page import hebrew_page, picture_page, plain_page, sample_page
from tests.viewer.test_page import HOSTILE, PAGES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]


@pytest.fixture
def browser(chromium: Browser, tmp_path: Path) -> Browser:
    chromium.open(attention_page(sample_page()), tmp_path)
    return chromium


@pytest.mark.parametrize(
    ("name", "scheme"), [*((name, "light") for name in PAGES), (next(iter(PAGES)), "dark")]
)
def test_a_page_asks_for_nothing_and_breaks_none_of_its_rules(
    chromium: Browser, tmp_path: Path, name: str, scheme: str
) -> None:
    chromium.open(attention_page(PAGES[name]), tmp_path, scheme=scheme)
    for key in "123tkt1vvvvhrsr?":
        chromium.press(key)
    assert (chromium.requests, chromium.complaints) == ([], [])


def test_what_a_page_might_be_made_to_do_is_refused_and_would_be_seen(
    chromium: Browser, tmp_path: Path
) -> None:
    bad = (
        "<script>window.hacked = 1</script><img src=https://example.org/a.png>"
        "<p id=styled style='position:fixed'>x</p><button onclick='window.hacked=1'>y</button>"
        "</main>"
    )
    chromium.open(attention_page(PAGES["plain"]).replace("</main>", bad, 1), tmp_path)
    assert chromium.js("window.hacked") is None
    assert chromium.js("getComputedStyle(document.querySelector('#styled')).position") == "static"
    assert sum("Content Security Policy" in said for said in chromium.complaints) >= 3
    assert chromium.js("document.body.onclick === null")
    refused = chromium.js("(() => { try { document.body.innerHTML = '<b>'; } "
                          "catch (error) { return error.name; } })()")  # fmt: skip
    assert refused == "TypeError"


def test_hostile_words_are_shown_and_do_nothing(chromium: Browser, tmp_path: Path) -> None:
    chromium.open(attention_page(plain_page(HOSTILE)), tmp_path)
    shown = chromium.js("[...document.querySelectorAll('.token')].map(t => t.firstChild.data)")
    assert shown == [*HOSTILE[:9], "⟦U+202E⟧god", "⟦U+2028⟧", "⟦U+D800⟧", "⟦U+0000⟧"]
    assert chromium.js("window.hacked") is None
    assert chromium.count("script") == 2
    assert chromium.count("img, b") == 0


@pytest.mark.parametrize("name", ["pair", "plain", "hostile"])
def test_scripts_first_draw_what_was_there_without_them(
    chromium: Browser, tmp_path: Path, name: str
) -> None:
    html = attention_page(PAGES[name])
    chromium.open(html, tmp_path, scripts=False)
    still = chromium.text("#readings")
    chromium.open(html, tmp_path)
    assert chromium.text("#readings") == still


def test_a_twin_and_a_cut_are_added_to_what_they_were_taken_from(browser: Browser) -> None:
    first, second = sample_page().examples[0].readings
    whole = "(() => { const {bytes} = data.examples[0].readings%s; return [...bytes]; })()"
    for place, maps in (
        ("[1].panels[0]", second.panels[0].maps),
        ("[0].variants[0].panels[0]", first.variants[0].panels[0].maps),
        ("[1].variants[0].panels[0]", second.variants[0].panels[0].maps),
    ):
        drawn = (np.array(browser.js(whole % place)) / 255) ** 2
        np.testing.assert_allclose(drawn, maps.reshape(-1), atol=0.005)


@pytest.mark.parametrize("unit", ["words", "pieces"])
def test_the_numbers_drawn_are_numpys(browser: Browser, unit: str) -> None:
    reading = sample_page().examples[0].readings[0]
    for stack, panel in enumerate(reading.panels):
        query, key = reading.text(panel.query), reading.text(panel.key)
        for head in (2, 4):
            weights = panel.maps[1].mean(0) if head == 4 else panel.maps[1, head]
            if unit == "words":
                weights = join_words(weights, *panel_words(panel, query, key))
            drawn = browser.js(
                f"(() => {{ const one = data.examples[0].readings[0]; return groupedMap(one,"
                f" one.panels[{stack}], 1, {head}, '{unit}').weights; }})()"
            )
            np.testing.assert_allclose(np.array(drawn), weights, atol=0.012)
            np.testing.assert_allclose(np.array(drawn).sum(-1), 1, atol=0.05)


def test_arrows_choose_layer_and_head_and_stop_at_the_ends(browser: Browser) -> None:
    said = []
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight", "ArrowRight",
                "ArrowRight", "ArrowRight"):  # fmt: skip
        browser.press(key)
        said.append(browser.text(".now"))
    assert said == [
        "Layer 0, head 2", "Layer 0, head 2", "Layer 0, head 1",
        "Layer 1, head 1", "Layer 1, head 2", "Layer 1, head 3",
        "Layer 1, mean of its heads", "Layer 1, mean of its heads",
    ]  # fmt: skip


def test_a_click_on_a_head_draws_it_and_says_it(browser: Browser) -> None:
    before = browser.text(".said")
    browser.click("[data-key='head 0 1']")
    assert browser.text(".now") == "Layer 0, head 1"
    assert browser.text(".said") != before
    assert browser.text(".said") in browser.text("#live")
    assert browser.count(".head[aria-pressed='true']") == 1
    browser.press("ArrowDown")
    assert browser.js("document.activeElement.dataset.key") == "head 1 1", "the focus goes along"


def test_numbers_open_tabs_and_a_tab_says_that_it_is_open(browser: Browser) -> None:
    for key, name in (("2", "Cross"), ("3", "Decoder"), ("1", "Encoder")):
        browser.press(key)
        assert browser.text("[role='tab'][aria-selected='true']") == name
    browser.js("document.querySelector('#tab-encoder').focus()")
    browser.press("ArrowRight")
    assert browser.text("[aria-selected='true']") == "Cross"
    assert browser.js("document.activeElement.id") == "tab-cross"
    assert browser.text("#heads h2").startswith("decision → noun")
    assert browser.text(".now") == "Layer 1, head 1", "the head farthest from chance"
    assert browser.text(".said").startswith("Writing “er”, it reads:")


def test_t_cuts_words_into_pieces_and_joins_them_again(browser: Browser) -> None:
    words = browser.count(".reading:first-child [data-text='source'] .token")
    browser.press("t")
    pieces = browser.count(".reading:first-child [data-text='source'] .token")
    assert (words, pieces) == (12, 15)
    assert browser.text("#choices [aria-pressed='true']") == "Pieces"
    browser.click("[data-key='Words']")
    assert browser.count(".reading:first-child [data-text='source'] .token") == words
    assert browser.js("document.activeElement.dataset.key") == "Words"


def test_k_removes_the_edge_and_says_that_the_answer_flips(browser: Browser) -> None:
    assert browser.text(".said").startswith("“it” reads: “wrench” 90 %")
    assert browser.count(".flips, .stays") == 0
    browser.press("k")
    assert "“wrench” 90 %" not in browser.text(".said")
    assert browser.text(".token.correct .weight") == "0 %"
    assert browser.text(".preference") == (
        "“er (wrench)” over “er (robot)”: +4.3 nats → −2.0 where “it” does not see “wrench”: "
        "the answer flips"
    )
    assert browser.text(".output") == "Now it writes: Der Roboter hob es auf, weil sie schwer war."
    assert browser.text(".output mark") == "sie", "what changed is marked"
    browser.press("k")
    assert browser.text(".preference").endswith("+4.1 where random edges are cut: the answer stays")
    assert browser.count(".output") == 0, "nothing is claimed that was not asked for"
    assert browser.text(".said").startswith("“it” reads: “wrench” 90 %")
    browser.press("k")
    assert browser.text(".preference").endswith("+4.3 nats")
    assert browser.text(".output").startswith(
        "By itself it writes: Der Roboter hob es auf, weil er"
    )
    assert browser.count("mark") == 0


def test_the_chosen_head_keeps_its_star_when_another_is_looked_at(browser: Browser) -> None:
    browser.press("ArrowUp")
    star = "document.querySelector('.head.starred')"
    assert browser.js(f"{star}.dataset.key") == "head 1 2"
    assert browser.js(f"{star}.getAttribute('aria-label')") == "layer 1, head 2, chosen: 98 %"
    assert "★ was chosen on other items" in browser.text("#heads .hint")
    browser.press("2")
    assert browser.count(".starred") == 0


def test_a_pair_is_drawn_with_its_difference_where_words_stand_opposite(browser: Browser) -> None:
    assert browser.count("#maps svg.map") == 3
    gap = browser.js("(() => { const views = example().readings.map(viewOf);"
                     " return difference(views[0].map, views[1].map).weights[7]; })()")  # fmt: skip
    assert (np.argmin(gap), np.argmax(gap)) == (5, 1), "less to the wrench, more to the robot"
    browser.press("t")
    assert browser.count("#maps svg.map") == 2
    assert "No difference map" in browser.text("#maps")


def test_a_click_on_a_word_makes_it_read_in_both_sentences(browser: Browser) -> None:
    browser.click("[data-key='0 source 8']")
    said = browser.js("[...document.querySelectorAll('.said')].map(s => s.textContent)")
    assert [one.partition(" reads")[0] for one in said] == ["“was”", "“was”"]
    assert browser.js("document.activeElement.dataset.key") == "0 source 8"
    browser.press("[")
    assert browser.text(".said").startswith("“it” reads")
    browser.press("]")
    assert browser.text(".said").startswith("“was” reads")


def test_the_translation_grows_as_it_is_written(browser: Browser) -> None:
    browser.press("p")
    assert browser.text("[aria-selected='true']") == "Cross"
    assert browser.text("#play") == "❚❚ Pause"
    assert browser.text(".said").startswith("Writing “Der”")
    later = ".reading:first-child [data-text='translation'] .later"
    hidden = browser.count(later)
    assert hidden == 12
    assert browser.count("#maps .map-box:first-child .unwritten") == hidden
    browser.wait(lambda: browser.count(later) < hidden)
    browser.press("p")
    assert (browser.text("#play"), browser.count(later)) == ("▶ Watch it being written", 0)
    assert browser.count(".unwritten") == 0
    browser.js("(() => { const s = document.querySelector('#step'); s.value = 2;"
               " s.dispatchEvent(new Event('input')); })()")  # fmt: skip
    assert (browser.text(".said")[:14], browser.count(later)) == ("Writing “hob”,", 10)


def test_another_example_can_be_chosen(browser: Browser) -> None:
    browser.js("(() => { const s = document.querySelector('#example'); s.value = 1;"
               " s.dispatchEvent(new Event('change')); })()")  # fmt: skip
    browser.wait(lambda: browser.count(".reading") == 1)
    assert browser.count("#maps svg.map") == 1


def test_help_opens_and_closes_and_keys_rest_meanwhile(browser: Browser) -> None:
    browser.press("?")
    assert browser.js("document.querySelector('#keys').open")
    browser.press("2")
    assert browser.text("[aria-selected='true']") == "Encoder"
    browser.press("Escape")
    browser.wait(lambda: not browser.js("document.querySelector('#keys').open"))


@pytest.mark.parametrize(("scheme", "other"), [("light", "dark"), ("dark", "light")])
def test_light_and_dark_follow_the_reader_and_the_button(
    chromium: Browser, tmp_path: Path, scheme: str, other: str
) -> None:
    chromium.open(attention_page(PAGES["plain"]), tmp_path, scheme=scheme)
    ground = {"light": "rgb(250, 250, 248)", "dark": "rgb(18, 19, 22)"}
    colour = "getComputedStyle(document.body).backgroundColor"
    assert chromium.js(colour) == ground[scheme]
    chromium.click("#theme")
    assert chromium.js(colour) == ground[other]


def test_everything_that_can_be_used_is_reached_by_tab_and_shows_it(browser: Browser) -> None:
    seen = []
    for _ in range(60):
        browser.press("Tab")
        seen.append(
            browser.js(
                "(() => { const e = document.activeElement; return [e.id || e.dataset.key"
                " || e.tagName, getComputedStyle(e).outlineStyle,"
                " e.textContent || e.getAttribute('aria-label')]; })()"
            )
        )
    names = [name for name, _, _ in seen]
    for name in ("example", "theme", "help", "0 source 7", "1 source 7", "tab-encoder", "Words",
                 "Pieces", "Intact", "What it reads", "What reads it", "Without special pieces",
                 "Map", "Lines", "This layer", "All heads", "head 1 2"):  # fmt: skip
        assert name in names
    assert {"SVG", "PNG"} <= {label for _, _, label in seen}
    assert {style for name, style, _ in seen if name != "BODY"} == {"solid"}
    assert all(label for name, _, label in seen)


def test_a_word_with_the_focus_hands_it_to_the_next_one(browser: Browser) -> None:
    browser.js("document.querySelector('.token.active').focus()")
    browser.press("]")
    assert browser.js("document.activeElement.dataset.key") == "0 source 8"


@pytest.mark.parametrize("name", ["pair", "plain", "picture"])
def test_a_phone_needs_no_sideways_scrolling(chromium: Browser, tmp_path: Path, name: str) -> None:
    chromium.open(attention_page(PAGES[name]), tmp_path, width=400)
    assert chromium.js("document.documentElement.scrollWidth") <= 400


def test_nothing_is_drawn_beyond_the_card_of_a_text(browser: Browser) -> None:
    assert browser.count("svg.arcs path") > 0
    sizes = browser.js("[...document.querySelectorAll('.reading')]"
                       ".map(card => [card.scrollWidth, card.clientWidth])")  # fmt: skip
    assert all(needed == there for needed, there in sizes), sizes


@pytest.mark.parametrize("scripts", [False, True])
def test_a_bracket_opens_to_the_side_to_which_its_line_runs(
    chromium: Browser, tmp_path: Path, scripts: bool
) -> None:
    page = hebrew_page(("</s>", "אבא", "(", "5", ")", "</s>"))
    chromium.open(attention_page(page), tmp_path, scripts=scripts)
    style = ("[...document.querySelectorAll('.words .token')].map(t => getComputedStyle(t))"
             ".map(s => s.direction + ' ' + s.unicodeBidi)")  # fmt: skip
    sign, word = "rtl isolate", "rtl plaintext"
    assert chromium.js(style)[1:-1] == [word, sign, word, sign]


def test_a_click_on_a_patch_shows_what_it_reads(chromium: Browser, tmp_path: Path) -> None:
    page = picture_page()
    weights = page.examples[0].readings[0].panels[0].maps[1].mean(0)
    chromium.open(attention_page(page), tmp_path)
    opacity = "[...document.querySelectorAll('.veil')].map(v => +v.getAttribute('fill-opacity'))"
    for selector, row in ((".token", 0), (".veil:nth-child(7)", 7)):
        chromium.click(selector)
        patches = weights[row, 1:]
        np.testing.assert_allclose(chromium.js(opacity), 0.8 * (1 - patches / patches.max()),
                                   atol=0.03)  # fmt: skip
    assert chromium.text(".said").startswith("“row 2, column 3” reads")
    assert chromium.count(".veil.active") == 1
    assert chromium.js("document.querySelector('.picture img').naturalWidth") == 32
