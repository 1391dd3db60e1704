"""What stands before each sentence of a corpus: from blank lines, an id column, or context columns.

A pair keeps its context when pairs around it are dropped: what cleaning takes out of the training
data is still what a reader of the document has read.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from seq2seq.data.columns import Texts
from seq2seq.data.findings import Noticed
from seq2seq.normalization import normalize
from seq2seq.recipe import ContextSpec, CorpusSpec
from seq2seq.sentences import sentences_of

BOUNDARY = ("line blank on both sides", "read as the end of a document")
AGAIN = ("document that begins again after another one", "read as one of its own")
UNEQUAL = ("context of unequal numbers of sentences on the two sides", "kept")


class PairInContext(NamedTuple):
    """A pair and what stands before it.

    Attributes:
        source: The source.
        target: The target.
        source_context: The sentences before the source, oldest first.
        target_context: Those before the target.
        document: Number of its document, counted from 0; -1 where its context came with it.
    """

    source: str
    target: str
    source_context: list[str]
    target_context: list[str]
    document: int


def context_fields(spec: CorpusSpec) -> Texts:
    """The columns that tell what stands before a sentence."""
    fields = (spec.document_field, spec.source_context_field, spec.target_context_field)
    return tuple(field for field in fields if field is not None)


def rows_in_context(
    rows: Iterable[Texts], spec: CorpusSpec, context: ContextSpec, noticed: Noticed
) -> Iterator[PairInContext]:
    """Put before each pair what stands before it; nothing where the corpus does not tell.

    Args:
        rows: Pairs with the texts of ``context_fields`` behind.
        spec: How the corpus tells it.
        context: How many sentences are wanted. As many sources are kept as either side needs,
            because the model's own translations of them may be the target's context.
        noticed: Where to count what is odd.

    Yields:
        The pairs.
    """
    if spec.source_context_field is not None:
        return _with_own_context(rows, context, noticed)
    if spec.document_field is not None:
        return _in_order(_named_documents(rows, noticed), context)
    if spec.blank_lines_end_documents:
        return _in_order(without_boundaries(rows, noticed), context)
    return (PairInContext(source, target, [], [], -1) for source, target in rows)


def without_boundaries(rows: Iterable[Texts], noticed: Noticed) -> Iterator[tuple[int, Texts]]:
    """The pairs of documents that blank lines end, each with the number of its document."""
    noticed.look_for(*BOUNDARY)
    document, is_begun = 0, False
    for number, row in enumerate(rows, start=1):
        if any(text.strip() for text in row):
            is_begun = True
            yield document, row
            continue
        noticed.add(*BOUNDARY, f"row {number}")
        document, is_begun = document + is_begun, False


def _named_documents(rows: Iterable[Texts], noticed: Noticed) -> Iterator[tuple[int, Texts]]:
    noticed.look_for(*AGAIN)
    names: set[str] = set()
    last, document = None, -1
    for number, (source, target, name) in enumerate(rows, start=1):
        if name != last:
            document += 1
            if name in names:
                noticed.add(*AGAIN, f"row {number}")
            names.add(name)
            last = name
        yield document, (source, target)


def _in_order(rows: Iterable[tuple[int, Texts]], context: ContextSpec) -> Iterator[PairInContext]:
    wanted = max(context.source_sentences, context.target_sentences)
    before: deque[tuple[str, str]] = deque(maxlen=wanted)
    last = -1
    for document, (source, target) in rows:
        if document != last:
            before.clear()
        last = document
        sources, targets = ([pair[side] for pair in before] for side in (0, 1))
        yield PairInContext(
            source, target, sources, _last(targets, context.target_sentences), document
        )
        before.append((source, normalize(target)))


def _with_own_context(
    rows: Iterable[Texts], context: ContextSpec, noticed: Noticed
) -> Iterator[PairInContext]:
    wanted = max(context.source_sentences, context.target_sentences)
    noticed.look_for(*UNEQUAL)
    for number, (source, target, *contexts) in enumerate(rows, start=1):
        sides = [[one.strip() for one in sentences_of(normalize(text))] for text in contexts]
        sources, *others = ([one for one in side if one] for side in sides)
        if others and len(others[0]) != len(sources):
            noticed.add(*UNEQUAL, f"row {number}")
        targets = _last(others[0], context.target_sentences) if others else []
        yield PairInContext(source, target, _last(sources, wanted), targets, -1)


def _last(sentences: list[str], count: int) -> list[str]:
    return sentences[-count:] if count else []
