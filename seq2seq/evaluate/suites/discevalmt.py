"""DiscEvalMT, English to French: anaphora and lexical choice by hand (Bawden et al. 2018).

Two forms are read, each of one of the two sets:

- ``anaphora.json`` or ``lexical-choice.json``;
- the text made from it: ``NAME.current.en``, ``NAME.current.fr``, ``NAME.prev.en`` and
  ``NAME.prev.fr``, every line twice, for the right and the wrong translation.

The items of a block have one source and mirror each other: what is right after one sentence is
wrong after another. So a model that sees the sentence alone is right in exactly half of them; of
the published anaphora two items lack their counterpart, which is said. The translation of the
sentence before is part of the question, and models that take context on the target side are given
it also where they write themselves.

An item is right where the right translation has the larger log-probability; equal is wrong, as in
the set's ``scripts/evaluate.py``. "Semi-correct" items, whose context is translated oddly, count
as in that program.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.evaluate.item import Item, Suite
from seq2seq.evaluate.judging import exchanged_words, judge_by_word
from seq2seq.evaluate.suites.files import beside, read_json_file, read_parallel_lines

RULE = "the translation holds a word that the right translation has and the wrong one lacks"
ITEMS_OF_A_BLOCK = {"anaphora": 4, "lexical": 2}


def read_discevalmt(path: Path) -> Suite:
    """Read one of the two sets.

    Args:
        path: its JSON file, or how the names of its text files begin, such as ``sets/anaphora``.

    Raises:
        DataError: it is neither.
    """
    if path.is_dir():
        raise DataError(
            f"{path}: a folder may hold both sets; name anaphora.json, lexical-choice.json, or "
            f"how the names of the text files begin, such as {path / 'anaphora'}"
        )
    items = _read_json(path) if path.is_file() else _read_text(path)
    notes = _unmirrored(items)
    return Suite(
        "DiscEvalMT", ("en", "fr"), items, judge_by_word(), RULE, notes, given_target_context=True
    )


def _unmirrored(items: Sequence[Item]) -> tuple[str, ...]:
    """Say how many items lack the counterpart that makes a sentence alone right in half of them."""
    pairs = Counter((item.source, item.good, *item.bads) for item in items)
    lacking = sum(
        max(0, count - pairs[source, bad, good]) for (source, good, bad), count in pairs.items()
    )
    if not lacking:
        return ()
    return (
        f"{lacking:,} items have no counterpart with right and wrong exchanged: a model of single "
        f"sentences is right in half of the items, give or take {lacking / 2:g}",
    )


def _read_json(path: Path) -> tuple[Item, ...]:
    content = read_json_file(path)
    try:
        return tuple(
            _item(
                f"{name}.{number}",
                name,
                _sentences(example.get("src", block.get("src"))),
                _sentences(_right(example)),
                _sentences(example.get("trg", example)["incorrect"]),
                tags,
            )
            for name, block in content.items()
            for number, example, tags in _examples(block)
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DataError(
            f"{path}: needed blocks of DiscEvalMT by their number, each with 'src' and 'trg', or "
            "with 'examples'; is it anaphora.json or lexical-choice.json?"
        ) from None


def _examples(block: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any], dict[str, str]]]:
    """The examples of a block, numbered, with what they are told apart by."""
    if "examples" in block:
        kind = {"type": block["type"]} if block.get("type") else {}
        return [(number, one, kind) for number, one in enumerate(block["examples"], start=1)]
    return [
        (number, one, {"type": one["type"], "reference": "correct" if "correct" in one
                       else "semi-correct"})
        for number, one in enumerate(block["trg"], start=1)
    ]  # fmt: skip


def _right(example: Mapping[str, Any]) -> Any:
    answers = example.get("trg", example)
    return answers["correct"] if "correct" in answers else answers["semi-correct"]


def _sentences(pair: Any) -> tuple[str, str]:
    before, sentence = pair
    return str(before), str(sentence)


def _read_text(path: Path) -> tuple[Item, ...]:
    names = [f"{path.name}.{part}" for part in ("prev.en", "current.en", "prev.fr", "current.fr")]
    files = [beside(path.parent, name) for name in names]
    missing = [name for name, file in zip(names, files, strict=True) if file is None]
    if missing:
        raise DataError(
            f"{path}: no {', '.join(missing)}; needed the set's JSON file, or how the names of its "
            "four text files begin"
        )
    rows = list(zip(*read_parallel_lines(*(file for file in files if file)), strict=True))
    size = next((n for kind, n in ITEMS_OF_A_BLOCK.items() if path.name.startswith(kind)), 0)
    if not size or len(rows) % (2 * size):
        raise DataError(
            f"{path}: {len(rows):,} lines, needed whole blocks of the set 'anaphora' (8 lines) or "
            "'lexical_choice' (4), whose name the files begin with"
        )
    items = []
    for place in range(0, len(rows), 2):
        right, wrong = rows[place], rows[place + 1]
        if right[:2] != wrong[:2]:
            raise DataError(
                f"{files[1]}: lines {place + 1} and {place + 2} differ, needed one source for "
                "the right and the wrong translation"
            )
        block, number = divmod(place // 2, size)
        name = f"{block + 1}"
        items.append(
            _item(f"{name}.{number + 1}", name, right[:2], right[2:], wrong[2:], {})
        )  # fmt: skip
    return tuple(items)


def _item(
    name: str,
    block: str,
    source: Sequence[str],
    right: Sequence[str],
    wrong: Sequence[str],
    tags: Mapping[str, str],
) -> Item:
    if right[0] != wrong[0]:
        raise DataError(
            f"DiscEvalMT item {name}: its right and its wrong translation have different contexts, "
            "needed one"
        )
    expected, unexpected = exchanged_words(right[1], [wrong[1]])
    return Item(
        id=name,
        source=source[1],
        cluster=block,
        good=right[1],
        bads=(wrong[1],),
        source_context=(source[0],),
        target_context=(right[0],),
        block=block,
        expected=expected,
        unexpected=unexpected,
        tags=dict(tags),
    )
