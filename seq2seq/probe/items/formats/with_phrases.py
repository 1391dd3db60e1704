"""Readers of sets that name phrases and leave it to the reader to find them in the text.

Winograd schemas, WinoBias, Winogender and WinoMT were written for people or for other programs.
A phrase counts as found where it stands once, as whole words. WinoBias and WinoMT name only the
person who is meant: the other one is the only other person of the text whom the file names in any
line; with none, or with several, a line is left out.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines, open_unpacked
from seq2seq.probe.items.case import Case, Mention, Span
from seq2seq.probe.items.formats.question import (
    PRONOUNS,
    Question,
    Unusable,
    case_of_phrases,
    in_text_order,
    only_place,
    only_pronoun,
    overlap,
    places_of,
    with_article,
    without_article,
)

_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = re.compile(r"^\s*\d+\s+")
_FORMS = {form for forms in PRONOUNS.values() for form in forms}


def read_winograd(path: Path) -> Iterator[Question]:
    """The collection of Winograd schemas, and pronoun problems, in their XML.

    Raises:
        DataError: The file is not such XML.
    """
    try:
        with open_unpacked(path) as stream:
            root = ElementTree.parse(stream).getroot()
    except ElementTree.ParseError as error:
        line, column = error.position
        raise DataError(f"{path}:{line}: column {column} is not XML ({error})") from error
    except (LookupError, ValueError) as error:
        raise DataError(
            f"{path}: XML in an encoding that cannot be read ({error}), needed UTF-8; convert it"
        ) from error
    schemas = root.findall(".//schema")
    if not schemas:
        raise DataError(f"{path}: no <schema> under <{root.tag}>, needed a Winograd collection")
    for number, schema in enumerate(schemas, start=1):
        parts = [schema.findtext(f"text/{name}") for name in ("txt1", "pron", "txt2")]
        answers = [answer.text or "" for answer in schema.findall("answers/answer")]
        letter = (schema.findtext("correctAnswer") or "").strip().rstrip(".").upper()
        right = ord(letter) - ord("A") if len(letter) == 1 else -1
        if parts[1] is None or not 0 <= right < len(answers):
            raise DataError(
                f"{path}: schema {number}: correctAnswer {letter!r} of {len(answers)} answers and "
                f"pron {parts[1]!r}, needed a pronoun and the letter of an answer"
            )
        texts = [" ".join((part or "").split()) for part in parts]
        tidy = [" ".join(answer.split()) for answer in answers]
        place = f"schema {number}"
        yield Question(place, partial(_schema_case, place, texts, tidy, right))


def read_winobias(path: Path) -> Iterator[Question]:
    """The text files of WinoBias (Zhao et al. 2018): brackets around who is meant and pronouns.

    A line may begin with a number. Where several pronouns are marked, all mean the same person,
    and the first is taken.

    Raises:
        DataError: A line has no brackets.
    """
    lines = [
        (number, _NUMBER.sub("", line).strip())
        for number, line in enumerate(iterate_lines(path), start=1)
        if line.strip()
    ]
    for number, line in lines:
        if not _BRACKET.search(line):
            raise DataError(
                f"{path}:{number}: {line[:40]!r} has no brackets, needed them around the person "
                "and the pronoun"
            )
    persons = {
        without_article(phrase).lower() for _, line in lines for phrase in _BRACKET.findall(line)
    } - _FORMS
    for number, line in lines:
        case_id = f"{path.name}:{number}"
        yield Question(f"line {number}", partial(_bracket_case, case_id, line, persons))


def read_winogender(path: Path) -> Iterator[Question]:
    """The sentences of Winogender (Rudinger et al. 2018): columns ``sentid`` and ``sentence``.

    The id says it all: occupation, participant, which of them is meant (0 or 1), and gender.

    Raises:
        DataError: A line has other columns, or an id of another form.
    """
    for number, line in enumerate(iterate_lines(path), start=1):
        values = line.split("\t")
        if not line.strip() or (number == 1 and values[0] == "sentid"):
            continue
        name = values[0].removesuffix(".txt").split(".")
        if len(values) != 2 or len(name) != 4 or name[2] not in "01" or name[3] not in PRONOUNS:
            raise DataError(
                f"{path}:{number}: {line[:60]!r}, needed occupation.participant.0-or-1.gender.txt, "
                "a tab and the sentence"
            )
        yield Question(f"line {number}", partial(_winogender_case, values[0], name, values[1]))


def read_winomt(path: Path) -> Iterator[Question]:
    """The English side of WinoMT (Stanovsky et al. 2019).

    Its columns are the gender, the number of the word at which the person stands (from 0), the
    sentence, and the person.

    Raises:
        DataError: A line has other columns or values.
    """
    rows = []
    for number, line in enumerate(iterate_lines(path), start=1):
        if not line.strip():
            continue
        values = line.split("\t")
        if len(values) != 4 or values[0] not in PRONOUNS or not values[1].isdecimal():
            raise DataError(
                f"{path}:{number}: {line[:60]!r}, needed gender, number of a word, sentence and "
                "person, with tabs between"
            )
        rows.append((number, values))
    persons = {without_article(values[3]).lower() for _, values in rows}
    for number, values in rows:
        case_id = f"{path.name}:{number}"
        yield Question(f"line {number}", partial(_winomt_case, case_id, values, persons))


def _schema_case(name: str, parts: Sequence[str], answers: Sequence[str], right: int) -> Case:
    before, word, after = parts
    start = len(before) + (1 if before else 0)
    pronoun = (start, start + len(word))
    gap = "" if not after or after[0] in ".,;:!?'’" else " "
    text = f"{before} {word}{gap}{after}".strip()
    return case_of_phrases(name, text, pronoun, answers, right)


def _bracket_case(name: str, line: str, persons: set[str]) -> Case:
    text, marked, end = "", list[Span](), 0
    for bracket in _BRACKET.finditer(line):
        text += line[end : bracket.start()]
        marked.append((len(text), len(text) + len(bracket[1])))
        text, end = text + bracket[1], bracket.end()
    text += line[end:]
    pronouns = [span for span in marked if text[slice(*span)].lower() in _FORMS]
    meant = [span for span in marked if span not in pronouns]
    if not pronouns:
        raise Unusable("no bracket holds a pronoun")
    if len(meant) != 1:
        raise Unusable("which bracket is meant is not said" if meant else "nobody is marked")
    return _case_of_two(name, text, pronouns[0], meant[0], persons)


def _winogender_case(name: str, parts: Sequence[str], text: str) -> Case:
    occupation, participant, right, gender = parts
    pronoun = only_pronoun(text, gender)
    spans = [
        only_place(text, occupation, "occupation", outside=pronoun),
        only_place(text, participant, "participant", outside=pronoun),
    ]
    roles = ("occupation", "participant")
    mentions = [
        Mention(text[slice(*span)], span, role=role)
        for span, role in zip(spans, roles, strict=True)
    ]
    candidates, correct = in_text_order(mentions, [right == "0", right == "1"])
    return Case(
        id=name,
        text=text,
        pronoun=pronoun,
        candidates=candidates,
        correct=correct,
        pair=f"{occupation}.{participant}.{gender}",
        cluster=occupation,
        tags=(f"gender={gender}",),
    )


def _winomt_case(name: str, values: Sequence[str], persons: set[str]) -> Case:
    gender, word, text, person = values
    pronoun = only_pronoun(text, gender)
    starts = [match.start() for match in re.finditer(r"\S+", text)]
    noun = without_article(person)
    spans = [span for span in places_of(text, noun) if span[0] in starts[int(word) :][:1]]
    if not spans:
        raise Unusable("the person does not stand at the numbered word")
    return _case_of_two(name, text, pronoun, spans[0], persons, (f"gender={gender}",))


def _case_of_two(
    name: str,
    text: str,
    pronoun: Span,
    meant: Span,
    persons: set[str],
    tags: tuple[str, ...] = (),
) -> Case:
    """The case in which one person is meant and the other one has to be found."""
    found = {span for person in persons for span in places_of(text, person)}
    others = [
        span
        for span in sorted(found)
        if not overlap(span, meant)
        and not overlap(span, pronoun)
        # "worker" within "construction worker" is no person of its own
        and not any(span != wider and _in(span, wider) for wider in found)
    ]
    if len(others) != 1:
        raise Unusable("several others may be meant" if others else "nobody else is found")
    spans = [with_article(text, meant), with_article(text, others[0])]
    mentions = [Mention(text[slice(*span)], span) for span in spans]
    candidates, correct = in_text_order(mentions, [True, False])
    return Case(
        id=name, text=text, pronoun=pronoun, candidates=candidates, correct=correct, tags=tags
    )


def _in(inner: Span, outer: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
