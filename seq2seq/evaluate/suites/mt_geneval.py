"""MT-GenEval: the gender of people in translations from English (Currey et al. 2022).

PATH is the file of English sentences of one language pair; its companions lie beside it:

- ``geneval-context-wikiprofessions-2to1-SET.en_XX.en``: the sentence that tells the gender stands
  before ``<sep>``; the references are the files *original* and *flipped*;
- ``geneval-sentences-feminine-SET.en_XX.en`` (or *masculine*): sentences that tell the gender
  themselves, and their counterparts of the other gender; a pair is a block.

The right translation is the reference of the right gender, the wrong one that of the other.
"""

import re
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.evaluate.item import Item, Suite
from seq2seq.evaluate.judging import differing_words, judge_by_unexpected_word
from seq2seq.evaluate.suites.contrapro import NO_DOCUMENTS
from seq2seq.evaluate.suites.files import (
    needed,
    read_parallel_lines,
    split_context,
)
from seq2seq.lines import plain_name

SEPARATOR = "<sep>"
GENDERS = ("feminine", "masculine")
RULE = (
    "the translation holds no word that only the reference of the other gender has, also where it "
    "shows neither gender (Currey et al. 2022)"
)
_CONTEXTUAL = re.compile(r"(.*-)2to1(-.*\.en_(\w+)\.)en")
_SENTENCES = re.compile(r"(.*-)(?:feminine|masculine)(-.*\.en_(\w+)\.)en")


def read_mt_geneval(path: Path) -> Suite:
    """Read the contextual or the counterfactual set of one language pair.

    Args:
        path: the file of English sentences.

    Raises:
        DataError: it is neither, or a companion is missing.
    """
    if path.is_dir():
        found = sorted(plain_name(one) for one in path.iterdir() if _kind(plain_name(one)))
        listed = ", ".join(found) or "none here"
        raise DataError(f"{path}: a folder, needed one file of English sentences: {listed}")
    kind = _kind(plain_name(path))
    if kind is None:
        raise DataError(
            f"{path}: needed a name like geneval-context-wikiprofessions-2to1-dev.en_es.en or "
            "geneval-sentences-feminine-dev.en_es.en"
        )
    contextual, (before, after, code) = kind
    read = _contextual if contextual else _counterfactual
    items = read(path.parent, before, after, code)
    notes = [NO_DOCUMENTS] if contextual else []
    same = sum(not item.bads for item in items)
    if same:
        notes.append(
            f"{same:,} items have one reference for both genders: nothing to choose from, and "
            "every translation of them is right by the suite's rule"
        )
    judge = judge_by_unexpected_word()
    return Suite("MT-GenEval", ("en", code), items, judge, RULE, tuple(notes))


def _kind(name: str) -> tuple[bool, tuple[str, str, str]] | None:
    """Whether a file is of the contextual set, and the parts of its name."""
    for contextual, pattern in ((True, _CONTEXTUAL), (False, _SENTENCES)):
        found = pattern.fullmatch(name)
        if found is not None:
            return contextual, (found[1], found[2], found[3])
    return None


def _contextual(folder: Path, before: str, after: str, code: str) -> tuple[Item, ...]:
    names = [f"{before}2to1{after}en", *(f"{before}{kind}{after}{code}" for kind in _REFERENCES)]
    sources, right, wrong = read_parallel_lines(
        *(needed(folder, name, "MT-GenEval") for name in names)
    )
    rows = zip(split_context(sources, SEPARATOR), right, wrong, strict=True)
    return tuple(
        _item(str(number), str(number), source, good, bad, context=context)
        for number, ((context, source), good, bad) in enumerate(rows, start=1)
    )


def _counterfactual(folder: Path, before: str, after: str, code: str) -> tuple[Item, ...]:
    names = [f"{before}{gender}{after}{end}" for gender in GENDERS for end in ("en", code)]
    rows = zip(
        *read_parallel_lines(*(needed(folder, name, "MT-GenEval") for name in names)), strict=True
    )
    items = []
    for number, (she, sie, he, er) in enumerate(rows, start=1):
        for gender, source, good, bad in ((GENDERS[0], she, sie, er), (GENDERS[1], he, er, sie)):
            name = f"{number}.{gender}"
            items.append(_item(name, str(number), source, good, bad, gender=gender))
    return tuple(items)


_REFERENCES = ("original", "flipped")


def _item(
    name: str,
    cluster: str,
    source: str,
    good: str,
    bad: str,
    *,
    context: tuple[str, ...] = (),
    gender: str = "",
) -> Item:
    expected, unexpected = differing_words(good, bad)
    return Item(
        id=name,
        source=source,
        cluster=cluster,
        good=good,
        bads=(bad,) if bad != good else (),
        source_context=context,
        block=cluster if gender else "",
        expected=expected,
        unexpected=unexpected,
        tags={"gender": gender} if gender else {},
    )
