"""The fenced blocks of the pages of the site, in the order in which a reader meets them."""

import re
from pathlib import Path
from typing import NamedTuple

PAGES = Path(__file__).parents[2] / "documentation" / "pages"
SETTINGS = PAGES.parent / "mkdocs.yml"
FENCE = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+) -->\n)?"
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    flags=re.MULTILINE | re.DOTALL,
)
LANGUAGES = ("sh", "python", "toml", "text")


class Block(NamedTuple):
    """What stands between two fences.

    Attributes:
        page: The page it is on, below the folder of all pages.
        line: Where it begins there.
        language: What the fence says.
        title: Name of the file that a reader saves it as.
        text: What it holds.
        reason: Why it is not run; empty if it is.
    """

    page: str
    line: int
    language: str
    title: str
    text: str
    reason: str

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """The pages that people wrote, in the order of the site's navigation."""
    named = re.findall(r"[\w/-]+\.md", SETTINGS.read_text(encoding="utf-8"))
    return [name for name in named if (PAGES / name).exists()]


def blocks(page: str) -> list[Block]:
    """The blocks of a page."""
    text = (PAGES / page).read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        given = {name: value or "" for name, value in match.groupdict().items()}
        found.append(Block(page=page, line=line, **given))
    assert 2 * len(found) == len(re.findall("^ *```", text, flags=re.MULTILINE)), page
    return found


def prose(page: str) -> str:
    """A page without its blocks."""
    return FENCE.sub("", (PAGES / page).read_text(encoding="utf-8"))
