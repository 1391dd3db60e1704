#!/usr/bin/env python3
"""Open the pages of a run in a browser and picture them for the documentation: RUN.

Needs Chromium, and a run of the demo with its probe of T1. Writes into the folder of the site's
pictures `attention.png`, the page of `seq2seq attention` for the first sentence of the demo,
`demo.png`, that of `seq2seq demo` after one word was changed, and `probe.png`, the head of the page
of the probe.
"""

import contextlib
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlencode

from seq2seq.demo.server import DemoServer
from seq2seq.demo.tried_model import TriedModel
from tests.viewer.browser import Browser

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "documentation" / "pages" / "assets"
SENTENCE = "The robot picked up the wrench because it was heavy."
EDITED = SENTENCE.replace("heavy", "curious")
WIDTH, HEIGHT = 1000, 760
"""Of the pictures, in pixels; what lies below is left out."""


def main() -> None:
    """Make the pictures."""
    run = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "runs").mkdir()
        (folder / "runs" / "demo").symlink_to(run)  # the page says what it was asked for
        command = [sys.executable, "-m", "seq2seq", "attention", "runs/demo", SENTENCE]
        subprocess.run(command, check=True, cwd=folder)
        with Browser(folder / "profile") as browser:
            picture(browser, folder / "attention.html", "attention", folder)
            with contextlib.chdir(folder):
                picture_demo(browser)
            picture(browser, run / "probe" / "T1" / "probe.html", "probe", folder)


def picture(browser: Browser, page: Path, name: str, folder: Path) -> None:
    """Picture the top of one page."""
    browser.open(page.read_text(encoding="utf-8"), folder, width=WIDTH, height=HEIGHT)
    keep(browser, name)


def picture_demo(browser: Browser) -> None:
    """Picture the demo, with one sentence and then another."""
    with DemoServer() as server:
        server.show([TriedModel.load("runs/demo")], [SENTENCE, EDITED])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        browser.visit(f"{server.address}?{urlencode({'text': SENTENCE})}")
        frame = "document.querySelector('iframe')?.contentDocument?.documentElement"
        browser.wait(lambda: bool(browser.js(f"{frame}?.matches('.ready')")))
        browser.fill("#text", EDITED)
        browser.press("Enter")
        browser.wait(lambda: browser.count(".before mark") > 0)
        browser.wait(lambda: "curious" in str(browser.js(f"{frame}.textContent")))
        keep(browser, "demo")
        server.shutdown()
        thread.join()


def keep(browser: Browser, name: str) -> None:
    """Write what is in sight as a picture of the site."""
    path = PICTURES / f"{name}.png"
    browser.screenshot(path, whole=False)
    sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
