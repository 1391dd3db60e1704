"""Probe sets in their own formats: what becomes a case, what is counted, what is refused."""

import gzip
import json
from pathlib import Path
from typing import Any, get_args

import pytest

from seq2seq.errors import DataError
from seq2seq.probe.items.case import Case, case_of_item
from seq2seq.probe.items.formats.question import Kind
from seq2seq.probe.items.formats.suite_items import KIND_OF_SUITE
from seq2seq.probe.items.sets import FORMATS, CaseSet, read_cases, recognise
from seq2seq.pronouns.items import Candidate, Item
from tests.pronouns.item_files import write_items


def read(tmp_path: Path, text: str, name: str = "set.txt", **options: Any) -> CaseSet:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_cases(tmp_path / name, **options)


def shown(case: Case) -> str:
    """A case on one line: [right] and {wrong} candidates, <pronoun>."""
    marks = [(case.pronoun, "<>")] if case.pronoun else []
    for row, mention in enumerate(case.candidates):
        assert case.text[slice(*mention.span)] == mention.text
        marks.append((mention.span, "[]" if row in case.correct else "{}"))
    text = case.text
    for (start, end), (left, right) in sorted(marks, reverse=True):
        text = text[:start] + left + text[start:end] + right + text[end:]
    return text


def line(text: str, *candidates: tuple[str, bool], pronoun: str = "it", **fields: Any) -> str:
    found = [{"text": c, "start": text.index(c), "correct": right} for c, right in candidates]
    place = {"text": pronoun, "start": text.rindex(pronoun)}
    entry = {"id": text, "lang": "en", "text": text, "pronoun": place, "candidates": found}
    return json.dumps(entry | fields, ensure_ascii=False) + "\n"


FITS = [
    line("The crane fits the shed as it is flat.", ("The crane", True), ("the shed", False)),
    line("The crane fits the shed as it is wide.", ("The crane", False), ("the shed", True)),
]


def test_candidates_in_json_lines_become_cases(tmp_path) -> None:
    found = read(tmp_path, "".join(FITS), "made.dev.jsonl")
    assert (found.kind, found.problems, found.unused) == ("candidates", (), 0)
    assert [shown(case) for case in found.cases] == [
        "[The crane] fits {the shed} as <it> is flat.",
        "{The crane} fits [the shed] as <it> is wide.",
    ]
    assert [(case.gold, case.decided) for case in found.cases] == [(0, True), (1, True)]
    assert found.cases[0].pair == found.cases[1].pair != ""
    assert {case.cluster for case in found.cases} == {"crane|shed"}
    assert found.cases[0].tags == ("lang=en",)


def test_a_packed_file_is_read_as_it_is_unpacked(tmp_path) -> None:
    (tmp_path / "made.jsonl.gz").write_bytes(gzip.compress("".join(FITS).encode()))
    packed = read_cases(tmp_path / "made.jsonl.gz")
    assert packed == read(tmp_path, "".join(FITS), "made.jsonl")


def test_places_count_characters_not_bytes(tmp_path) -> None:
    text = "Die 🦜 and Zoë saw the cafe\u0301 as she ate."
    (case,) = read(
        tmp_path, line(text, ("Zoë", True), ("the cafe\u0301", False), pronoun="she")
    ).cases
    assert shown(case) == "Die 🦜 and [Zoë] saw {the cafe\u0301} as <she> ate."


def test_candidates_stand_in_the_order_of_the_text(tmp_path) -> None:
    turned = line("The crane saw it in the shed.", ("the shed", True), ("The crane", False))
    (case,) = read(tmp_path, turned).cases
    assert shown(case) == "{The crane} saw <it> in [the shed]."
    assert case.correct == {1}


def test_a_blank_counts_as_a_pronoun_and_is_tagged(tmp_path) -> None:
    text = "Ann paid Eve because _ was kind."
    (case,) = read(tmp_path, line(text, ("Ann", True), ("Eve", False), pronoun="_")).cases
    assert shown(case) == "[Ann] paid {Eve} because <_> was kind."
    assert "blank" in case.tags
    assert "blank" not in read(tmp_path, FITS[0]).cases[0].tags


def test_a_case_may_have_no_right_candidate(tmp_path) -> None:
    text = "Ann saw Eve when it rained."
    (case,) = read(tmp_path, line(text, ("Ann", False), ("Eve", False))).cases
    assert (case.correct, case.gold, case.decided) == (frozenset(), None, False)


def test_cases_of_one_document_are_one_cluster_and_no_pair(tmp_path) -> None:
    pages = [json.dumps(json.loads(entry) | {"url": "page"}) + "\n" for entry in FITS]
    found = read(tmp_path, "".join(pages))
    assert [(case.cluster, case.pair) for case in found.cases] == [("page", "")] * 2


def test_neighbours_with_the_same_answer_or_other_nouns_are_no_pair(tmp_path) -> None:
    again = line(
        "The crane fits the shed as it was flat.", ("The crane", True), ("the shed", False)
    )
    other = line("The crane hit the wall as it was flat.", ("The crane", False), ("the wall", True))
    found = read(tmp_path, FITS[0] + again + other + FITS[1])
    assert {case.pair for case in found.cases} == {""}


def test_three_lines_alike_make_one_pair(tmp_path) -> None:
    third = line(
        "The crane fits the shed as it was long.", ("The crane", True), ("the shed", False)
    )
    found = read(tmp_path, "".join(FITS) + third)
    pairs = [case.pair for case in found.cases]
    assert pairs[0] == pairs[1] != pairs[2] == ""


def test_lines_that_cannot_be_used_are_counted_with_their_reason(tmp_path) -> None:
    shifted = json.loads(FITS[0]) | {"id": "shifted", "pronoun": {"text": "it", "start": 26}}
    moved = json.loads(FITS[0]) | {"id": "moved"}
    moved["candidates"] = [{"text": "crane", "start": 5, "correct": True}]
    within = line("A digit fell.", ("digit", True), id="within")
    good = "".join(line(f"Shed {n} is it.", (f"Shed {n}", True)) for n in range(5))
    found = read(tmp_path, good + json.dumps(shifted) + "\n" + json.dumps(moved) + "\n" + within)
    assert len(found.cases) == 5
    assert found.unused == 3
    assert set(found.problems) == {
        "1 left out: the pronoun does not stand where the line says (first: line 6)",
        "1 left out: the candidate does not stand where the line says (first: line 7)",
        "1 left out: the pronoun is a part of a candidate (first: line 8)",
    }


def test_a_file_of_which_most_cannot_be_used_is_refused(tmp_path) -> None:
    bad = json.dumps(json.loads(FITS[0]) | {"pronoun": {"text": "he", "start": 28}}) + "\n"
    with pytest.raises(
        DataError, match=r"read as candidates, 1 lines can be used and 1 cannot; 1 left"
    ):
        read(tmp_path, FITS[1] + bad)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("{nonsense", r"set.txt:2: '\{nonsense' is not JSON .* needed one object a line"),
        (
            '{"text": "a"}',
            "set.txt:2: no field 'pronoun' where it belongs, needed id, text, pronoun",
        ),
        (FITS[1].replace("true", "1"), "set.txt:2: 1 is of another type than its field"),
        (FITS[1].replace('"start": 0', '"start": "0"'), "set.txt:2: '0' is of another type"),
        (FITS[0], "id 'The crane fits .*' stands in the file twice"),
    ],
)
def test_a_broken_line_is_refused_with_its_place(tmp_path, broken: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, FITS[0] + broken)


@pytest.mark.parametrize("text", ["", "\n\n", "just a sentence\n", "a\tb\n", '{"a": 1}\n'])
def test_a_file_of_no_known_kind_is_refused_with_what_can_be_read(tmp_path, text: str) -> None:
    with pytest.raises(DataError, match=r"begins with '.*', which is of no kind .* GAP \(TSV\)"):
        read(tmp_path, text)


ITEM = Item(
    id="i1", quad="q", pair="p", block="b", language="es", family="causal", schema="lift",
    cue="heavy", voice="active", split="T0",
    source="The robot lifted the crane because it was heavy.",
    pronoun=(35, 37), cue_span=(42, 47), clause=(27, 47),
    candidates=(
        Candidate("robot", "tool", "agent", "masc", (4, 9), (3, 8)),
        Candidate("crane", "tool", "patient", "fem", (21, 26), (20, 24)),
    ),
    gold=1, good="El robot levantó la grúa porque era pesada.",
    bad="El robot levantó la grúa porque era pesado.",
    good_spans=((36, 42),), bad_spans=((36, 42),), tags=("control",),
)  # fmt: skip


def test_an_item_of_our_corpus_keeps_all_it_says(tmp_path) -> None:
    write_items(tmp_path / "items.jsonl", [ITEM])
    found = read_cases(tmp_path / "items.jsonl")
    assert found.kind == "corpus"
    (case,) = found.cases
    assert case == case_of_item(ITEM)
    assert shown(case) == "The {robot} lifted the [crane] because <it> was heavy."
    assert (case.id, case.pair, case.quad, case.cluster) == ("i1", "p", "q", "b")
    assert (case.text[slice(*case.cue)], case.text[slice(*case.clause)]) == (
        "heavy", "because it was heavy",
    )  # fmt: skip
    assert [(m.role, m.gender, case.good[slice(*m.target_span)]) for m in case.candidates] == [
        ("agent", "masc", "robot"), ("patient", "fem", "grúa"),
    ]  # fmt: skip
    assert [case.good[slice(*span)] for span in case.good_spans] == ["pesada"]
    assert (case.bad, case.bad_spans, case.tags) == (ITEM.bad, ITEM.bad_spans, ("control",))


def test_a_packed_corpus_is_refused(tmp_path) -> None:
    write_items(tmp_path / "items.jsonl", [ITEM])
    (tmp_path / "items.jsonl.gz").write_bytes(
        gzip.compress((tmp_path / "items.jsonl").read_bytes())
    )
    assert recognise(tmp_path / "items.jsonl.gz") == "corpus"
    with pytest.raises(DataError, match=r"items\.jsonl\.gz: packed, needed the corpus as it was"):
        read_cases(tmp_path / "items.jsonl.gz")


@pytest.mark.shared_data
def test_the_lines_of_the_real_sets_are_used(shared_data) -> None:
    counts = {}
    for path in sorted((shared_data / "coref").glob("*.jsonl.gz")):
        found, name = read_cases(path), path.name.partition(".")[0]
        left_out = {"winogrande_train_m": ("2 left out: two candidates overlap (first: line 997)",)}
        assert found.problems == left_out.get(name, ())
        assert sum(bool(case.pair) for case in found.cases) == 2 * len(
            {c.pair for c in found.cases if c.pair}
        )
        counts[name] = (len(found.cases), sum(case.decided for case in found.cases))
    assert counts["gap_development"] == (2000, 1799)
    assert counts["gap_validation"] == (454, 392)
    assert counts["dpr_train_en"] == (1320, 1320)
    assert counts["winogrande_train_m"] == (2525, 2525)
    assert counts["winobias_pro_type1_dev"] == (396, 396)


def test_every_kind_says_how_it_is_read_and_those_of_suites_where_they_come_from() -> None:
    assert set(FORMATS) == set(get_args(Kind))
    assert all(FORMATS[kind].origin for kind in KIND_OF_SUITE.values())
