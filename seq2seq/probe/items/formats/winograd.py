"""Reader of Winograd schemas and pronoun problems in XML, which name their candidates."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from seq2seq.errors import DataError
from seq2seq.lines import open_unpacked
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.formats.question import Question, with_phrases


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
        yield Question(place, partial(_case, f"{path.name}:{number}", texts, tidy, right))


def _case(name: str, parts: Sequence[str], answers: Sequence[str], right: int) -> Case:
    before, word, after = parts
    start = len(before) + (1 if before else 0)
    pronoun = (start, start + len(word))
    gap = "" if not after or after[0] in ".,;:!?'’" else " "
    text = f"{before} {word}{gap}{after}".strip()
    return with_phrases(Case(name, text, pronoun), answers, right)
