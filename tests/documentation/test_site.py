"""The site builds without a warning, its links lead somewhere, and it asks for nothing."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.documentation.blocks import SETTINGS
from tests.viewer.browser import CHROMIUM, Browser

pytestmark = pytest.mark.slow
LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}


class _Page(HTMLParser):
    """The anchors of a page, where its links lead, and what a browser loads with it."""

    def __init__(self, path: Path):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(given[name] for name in ("id", "name") if name in given)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADED and LOADED[tag] in given:
            self.loaded.append(given[LOADED[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet",
               "--config-file", str(SETTINGS), "--site-dir", str(folder)]  # fmt: skip
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    return {path: _Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_link_and_anchor_leads_somewhere(site: Path, pages: dict[Path, _Page]) -> None:
    assert len(pages) > 10
    lost = []
    for path, page in pages.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme in ("http", "https") or link in (".", ".."):
                continue
            start = site if address.path.startswith("/") else path.parent  # "/": the page of a 404
            target = (start / unquote(address.path).lstrip("/")) if address.path else path
            target = target.resolve()
            found = target in pages or (target.is_file() and not address.fragment)
            if not found or unquote(address.fragment) not in pages[target].anchors | {""}:
                lost.append(f"{path.relative_to(site)}: {link}")
    assert lost == []


def test_no_page_loads_anything_from_elsewhere(pages: dict[Path, _Page]) -> None:
    loaded = {address for page in pages.values() for address in page.loaded}
    assert loaded
    assert {one for one in loaded if urlsplit(one).netloc} == set()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_a_reader_without_a_network_or_server_can_search(site: Path, tmp_path: Path) -> None:
    with Browser(tmp_path) as browser:
        size = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.send("Emulation.setDeviceMetricsOverride", **size)
        browser.visit((site / "start.html").as_uri())
        browser.wait(lambda: browser.js("document.readyState") == "complete")
        browser.click("[data-md-component=search-query]")
        browser.wait(lambda: "Type to start" in browser.text(".md-search-result__meta"))
        browser.fill("[data-md-component=search-query]", "batch_token")
        browser.press("s")
        browser.wait(lambda: browser.count(".md-search-result__item") > 0)
        assert "train.batch_tokens" in browser.text(".md-search-result")
        assert [one for one in browser.requests if not one.startswith("file:")] == []
        assert browser.complaints == []
