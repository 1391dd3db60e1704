"""Items of two sentences as documents: the nouns in the sentence before, "it" in the next one.

The robot could not lift the crane. | It was too heavy. A model that reads single sentences sees a
pronoun that may mean anything; see ``data.context`` of a recipe.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from seq2seq.pronouns.items import Item

_STOP = ". "


@dataclass(frozen=True)
class Document:
    """Two sentences and their translations, with the wrong one of the second beside it.

    The names are those of a corpus with context columns, and of what ``seq2seq evaluate`` reads as
    contrastive translations.
    """

    source: str
    target: str
    source_context: str
    target_context: str
    good: str
    bad: str


def documents_of(items: Iterable[Item]) -> list[Document]:
    """Cut items in two where their clause about "it" is a sentence of its own.

    Args:
        items: Of any kind.

    Returns:
        A document for each item that has two sentences and whose target shows who is meant, in
        their order.
    """
    found = []
    for item in items:
        start = item.clause[0]
        if not item.contrastive or not item.source[:start].endswith(_STOP):
            continue
        before, _, good = item.good.partition(_STOP)
        _, _, bad = item.bad.partition(_STOP)
        found.append(
            Document(
                source=item.source[start:],
                target=good,
                source_context=item.source[:start].strip(),
                target_context=f"{before}.",
                good=good,
                bad=bad,
            )
        )
    return found
