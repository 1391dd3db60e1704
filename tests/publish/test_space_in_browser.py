"""A Space as its visitors have it: published, downloaded, started, and used in a browser.

gradio is large, so the page may run in another Python: the one that SEQ2SEQ_DEMO_PYTHON names,
which needs gradio, langcodes, sentencex, torch and transformers alone.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.hub.client import run_client
from tests.hub.server import HubServer
from tests.publish.finished_run import write_export, write_run
from tests.viewer.browser import CHROMIUM, Browser

PYTHON = os.environ.get("SEQ2SEQ_DEMO_PYTHON", sys.executable if find_spec("gradio") else "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
    pytest.mark.skipif(not PYTHON, reason="no gradio here: pip install gradio"),
]
NAME = "tester/digits"
EXAMPLES = ["1 2 3 4", "9 8 7"]
HOSTILE = "1 ${window.hacked=1} {{2}} <img src=https://example.org/a.png onerror=window.hacked=1>"
DOWNLOAD = """
    import json, sys
    from huggingface_hub import snapshot_download
    print(json.dumps(snapshot_download(sys.argv[1], repo_type="space", local_dir=sys.argv[2])))
"""


@pytest.fixture(scope="module")
def url(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Space that shows a published model."""
    folder = tmp_path_factory.mktemp("space")
    run = write_run(folder / "run")
    for path in (root / "tests" / "golden" / "digits").iterdir():
        (run.best / path.name).write_bytes(path.read_bytes())
    write_export(run)
    with HubServer() as hub:
        command = [sys.executable, "-m", "seq2seq", "publish", str(run.folder), NAME, "--space"]
        command += [word for text in EXAMPLES for word in ("--example", text)] + ["--json"]
        environment = {**os.environ, **hub.environment(folder / "a")}
        made = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        assert json.loads(made.stdout)["space"]["url"] == f"{hub.url}/spaces/{NAME}"
        run_client(hub, folder / "b", DOWNLOAD, NAME, folder / "copy")
        yield from serve(folder / "copy", hub.environment(folder / "c"))


def serve(space: Path, hub: dict[str, str]) -> Iterator[str]:
    """Run a Space's own program until the test is done with it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, **hub, "GRADIO_SERVER_PORT": str(port)}
    environment.pop("PYTHONPATH", None)  # the Space has nothing of ours
    program = subprocess.Popen(
        [PYTHON, "app.py"], cwd=space, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    lines = []
    for line in program.stdout:
        lines.append(line)
        if "Running on" in line:
            break
    try:
        assert program.poll() is None, lines
        yield f"http://127.0.0.1:{port}"
    finally:
        program.terminate()
        program.communicate(timeout=30)


@pytest.fixture
def page(chromium: Browser, url: str) -> Browser:
    """The page as it stands when it is opened."""
    chromium.visit(url)
    chromium.wait(lambda: chromium.count("#text textarea") == 1)
    chromium.wait(lambda: shown(chromium) == "" and value(chromium, "text") == EXAMPLES[0])
    return chromium


def value(page: Browser, field: str) -> str:
    return str(page.js(f"document.querySelector('#{field} textarea').value"))


def shown(page: Browser) -> str:
    """Which picture is there."""
    return str(page.js("document.querySelector('#picture svg[aria-label]')?.ariaLabel ?? ''"))


def translate(page: Browser) -> None:
    """Press the button until it answers: it is drawn a moment before it works."""

    def done() -> bool:
        if not shown(page):
            page.click("#write")
        return bool(shown(page))

    page.wait(done)


def choose(page: Browser, field: str, place: int) -> None:
    """Choose from a list with the keyboard."""
    page.click(f"#{field} input")
    page.wait(lambda: page.count(f"#{field} input[aria-expanded=true], ul[role=listbox]") > 0)
    for _ in range(place):
        page.press("ArrowDown")
    page.press("Enter")


def test_a_visitor_translates_and_sees_where_the_model_read(page: Browser, url: str) -> None:
    translate(page)
    assert value(page, "output") == "4 3 2 1"
    assert shown(page) == "Attention, output reads text: layer 0, head mean of all"
    assert page.count("#picture rect.weight") >= 5
    assert page.js("document.querySelector('#picture text').textContent") == "1"
    before = page.js("document.querySelector('#picture svg').outerHTML")
    choose(page, "head", 2)
    page.wait(lambda: shown(page).endswith("head 1"))
    assert page.js("document.querySelector('#picture svg').outerHTML") != before
    page.click("#stack label:nth-of-type(2)")
    page.wait(lambda: "text reads text" in shown(page))
    page.fill("#text textarea", "5 6")
    page.press("Enter")
    page.wait(lambda: value(page, "output") == "6 5")
    assert [one for one in page.requests if not one.startswith(url)] == []


def test_what_a_visitor_writes_is_never_markup(page: Browser, url: str) -> None:
    page.fill("#text textarea", HOSTILE)
    translate(page)
    page.wait(lambda: "unknown to the model" in page.text("#notes"))
    assert page.js("window.hacked") is None
    assert page.count("#picture img") == 0
    assert [one for one in page.requests if not one.startswith(url)] == []
    assert page.complaints == []
