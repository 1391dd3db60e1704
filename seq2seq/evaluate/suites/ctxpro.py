"""ctxPro: words of real translations that only context decides (Wicks and Post 2023).

PATH is a JSON file of the suite, whose name says the languages, such as
``gender.opensubtitles.en-de.test.json``. It holds no context: a file of the same name without
``.json`` beside it does, one line an item, sentences separated by ``<eos>``, with or without the
sentence itself at the end, as the suite publishes it or ``ctxpro extract`` writes it.

The suite names a word that the reference has, and no wrong translations: nothing is scored.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.evaluate.item import Item, Suite, find_mention
from seq2seq.evaluate.judging import judge_by_phrase
from seq2seq.evaluate.suites.files import beside, read_records
from seq2seq.lines import plain_name, read_lines

SEPARATOR = "<eos>"
FAR = 3
RULE = (
    "the last sentence of the translation holds the reference's word, punctuation deleted (Wicks "
    "and Post 2023)"
)
_LANGUAGES = re.compile(r".*\.([a-z]{2})-([a-z]{2})\..*")
_FIELDS: Mapping[str, type] = {
    "src segment": str, "ref segment": str, "expected": str, "rule": str, "document id": str,
}  # fmt: skip


def read_ctxpro(path: Path) -> Suite:
    """Read one set.

    Args:
        path: its JSON file.

    Raises:
        DataError: it is none, its name tells no languages, or its contexts are of another set.
    """
    languages = _LANGUAGES.fullmatch(plain_name(path))
    if languages is None:
        raise DataError(f"{path}: needed a name that says its languages, such as "
                        "gender.opensubtitles.en-de.test.json")  # fmt: skip
    records = read_records(path, _FIELDS)
    contexts = _contexts(path, [record["src segment"] for record in records])
    items = tuple(
        _item(number, record, context)
        for number, (record, context) in enumerate(zip(records, contexts, strict=True), start=1)
    )
    notes = () if any(contexts) else ("no context stands beside the JSON file",)
    pair = (languages[1], languages[2])
    return Suite("ctxPro", pair, items, judge_by_phrase(pair[1]), RULE, notes)


def _contexts(path: Path, sources: Sequence[str]) -> list[tuple[str, ...]]:
    file = beside(path.parent, plain_name(path).removesuffix(".json"))
    if file is None:
        return [()] * len(sources)
    lines = [[part.strip() for part in line.split(SEPARATOR)] for line in read_lines(file)]
    if len(lines) != len(sources):
        raise DataError(
            f"{file}: {len(lines):,} lines for {len(sources):,} items of {path.name}, needed one "
            "for each"
        )
    whole = all(parts[-1] == source.strip() for parts, source in zip(lines, sources, strict=True))
    return [tuple(part for part in (parts[:-1] if whole else parts) if part) for parts in lines]


def _item(number: int, record: Mapping[str, Any], context: tuple[str, ...]) -> Item:
    expected = record["expected"].lower()
    sentences = (*context, record["src segment"])
    distance = record.get("ante distance")
    tags = {"rule": record["rule"]}
    antecedent = None
    if isinstance(distance, int):
        tags["distance"] = str(distance) if distance <= FAR else f">{FAR}"
        antecedent = find_mention(record.get("src ante head") or "", sentences, distance)
    if record.get("src pronoun"):
        tags["pronoun"] = f"{record['src pronoun'].lower()}:{expected}"
    return Item(
        id=str(number),
        source=record["src segment"],
        cluster=record["document id"],
        good=record["ref segment"],
        source_context=context,
        expected=(expected,),
        tags=tags,
        pronoun=find_mention(record.get("src pronoun") or "", sentences, 0),
        antecedents=() if antecedent is None else (antecedent,),
    )
