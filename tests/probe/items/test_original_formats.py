"""Sets in the files that their authors publish: blocks of lines, arrays, options, cut words."""

import json
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import DataError
from seq2seq.probe.items.formats.question import Unusable
from seq2seq.probe.items.formats.xwino import spell
from tests.probe.items.test_sets import read, shown

BLOCKS = """The crane lifted the piano when it was broken.
it
The crane,the piano
the piano

Lea saw that she had left before Mia, as she was late.
she
Lea, Mia
Lea

"""
MASKED = """The crane lifted the piano, and  [MASK] is strong.
[MASK]
 the piano , The crane
 The crane

The crane lifted the piano, and [MASK].
[MASK]
The crane ,the piano
the piano
"""


def test_definite_pronouns_are_read_in_blocks_of_four_lines(tmp_path) -> None:
    found = read(tmp_path, BLOCKS, "train.c.txt")
    assert (found.kind, found.unused) == ("definite pronouns", 0)
    assert [shown(case) for case in found.cases] == [
        "{The crane} lifted [the piano] when <it> was broken.",
        "[Lea] saw that <she> had left before {Mia}, as she was late.",  # the first "she"
    ]
    assert [case.id for case in found.cases] == ["train.c.txt:1", "train.c.txt:6"]


def test_a_mask_in_place_of_the_pronoun_is_a_blank(tmp_path) -> None:
    found = read(tmp_path, MASKED, "wsc273.txt")
    assert found.kind == "definite pronouns"
    assert [shown(case) for case in found.cases] == [
        "[The crane] lifted {the piano}, and <_> is strong.",
        "{The crane} lifted [the piano], and <_> .",
    ]
    assert found.cases[0].pair == found.cases[1].pair != ""
    assert "blank" in found.cases[0].tags


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BLOCKS + "One line.\nit\n", r"set.txt:11: a block of 2 lines .* needed four"),
        (
            BLOCKS + "It fell.\nit\nthe cup,the jar\nthe lid\n",
            r"set.txt:11: the right candidate 'the lid' stands 0 times among",
        ),
    ],
)
def test_a_broken_block_is_refused_with_its_line(tmp_path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_what_a_block_leaves_open_is_counted(tmp_path) -> None:
    open_ones = "The cup fell on the cup.\nit\nthe cup,the jar\nthe jar\n\n"
    found = read(tmp_path, BLOCKS + open_ones)
    assert (len(found.cases), found.unused) == (2, 1)
    assert "the pronoun does not stand in the text" in found.problems[0]


def knowref(*sentences: str, right: str = "Lea") -> str:
    items = [
        {
            "sentence_with_pronoun": text,
            "candidate0": "Mia",
            "candidate1": "Lea",
            "correct_candidate": right,
            "original_sentence": [""],
        }
        for text in sentences
    ]
    return "[\n" + ",\n".join(map(json.dumps, items)) + "\n]\n"


SEEN = "Lea saw Mia when [she] came home ."


def test_knowref_reads_an_array_whose_sentences_recur(tmp_path) -> None:
    found = read(tmp_path, knowref(SEEN, SEEN, "Mia met Lea ."), "test.json")
    assert (found.kind, found.unused) == ("knowref", 1)
    assert [shown(case) for case in found.cases] == 2 * ["[Lea] saw {Mia} when <she> came home ."]
    assert [case.id for case in found.cases] == ["test.json:1", "test.json:2"]
    assert found.cases[0].tags == ("gender=female",)
    assert "not one word stands in brackets" in found.problems[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (knowref(SEEN, right="Eva"), r"item 1: right is 'Eva' of \('Mia', 'Lea'\)"),
        ('[\n{"sentence_with_pronoun": "[She] ran."}]', r"item 1 has no text in \['candidate0'"),
        ('[\n{"sentence_with_pronoun": ', r"not JSON"),
    ],
)
def test_a_broken_knowref_file_is_refused(tmp_path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def option(name: str, text: str, answer: str | None = "2", **changes: Any) -> str:
    fields = {"qID": name, "sentence": text, "option1": "tree", "option2": "roof"}
    fields |= changes | ({} if answer is None else {"answer": answer})
    return json.dumps(fields) + "\n"


def test_winogrande_options_are_found_and_twins_paired_by_their_id(tmp_path) -> None:
    text = (
        option("X-1-1", "The tree fell on the roof, so _ broke.")
        + option("Y-3", "The tree fell on the roof, so _ broke.")
        + option("X-1-2", "The tree fell on the roof, so _ rotted.", "1")
        + option("Z-1", "The tree fell on the roof, so _ broke.", None)
    )
    found = read(tmp_path, text, "dev.jsonl")
    assert (found.kind, found.unused) == ("winogrande", 1)
    assert [shown(case) for case in found.cases] == [
        "The {tree} fell on the [roof], so <_> broke.",
        "The {tree} fell on the [roof], so <_> broke.",
        "The [tree] fell on the {roof}, so <_> rotted.",
    ]
    assert [case.pair for case in found.cases] == ["X-1", "Y", "X-1"]
    assert "the answer is not given" in found.problems[0]


def xwino(text: str, words: list[str], pronoun: tuple[int, int], *found: tuple[int, int]) -> str:
    def mention(place: tuple[int, int]) -> list[Any]:
        return ["", list(place), words[slice(*place)]]

    marked = [[*mention(place), number == 0] for number, place in enumerate(found)]
    cells = [json.dumps(each) for each in (words, mention(pronoun), marked)]
    return "\t".join(["en", "original", "?", text, *cells]) + "\n"


CUT = ["The", "robot", "could", "n't", "lift", "it", ",", "so", "it", "'s", "weak", "."]


def test_xwino_places_count_words_of_any_language(tmp_path) -> None:
    text = xwino("The robot couldn't lift it, so it's weak.", CUT, (8, 9), (0, 2), (5, 6))
    text += xwino(
        "机器人举起箱子因为它轻。", list("机器人举起箱子因为它轻。"), (9, 10), (5, 7), (0, 3)
    )
    text += xwino("The robot couldn't lift it, so it is weak.", CUT, (8, 9), (0, 2), (5, 6))
    found = read(tmp_path, text, "dataset.tsv")
    assert (found.kind, found.unused) == ("xwino", 1)
    assert [shown(case) for case in found.cases] == [
        "[The robot] couldn't lift {it}, so <it>'s weak.",
        "{机器人}举起[箱子]因为<它>轻。",
    ]
    assert found.cases[0].tags == ("lang=en", "collection=original")
    assert "the words do not spell the text" in found.problems[0]


def test_words_that_leave_a_rest_do_not_spell_a_text() -> None:
    assert spell("a  bc", ["a", "b", "c"]) == [(0, 1), (3, 4), (4, 5)]
    with pytest.raises(Unusable):
        spell("a bc d", ["a", "bc"])


def test_a_broken_xwino_line_is_refused(tmp_path) -> None:
    line = xwino("It ran.", ["It", "ran", "."], (0, 1), (1, 2), (2, 3))
    with pytest.raises(DataError, match=r"set.txt:2: 7 columns .*needed 7: language"):
        read(tmp_path, line + line.replace("true", "1"))


STEREOTYPED = (
    "1 [The cook] met the nurse as [he] was ill.\n2 The cook met [the nurse] as [she] ran.\n"
)


def test_the_side_of_a_stereotype_is_taken_from_the_name_of_the_file(tmp_path: Path) -> None:
    for name, side in (("pro_stereotyped_type1.txt.dev", "pro"), ("anti_stereotyped.txt", "anti")):
        found = read(tmp_path, STEREOTYPED, name)
        assert {case.tags for case in found.cases} == {(f"stereotype={side}",)}
    assert {case.tags for case in read(tmp_path, STEREOTYPED, "antique.txt").cases} == {()}


def test_gap_keeps_which_of_its_two_names_each_candidate_is(tmp_path) -> None:
    text = "Zoë met Ada at the fair, and she paid."
    row = f"d-1\t{text}\tshe\t29\tAda\t8\tTRUE\tZoë\t0\tFALSE\tpage"
    header = "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL"
    (case,) = read(tmp_path, f"{header}\n{row}\n").cases
    assert [(mention.text, mention.role) for mention in case.candidates] == [
        ("Zoë", "B"),
        ("Ada", "A"),
    ]
