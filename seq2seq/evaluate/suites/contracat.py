"""ContraCAT, English to German: ContraPro attacked, and templates (Stojanovski et al. 2020).

PATH is one folder of the suite with ``en.txt`` and ``de.txt``, contexts before ``<SEP>``:

- a template with ``genders.txt``: three lines a source, with "er", "sie" and "es", and the right
  gender of each, ``m``, ``f`` or ``n``. The templates of priors have no right answer, and are
  refused;
- an attack on ContraPro, with the suite's JSON of the items it changes in the folder.

An item is right where the right translation scores above every other one; equal is wrong. The
suite's ``evaluate.py`` takes the first of equal ones in templates.
"""

from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.evaluate.item import Item, Suite
from seq2seq.evaluate.judging import judge_by_moses_word
from seq2seq.evaluate.suites.contrapro import (
    PRONOUNS,
    RULE,
    SEPARATOR,
    annotated_groups,
    pronoun_words,
    read_groups,
)
from seq2seq.evaluate.suites.files import (
    beside,
    needed,
    read_parallel_lines,
    split_context,
)
from seq2seq.lines import plain_name

GENDERS = ("m", "f", "n")
TEMPLATES = "templates share their words; intervals take each item as independent"


def read_contracat(path: Path) -> Suite:
    """Read one folder of the suite.

    Args:
        path: the folder.

    Raises:
        DataError: files are missing, or no answer is right.
    """
    if not path.is_dir():
        raise DataError(f"{path}: needed a folder of ContraCAT with en.txt and de.txt")
    sources, targets = (needed(path, name, "ContraCAT") for name in ("en.txt", "de.txt"))
    genders = beside(path, "genders.txt")
    items = (
        read_groups(sources, targets, annotated_groups(_annotation(path)))
        if genders is None
        else _template(sources, targets, genders)
    )
    notes = () if genders is None else (TEMPLATES,)
    return Suite("ContraCAT", ("en", "de"), items, judge_by_moses_word("de"), RULE, notes)


def _annotation(path: Path) -> Path:
    found = [one for one in sorted(path.iterdir()) if plain_name(one).endswith("contrapro.json")
             or plain_name(one).endswith("contrapro_subset.json")]  # fmt: skip
    modified = [one for one in found if one.name.startswith("modified")] or found
    if len(modified) != 1:
        raise DataError(
            f"{path}: {len(modified)} files of ContraPro's JSON here, needed one: "
            "modified_contrapro_subset.json for attacks that change a part, a copy of "
            "contrapro.json for the others"
        )
    return modified[0]


def _template(source_file: Path, target_file: Path, gender_file: Path) -> tuple[Item, ...]:
    sources, targets, genders = read_parallel_lines(source_file, target_file, gender_file)
    named = {gender.strip() for gender in genders}
    if not named <= set(GENDERS):
        raise DataError(
            f"{gender_file}: {sorted(named - set(GENDERS))[0]!r}, needed m, f or n; this template "
            "asks for a prior and has no right answer"
        )
    said = split_context(sources, SEPARATOR)
    written = split_context(targets, SEPARATOR)
    items = []
    for start in range(0, len(said), len(GENDERS)):
        group = slice(start, start + len(GENDERS))
        if len(set(said[group])) != 1 or len(set(genders[group])) != 1 or len(said[group]) != 3:
            raise DataError(
                f"{source_file}: lines {start + 1} to {start + 3} differ, needed one source with "
                "three translations and one gender"
            )
        items.append(_item(start // 3 + 1, said[start], written[group], genders[start].strip()))
    return tuple(items)


def _item(
    number: int,
    said: tuple[tuple[str, ...], str],
    written: list[tuple[tuple[str, ...], str]],
    gender: str,
) -> Item:
    right = GENDERS.index(gender)
    good = written[right][1]
    bads = tuple(text for place, (_, text) in enumerate(written) if place != right)
    expected, unexpected = pronoun_words(good, bads, PRONOUNS)
    return Item(
        id=str(number),
        source=said[1],
        cluster=str(number),
        good=good,
        bads=bads,
        source_context=said[0],
        target_context=written[right][0],
        expected=expected,
        unexpected=unexpected,
        tags={"pronoun": "/".join(expected)},
    )
