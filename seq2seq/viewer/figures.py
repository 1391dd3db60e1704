"""The pictures of a page as SVG files, for a paper, a slide or a model card."""

from seq2seq.viewer.content import AttentionPage
from seq2seq.viewer.static import difference_svg, map_svg, opening_head
from seq2seq.viewer.svg import as_file, head_grid


def figures(page: AttentionPage) -> dict[str, str]:
    """Draw the opening view: a grid of heads for each stack, and the maps of the opening head.

    Args:
        page: any.

    Returns:
        From the name of a file, without its ending, to its text: ``heads-encoder``, ``map-1``,
        ``map-2`` and ``map-difference`` where the first example is a pair.
    """
    found: dict[str, str] = {}
    for grid in page.grids:
        found.setdefault(f"heads-{grid.stack}", head_grid(grid))
    head = opening_head(page)
    readings = page.examples[0].readings
    for number, reading in enumerate(readings, 1):
        found[f"map-{number}"] = map_svg(reading, head)
    if len(readings) == 2:
        found["map-difference"] = difference_svg(readings[0], readings[1], head)
    return {name: as_file(svg) for name, svg in found.items() if svg}


def opening_map(page: AttentionPage) -> str | None:
    """The map that a page opens at, as an SVG file.

    Args:
        page: any.

    Returns:
        The file's text; None for an image, or a text whose map would be too large to be read.
    """
    svg = map_svg(page.examples[0].readings[0], opening_head(page))
    return as_file(svg) if svg else None
