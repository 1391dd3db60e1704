"""Probe sets in their own formats, read as cases; every line that is not used is counted.

Each published format has its reader, which says where pronouns and candidates stand or finds them.
What kind a file is, its first lines tell.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, islice
from pathlib import Path
from typing import Literal

from seq2seq.errors import DataError
from seq2seq.evaluate.item import Suite
from seq2seq.evaluate.suites.contrapro import read_contrapro
from seq2seq.evaluate.suites.ctxpro import read_ctxpro
from seq2seq.files import parse_json
from seq2seq.lines import STDIN, iterate_lines
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.formats.candidates import read_candidates
from seq2seq.probe.items.formats.corpus import read_corpus
from seq2seq.probe.items.formats.definite_pronouns import is_block, read_definite_pronouns
from seq2seq.probe.items.formats.gap import COLUMNS as GAP_COLUMNS
from seq2seq.probe.items.formats.gap import read_gap
from seq2seq.probe.items.formats.knowref import SENTENCE as KNOWREF_SENTENCE
from seq2seq.probe.items.formats.knowref import read_knowref
from seq2seq.probe.items.formats.question import PRONOUNS, Kind, Question, Unusable, without_article
from seq2seq.probe.items.formats.suite_items import KIND_OF_SUITE, questions_of
from seq2seq.probe.items.formats.winobias import read_winobias
from seq2seq.probe.items.formats.winogender import read_winogender
from seq2seq.probe.items.formats.winograd import read_winograd
from seq2seq.probe.items.formats.winogrande import FIELDS as WINOGRANDE_FIELDS
from seq2seq.probe.items.formats.winogrande import read_winogrande
from seq2seq.probe.items.formats.winomt import read_winomt
from seq2seq.probe.items.formats.xwino import COLUMNS as XWINO_COLUMNS
from seq2seq.probe.items.formats.xwino import read_xwino


@dataclass(frozen=True)
class Format:
    """How sets of a kind are read.

    Attributes:
        read: the questions of a file.
        origin: where its items come from, as a report says it; empty if nothing is known.
        asks_more: whether such files ask other things too, so that few lines may be usable.
    """

    read: Callable[[Path], Iterator[Question]]
    origin: str = ""
    asks_more: bool = False


BY_PEOPLE = "written by people for this question"
BY_PATTERN = "written after patterns, with occupations put in"
SUBTITLES = "taken from film subtitles"
FORMATS: Mapping[Kind, Format] = {
    "corpus": Format(read_corpus, "made by rule"),
    "candidates": Format(read_candidates),
    "definite pronouns": Format(read_definite_pronouns, BY_PEOPLE),
    "gap": Format(read_gap, "taken from Wikipedia"),
    "knowref": Format(read_knowref, "taken from the web, with other names put in"),
    "winobias": Format(read_winobias, BY_PATTERN),
    "winogender": Format(read_winogender, BY_PATTERN),
    "winograd": Format(read_winograd, BY_PEOPLE),
    "winogrande": Format(read_winogrande, BY_PEOPLE),
    "winomt": Format(read_winomt, BY_PATTERN),
    "xwino": Format(read_xwino, BY_PEOPLE),
    "contrapro": Format(lambda path: questions_of(read_contrapro(path)), SUBTITLES, asks_more=True),
    "ctxpro": Format(lambda path: questions_of(read_ctxpro(path)), SUBTITLES, asks_more=True),
}
READABLE = (
    "items of `seq2seq corpus pronouns`; JSON Lines of text, pronoun and candidates; the published "
    "files of Winograd schemas and PDP (XML), of DPR (four lines a question; WSC273, PDP, "
    "Winogender and WinoBias come so, too), GAP (TSV), KnowRef (JSON), WinoBias (brackets), "
    "Winogender (all_sentences.tsv), WinoGrande (JSON Lines), WinoMT (en.txt), XWINO (TSV), "
    "ContraPro or ctxPro (JSON)"
)
CONTRASTIVE = (
    "contrastive translations, which name no antecedent and no other noun; needed a set that does "
    "(`seq2seq evaluate` asks a model such translations)"
)
SCAT_FIELD = "target_context_support"
FIRST_LINES = 40
BY_STEREOTYPE = ("definite pronouns", "winobias", "winomt")
"""Sets whose file names say on which side of a stereotype their answers are."""
SIDE_OF_STEREOTYPE = re.compile(r"(?<![a-z])(pro|anti)(?![a-z])")


@dataclass(frozen=True)
class CaseSet:
    """The cases of a file, and what became of its other lines.

    ``problems`` says how many lines were left out for each reason, and where the first one is;
    ``unused`` is their number.
    """

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
    return _case_set(path, known, FORMATS[known].read(path))


def cases_of_suite(suite: Suite, path: Path) -> CaseSet:
    """The items of a suite that a probe can ask.

    Args:
        suite: of ``seq2seq evaluate``.
        path: where it lies.

    Raises:
        DataError: It does not name what a probe needs, or no item can be used, or `KIND_OF_SUITE`
            does not say what its items are.
    """
    kind = KIND_OF_SUITE.get(suite.name)
    if kind == "winomt":  # the sentences tell the pronoun, which the suite does not name
        return read_cases(path, kind)
    questions = questions_of(suite)  # refuses a suite that is not in the table
    return _case_set(path, KIND_OF_SUITE[suite.name], questions)


def _case_set(path: Path, kind: Kind, questions: Iterable[Question]) -> CaseSet:
    cases: dict[str, Case] = {}
    reasons: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        try:
            case = _tagged(question.ask(), path, kind)
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
    if not cases if FORMATS[kind].asks_more else len(cases) <= unused:
        raise DataError(
            f"{path}: read as {kind}, {len(cases):,} lines can be used and {unused:,} cannot"
            f"{''.join(f'; {problem}' for problem in problems)}; check the file"
        )
    return CaseSet(tuple(_grouped(cases.values())), problems, kind, unused)


def recognise(path: Path) -> Kind:
    """Tell the kind of a probe set from its first lines.

    Raises:
        DataError: It has none, or is of no known kind, or contrasts translations only; or it is a
            pipe, of which what is read here would be missing when the cases are read.
    """
    if str(path) == STDIN or path.is_fifo():
        raise DataError(
            f"{path}: a pipe, which can be read only once, needed a file; write what comes to one"
        )
    written = dropwhile(lambda line: not line.strip(), iterate_lines(path))
    lines = list(islice(written, FIRST_LINES))
    first = lines[0] if lines else ""
    kind = _kind_of(lines) if lines else None
    if kind is None and _is_contrastive(lines):
        raise DataError(f"{path}: {CONTRASTIVE}")
    if kind is None:
        raise DataError(
            f"{path}: begins with {first[:60]!r}, which is of no kind that can be read; needed "
            f"{READABLE}"
        )
    return kind


def _kind_of(lines: Sequence[str]) -> Kind | None:
    line = lines[0]
    columns = line.split("\t")
    if line.lstrip().startswith("<"):
        return "winograd"
    if line.lstrip().startswith("{"):
        return _json_kind(line)
    if line.lstrip().startswith("["):
        return _array_kind("\n".join(lines)) or _bracket_kind(lines)
    if set(GAP_COLUMNS) <= set(columns):
        return "gap"
    if columns == ["sentid", "sentence"] or (len(columns) == 2 and columns[0].endswith(".txt")):
        return "winogender"
    if len(columns) == 4 and columns[0] in PRONOUNS and columns[1].isdecimal():
        return "winomt"
    if len(columns) == XWINO_COLUMNS and columns[-1].lstrip().startswith("["):
        return "xwino"
    return _bracket_kind(lines) if len(columns) == 1 else None


def _array_kind(text: str) -> Kind | None:
    if f'"{KNOWREF_SENTENCE}"' in text:
        return "knowref"
    if '"src segment"' not in text or '"ante distance"' not in text:
        return None
    return "contrapro" if '"errors"' in text else "ctxpro"


def _bracket_kind(lines: Sequence[str]) -> Kind | None:
    if is_block(lines):
        return "definite pronouns"
    return "winobias" if "[" in lines[0] and "]" in lines[0] else None


def _json_kind(line: str) -> Kind | None:
    try:
        fields = parse_json(line)
    except ValueError:
        return None
    if not isinstance(fields, dict):
        return None
    if SCAT_FIELD in fields:
        return None
    if "item_schema" in fields or {"source", "target"} <= fields.keys():
        return "corpus"
    if set(WINOGRANDE_FIELDS) <= fields.keys():
        return "winogrande"
    return "candidates" if {"text", "pronoun", "candidates"} <= fields.keys() else None


def _is_contrastive(lines: Sequence[str]) -> bool:
    """ContraPro and its like: right and wrong translations, in JSON or in text."""
    text = "\n".join(lines)
    names = ("ante distance", "errors", "good", "inspired by", SCAT_FIELD)
    named = any(f'"{name}"' in text for name in names)
    return named or "<SEP>" in text or len(text.partition("\n")[0].split("\t")) == 3


def _tagged(case: Case, path: Path, kind: Kind) -> Case:
    """The case with the side of a stereotype that the name of its file says."""
    side = SIDE_OF_STEREOTYPE.search(path.name.lower()) if kind in BY_STEREOTYPE else None
    return replace(case, tags=(*case.tags, f"stereotype={side[1]}")) if side else case


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
