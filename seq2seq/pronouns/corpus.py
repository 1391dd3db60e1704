"""The built-in corpus, whole: rows in memory, or a folder of JSON Lines with its manifest.

The corpus is generator + lexicon + seed under this project's licence; the same seed gives the same
bytes.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from seq2seq.files import file_sha256, write_objects
from seq2seq.memory import without_garbage_collection
from seq2seq.pronouns.controls import CONTROLS, Control, control_items
from seq2seq.pronouns.documents import documents_of
from seq2seq.pronouns.draw import Draw, Pairing
from seq2seq.pronouns.fillers import (
    Voice,
    conjunction_rows,
    draw_choices,
    draw_fillers,
    everyday_fillers,
)
from seq2seq.pronouns.grammar import grammar_of
from seq2seq.pronouns.handwritten import handwritten_items, tag_what_is_new
from seq2seq.pronouns.items import SCHEMA, Item, Row, forget_differences, write_rows
from seq2seq.pronouns.lexicon import Cue, drawn_as, load_lexicon
from seq2seq.pronouns.patterns import load_patterns
from seq2seq.pronouns.splits import draw_splits, natural_items, two_sentence_items
from seq2seq.pronouns.verb_choices import draw_verb_choices
from seq2seq.run import write_json

LICENCE = "Apache-2.0"
MANIFEST = "manifest.json"

# Quads of each control for every two kinds: in training, so that the shapes are known, and to test.
_TRAINING_CONTROLS: dict[Control, int] = {"neutral": 4, "pleonastic": 6, "same_gender": 1}
# Documents of two sentences, and the split whose items they are cut from.
_DOCUMENTS = {"documents_train": "train", "documents": "two_sentence"}
_TEST_CONTROLS: dict[Control, int] = {
    "neutral": 2,
    "pleonastic": 2,
    "same_gender": 1,
    "cataphoric": 1,
}


@dataclass(frozen=True)
class FileReport:
    """What one file of the corpus holds."""

    name: str
    language: str
    split: str
    rows: int
    items: int
    quads: int
    families: Mapping[str, int]
    sha256: str


@dataclass(frozen=True)
class CorpusReport:
    """What `write_corpus` wrote; also the content of the manifest."""

    languages: tuple[str, ...]
    seed: int
    licence: str
    item_schema: int
    files: tuple[FileReport, ...]


def corpus_rows(language: str = "es", *, seed: int = 1) -> dict[str, list[Row]]:
    """Make the corpus of one language in memory.

    Args:
        language: the target language; the source is English.
        seed: what chance starts from; the same seed gives the same rows.

    Returns:
        Rows by split: train (shuffled), dev, T0 to T6, the dev twins of some of them, natural, one
        for every control, as "control_neutral", two_sentence, conjunctions, and handwritten where
        the language has it. Every row but a filler or a conjunction carries its item.

    Raises:
        DataError: the corpus does not speak that language.
    """
    grammar = grammar_of(language)
    lexicon, patterns = load_lexicon(language), load_patterns(language)
    rng = random.Random(f"pronouns {drawn_as(language)} {seed}")
    draw = Draw(lexicon, patterns, grammar, language, rng)
    items = draw_splits(draw)
    for control, number in _TRAINING_CONTROLS.items():
        items["train"] += control_items(draw, control, "train", number)
    items["natural"] = natural_items(draw)
    for control in CONTROLS:
        items[f"control_{control}"] = control_items(
            draw, control, "control", _TEST_CONTROLS[control]
        )
    items["two_sentence"] = two_sentence_items(draw, items["T0"])
    rows = {split: _as_rows(found) for split, found in items.items()}
    voice = Voice(language, lexicon, patterns, grammar, rng)
    rows["train"] += draw_fillers(voice)
    rows["train"] += draw_choices(voice, draw)
    rng.shuffle(rows["train"])
    rows["train"] += everyday_fillers(voice, rows["train"])
    rows["conjunctions"] = conjunction_rows(voice, rows["train"])
    # From chance of their own: the tests stay the same whatever training is told.
    own = replace(voice, rng=random.Random(f"verb choices {drawn_as(language)} {seed}"))
    rows["train"] += draw_verb_choices(own, _asked_by(items))
    handwritten = tag_what_is_new(handwritten_items(language), rows["train"])
    if handwritten:
        rows["handwritten"] = _as_rows(handwritten)
    return rows


def _asked_by(items: Mapping[str, Sequence[Item]]) -> Callable[[Pairing, Cue], bool]:
    """Whether a test asks which of two nouns has a property."""
    asked = {
        (frozenset(noun.noun for noun in item.candidates), item.cue)
        for split, some in items.items()
        if split != "train"
        for item in some
    }
    return lambda nouns, cue: (frozenset(n.english for n in nouns), cue.english) in asked


def _as_rows(items: Sequence[Item]) -> list[Row]:
    return [Row(item.source, item.good, item) for item in items]


@without_garbage_collection()
def write_corpus(
    folder: Path, languages: Sequence[str] = ("es",), *, seed: int = 1
) -> CorpusReport:
    """Write the corpus: one JSON Lines file for every split and language, and a manifest.

    The two sentences of an item also come as documents, the first as context of the second.

    Args:
        folder: where to write; made if it does not exist, files of the same names replaced.
        languages: target languages.
        seed: what chance starts from.

    Returns:
        What was written.

    Raises:
        DataError: the corpus does not speak one of the languages; nothing is written then.
    """
    for language in languages:
        grammar_of(language)  # a mistake shows before the first language has taken its time
    corpora = {language: corpus_rows(language, seed=seed) for language in languages}
    forget_differences()  # a training may follow in this process
    folder.mkdir(parents=True, exist_ok=True)
    files = [
        _write(folder / f"{split}.{language}.jsonl", language, split, rows)
        for language, splits in corpora.items()
        for split, rows in splits.items()
    ]
    files += [
        _write_documents(folder / f"{name}.{language}.jsonl", language, name, splits[split])
        for language, splits in corpora.items()
        for name, split in _DOCUMENTS.items()
    ]
    report = CorpusReport(tuple(languages), seed, LICENCE, SCHEMA, tuple(files))
    write_json(folder / MANIFEST, asdict(report))
    return report


def _write(path: Path, language: str, split: str, rows: Sequence[Row]) -> FileReport:
    write_rows(path, rows)
    items = [row.item for row in rows if row.item is not None]
    families = Counter(item.family for item in items)
    return FileReport(
        name=path.name,
        language=language,
        split=split,
        rows=len(rows),
        items=len(items),
        quads=len({item.quad for item in items}),
        families=dict(families + Counter(filler=len(rows) - len(items))),
        sha256=file_sha256(path),
    )


def _write_documents(path: Path, language: str, split: str, rows: Sequence[Row]) -> FileReport:
    documents = documents_of(row.item for row in rows if row.item is not None)
    write_objects(path, map(asdict, documents))
    return FileReport(
        name=path.name,
        language=language,
        split=split,
        rows=len(documents),
        items=0,
        quads=0,
        families={"document": len(documents)} if documents else {},
        sha256=file_sha256(path),
    )
