"""The opening view of a page as HTML, so that it can be read where scripts do not run.

``draw.js`` draws the same view again from the data and goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from seq2seq.viewer.content import (
    AttentionPage,
    Grid,
    Head,
    Mark,
    Panel,
    Picture,
    Reading,
    Role,
    Text,
)
from seq2seq.viewer.escape import apart, escape
from seq2seq.viewer.pack import pack, unpack
from seq2seq.viewer.svg import head_grid, heat_map, level
from seq2seq.viewer.words import join_words, panel_words, word_label

LARGEST_MAP = 100  # words; a larger map could not be read on any screen
LEGEND = (
    ("pronoun", "the word that reads"),
    ("correct", "antecedent"),
    ("distractor", "other noun"),
    ("cue", "the word that settles it"),
    ("decision", "where the translation decides"),
)


@dataclass(frozen=True)
class View:
    """One panel at one head, word by word.

    Attributes:
        panel: the maps it was taken from.
        weights: between words, rounded as the page's data are.
        rows: numbers of the words that read.
        columns: numbers of the words that are read.
        row: index of the row that the page opens at.
    """

    panel: Panel
    weights: Float[np.ndarray, "rows columns"]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    row: int


def opening_head(page: AttentionPage) -> Head:
    """The head that the page opens at."""
    if page.start is not None:
        return page.start
    panel = page.examples[0].readings[0].panels[-1]
    return Head(panel.stack, len(panel.maps) - 1)


def focus(reading: Reading, panel: Panel) -> int:
    """The row that a panel opens at: the pronoun, the decision, or a word that is not special."""
    text = reading.text(panel.query)
    last = panel.first_query + panel.maps.shape[-2] - 1
    pieces = range(panel.first_query, last + 1)
    for role in ("pronoun", "decision"):
        marked = [
            piece
            for mark in reading.marks
            if mark.role == role and mark.text == text.name
            for piece in mark.pieces
            if piece in pieces
        ]
        if marked:
            return min(marked) - panel.first_query
    ordinary = [piece for piece in pieces if piece not in text.special] or [last]
    if text.picture is not None:
        return 0
    return (ordinary[0] if panel.stack == "cross" else ordinary[-1]) - panel.first_query


def opening_view(reading: Reading, head: Head) -> View | None:
    """What is drawn first of a reading, or None where it has no such stack."""
    panel = reading.panel(head.stack)
    if panel is None:
        return None
    layer = panel.maps[head.layer]
    shown = unpack(pack(layer), layer.shape)
    chosen = shown.mean(axis=0) if head.head is None else shown[head.head]
    query, key = reading.text(panel.query), reading.text(panel.key)
    of_rows, of_columns = panel_words(panel, query, key)
    rows, columns = tuple(dict.fromkeys(of_rows)), tuple(dict.fromkeys(of_columns))
    row = rows.index(of_rows[focus(reading, panel)])
    return View(panel, join_words(chosen, of_rows, of_columns), rows, columns, row)


def reading_html(reading: Reading, head: Head) -> str:
    """A card: each text with the words shaded that are read, and what is read in a sentence."""
    view = opening_view(reading, head)
    parts = [_text_html(reading, text, view) for text in reading.texts]
    if view is not None:
        parts.append(f'<p class="said">{_sentence_html(reading, view)}</p>')
    if reading.preference is not None:
        parts.append(f'<p class="preference">{_preference_html(reading)}</p>')
    if reading.output is not None:
        written = escape(reading.output)
        parts.append(f'<p class="output">By itself it writes: <bdi>{written}</bdi></p>')
    return f'<article class="reading">{"".join(parts)}</article>'


def maps_html(readings: tuple[Reading, ...], head: Head) -> str:
    """The opening view's maps, and the difference of a pair."""
    maps = [map_svg(reading, head) for reading in readings]
    if len(readings) == 2:
        maps.append(difference_svg(readings[0], readings[1], head))
    return "".join(f'<figure class="map-box">{one}</figure>' for one in maps if one)


def map_svg(reading: Reading, head: Head) -> str:
    """A map, word by word; nothing where it belongs to an image or is too large to be read."""
    view = opening_view(reading, head)
    if view is None or not _fits(reading, view):
        return ""
    query, key = reading.text(view.panel.query), reading.text(view.panel.key)
    return heat_map(
        view.weights,
        [word_label(query, word) for word in view.rows],
        [word_label(key, word) for word in view.columns],
        title=f"Attention of {query.name} to {key.name}, {head_name(head)}",
        row_roles=_roles(reading.marks, query, view.rows),
        column_roles=_roles(reading.marks, key, view.columns),
    )


def difference_svg(first: Reading, second: Reading, head: Head) -> str:
    """The second map less the first; nothing where their words do not stand opposite each other."""
    views = opening_view(first, head), opening_view(second, head)
    if views[0] is None or views[1] is None or not _fits(first, views[0]):
        return ""
    if views[0].weights.shape != views[1].weights.shape:
        return ""
    panel = views[0].panel
    query = [reading.text(panel.query) for reading in (first, second)]
    key = [reading.text(panel.key) for reading in (first, second)]
    marks = tuple(mark for mark in first.marks if mark.role == "pronoun")
    return heat_map(
        views[1].weights - views[0].weights,
        _both_labels(query, views[0].rows, views[1].rows),
        _both_labels(key, views[0].columns, views[1].columns),
        title=f"Difference, second less first, {head_name(head)}; orange is less",
        row_roles=_roles(marks, query[0], views[0].rows),
        column_roles=_roles(marks, key[0], views[0].columns),
    )


def _both_labels(
    texts: Sequence[Text], first: tuple[int, ...], second: tuple[int, ...]
) -> list[str]:
    labels = []
    for ours, theirs in zip(first, second, strict=True):
        one, other = word_label(texts[0], ours), word_label(texts[1], theirs)
        labels.append(one if one == other else f"{one}/{other}")
    return labels


def grid_html(page: AttentionPage, head: Head) -> str:
    """The grid of heads of the stack that the page opens at."""
    grid = next((grid for grid in page.grids if grid.stack == head.stack), None)
    if grid is None:
        return ""
    selected = None if head.head is None else (head.layer, head.head)
    picture = head_grid(
        grid.accuracy,
        title=_grid_title(grid),
        significant=grid.significant,
        selected=selected,
        chosen=grid.chosen,
    )
    return f"<h2>{escape(_grid_title(grid))}</h2>{picture}"


def legend_html(page: AttentionPage) -> str:
    """What the marks mean, as far as the page has any."""
    readings = [reading for example in page.examples for reading in example.readings]
    used = {mark.role for reading in readings for mark in reading.marks}
    if not used & {"correct", "distractor", "cue", "decision"}:
        return ""
    items = (
        f'<span><span class="sample {role}">Aa</span> {name}</span>'
        for role, name in LEGEND
        if role in used or role == "pronoun"
    )
    return f'<p class="legend">{" ".join(items)}</p>'


def notes_html(notes: tuple[str, ...]) -> str:
    """The sentences at the foot."""
    return "".join(f'<p class="note">{escape(note)}</p>' for note in notes)


def _preference_html(reading: Reading) -> str:
    """Which answer the model prefers and by how much; ``answers.js`` writes the same."""
    value = reading.preference or 0.0
    right, wrong = reading.answers or ("the right answer", "the wrong one")
    return f"“{apart(right)}” over “{apart(wrong)}”: {signed(value)} nats"


def signed(value: float) -> str:
    """A number with its sign, a minus as people write it."""
    return f"{'+' if value >= 0 else '−'}{int(10 * abs(value) + 0.5) / 10:.1f}"


def percent(weight: float) -> str:
    """A percentage as it is printed everywhere."""
    return f"{int(100 * weight + 0.5)} %"


def head_name(head: Head) -> str:
    """A head as people count, from 1."""
    name = "mean of its heads" if head.head is None else f"head {head.head + 1}"
    return f"layer {head.layer + 1}, {name}"


def _text_html(reading: Reading, text: Text, view: View | None) -> str:
    if text.picture is not None:
        return _picture_html(text, text.picture, view)
    roles = _roles(reading.marks, text, tuple(range(text.words[-1] + 1)))
    named = _named_words(reading, text, view)
    tokens = []
    for word in range(text.words[-1] + 1):
        first = text.words.index(word)
        classes = ["token", *([roles[word]] if word in roles else [])]
        note = ""
        if first in text.special:
            classes.append("special")
        if view is not None and view.panel.query == text.name and view.rows[view.row] == word:
            classes.append("active")
        if view is not None and view.panel.key == text.name and word in view.columns:
            weight = float(view.weights[view.row, view.columns.index(word)])
            classes.append(f"a{level(weight)}")
            if word in named:
                note = f'<small class="weight">{percent(weight)}</small>'
        blank = " " if word and text.blanks[first] else ""
        label = escape(word_label(text, word))
        # The letters of a special piece are no letters of the text, whose direction they would be.
        way = ' dir="ltr"' if first in text.special else ""
        tokens.append(f'{blank}<span class="{" ".join(classes)}"{way}>{label}{note}</span>')
    language = f' lang="{escape(text.language)}"' if text.language else ""
    return (
        f'<p class="text words" dir="auto"{language} data-text="{escape(text.name)}" '
        f'aria-label="{escape(text.name)}">{"".join(tokens)}</p>'
    )


def _named_words(reading: Reading, text: Text, view: View | None) -> set[int]:
    """Words to write a percentage beside: both nouns, or else those that are read most."""
    nouns = {
        text.words[piece]
        for mark in reading.marks
        if mark.role in ("correct", "distractor") and mark.text == text.name
        for piece in mark.pieces
    }
    if view is None or any(mark.role in ("correct", "distractor") for mark in reading.marks):
        return nouns
    weights = view.weights[view.row]
    return {view.columns[column] for column in _strongest(weights) if weights[column] >= 0.05}


def _strongest(weights: Float[np.ndarray, " columns"]) -> list[int]:
    """The three columns that are read most, the first of equals first."""
    return sorted(range(len(weights)), key=lambda column: (-weights[column], column))[:3]


def _picture_html(text: Text, picture: Picture, view: View | None) -> str:
    shade = ""
    if view is not None and view.panel.key == text.name:
        row = view.weights[view.row]
        patches = row[picture.first : picture.first + picture.rows * picture.columns]
        strongest = max(float(patches.max()), 1e-9)
        cells = "".join(
            f'<rect class="veil" x="{number % picture.columns}" y="{number // picture.columns}" '
            f'width="1" height="1" fill-opacity="{0.8 * (1 - float(patch) / strongest):.2f}"/>'
            for number, patch in enumerate(patches.tolist())
        )
        shade = (
            f'<svg viewBox="0 0 {picture.columns} {picture.rows}" preserveAspectRatio="none" '
            f'aria-hidden="true">{cells}</svg>'
        )
    return (
        f'<figure class="picture" data-text="{escape(text.name)}"><img alt="{escape(text.name)}" '
        f'src="{picture_source(picture)}">{shade}</figure>'
    )


def picture_source(picture: Picture) -> str:
    """The image as a ``data:`` address, so that nothing is requested."""
    import base64

    return f"data:image/png;base64,{base64.b64encode(picture.png).decode('ascii')}"


def _sentence_html(reading: Reading, view: View) -> str:
    query, key = reading.text(view.panel.query), reading.text(view.panel.key)
    weights = view.weights[view.row]
    read = " · ".join(
        f"“{apart(word_label(key, view.columns[column]))}” {percent(float(weights[column]))}"
        for column in _strongest(weights)
    )
    label = apart(word_label(query, view.rows[view.row]))
    if view.panel.first_query:
        return f"Writing “{label}”, it reads: {read}"
    return f"“{label}” reads: {read}"


def _roles(marks: tuple[Mark, ...], text: Text, words: tuple[int, ...]) -> dict[int, Role]:
    """Index in ``words`` to role; the first mark wins."""
    found: dict[int, Role] = {}
    for mark in marks:
        if mark.text == text.name:
            for piece in mark.pieces:
                if text.words[piece] in words:
                    found.setdefault(words.index(text.words[piece]), mark.role)
    return found


def _fits(reading: Reading, view: View) -> bool:
    pictures = [reading.text(name).picture for name in (view.panel.query, view.panel.key)]
    return pictures == [None, None] and max(view.weights.shape) <= LARGEST_MAP


def _grid_title(grid: Grid) -> str:
    return f"{grid.name}: right noun, % of items"
