"""ContraPro: German "er", "sie" or "es" for English "it" (Müller et al. 2018), and texts like it.

Two forms are read:

- **JSON**, as published: one record an item, the annotation in it. Context is not part of it; the
  files ``NAME.context.en`` and ``NAME.context.de`` that the suite's own script writes beside
  ``NAME.text.en`` are read where they stand beside ``NAME.json``.
- **Text**: a folder or the beginning of file names with ``.en`` and ``.de`` lines, contexts before
  ``<SEP>``, the right translation first in each group; ``.groups`` says at which line each group
  begins, or the suite's JSON, beside it, how many wrong translations each item has.

An item is right where the right translation scores above every wrong one; equal is wrong, as in
the suite's ``evaluate.py``. That program takes any score; its README names negative
log-probabilities, so the sum over the pieces is compared, without regard to length.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.evaluate.item import Item, Suite, find_mention
from seq2seq.evaluate.judging import exchanged_words, judge_by_moses_word
from seq2seq.evaluate.suites.files import (
    beside,
    read_parallel_lines,
    read_records,
    split_context,
    stem_of,
)
from seq2seq.lines import plain_name, read_lines
from seq2seq.normalization import is_whole_number

SEPARATOR = "<SEP>"
PRONOUNS = frozenset({"er", "sie", "es"})
RULE = (
    "the reference's pronoun is one of the translation's Moses tokens, whatever else is "
    "(Post and Junczys-Dowmunt 2023)"
)
NO_DOCUMENTS = "the suite's text names no documents, so intervals take each item as independent"
FAR = 3  # a greater distance of the antecedent counts as one class, as in evaluate.py
_FIELDS: Mapping[str, type] = {
    "src segment": str, "ref segment": str, "src pronoun": str, "ref pronoun": str, "errors": list,
    "ante distance": int, "document id": str,
}  # fmt: skip


def read_contrapro(path: Path) -> Suite:
    """Read ContraPro in either form.

    Args:
        path: the JSON file, a folder of the text form, or the beginning of its files' names.

    Raises:
        DataError: it is neither.
    """
    if path.is_file():
        items, notes = _read_json(path)
    else:
        items, notes = _read_text(path)
    judge = judge_by_moses_word("de")
    return Suite("ContraPro", ("en", "de"), items, judge, RULE, notes)


def read_groups(source_file: Path, target_file: Path, groups: "Groups") -> tuple[Item, ...]:
    """Read groups of lines: the right translation and then the wrong ones of each source.

    Args:
        source_file: a source on every line, its context before ``<SEP>``.
        target_file: the translations, likewise.
        groups: which lines belong together.

    Raises:
        DataError: the lines of a group do not belong together.
    """
    sources, targets = read_parallel_lines(source_file, target_file)
    if groups.lines is not None and groups.lines != len(sources):
        raise DataError(
            f"{source_file}: {len(sources):,} lines, but {groups.named} has {groups.lines:,} "
            "translations; needed those of one release"
        )
    if groups.starts[-1] >= len(sources):
        raise DataError(
            f"{source_file}: {len(sources):,} lines, but {groups.named} has a group that begins "
            f"at {groups.starts[-1]:,}; needed the groups of these very files"
        )
    rows = list(
        zip(split_context(sources, SEPARATOR), split_context(targets, SEPARATOR), strict=True)
    )
    items = []
    for number, (start, end) in enumerate(pairwise([*groups.starts, len(rows)]), start=1):
        group = rows[start:end]
        if len({source for source, _ in group}) > 1 or len({t[0] for _, t in group}) > 1:
            raise DataError(
                f"{source_file}: lines {start + 1} to {end} are one group but differ in their "
                "source or context; needed the groups of these very files"
            )
        record = groups.records[number - 1] if groups.records else None
        items.append(_item_of_group(number, group, record))
    return tuple(items)


@dataclass(frozen=True)
class Groups:
    """Which lines of a text form belong together.

    Attributes:
        named: the file that says it.
        starts: the first line of each, from 0.
        lines: how many lines there must be; None where the file does not say it.
        records: the suite's annotation of each; none where it is not there.
    """

    named: str
    starts: tuple[int, ...]
    lines: int | None = None
    records: tuple[Mapping[str, Any], ...] = ()


def annotated_groups(annotation: Path) -> Groups:
    """The groups that the suite's JSON tells: one line for the right and each wrong translation.

    Args:
        annotation: the JSON file.

    Raises:
        DataError: it is none of this suite.
    """
    records = read_records(annotation, _FIELDS)
    sizes = [1 + len(record["errors"]) for record in records]
    starts = tuple(accumulate(sizes[:-1], initial=0))
    return Groups(annotation.name, starts, sum(sizes), tuple(records))


def item_of_record(
    number: int,
    record: Mapping[str, Any],
    source_context: tuple[str, ...] = (),
    target_context: tuple[str, ...] = (),
) -> Item:
    """An annotated item.

    Args:
        number: its place in the file, from 1.
        record: what the suite's JSON says of it.
        source_context: the sentences before it.
        target_context: their translations.
    """
    pronoun, good = record["ref pronoun"].lower(), record["ref segment"]
    replacements = {one["replacement"].lower() for one in record["errors"]}
    _, absent = exchanged_words(good, [one["contrastive"] for one in record["errors"]])
    distance = record["ante distance"]
    sentences = (*source_context, record["src segment"])
    antecedent = find_mention(record.get("src ante head") or "", sentences, distance)
    return Item(
        id=str(number),
        source=record["src segment"],
        cluster=record["document id"],
        good=good,
        bads=tuple(one["contrastive"] for one in record["errors"]),
        source_context=source_context,
        target_context=target_context,
        expected=(pronoun,),
        unexpected=tuple(sorted(replacements & set(absent))),
        tags={
            "pronoun": f"{record['src pronoun'].lower()}:{pronoun}",
            "distance": str(distance) if distance <= FAR else f">{FAR}",
        },
        pronoun=find_mention(record["src pronoun"], sentences, 0),
        antecedents=() if antecedent is None else (antecedent,),
    )


def _read_json(path: Path) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    records = read_records(path, _FIELDS)
    contexts = _contexts(path, records)
    items = tuple(
        item_of_record(number, record, *context)
        for number, (record, context) in enumerate(zip(records, contexts, strict=True), start=1)
    )
    notes = () if any(context[0] for context in contexts) else (
        "the JSON holds no context, and no context files stand beside it",
    )  # fmt: skip
    return items, notes


def _contexts(
    path: Path, records: Sequence[Mapping[str, Any]]
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The context of each item from the files that the suite's script writes."""
    stem = plain_name(path).removesuffix(".json")
    files = [beside(path.parent, f"{stem}.context.{code}") for code in ("en", "de")]
    if files[0] is None or files[1] is None:
        return [((), ())] * len(records)
    sources, targets = read_parallel_lines(files[0], files[1])
    candidates = sum(1 + len(record["errors"]) for record in records)
    if len(sources) % candidates:
        raise DataError(
            f"{files[0]}: {len(sources):,} lines for {candidates:,} translations, needed as many "
            "sentences of context for each"
        )
    each, place, found = len(sources) // candidates, 0, []
    for record in records:
        part = slice(place, place + each)
        found.append((_said(sources[part]), _said(targets[part])))
        place += each * (1 + len(record["errors"]))
    return found


def _said(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line for line in lines if line.strip())


def _read_text(path: Path) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    folder, stem = stem_of(path, "en")
    source_file, target_file = (beside(folder, f"{stem}{code}") for code in ("en", "de"))
    if source_file is None or target_file is None:
        raise DataError(
            f"{path}: no {stem}en and {stem}de; needed the suite's JSON file, a folder of its "
            "text form, or how their names begin"
        )
    groups = _groups(folder, stem.removesuffix("."), source_file)
    notes = () if groups.records else (NO_DOCUMENTS,)
    return read_groups(source_file, target_file, groups), notes


def _groups(folder: Path, stem: str, source_file: Path) -> Groups:
    annotation = beside(folder, f"{stem.split('.')[0]}.json")
    listed = beside(folder, f"{stem}.groups")
    if listed is not None:
        starts = tuple(int(line) for line in read_lines(listed) if is_whole_number(line.strip()))
        if not starts or starts[0] != 0 or tuple(sorted(set(starts))) != starts:
            raise DataError(f"{listed}: needed the number of each group's first line, from 0 up")
        return Groups(listed.name, starts)
    if annotation is None:
        raise DataError(
            f"{source_file}: where its groups begin is not known; needed {stem}.groups (the first "
            f"line of each, from 0) or the suite's {stem.split('.')[0]}.json beside it"
        )
    return annotated_groups(annotation)


def _item_of_group(
    number: int,
    group: Sequence[tuple[tuple[tuple[str, ...], str], tuple[tuple[str, ...], str]]],
    record: Mapping[str, Any] | None,
) -> Item:
    (source_context, source), (target_context, good) = group[0]
    if record is not None:
        annotated = {**record, "src segment": source, "ref segment": good}
        return item_of_record(number, annotated, source_context, target_context)
    bads = tuple(target for _, (_, target) in group[1:])
    expected, unexpected = pronoun_words(good, bads, PRONOUNS)
    return Item(
        id=str(number),
        source=source,
        cluster=str(number),
        good=good,
        bads=bads,
        source_context=source_context,
        target_context=target_context,
        expected=expected,
        unexpected=unexpected,
        tags={"pronoun": "/".join(expected) or "not one word"},
    )


def pronoun_words(
    good: str, bads: Sequence[str], pronouns: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The pronouns that were exchanged; where none was, every word that was.

    Args:
        good: the right translation.
        bads: the wrong ones.
        pronouns: the pronouns of the suite.
    """
    expected, unexpected = exchanged_words(good, bads)
    named = tuple(word for word in expected if word in pronouns)
    if not named:
        return expected, unexpected
    return named, tuple(word for word in unexpected if word in pronouns)
