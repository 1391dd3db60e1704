"""SCAT: what its lines say, that no trace of a mark is left, and files that are none of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import DataError
from seq2seq.evaluate.item import Item, Place
from seq2seq.evaluate.suites.scat import read_scat

LINE = {
    "source": "Where did they go?",
    "target": "Mais  les filles , où sont-elles allées ?",
    "source_context": "",
    "target_context": "Une rue . J'ai vu l' autre  rue . Elles étaient là.",
    "source_pronouns": [[10, 14]],
    "target_pronouns": [[27, 32]],
    "source_support": [],
    "target_support": [[6, 16]],
    "source_context_support": [],
    "target_context_support": [[21, 26], [28, 31], [34, 39]],
}


def written(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "valid.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def words(item: Item) -> list[tuple[str, int]]:
    sentences = (*item.target_context, item.good)
    return [
        (sentences[-1 - mark.distance][mark.start : mark.end], mark.distance)
        for mark in item.target_marks
    ]


def test_a_line_is_a_question_with_its_marks_and_no_trace_of_their_tags(tmp_path: Path) -> None:
    (item,) = read_scat(written(tmp_path, LINE)).items
    assert item.good == "Mais les filles, où sont-elles allées ?", "one space, none before a comma"
    assert item.bads == ("Mais les filles, où sont-ils allées ?",)
    assert item.target_context == ("Une rue .", "J'ai vu l'autre rue.", "Elles étaient là.")
    assert words(item) == [("autre", 2), ("rue", 2), ("Elles", 1), ("les filles", 0)]
    assert item.pronoun == Place(0, 10, 14)
    assert (item.expected, item.unexpected) == (("elles",), ("ils",))
    assert item.tags == {"pronoun": "elles", "distance": "0"}
    assert item.source_marks == ()


def test_several_pronouns_change_their_gender_together_and_other_words_stay(
    tmp_path: Path,
) -> None:
    line = LINE | {"target": "Il dit qu'elle a son sac.", "target_support": []}
    some = line | {"target_pronouns": [[0, 2], [10, 14], [17, 20]]}
    none = line | {"target_pronouns": [[17, 20]]}
    suite = read_scat(written(tmp_path, some, none))
    assert suite.items[0].bads == ("Elle dit qu'il a son sac.",)
    assert suite.items[1].bads == ()
    assert any(note.startswith("1 items mark no il, elle, ils or elles") for note in suite.notes)


def test_marks_of_no_character_are_left_out_and_counted(tmp_path: Path) -> None:
    suite = read_scat(written(tmp_path, LINE | {"target_support": [[6, 6], [6, 16]]}))
    assert words(suite.items[0])[-1] == ("les filles", 0)
    assert len(suite.items[0].target_marks) == 4
    assert "1 marks cover no character and are left out" in suite.notes


def test_items_that_share_a_long_sentence_are_one_cluster(tmp_path: Path) -> None:
    long = ["The wave was high, I say.", "Nobody has ever seen him.", "They came over the hill."]
    contexts = [long[0], f"{long[0]} {long[1]}", long[1].upper(), long[2], "I say."]
    lines = [LINE | {"source_context": one} for one in contexts]
    clusters = [item.cluster for item in read_scat(written(tmp_path, *lines)).items]
    assert len(set(clusters[:3])) == 1, "the second has a sentence of each neighbour"
    assert len(set(clusters)) == 3


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"target_support": [[6, 160]]}, "item 2: target: a mark at [6, 160], needed"),
        ({"target_context_support": [[5, 3]]}, "item 2: target_context: a mark at [5, 3]"),
        ({"source_pronouns": [[True, 4]]}, "item 2: source: a mark at [True, 4]"),
        ({"source_support": ["they"]}, "item 2: source: a mark at 'they'"),
        ({"source_context": None}, "item 2: needed 'source_context' (str)"),
        ({"target_pronouns": {}}, "item 2: needed 'target_pronouns' (list)"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    path = written(tmp_path, LINE, LINE | change)
    with pytest.raises(DataError) as error:
        read_scat(path)
    assert problem in str(error.value)


def test_of_the_published_file_every_mark_is_kept_and_none_is_betrayed(shared_data: Path) -> None:
    suite = read_scat(shared_data / "context" / "scat" / "valid.jsonl.gz")
    assert (len(suite.items), sum(bool(item.bads) for item in suite.items)) == (145, 145)
    marks = [
        (side[-1 - mark.distance], mark)
        for item in suite.items
        for side, some in (
            ((*item.source_context, item.source), item.source_marks),
            ((*item.target_context, item.good), item.target_marks),
        )
        for mark in some
    ]
    assert len(marks) == 145
    for text, mark in marks:
        before, behind = text[: mark.start], text[mark.end :]
        assert not before.endswith(("  ", "' ", "’ "))
        assert not behind.startswith(("  ", " .", " ,", " '"))
