"""WinoMT: the gender that a translation gives a person of a known one (Stanovsky et al. 2019).

PATH is ``en.txt`` of the suite, one item a line: gender, place of the person among the words,
sentence, person, separated by tabs. ``en_pro.txt`` and ``en_anti.txt`` beside it tell which
sentences go with a stereotype and which against it.

The suite has no references and no wrong translations: what a model writes is aligned with the
sentence, and the gender of the words that stand for the person is read; see ``person_gender``.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.evaluate.item import Item, Judge, Judgement, Place, Suite
from seq2seq.evaluate.person_gender import (
    LANGUAGES,
    MODELS,
    Align,
    Gender,
    german_gender,
    open_aligner,
    open_german_words,
    open_morphology,
    person_words,
    romance_gender,
)
from seq2seq.evaluate.suites.files import beside
from seq2seq.languages import language_of
from seq2seq.lines import iterate_lines, read_lines
from seq2seq.normalization import is_whole_number

GENDERS = ("male", "female", "neutral")
RULE = (
    "the words that are aligned to the person have its gender (Stanovsky et al. 2019, aligned by "
    "eflomal)"
)

Predict = Callable[[Item, str, Sequence[int]], Gender]
"""An item, its translation and the places of the person's words in: the gender shown out."""


def read_winomt(path: Path, target_language: str | None) -> Suite:
    """Read the suite, and open what reads genders in the target language.

    Args:
        path: its file ``en.txt``.
        target_language: code of the language that the models write.

    Raises:
        DataError: it is another file, the language is not one of those that can be read, or a
            library is not installed.
    """
    code = language_of(target_language).code if target_language else None
    if code not in LANGUAGES:
        raise DataError(
            f"winomt: target language '{target_language or ''}', needed one of "
            f"{', '.join(LANGUAGES)}; say it with --target-language"
        )
    items = tuple(_items(path))
    judge = judge_by_person(open_aligner(), _predictor(code))
    return Suite("WinoMT", ("en", code), items, judge, RULE)


def judge_by_person(align: Align, predict: Predict) -> Judge:
    """Right where a translation gives the person the gender that the sentence says.

    Args:
        align: aligns all sentences with their translations.
        predict: reads the gender from the words that stand for the person.
    """

    def judge(items: Sequence[Item], texts: Sequence[str]) -> list[Judgement | None]:
        pairs = list(zip(items, texts, strict=True))
        written = [(item, text) for item, text in pairs if text.split()]
        found = align(
            [item.source.split(" ") for item, _ in written], [text.split() for _, text in written]
        )
        links = iter(found)
        judged: list[Judgement | None] = []
        for item, text in pairs:
            linked = next(links) if text.split() else []
            places = person_words(item.source.split(" "), _place(item), linked)
            shown = predict(item, text, places)
            judged.append(Judgement(shown == item.expected[0], None, shown))
        return judged

    return judge


def _predictor(code: str) -> Predict:
    if code in MODELS:
        genders = open_morphology(code)
        return lambda item, text, places: romance_gender([text.split()[p] for p in places], genders)
    words = open_german_words()
    return lambda item, text, places: german_gender(item.cluster, words(text), places)


def _place(item: Item) -> int:
    """Of the person among the words of the sentence."""
    (person,) = item.antecedents
    return item.source[: person.start].count(" ")


def read_lines_of_winomt(path: Path) -> Iterator[tuple[int, str, int, str, str]]:
    """The number of each line, its gender, the place of the person, sentence and person.

    Raises:
        DataError: A line has other columns or values.
    """
    for number, line in enumerate(iterate_lines(path), start=1):
        cells = line.rstrip().split("\t")
        if cells == [""]:
            continue
        if len(cells) != 4 or cells[0] not in GENDERS or not is_whole_number(cells[1]):
            raise DataError(
                f"{path}:{number}: {line[:60]!r}, needed gender, number of a word, sentence and "
                "person, with tabs between"
            )
        yield number, cells[0], int(cells[1]), cells[2], cells[3]


def _items(path: Path) -> list[Item]:
    stereotypes = _stereotypes(path)
    items = []
    for number, gender, place, sentence, person in read_lines_of_winomt(path):
        words = sentence.split(" ")
        if place >= len(words):
            raise DataError(
                f"{path}: line {number}: the person is word {place}, counted from 0, but the "
                f"sentence has {len(words)} words"
            )
        start = sum(len(word) + 1 for word in words[:place])
        tags = {"gender": gender}
        if sentence in stereotypes:
            tags["stereotype"] = stereotypes[sentence]
        items.append(
            Item(
                id=str(number),
                source=sentence,
                cluster=person.lower().removeprefix("the "),
                expected=(gender,),
                tags=tags,
                antecedents=(Place(0, start, start + len(words[place])),),
            )
        )
    return items


def _stereotypes(path: Path) -> dict[str, str]:
    """Which sentences go with a stereotype, "pro", and which against it, "anti"."""
    found = {}
    for kind in ("pro", "anti"):
        file = beside(path.parent, f"en_{kind}.txt")
        for line in read_lines(file) if file is not None else []:
            cells = line.rstrip().split("\t")
            if len(cells) == 4:
                found[cells[2]] = kind
    return found
