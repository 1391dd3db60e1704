#!/usr/bin/env python3
"""Open the pages of a run in a browser and picture them for the documentation: RUN.

Needs Chromium, and a run of the demo with its probe of T1. Writes into the folder of the site's
pictures `attention.png`, the page of `seq2seq attention` for the first sentence of the demo, and
`probe.png`, the head of the page of the probe.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.viewer.browser import Browser

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "documentation" / "pages" / "assets"
SENTENCE = "The robot picked up the wrench because it was heavy."
WIDTH, HEIGHT = 1000, 760
"""Of the pictures, in pixels; what lies below is left out."""


def main() -> None:
    """Make both pictures."""
    run = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "runs").mkdir()
        (folder / "runs" / "demo").symlink_to(run)  # the page says what it was asked for
        command = [sys.executable, "-m", "seq2seq", "attention", "runs/demo", SENTENCE]
        subprocess.run(command, check=True, cwd=folder)
        with Browser(folder / "profile") as browser:
            picture(browser, folder / "attention.html", "attention", folder)
            picture(browser, run / "probe" / "T1" / "probe.html", "probe", folder)


def picture(browser: Browser, page: Path, name: str, folder: Path) -> None:
    """Picture the top of one page."""
    browser.open(page.read_text(encoding="utf-8"), folder, width=WIDTH, height=HEIGHT)
    path = PICTURES / f"{name}.png"
    browser.screenshot(path, whole=False)
    sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
