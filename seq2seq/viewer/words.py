"""From pieces to words: how attention between pieces becomes attention between words."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from seq2seq.viewer.content import Panel, Text

CONTINUED = "⋯"  # a piece that only continues a character, such as the bytes of an emoji


def join_words(
    maps: Float[np.ndarray, "*heads query key"],
    query_words: Sequence[int],
    key_words: Sequence[int],
) -> Float[np.ndarray, "*heads query_words key_words"]:
    """Attention from word to word: a word is read with all its pieces, and reads as their mean.

    Args:
        maps: attention between pieces; each row sums to 1, and so do the rows of the result.
        query_words: number of the word of each row, rising by 0 or 1.
        key_words: the same for the columns.

    Source: Clark et al. 2019, section 4.1.
    """
    rows = np.flatnonzero(np.diff(query_words, prepend=-1))
    columns = np.flatnonzero(np.diff(key_words, prepend=-1))
    sums = np.add.reduceat(np.add.reduceat(maps, columns, axis=-1), rows, axis=-2)
    sizes = np.diff([*rows.tolist(), len(query_words)])
    joined: Float[np.ndarray, "*heads query_words key_words"] = sums / sizes[:, None]
    return joined


def panel_words(panel: Panel, query: Text, key: Text) -> tuple[list[int], list[int]]:
    """The word of each row and of each column of a panel's maps."""
    *_, rows, columns = panel.maps.shape
    return list(query.words[panel.first_query :][:rows]), list(key.words[:columns])


def word_label(text: Text, word: int) -> str:
    """The characters of a word, its pieces joined as they stood."""
    found = [index for index, number in enumerate(text.words) if number == word]
    shown = [index for index in found if text.pieces[index] != CONTINUED] or found[:1]
    blanks = ("" if index == shown[0] or not text.blanks[index] else " " for index in shown)
    return "".join(blank + text.pieces[index] for blank, index in zip(blanks, shown, strict=True))
