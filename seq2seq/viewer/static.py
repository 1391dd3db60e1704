"""The opening view of a page as HTML, so that it can be read where scripts do not run.

``draw.js`` draws the same view again from the data and goes on from there.
"""

import base64
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
from seq2seq.viewer.escape import apart, escape, visible
from seq2seq.viewer.pack import pack, unpack
from seq2seq.viewer.svg import head_grid, heat_map, level
from seq2seq.viewer.words import join_words, panel_words, word_label

LARGEST_MAP = 100  # words; a larger map could not be read on any screen
LEGEND = (
    ("pronoun", "the word looked at"),
    ("correct", "antecedent"),
    ("distractor", "other noun"),
    ("cue", "the word that settles it"),
    ("decision", "where the translation decides"),
)


@dataclass(frozen=True)
class View:
    """One panel at one head, word by word, seen from the words that read or from those read.

    Attributes:
        panel: the maps it was taken from.
        query: the text that a row stands for: what reads, or what is read.
        key: the text that a column stands for.
        weights: attention of the row to the column, or of the column to the row; rounded as the
            page's data are.
        rows: numbers of the words of ``query``.
        columns: numbers of the words of ``key``.
        row: index of the row that the page opens at.
        read_by: whether the rows are what is read.
    """

    panel: Panel
    query: Text
    key: Text
    weights: Float[np.ndarray, "rows columns"]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    row: int
    read_by: bool = False


def opening_head(page: AttentionPage) -> Head:
    """The head that the page opens at."""
    if page.start is not None:
        return page.start
    panel = page.examples[0].readings[0].panels[-1]
    return Head(panel.stack, len(panel.maps) - 1)


def opening_grid(page: AttentionPage) -> Grid | None:
    """The figure that the page opens at: the first of the stack that is open."""
    head = opening_head(page)
    return next((grid for grid in page.grids if grid.stack == head.stack), None)


def first_piece(
    reading: Reading, panel: Panel, *, role: Role | None = None, read_by: bool = False
) -> int:
    """The piece whose attention is shown first.

    Args:
        reading: which has this panel.
        panel: one stack.
        role: of the piece that is wanted.
        read_by: whether it is to be read, instead of to read.

    Returns:
        A piece of this role; else the pronoun, the decision, or a word: in cross-attention the
        first, else the last.
    """
    text = reading.text(panel.key if read_by else panel.query)
    *_, rows, columns = panel.maps.shape
    first = 0 if read_by else panel.first_query
    pieces = range(first, first + (columns if read_by else rows))
    for wanted in (role, "pronoun", "decision"):
        marked = [
            piece
            for mark in reading.marks
            if mark.role == wanted and mark.text == text.name
            for piece in mark.pieces
            if piece in pieces
        ]
        if marked:
            return min(marked)
    if text.picture is not None:
        return first
    ordinary = [piece for piece in pieces if piece not in text.special] or [pieces[-1]]
    ordinary = [one for one in ordinary if any(map(str.isalnum, text.pieces[one]))] or ordinary
    return ordinary[0] if panel.stack == "cross" else ordinary[-1]


def opening_view(reading: Reading, head: Head, grid: Grid | None = None) -> View | None:
    """What is drawn first of a reading, or None where it has no such stack."""
    panel = reading.panel(head.stack)
    if panel is None:
        return None
    layer = panel.maps[head.layer]
    shown = unpack(pack(layer), layer.shape)
    chosen = shown.mean(axis=0) if head.head is None else shown[head.head]
    query, key = reading.text(panel.query), reading.text(panel.key)
    of_rows, of_columns = panel_words(panel, query, key)
    weights = join_words(chosen, of_rows, of_columns)
    rows, columns = tuple(dict.fromkeys(of_rows)), tuple(dict.fromkeys(of_columns))
    role, read_by = (None, head.read_by) if grid is None else (grid.word, grid.read_by)
    piece = first_piece(reading, panel, role=role, read_by=read_by)
    if read_by:
        row = columns.index(of_columns[piece])
        return View(panel, key, query, weights.T, columns, rows, row, read_by=True)
    row = rows.index(of_rows[piece - panel.first_query])
    return View(panel, query, key, weights, rows, columns, row)


def reading_html(reading: Reading, head: Head, grid: Grid | None = None) -> str:
    """A card: each text with the words shaded that are read, and what is read in a sentence."""
    view = opening_view(reading, head, grid)
    parts = [_text_html(reading, text, view) for text in reading.texts]
    if view is not None:
        parts.append(f'<p class="said">{_sentence_html(view)}</p>')
    if reading.preference is not None:
        parts.append(f'<p class="preference">{_preference_html(reading)}</p>')
    if reading.output is not None:
        written = f"<bdi{_lang(reading.texts[-1])}>{escape(reading.output)}</bdi>"
        parts.append(f'<p class="output">By itself it writes: {written}</p>')
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
    if view is None or not _fits(view):
        return ""
    query, key = view.query, view.key
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
    if views[0] is None or views[1] is None or not _fits(views[0]):
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
    grid = opening_grid(page)
    if grid is None:
        return ""
    selected = None if head.head is None else (head.layer, head.head)
    return f"<h2>{escape(grid.title)}</h2>{head_grid(grid, selected=selected)}"


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
    """A percentage as it is printed everywhere; below 1 % with a decimal, as many weights are."""
    if 0 < weight < 0.0095:
        return f"{int(1000 * weight + 0.5) / 10:.1f} %"
    return f"{int(100 * weight + 0.5)} %"


def head_name(head: Head) -> str:
    """A layer and a head, both counted from 0."""
    name = "mean of its heads" if head.head is None else f"head {head.head}"
    return f"layer {head.layer}, {name}"


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
        if view is not None and view.query is text and view.rows[view.row] == word:
            classes.append("active")
        if view is not None and view.key is text and word in view.columns:
            weight = float(view.weights[view.row, view.columns.index(word)])
            classes.append(f"a{level(weight)}")
            if word in named:
                note = f'<small class="weight">{percent(weight)}</small>'
        blank = " " if word and text.blanks[first] else ""
        label = word_label(text, word)
        if not any(map(str.isalnum, visible(label))):
            classes.append("sign")
        # The letters of a special piece are no letters of the text, whose direction they would be.
        way = ' dir="ltr"' if first in text.special else ""
        tokens.append(f'{blank}<span class="{" ".join(classes)}"{way}>{escape(label)}{note}</span>')
    return (
        f'<p class="text words" dir="auto"{_lang(text)} data-text="{escape(text.name)}" '
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
    if view is not None and view.key is text:
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
    return f"data:image/png;base64,{base64.b64encode(picture.png).decode('ascii')}"


def _sentence_html(view: View) -> str:
    """What the opening word reads, or what reads it; ``maps.js`` writes the same."""
    weights = view.weights[view.row]
    read = " · ".join(
        f"{_word_html(view.key, view.columns[column])} {percent(float(weights[column]))}"
        for column in _strongest(weights)
    )
    word = _word_html(view.query, view.rows[view.row])
    if view.read_by:
        return f"{word} is read {'when writing' if view.panel.first_query else 'by'}: {read}"
    if view.panel.first_query:
        return f"Writing {word}, it reads: {read}"
    return f"{word} reads: {read}"


def _word_html(text: Text, word: int) -> str:
    """A quoted word in an English sentence: in its own language, and turning nothing around."""
    return f"“<bdi{_lang(text)}>{escape(word_label(text, word))}</bdi>”"


def _lang(text: Text) -> str:
    """The attribute that names a text's language, where it is known."""
    return f' lang="{escape(text.language)}"' if text.language else ""


def _roles(marks: tuple[Mark, ...], text: Text, words: tuple[int, ...]) -> dict[int, Role]:
    """Index in ``words`` to role; the first mark wins."""
    found: dict[int, Role] = {}
    for mark in marks:
        if mark.text == text.name:
            for piece in mark.pieces:
                if text.words[piece] in words:
                    found.setdefault(words.index(text.words[piece]), mark.role)
    return found


def _fits(view: View) -> bool:
    pictures = [view.query.picture, view.key.picture]
    return pictures == [None, None] and max(view.weights.shape) <= LARGEST_MAP
