"""English to French contrastive pronouns: "il", "elle", "ils" or "elles" (Lopes et al. 2020).

Two forms are read:

- one JSON object a line with ``source``, ``good``, ``bad``, ``source_context`` and
  ``target_context`` (a sentence, or a list of them);
- the text that the suite publishes: ``NAME.current.src`` and ``NAME.current.trg`` with the right
  and the wrong translation in turn, ``NAME.context.src`` and ``NAME.context.trg`` with as many
  lines of context for each, empty where the document begins.

A pair is right where the right translation has the larger log-probability; equal is wrong.
"""

from collections.abc import Mapping
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.evaluate.item import Item, Suite
from seq2seq.evaluate.judging import judge_by_word
from seq2seq.evaluate.suites.contrapro import NO_DOCUMENTS, pronoun_words
from seq2seq.evaluate.suites.files import beside, read_parallel_lines, read_records, stem_of

PRONOUNS = frozenset({"il", "elle", "ils", "elles"})
RULE = (
    "the reference's pronoun is one of the translation's words, whatever else is (as Post and "
    "Junczys-Dowmunt 2023, with words cut at hyphens and apostrophes)"
)
_FIELDS: Mapping[str, type] = {"source": str, "good": str, "bad": str}


def read_contrastive_fr(path: Path) -> Suite:
    """Read the suite in either form.

    Args:
        path: the file of JSON lines, a folder of the text form, or how its files' names begin.

    Raises:
        DataError: it is neither.
    """
    items = _read_jsonl(path) if path.is_file() else _read_text(path)
    return Suite(
        "EN-FR contrastive pronouns", ("en", "fr"), items, judge_by_word(), RULE, (NO_DOCUMENTS,)
    )


def _read_jsonl(path: Path) -> tuple[Item, ...]:
    return tuple(
        _item(
            number,
            record["source"],
            (record["good"], record["bad"]),
            _sentences(path, number, record.get("source_context")),
            _sentences(path, number, record.get("target_context")),
        )
        for number, record in enumerate(read_records(path, _FIELDS), start=1)
    )


def _sentences(path: Path, number: int, context: object) -> tuple[str, ...]:
    """A context that is one sentence, several, or not there."""
    said = [context] if isinstance(context, str) else context or []
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise DataError(f"{path}: item {number}: context {context!r:.40}, needed text or a list")
    return tuple(one for one in said if one.strip())


def _read_text(path: Path) -> tuple[Item, ...]:
    folder, stem = stem_of(path, "current.src")
    files = [beside(folder, f"{stem}current.{side}") for side in ("src", "trg")]
    if files[0] is None or files[1] is None:
        raise DataError(
            f"{path}: no {stem}current.src and {stem}current.trg; needed them, or the file of "
            "JSON lines"
        )
    sources, targets = read_parallel_lines(files[0], files[1])
    contexts = _text_contexts(folder, stem, len(sources))
    if len(sources) % 2 or sources[::2] != sources[1::2]:
        raise DataError(
            f"{files[0]}: needed every source twice in turn, for the right and the wrong "
            "translation"
        )
    return tuple(
        _item(
            place // 2 + 1, sources[place], (targets[place], targets[place + 1]), *contexts[place]
        )
        for place in range(0, len(sources), 2)
    )


def _text_contexts(
    folder: Path, stem: str, lines: int
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    files = [beside(folder, f"{stem}context.{side}") for side in ("src", "trg")]
    if files[0] is None or files[1] is None:
        return [((), ())] * lines
    sources, targets = read_parallel_lines(files[0], files[1])
    each = len(sources) // lines if lines else 0
    if not each or each * lines != len(sources):
        raise DataError(
            f"{files[0]}: {len(sources):,} lines for {lines:,} of {stem}current.src, needed as "
            "many sentences of context for each"
        )
    parts = [slice(place, place + each) for place in range(0, len(sources), each)]
    return [
        (tuple(filter(str.strip, sources[part])), tuple(filter(str.strip, targets[part])))
        for part in parts
    ]


def _item(
    number: int,
    source: str,
    pair: tuple[str, str],
    source_context: tuple[str, ...],
    target_context: tuple[str, ...],
) -> Item:
    good, bad = pair
    expected, unexpected = pronoun_words(good, [bad], PRONOUNS)
    return Item(
        id=str(number),
        source=source,
        cluster=str(number),
        good=good,
        bads=(bad,),
        source_context=source_context,
        target_context=target_context,
        expected=expected,
        unexpected=unexpected,
        tags={"pronoun": "/".join(w for w in expected if w in PRONOUNS) or "not one word"},
    )
