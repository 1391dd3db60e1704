"""One question of a test suite: a source, its right translation, and wrong ones."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """Where a word stands that the suite names: a pronoun, or what it may stand for.

    Attributes:
        distance: 0 in the sentence itself, 1 in the one before it, and so on.
        start: its first character there.
        end: one past its last.
    """

    distance: int
    start: int
    end: int


@dataclass(frozen=True)
class Item:
    """One question of a test suite.

    Attributes:
        id: unique in the suite.
        source: the sentence to translate.
        cluster: items of one cluster are not independent: those of one document, or of one pair.
            Intervals and tests draw whole clusters.
        good: the right translation; empty where the suite publishes none.
        bads: wrong translations, which differ from the right one in what the suite asks for; none
            where the suite only reads what a model writes.
        source_context: the sentences before the source, oldest first.
        target_context: their translations.
        block: items of one block ask one thing in several ways, and count together too; empty
            where the suite knows no blocks.
        expected: words or phrases, in lower case, of which a right translation shows one; none
            where that cannot be said.
        unexpected: words that a right translation does not show.
        tags: what figures are told apart by: "pronoun", "distance" and others.
        pronoun: where the source's pronoun stands, if the suite tells.
        antecedents: where what it may stand for stands in the source or its context, if the suite
            tells.
        source_marks: words of the source and its context that people marked as deciding; none
            where the suite has no such marks.
        target_marks: the same of the right translation and the translations of the context.
    """

    id: str
    source: str
    cluster: str
    good: str = ""
    bads: tuple[str, ...] = ()
    source_context: tuple[str, ...] = ()
    target_context: tuple[str, ...] = ()
    block: str = ""
    expected: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    pronoun: Place | None = None
    antecedents: tuple[Place, ...] = ()
    source_marks: tuple[Place, ...] = ()
    target_marks: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What a translation that a model wrote shows.

    Attributes:
        right: whether it is right by the suite's own rule.
        unambiguous: whether it shows what is expected and nothing that is not; None where the
            suite names no wrong words.
        shown: the class that it shows, where the suite asks for one of several, such as a gender.
    """

    right: bool
    unambiguous: bool | None
    shown: str = ""


@dataclass(frozen=True)
class Suite:
    """The items of a suite, and how it judges what a model writes.

    Attributes:
        name: as papers write it.
        languages: codes of source and target; None for a target that the model decides.
        items: in the order of the suite's files.
        judge: the items and a translation of each in, a judgement of each out; None for an item
            that names nothing to look for.
        rule: the rule of ``judge`` in words, and where it comes from.
        notes: what a reader of the figures should know.
        given_target_context: whether the translation of the context is part of the question also
            where a model writes itself; elsewhere it goes on from its own.
    """

    name: str
    languages: tuple[str, str | None]
    items: tuple[Item, ...]
    judge: "Judge"
    rule: str
    notes: tuple[str, ...] = ()
    given_target_context: bool = False


Judge = Callable[[Sequence[Item], Sequence[str]], list[Judgement | None]]


def find_mention(word: str, sentences: Sequence[str], distance: int) -> Place | None:
    """Find a word that stands exactly once in a sentence.

    Args:
        word: a word or phrase; upper and lower case count as the same.
        sentences: the context, oldest first, and the sentence itself last.
        distance: in which of them to look: 0 for the sentence itself, 1 for the one before.

    Returns:
        Its place; None where it does not stand there, stands there twice, or the context does not
        reach so far: a suite that names only the word does not say which one it means.
    """
    if not word or distance >= len(sentences):
        return None
    found = list(
        re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", sentences[-1 - distance], re.IGNORECASE)
    )
    return Place(distance, found[0].start(), found[0].end()) if len(found) == 1 else None
