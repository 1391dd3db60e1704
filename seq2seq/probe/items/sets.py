"""Probe sets in their own formats, read as cases; every line that is not used is counted.

A set says where its pronouns and candidates stand, or names them, or only contrasts translations:
one module of readers each. What kind a file is, its first line tells.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from seq2seq.errors import DataError
from seq2seq.files import parse_json
from seq2seq.lines import STDIN, iterate_lines
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.formats.contrastive import read_contrast
from seq2seq.probe.items.formats.question import PRONOUNS, Question, Unusable, without_article
from seq2seq.probe.items.formats.with_phrases import (
    read_winobias,
    read_winogender,
    read_winograd,
    read_winomt,
)
from seq2seq.probe.items.formats.with_places import (
    GAP_COLUMNS,
    read_candidates,
    read_corpus,
    read_gap,
)

Kind = Literal[
    "corpus", "candidates", "gap", "winograd", "winobias", "winogender", "winomt", "contrast"
]
READABLE = (
    "items of seq2seq corpus pronouns (corpus), JSON Lines with text, pronoun and candidates "
    "(candidates), GAP's TSV (gap), Winograd schemas in XML (winograd), WinoBias's bracketed lines "
    "(winobias), Winogender's all_sentences.tsv (winogender), WinoMT's en.txt (winomt), or TSV of "
    "source, good and bad target (contrast)"
)


@dataclass(frozen=True)
class CaseSet:
    """The cases of a file, and what became of its other lines.

    ``problems`` says how many lines were left out for each reason, and where the first one is;
    ``unused`` is their number.
    """

    name: str
    cases: tuple[Case, ...]
    problems: tuple[str, ...]
    kind: Kind
    unused: int


def read_cases(path: Path, kind: Kind | Literal["auto"] = "auto") -> CaseSet:
    """Read a probe set.

    Args:
        path: The file; all but the built-in corpus and XML may end in .gz or .zst.
        kind: Its format; "auto" to go by its first line.

    Returns:
        Its cases. Where the format names neither documents nor pairs, neighbouring lines are a
        pair if they offer the same candidates and another one is right, and all cases with the
        same candidates are one cluster.

    Raises:
        DataError: The file is of no known kind, breaks its format, repeats an id, or more than
            half of its lines cannot be used.
    """
    path = Path(path)
    known = recognise(path) if kind == "auto" else kind
    cases: dict[str, Case] = {}
    reasons: dict[str, list[str]] = defaultdict(list)
    for question in _questions(path, known):
        try:
            case = question.ask()
        except Unusable as reason:
            reasons[str(reason)].append(question.place)
            continue
        if case.id in cases:
            raise DataError(
                f"{path}: {question.place}: id {case.id!r} stands in the file twice, needed one "
                "id a case; number them"
            )
        cases[case.id] = case
    unused = sum(map(len, reasons.values()))
    problems = tuple(
        f"{len(places):,} left out: {reason} (first: {places[0]})"
        for reason, places in sorted(reasons.items(), key=lambda entry: -len(entry[1]))
    )
    if len(cases) <= unused:
        raise DataError(
            f"{path}: read as {known}, {len(cases):,} lines can be used and {unused:,} cannot"
            f"{''.join(f'; {problem}' for problem in problems)}; check the file, or name its kind"
        )
    name = path.name.removesuffix(".gz").removesuffix(".zst").rsplit(".", 1)[0]
    return CaseSet(name, tuple(_grouped(cases.values())), problems, known, unused)


def recognise(path: Path) -> Kind:
    """Tell the kind of a probe set from its first line.

    Raises:
        DataError: It has none, or one of no known kind; or it is a pipe, of which what is read here
            would be missing when the cases are read.
    """
    if str(path) == STDIN or path.is_fifo():
        raise DataError(
            f"{path}: a pipe, which can be read only once, needed a file; write what comes to one"
        )
    first = next((line for line in iterate_lines(path) if line.strip()), "")
    kind = _kind_of(first)
    if kind is None:
        raise DataError(
            f"{path}: begins with {first[:60]!r}, which is of no kind that can be read; needed "
            f"{READABLE}; name its kind if it is one of them"
        )
    return kind


def _kind_of(line: str) -> Kind | None:
    columns = line.split("\t")
    if line.lstrip().startswith("<"):
        return "winograd"
    if line.lstrip().startswith("{"):
        return _json_kind(line)
    if set(GAP_COLUMNS) <= set(columns):
        return "gap"
    if columns == ["sentid", "sentence"] or (len(columns) == 2 and columns[0].endswith(".txt")):
        return "winogender"
    if len(columns) == 4 and columns[0] in PRONOUNS and columns[1].isdecimal():
        return "winomt"
    if len(columns) == 3:
        return "contrast"
    return "winobias" if len(columns) == 1 and "[" in line and "]" in line else None


def _json_kind(line: str) -> Kind | None:
    try:
        fields = parse_json(line)
    except ValueError:
        return None
    if not isinstance(fields, dict):
        return None
    if "item_schema" in fields or {"source", "target"} <= fields.keys():
        return "corpus"
    return "candidates" if {"text", "pronoun", "candidates"} <= fields.keys() else None


def _questions(path: Path, kind: Kind) -> Iterator[Question]:
    match kind:
        case "corpus":
            return read_corpus(path)
        case "candidates":
            return read_candidates(path)
        case "gap":
            return read_gap(path)
        case "winograd":
            return read_winograd(path)
        case "winobias":
            return read_winobias(path)
        case "winogender":
            return read_winogender(path)
        case "winomt":
            return read_winomt(path)
        case "contrast":
            return read_contrast(path)
        case _:
            raise DataError(f"kind {kind!r}: not known, needed one of {get_args(Kind)}")


def _grouped(cases: Iterable[Case]) -> list[Case]:
    """The cases with pairs and clusters where their source names none."""
    found = list(cases)
    at = 0
    while at + 1 < len(found):
        if _are_twins(found[at], found[at + 1]):
            found[at : at + 2] = [replace(case, pair=found[at].id) for case in found[at : at + 2]]
            at += 1
        at += 1
    return [
        case if case.cluster else replace(case, cluster="|".join(sorted(_nouns(case))))
        for case in found
    ]


def _are_twins(one: Case, other: Case) -> bool:
    return (
        not any(case.pair or case.cluster or not case.decided for case in (one, other))
        and _nouns(one) == _nouns(other)
        and one.correct != other.correct
    )


def _nouns(case: Case) -> Sequence[str]:
    return [without_article(mention.text).lower() for mention in case.candidates]
