"""Sets that name phrases, or offsets in columns; and translations alone, which are refused."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq.errors import DataError
from seq2seq.probe.items.formats.gap import COLUMNS as GAP_COLUMNS
from seq2seq.probe.items.sets import read_cases
from tests.probe.items.test_sets import read, shown

TEXT = 'Zoë met "Ada" at the fair, and she paid.'


def gap(*rows: tuple[str, ...]) -> str:
    return "".join("\t".join(row) + "\n" for row in (GAP_COLUMNS, *rows))


def row(
    name: str, *, offset: int = 31, right: tuple[str, str] = ("TRUE", "FALSE")
) -> tuple[str, ...]:
    return (name, TEXT, "she", str(offset), "Ada", "9", right[0], "Zoë", "0", right[1], "page")


def test_gap_keeps_quotes_offsets_and_undecided_lines(tmp_path) -> None:
    found = read(tmp_path, gap(row("d-1"), row("d-2", right=("False", "FALSE"))))
    assert found.kind == "gap"
    assert [shown(case) for case in found.cases] == [
        '{Zoë} met "[Ada]" at the fair, and <she> paid.',
        '{Zoë} met "{Ada}" at the fair, and <she> paid.',
    ]
    assert [(case.id, case.cluster, case.tags, case.decided) for case in found.cases] == [
        ("d-1", "page", ("gender=F",), True),
        ("d-2", "page", ("gender=F",), False),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (gap(row("d-1"), ("d-2", "short")), "set.txt:3: 2 columns, needed the 11 of the first"),
        (gap(row("d-1", right=("yes", "no"))), "set.txt:2: 'YES', needed whole numbers"),
        (gap(row("d-1")).replace("31", "x"), "set.txt:2: invalid literal .* needed whole numbers"),
        (gap(row("d-1", offset=30), row("d-2")), "used and 1 cannot; 1 left out: the pronoun"),
    ],
)  # fmt: skip
def test_a_broken_gap_file_is_refused(tmp_path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_gap_without_a_column_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match=r"set.txt:1: no column \['URL'\], needed"):
        read(tmp_path, gap(row("d-1")).replace("URL", "Page"), kind="gap")


def schema(before: str, pronoun: str, after: str, answers: tuple[str, ...], right: str) -> str:
    listed = "".join(f"<answer> {answer} </answer>" for answer in answers)
    return (
        f"<schema><text><txt1>\n{before}</txt1><pron> {pronoun} </pron>"
        f"<txt2>{after}\n</txt2></text>"
        f"<quote><pron>{pronoun}</pron></quote><answers>{listed}</answers>"
        f"<correctAnswer> {right} </correctAnswer></schema>"
    )


def winograd(*schemas: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<collection>{"".join(schemas)}</collection>'


SHED = ("The crane", "the  shed")


def test_winograd_schemas_are_read_with_their_line_breaks_and_letters(tmp_path) -> None:
    found = read(
        tmp_path,
        winograd(
            schema("The crane fits\nthe shed because", "it", "is flat.", SHED, "A."),
            schema("The crane fits the shed because", "it", "is wide.", SHED, "B"),
            schema("Ann met Eve; Joe saw", "her", ", and left.", ("Joe", "Ann", "eve"), "C."),
            schema("Clouds hid the sun until", "it", "'s out.", ("A cloud", "the sun"), "B"),
        ),
    )
    assert found.kind == "winograd"
    assert [shown(case) for case in found.cases] == [
        "[The crane] fits {the shed} because <it> is flat.",
        "{The crane} fits [the shed] because <it> is wide.",
        "{Ann} met [Eve]; {Joe} saw <her>, and left.",
    ]
    assert found.cases[0].pair == found.cases[1].pair != ""
    assert found.cases[2].decided
    assert found.cases[2].gold is None, "three candidates have no one distractor"
    assert found.problems == (
        "1 left out: the candidate does not stand in the text (first: schema 4)",
    )


def test_a_candidate_that_stands_twice_is_left_out_not_guessed(tmp_path) -> None:
    good = schema("The crane fits the shed because", "it", "is flat.", SHED, "A")
    twice = schema("The crane hit a crane by the shed, so", "it", "fell.", ("crane", "shed"), "A")
    same = schema("The crane fits, as", "it", "is flat.", ("The crane", "crane"), "A")
    found = read(
        tmp_path,
        winograd(good, good.replace("flat", "low"), good.replace("flat", "big"), twice, same),
    )
    assert len(found.cases) == 3
    assert found.unused == 2
    assert set(found.problems) == {
        "1 left out: the candidate stands in several places (first: schema 4)",
        "1 left out: two candidates overlap (first: schema 5)",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<collection><schema>", "set.txt:1: column 20 is not XML"),
        (
            '<?xml version="1.0" encoding="utf-7"?><a/>',
            "set.txt: XML in an encoding that cannot be",
        ),
        ('<?xml version="1.0" encoding="hex"?><a/>', "set.txt: XML in an encoding that cannot be"),
        (
            "<collection></collection>",
            "no <schema> under <collection>, needed a Winograd collection",
        ),
        (
            winograd(schema("A dog saw", "it", "go.", ("A dog",), "B")),
            "schema 1: correctAnswer 'B' of 1",
        ),
        (
            winograd(schema("A dog saw", "it", "go.", ("A dog",), "")),
            "schema 1: correctAnswer '' of 1",
        ),
    ],
)
def test_broken_xml_is_refused(tmp_path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize("name", ["-", "pipe"])
def test_a_pipe_is_refused_whose_first_cases_would_be_lost(
    tmp_path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=f"{name}: a pipe, which can be read only once, needed a"):
        read_cases(Path(name))


WINOBIAS = """1 [The baker] called the guard because [she] lost [her] key.
2 The baker called [the guard] because [he] has a key.
3 The steel worker thanked [the baker] because [she] is kind.
4 [The steel worker] thanked the worker because [he] helped.
5 [The worker] met the [guard] 's son and [his] dog.
6 [The worker] met the baker and the guard and [he] left.
7 [The worker] met the painter and [he] left.
8 [The painter] met the worker in a hurry.
9 The painter met the [worker] because [he] could.
"""


def test_winobias_finds_the_other_person_by_who_is_named_in_the_file(tmp_path) -> None:
    found = read(tmp_path, WINOBIAS, "pro.txt.dev")
    assert found.kind == "winobias"
    assert [shown(case) for case in found.cases] == [
        "[The baker] called {the guard} because <she> lost her key.",
        "{The baker} called [the guard] because <he> has a key.",
        "{The steel worker} thanked [the baker] because <she> is kind.",
        "[The steel worker] thanked {the worker} because <he> helped.",
        "[The worker] met {the painter} and <he> left.",
        "{The painter} met [the worker] because <he> could.",
    ]
    assert found.cases[0].id == "pro.txt.dev:1"
    assert found.cases[0].pair == found.cases[1].pair != ""
    assert set(found.problems) == {
        "1 left out: which bracket is meant is not said (first: line 5)",
        "1 left out: several others may be meant (first: line 6)",
        "1 left out: no bracket holds a pronoun (first: line 8)",
    }


def test_winobias_lines_without_brackets_are_refused(tmp_path) -> None:
    with pytest.raises(DataError, match=r"set.txt:2: 'The baker called\.' has no brackets"):
        read(tmp_path, "[The baker] met the guard and [she] left.\nThe baker called.\n")


@pytest.mark.shared_data
def test_winobias_text_gives_the_cases_of_the_converted_file(shared_data, tmp_path) -> None:
    for path in sorted((shared_data / "coref").glob("winobias_*_dev.jsonl.gz")):
        converted = read_cases(path).cases
        lines = []
        for number, case in enumerate(converted, start=1):
            marked = case.text
            for start, end in sorted([case.pronoun, case.candidates[case.gold].span], reverse=True):
                marked = f"{marked[:start]}[{marked[start:end]}]{marked[end:]}"
            lines.append(f"{number} {marked}\n")
        found = read(tmp_path, "".join(lines))
        by_text, strict = {case.text: case for case in converted}, 0
        assert len(found.cases) > 0.95 * len(converted)
        for case in found.cases:
            # the other person's article belongs to it here, whether or not the brackets hold it
            same = by_text[case.text]
            assert (case.pronoun, case.correct) == (same.pronoun, same.correct)
            assert [m.span[1] for m in case.candidates] == [m.span[1] for m in same.candidates]
            strict += case == replace(same, id=case.id, pair=case.pair, tags=())
        assert strict > 0.95 * len(found.cases)


WINOGENDER = """sentid\tsentence
clerk.client.0.female.txt\tThe clerk told the client that she was late.
clerk.client.1.female.txt\tThe clerk told the client that her cup was full.
clerk.someone.1.neutral.txt\tThe clerk told someone that they were late.
cook.guest.1.male.txt\tThe cook told the guest that he knew his way.
"""


def test_winogender_reads_all_from_the_id(tmp_path) -> None:
    found = read(tmp_path, WINOGENDER)
    assert found.kind == "winogender"
    assert [shown(case) for case in found.cases] == [
        "The [clerk] told the {client} that <she> was late.",
        "The {clerk} told the [client] that <her> cup was full.",
        "The {clerk} told [someone] that <they> were late.",
    ]
    assert [mention.role for mention in found.cases[0].candidates] == ["occupation", "participant"]
    assert found.cases[0].pair == found.cases[1].pair != found.cases[2].pair
    assert {case.cluster for case in found.cases} == {"clerk"}
    assert found.problems == ("1 left out: several pronouns of the stated gender (first: line 5)",)


def test_a_winogender_id_of_another_form_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match=r"set.txt:3: 'clerk\.2\.female\.txt.*needed occupation"):
        read(tmp_path, "\n".join([*WINOGENDER.splitlines()[:2], "clerk.2.female.txt\tShe left."]))


WINOMT = """female\t1\tThe baker called the guard because she was lost.\tThe baker
male\t4\tThe baker called the guard because he was near.\tthe guard
female\t2\tWhen the steel worker met the guard, she ran.\tsteel worker
male\t6\tWhen the steel worker met the guard, he ran.\tguard
neutral\t1\tThe guard called someone because they were lost.\tThe guard
male\t2\tThe baker called the guard because he was here.\tthe guard
"""


def test_winomt_finds_the_person_at_the_numbered_word(tmp_path) -> None:
    found = read(tmp_path, WINOMT)
    assert found.kind == "winomt"
    assert [shown(case) for case in found.cases] == [
        "[The baker] called {the guard} because <she> was lost.",
        "{The baker} called [the guard] because <he> was near.",
        "When [the steel worker] met {the guard}, <she> ran.",
        "When {the steel worker} met [the guard], <he> ran.",
    ]
    assert found.cases[2].pair == found.cases[3].pair != ""
    assert found.cases[0].tags == ("gender=female",)
    assert set(found.problems) == {
        "1 left out: nobody else is found (first: line 5)",
        "1 left out: the person does not stand at the numbered word (first: line 6)",
    }


def test_a_winomt_line_of_another_form_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match=r"set.txt:7: 'male.*needed gender, number of a word"):
        read(tmp_path, WINOMT + "male\tone\tThe baker left.\tbaker\n")


@pytest.mark.parametrize(
    "text",
    [
        "It is heavy .\tSie ist schwer .\tEr ist schwer .\n",
        '[\n {\n  "ante distance": 0,\n  "src pronoun": "it",\n  "ref pronoun": "sie",\n',
        "The crane arrived. <SEP> It is heavy.\n",
        '{"source": "It fell.", "good": "Sie fiel.", "bad": "Er fiel."}\n',
        '{"source": "It fell.", "target": "Il est tombé.", "target_context_support": []}\n',
    ],
)
def test_contrastive_translations_are_refused_with_what_they_lack(tmp_path, text: str) -> None:
    with pytest.raises(DataError, match=r"contrastive translations, which name no antecedent"):
        read(tmp_path, text)
