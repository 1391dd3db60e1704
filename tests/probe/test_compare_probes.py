"""Two probes compared from their items alone, worked by hand; the same probe twice differs in 0."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scripts.compare_probe_folders import compare_probes, seeds_table
from seq2seq.errors import DataError
from seq2seq.files import write_objects
from seq2seq.probe.causes.experiment import Trial
from seq2seq.probe.items.case import Case, Mention
from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.report.item_record import Record, item_fields, read_record

HEAD = Measure("E→", "raw", "encoder", 1, 0)
Write = Callable[..., Path]


def record(
    right: Sequence[float], *, prefix: str = "x", shown: Mapping[str, float] | None = None
) -> Record:
    """Items of which the chosen measure has these right; pairs of two, clusters of four."""
    cases = tuple(
        Case(
            id=f"{prefix}-{n}", text=f"{prefix} text {n}", pronoun=(0, 1),
            candidates=(Mention("a", (0, 1)), Mention("b", (2, 3))), correct=frozenset({n % 2}),
            pair=f"p{n // 2}", quad=f"q{n // 4}", cluster=f"c{n // 4}",
        )
        for n in range(len(right))
    )  # fmt: skip
    gold = np.array(right, dtype=float)
    preference = np.where(gold == 1, 2.0, -2.0)
    return Record(
        cases, HEAD, 1, {HEAD: (gold, 1 - gold)}, preference,
        (Trial("it off", -preference, preference),),
        {"untouched": {}}, {"untouched": dict(shown or {})},
    )  # fmt: skip


def part(whole: Record, kept: slice) -> Record:
    """Some items of a record."""
    gold, other = whole.scores[HEAD]
    assert whole.preference is not None
    trial = Trial("it off", -whole.preference[kept], whole.preference[kept])
    return replace(
        whole, cases=whole.cases[kept], scores={HEAD: (gold[kept], other[kept])},
        preference=whole.preference[kept], trials=(trial,),
    )  # fmt: skip


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def folder(name: str, given: Record) -> Path:
        (tmp_path / name).mkdir()
        write_objects(tmp_path / name / "items.jsonl", item_fields(given))
        return tmp_path / name

    return folder


def test_an_item_says_everything_that_was_seen_of_it() -> None:
    (first, *_) = item_fields(record([1, 0, 1, 1], shown={"x-0": 1.0}))
    assert first == {
        "items_schema": 1, "id": "x-0", "text": "x text 0", "quad": "q0", "pair": "p0",
        "cluster": "c0", "gold": "a", "distractor": "b", "gold_first": True, "right": 1.0,
        "scores": {"E→ raw encoder layer 1 head 0": [1.0, 0.0]}, "preference": 2.0,
        "knock_outs": {"it off": -2.0}, "controls": {"it off": 2.0}, "written": {},
        "shown": {"untouched": 1.0},
    }  # fmt: skip


def test_a_sign_turns_what_counts_as_right() -> None:
    given = record([1, 0])
    turned = Record(**{**vars(given), "sign": -1})
    assert [one["right"] for one in item_fields(turned)] == [0, 1]


def test_the_same_texts_are_paired_and_worked_by_hand(write: Write) -> None:
    one = write("one", record([1, 1, 1, 1, 1, 1, 1, 0]))
    other = write("other", record([1, 0, 1, 0, 1, 0, 1, 0]))
    attention, preferred = compare_probes(one, other)
    assert (attention.one, attention.other) == (0.875, 0.5)
    assert attention.difference.value == 0.375
    assert attention.paired
    assert attention.p == 0.25  # three differ, all one way: 2 / 2^3
    assert attention.p_pairs == 0.25  # three pairs more, none less
    assert preferred.question == "preferred"


def test_a_probe_does_not_differ_from_itself(write: Write) -> None:
    same = record([1, 0, 1, 1, 0, 0, 1, 1])
    for found in compare_probes(write("one", same), write("two", same)):
        assert (found.difference.value, found.p) == (0, 1)
        assert found.difference.interval.low == found.difference.interval.high == 0


def test_other_texts_are_compared_as_independent_sets(write: Write) -> None:
    one = write("one", record([1] * 12))
    other = write("other", record([1, 0] * 4, prefix="y"))
    found = compare_probes(one, other)[0]
    assert (found.paired, found.p, found.items) == (False, None, (12, 8))
    assert found.difference.value == 0.5
    assert found.sample == "none shared, 12 and 8 independent"


def test_sets_that_differ_in_an_item_each_are_paired_on_what_they_share(write: Write) -> None:
    one = write("one", part(record([1, 1, 1, 1, 1, 1, 1, 0, 0]), slice(0, 8)))
    other = write("other", part(record([1, 0, 1, 0, 1, 0, 1, 0, 1]), slice(1, 9)))
    found = compare_probes(one, other)[0]
    assert (found.paired, found.items, found.left_out) == (True, (7, 7), (1, 1))
    assert found.sample == "7 shared, 1 and 1 left out"
    assert found.difference.value == pytest.approx(3 / 7)
    assert found.p == 0.25  # three differ, all one way: 2 / 2^3
    assert found.p_pairs == 0.5  # of the three whole pairs two differ


def test_half_of_the_smaller_set_is_enough_to_pair_and_less_is_refused(write: Write) -> None:
    whole = record([1, 0] * 7)
    one = write("one", part(whole, slice(0, 10)))
    half, less = write("half", part(whole, slice(6, 14))), write("less", part(whole, slice(7, 14)))
    found = compare_probes(one, half)[0]
    assert (found.paired, found.items, found.left_out) == (True, (4, 4), (6, 4))
    needed = (
        r"one/items.jsonl: 3 of 10 texts are shared with the 7 of .*less/items.jsonl, needed half "
        "of the smaller set, to pair them, or none, .*; probe both on one set"
    )
    with pytest.raises(DataError, match=needed):
        compare_probes(one, less)


def test_free_translations_are_compared_where_both_were_judged(write: Write) -> None:
    shown = {f"x-{n}": float(n % 2) for n in range(8)}
    one = write("one", record([1] * 8, shown=dict.fromkeys(shown, 1.0)))
    other = write("other", record([1] * 8, shown=shown))
    (_, _, written) = compare_probes(one, other)
    assert (written.question, written.one, written.other) == ("written", 1, 0.5)


def test_seeds_have_a_mean_a_spread_and_an_interval(write: Write) -> None:
    folders = [
        write("s1", record([1, 1, 1, 1, 1, 1, 1, 1])),
        write("s2", record([1, 0, 1, 0, 1, 0, 1, 0])),
        write("s3", record([1, 1, 1, 0, 1, 1, 1, 0])),
    ]
    rows = {row.question: row for row in seeds_table(folders)}
    assert rows["attention"].values == (1, 0.5, 0.75)
    assert rows["attention"].mean.value == 0.75
    assert rows["attention"].deviation == pytest.approx(0.25)
    assert rows["attention"].mean.interval.low < 0.75 < rows["attention"].mean.interval.high
    assert rows["it off"].values == (0, 0.5, 0.25)
    assert "written" not in rows


def test_seeds_on_other_items_and_a_single_seed_are_refused(write: Write) -> None:
    one, other = write("one", record([1, 1])), write("other", record([1, 1], prefix="y"))
    with pytest.raises(DataError, match="probe all seeds on one set"):
        seeds_table([one, other])
    with pytest.raises(DataError, match="needed two or more"):
        seeds_table([one])


def test_a_text_that_stands_twice_is_refused(write: Write) -> None:
    twice = record([1, 1])
    same = Record(**{**vars(twice), "cases": (twice.cases[0], twice.cases[0])})
    with pytest.raises(DataError, match="1 texts stand twice"):
        compare_probes(write("one", same), write("two", same))


def test_items_of_another_version_or_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="probe the model again"):
        read_record(tmp_path / "items.jsonl")
    (tmp_path / "items.jsonl").write_text('{"items_schema": 99}\n', encoding="utf-8")
    with pytest.raises(DataError, match="items schema 99, needed 1"):
        read_record(tmp_path / "items.jsonl")
