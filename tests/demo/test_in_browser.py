"""The page in a real browser: what a person does with it, and that it asks nobody else."""

import threading
from collections.abc import Iterator

import pytest

from seq2seq.demo.server import DemoServer
from seq2seq.demo.tried_model import TriedModel
from tests.demo.models import GOLDEN
from tests.viewer.browser import CHROMIUM, Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
FRAME = "document.querySelector('iframe').contentDocument"
SHOWN = (
    "[...document.querySelectorAll('iframe')].length === 2"
    " && [...document.querySelectorAll('iframe')].every((one) =>"
    " one.contentDocument?.documentElement?.matches('.ready') && one.clientHeight > 400)"
    " && !document.querySelector('.busy')"
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of the page of two models, which are the same one."""
    tried = TriedModel.load(str(GOLDEN), device="cpu")
    with DemoServer() as server:
        server.show([tried, tried], ["1 2 3", "9 8"])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.address
        server.shutdown()
        thread.join()


@pytest.fixture
def page(address: str, chromium: Browser) -> Browser:
    chromium.visit(address)
    chromium.wait(lambda: bool(chromium.js(SHOWN)))
    return chromium


def ask(page: Browser, text: str) -> None:
    page.fill("#text", text)
    page.press("Enter")
    page.wait(lambda: "busy" not in str(page.js("document.querySelector('#models').innerHTML")))


def source(page: Browser) -> str:
    """What the attention page says was read; a blank may be a piece of its own."""
    words = f"[...{FRAME}.querySelectorAll('[data-text=source] .token')]"
    return str(page.js(f"{words}.map((one) => one.firstChild.data).join(' ')"))


def test_an_empty_answer_is_told_in_the_language_of_the_page(page: Browser) -> None:
    told = (
        "(show(models[0], {}, 'text=a'), ((found) => `${found.lang} ${found.textContent}`)"
        "(models[0].part('translation').querySelector('[lang]')))"
    )
    assert page.js(told) == "en (nothing)"


def test_a_translation_from_right_to_left_begins_at_the_right(page: Browser) -> None:
    drawn = (
        "getComputedStyle(document.body.appendChild(written({}, 'אבא.', 'אבא.', 'he'))).direction"
    )
    assert page.js(drawn.format("''")) == "rtl"
    assert page.js(drawn.format("'Before: '")) == "ltr", "an English line with a word set apart"


def test_a_frame_is_as_high_as_its_page_whose_height_is_no_whole_number(page: Browser) -> None:
    page.js(f"(() => {{ const {{body}} = {FRAME}; body.prepend(body.ownerDocument"
            ".createElement('i')); })()")  # fmt: skip
    frame = "document.querySelector('iframe').getBoundingClientRect().height"
    for height in ("10.2px", "30.4px", "50.6px", "70.8px"):
        page.js(
            f"{FRAME}.querySelector('body > i').style.cssText = 'display: block; height: {height}'"
        )
        needed = f"{FRAME}.body.getBoundingClientRect().height"
        page.wait(lambda needed=needed: abs(page.js(f"{frame} - {needed}")) <= 1)
        assert page.js(f"{frame} - {needed}") >= 0, height
    scrolled = f"{FRAME}.documentElement"
    assert page.js(f"{scrolled}.scrollHeight - {scrolled}.clientHeight") == 0, "nothing below"


def test_a_text_is_edited_and_what_changed_is_marked(page: Browser, address: str) -> None:
    assert page.text("#text + .asked button") == "Translate"
    for column in (1, 2):
        assert page.text(f".model:nth-of-type({column}) .translation") == "3 2 1"
    assert source(page) == "1 2 3 </s>"
    page.js(f"{FRAME}.querySelector('[data-key=\"tab encoder\"]').click()")
    page.js(f"{FRAME}.querySelector('[data-key=\"head 0 1\"]').click()")

    ask(page, "1 7 3")
    assert page.text(".translation") == "3 7 1"
    assert page.text(".translation mark") == "7"
    assert page.text(".before") == "Before: 3 2 1"
    assert page.text(".before mark") == "2"
    assert page.text("#live").endswith("3 7 1")
    page.wait(lambda: source(page) == "1 ␣ 7 3 </s>")
    chosen = f"{FRAME}.querySelector('.head[aria-pressed=true]').dataset.key"
    assert page.js(chosen) == "head 0 1", "the head that is looked at stays"
    assert page.js(f"{FRAME}.querySelector('[aria-selected=true]').textContent") == "Encoder"

    ask(page, "1 7 3")
    assert page.text(".before") == "As before: the translation did not change."
    assert page.js("location.search") == "?text=1+7+3"
    ask(page, "9 8")
    assert page.text(".before") == "", "another text altogether"
    assert page.count("mark") == 0
    page.js("history.go(-2)")
    page.wait(lambda: page.text(".translation") == "3 2 1")
    assert page.complaints == []
    assert all(one.startswith(address) for one in page.requests)


def test_what_cannot_be_read_is_said_and_a_text_is_never_markup(page: Browser) -> None:
    ask(page, " ")
    assert page.text(".problem") == "text: empty, needed at least one word"
    assert page.count("iframe:not([hidden]), .translation > *") == 0
    ask(page, "1 <img src=x onerror=window.hacked=1> 2")
    assert page.text(".problem") == ""
    assert "unknown to the model" in page.text(".remarks")
    assert page.js("window.hacked") is None
    assert page.js(f"{FRAME}.querySelectorAll('img').length") == 0
    refused = [said for said in page.complaints if "422" not in said]
    assert refused == [], "nothing but the text that could not be read"


def test_an_address_holds_its_text_and_the_colours_are_one(page: Browser, address: str) -> None:
    page.visit(f"{address}?text=4+5")
    page.wait(lambda: bool(page.js(f"document.readyState === 'complete' && {SHOWN}")))
    assert page.js("document.querySelector('#text').value") == "4 5"
    assert page.text(".translation") == "5 4"
    page.click("#theme")
    themes = f"[document, {FRAME}].map((one) => one.documentElement.dataset.theme)"
    assert page.js(themes) == ["dark", "dark"]
    page.js("document.querySelector('.examples button:last-child').click()")
    page.wait(lambda: page.text(".translation") == "8 9")
    assert page.js("document.querySelector('a.keep').getAttribute('href')") == (
        "/attention/0?text=9+8"
    )
