"""Marks the words of pronoun items that training points at: from characters to pieces."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from seq2seq.data.corpus import iterate_pairs
from seq2seq.data.encoded_corpora import NO_CACHE, Cache, cached_marks
from seq2seq.data.marks import Marks
from seq2seq.data.pair_table import PairTable
from seq2seq.data.parallel_text import ParallelText
from seq2seq.data.ragged import Ragged
from seq2seq.errors import DataError
from seq2seq.files import file_sha256
from seq2seq.memory import without_garbage_collection
from seq2seq.pronouns.items import Item, Span, first_difference, read_items
from seq2seq.recipe import DataSpec, TrainSpec
from seq2seq.tokenizer_like import TokenizerLike

Pair = tuple[str, str]


@dataclass(frozen=True)
class MarkedRows:
    """How many of the training rows point at something."""

    rows: int
    guided: int
    decided: int

    @classmethod
    def of(cls, marks: Sequence[Marks]) -> "MarkedRows":
        """Count over all corpora."""
        return cls(
            rows=sum(len(marked.pronoun) for marked in marks),
            guided=sum(marked.count("antecedent") for marked in marks),
            decided=sum(marked.count("decision") for marked in marks),
        )

    def check(self, spec: TrainSpec) -> None:
        """See that there is something to learn from for each option that is on.

        Raises:
            DataError: There is not.
        """
        advice = "train on a file of 'seq2seq corpus pronouns' with pronoun_items = true"
        if spec.guided_attention.weight and not self.guided:
            raise DataError(
                f"train.guided_attention: none of {self.rows:,} training rows carries an "
                f"antecedent, needed some; {advice}, or set its weight to 0"
            )
        if spec.bottleneck.share and not self.decided:
            raise DataError(
                f"train.bottleneck: none of {self.rows:,} training rows carries a good and a bad "
                f"translation that differ, needed some; {advice}, or set its share to 0"
            )

    def to_json(self) -> dict[str, int]:
        """The counts, for programs."""
        return asdict(self)

    def to_text(self) -> str:
        """One line for people."""
        return (
            f"guided: {self.guided:,} of {self.rows:,} training rows carry an antecedent, "
            f"{self.decided:,} a word of the target that depends on it"
        )


def mark_text(
    text: ParallelText, spec: DataSpec, tokenizer: TokenizerLike, cache: Cache = NO_CACHE
) -> list[Marks]:
    """Mark the training rows of a recipe whose corpora hold pronoun items.

    Args:
        text: The rows after cleaning.
        spec: Section ``data`` of the recipe, which says which files hold items.
        tokenizer: What cuts the rows.
        cache: Where marks are kept, so that other processes and a resumed run find them.

    Returns:
        Marks for each training corpus, in the recipe's order; empty where it holds no items.

    Raises:
        DataError: A file's items cannot be read or do not fit its rows, or marks cannot be kept.
    """
    return [
        _marks_of(dataset, Path(spec.folder) / str(corpus.file), tokenizer, cache)
        if corpus.pronoun_items
        else Marks.nothing(len(dataset))
        for corpus, dataset in zip(spec.train, text.train.values(), strict=True)
    ]


def _marks_of(dataset: PairTable, file: Path, tokenizer: TokenizerLike, cache: Cache) -> Marks:
    @without_garbage_collection()
    def compute() -> Marks:
        return find_marks(
            dataset, {(item.source, item.good): item for item in read_items(file)}, tokenizer
        )

    parts = [dataset.fingerprint, tokenizer.fingerprint, file_sha256(file)]
    return cached_marks(parts, cache, compute)


def find_marks(dataset: Any, items: Mapping[Pair, Item], tokenizer: TokenizerLike) -> Marks:
    """Positions of pronoun, cue, antecedent and decision in every pair of a corpus.

    The decision is the first piece in which the good translation differs from the bad one. What
    follows it needs no marks: it is predicted from the gender already written.

    Args:
        dataset: Columns ``source`` and ``target``.
        items: By source and good translation; a pair that is not among them stays unmarked.
        tokenizer: What cuts the pairs.

    Returns:
        The marks in the dataset's order.

    Raises:
        DataError: A span of an item lies on no piece.
    """
    found = [items.get(pair) for pair in iterate_pairs(dataset)]
    present = [item for item in found if item is not None]
    cuts = iter(tokenizer.spans([item.source for item in present]))
    good = iter(tokenizer.encode_target([item.good for item in present]))
    bad = iter(tokenizer.encode_target([item.bad for item in present]))
    rows: list[tuple[list[int], ...]] = []
    for item in found:
        if item is None:
            rows.append(([],) * len(fields(Marks)))
            continue
        spans = next(cuts)
        nouns = [
            [] if noun is None else _covering(spans, noun.source_span, item)
            for noun in (item.antecedent, item.distractor)
        ]
        decision = first_difference(next(good), next(bad))
        rows.append(
            (
                _covering(spans, item.pronoun, item),
                _covering(spans, item.cue_span, item),
                *nouns,
                _clause(spans, item),
                [] if decision is None else [decision],
            )
        )
    return Marks(*(Ragged.of(row[side] for row in rows) for side in range(len(fields(Marks)))))


def _clause(spans: Sequence[Span], item: Item) -> list[int]:
    """Pieces of the pronoun's clause, and of what may pass its words on behind it."""
    start, end = item.clause
    if all(noun.source_span[1] <= start for noun in item.candidates):
        return list(range(_covering(spans, (start, end), item)[0], len(spans)))
    return _covering(spans, (start, end), item)


def _covering(spans: Sequence[Span], word: Span, item: Item) -> list[int]:
    """Pieces that hold a character of a word."""
    places = [i for i, (start, end) in enumerate(spans) if start < word[1] and end > word[0]]
    if not places:
        raise DataError(
            f"item {item.id}: no piece lies on characters {word[0]} to {word[1]} of "
            f"{item.source!r}, needed a word there; write the corpus again"
        )
    return places
