"""One self-contained page about attention: a file that asks nothing of any network.

Scripts and styles are allowed by the hash of their text alone, so nothing that a text brings along
can run; the page has no address of anything, and its policy would refuse a request to it.
"""

import base64
import hashlib
import json
from importlib.resources import files
from string import Template
from typing import Any

from seq2seq.viewer.content import (
    AttentionPage,
    Example,
    Grid,
    Panel,
    Reading,
    Text,
    Variant,
)
from seq2seq.viewer.escape import escape, visible
from seq2seq.viewer.pack import pack
from seq2seq.viewer.static import (
    first_piece,
    grid_html,
    legend_html,
    maps_html,
    notes_html,
    opening_grid,
    opening_head,
    picture_source,
    reading_html,
)
from seq2seq.viewer.tables import findings_html, tables_html

SCRIPTS = ("maps.js", "draw.js", "several.js", "answers.js", "save.js", "page.js")


def attention_page(page: AttentionPage) -> str:
    """Write a page as HTML that a browser opens from a file, without a server or a network.

    The opening view can be read without scripts. All text is escaped, and characters that would
    act without being seen, such as bidirectional marks, are spelled out.

    Args:
        page: what to show.

    Returns:
        The whole file; it holds no address, and a policy under which none could be asked for.
    """
    head, grid = opening_head(page), opening_grid(page)
    readings = page.examples[0].readings
    style, script = viewer_file("page.css"), "".join(map(viewer_file, SCRIPTS))
    return Template(viewer_file("page.html")).substitute(
        policy=policy_of(script, style),
        title=escape(page.title),
        model=escape(page.model),
        style=style,
        script=script,
        pair=' class="pair"' if len(readings) == 2 else "",
        readings="".join(reading_html(reading, head, grid) for reading in readings),
        legend=legend_html(page),
        findings=findings_html(page.findings),
        heads=grid_html(page, head),
        maps=maps_html(readings, head),
        tables=tables_html(page.tables),
        notes=notes_html(page.notes),
        data=_json(page_data(page)),
    )


def viewer_file(name: str) -> str:
    """The text of a script, a style sheet or a template that lies beside this module."""
    return files("seq2seq.viewer").joinpath(name).read_text(encoding="utf-8")


def policy_of(script: str, style: str, *more: str) -> str:
    """What a page may do: run its own script, use its own style, show its own pictures, and more.

    Args:
        script: the text of its only script.
        style: the text of its only style sheet.
        more: further rules, such as "connect-src 'self'".

    Returns:
        The content of the header, or the meta element, ``Content-Security-Policy``.
    """
    rules = [
        "default-src 'none'",
        f"script-src {_hash(script)}",
        f"style-src {_hash(style)}",
        "img-src data:",  # images that were read, and the map that is saved as a PNG
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        *more,
    ]
    return "; ".join(rules)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _json(content: dict[str, Any]) -> str:
    """JSON that cannot end the element it stands in, or open another one."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def page_data(page: AttentionPage) -> dict[str, Any]:
    """What the page's script draws from, as JSON holds it; ``renew`` of ``page.js`` takes more."""
    head = opening_head(page)
    panels = page.examples[0].readings[0].panels
    heads = next((panel.maps.shape[1] for panel in panels if panel.stack == head.stack), 0)
    return {
        "start": {
            "stack": head.stack,
            "layer": head.layer,
            "head": heads if head.head is None else head.head,
            "readBy": head.read_by,
        },
        "examples": [_example_data(example) for example in page.examples],
        "grids": [_grid_data(grid) for grid in page.grids],
        "notes": [visible(note) for note in page.notes],
    }


def example_size(example: Example) -> int:
    """By how many bytes one more example makes a page larger: only the script reads it."""
    return len(_json(_example_data(example))) + 1  # in ASCII, and a comma before it


def _example_data(example: Example) -> dict[str, Any]:
    return {
        "title": visible(example.title),
        "readings": [_reading_data(reading, example.readings[0]) for reading in example.readings],
    }


def _reading_data(reading: Reading, first: Reading) -> dict[str, Any]:
    """A reading; of the second of a pair only what differs from the first is written."""
    twin = None if reading is first else first
    return {
        "texts": [_text_data(text) for text in reading.texts],
        "panels": [_panel_data(reading, panel, twin) for panel in reading.panels],
        "marks": [
            {"role": mark.role, "text": visible(mark.text), "pieces": mark.pieces}
            for mark in reading.marks
        ],
        "preference": reading.preference,
        "output": reading.output and visible(reading.output),
        "answers": reading.answers and [visible(answer) for answer in reading.answers],
        "shares": [
            {"path": visible(one.path), "correct": one.correct, "distractor": one.distractor}
            for one in reading.shares
        ],
        "variants": [_variant_data(reading, variant) for variant in reading.variants],
    }


def _text_data(text: Text) -> dict[str, Any]:
    picture = text.picture
    return {
        "name": visible(text.name),
        "pieces": [visible(piece) for piece in text.pieces],
        "words": text.words,
        "blanks": [int(blank) for blank in text.blanks],
        "special": sorted(text.special),
        "language": text.language,
        "picture": picture
        and {
            "source": picture_source(picture),
            "rows": picture.rows,
            "columns": picture.columns,
            "first": picture.first,
        },
    }


def _panel_data(reading: Reading, panel: Panel, base: Reading | None) -> dict[str, Any]:
    layers, heads, rows, columns = panel.maps.shape
    known = None if base is None else base.panel(panel.stack)
    added = known is not None and known.maps.shape == panel.maps.shape
    return {
        "stack": panel.stack,
        "query": visible(panel.query),
        "key": visible(panel.key),
        "first": panel.first_query,
        "layers": layers,
        "heads": heads,
        "rows": rows,
        "columns": columns,
        "group": panel.group,
        "reads": first_piece(reading, panel),
        "readBy": first_piece(reading, panel, read_by=True),
        "added": added,
        "maps": pack(panel.maps, known.maps if added and known is not None else None),
    }


def _variant_data(reading: Reading, variant: Variant) -> dict[str, Any]:
    return {
        "name": visible(variant.name),
        "panels": [_panel_data(reading, panel, reading) for panel in variant.panels],
        "preference": variant.preference,
        "output": variant.output and visible(variant.output),
    }


def _grid_data(grid: Grid) -> dict[str, Any]:
    return {
        "stack": grid.stack,
        "name": visible(grid.name),
        "accuracy": [[round(float(one), 4) for one in line] for line in grid.accuracy],
        "significant": None if grid.significant is None else grid.significant.tolist(),
        "chosen": grid.chosen,
        "word": grid.word,
        "readBy": grid.read_by,
        "byHead": grid.by_head,
    }
