"""What a probe is asked about: a text, a mention to resolve, and what it may refer to.

One shape for every source of such questions: our own corpus, public sets of pronouns and blanks,
pairs of a good and a bad translation. Whatever a source does not say is empty, never guessed.
"""

from dataclasses import dataclass

from seq2seq.pronouns.items import Item

Span = tuple[int, int]
"""First character and one past the last; ``text[start:end]`` is the word."""


@dataclass(frozen=True)
class Mention:
    """A phrase that the pronoun may refer to.

    ``target_span`` is its place in the good translation; ``gender`` and ``role`` are the words of
    the source of the case ("masc", "F", "agent", …). Each is empty where the source is silent.
    """

    text: str
    span: Span
    target_span: Span | None = None
    gender: str = ""
    role: str = ""


@dataclass(frozen=True)
class Case:
    """One text in which a probe asks what a pronoun, or a blank, refers to.

    ``candidates`` stand in the order of the text; ``correct`` are indices into them, none where
    the pronoun refers to nothing that is listed. Cases that differ only in the word that decides
    share ``pair``, and pairs that belong together share ``quad``; both are empty where the source
    has no such thing. ``cluster`` is what statistics resample: cases that share it are not
    independent. ``cue`` is the word that decides, ``clause`` the stretch around the pronoun.
    ``good`` and ``bad`` are translations that differ in ``good_spans`` and ``bad_spans``. Where the
    text holds context, ``starts`` are the first characters of its sentences; the last of them is
    the one with the pronoun, and the one that is translated.
    """

    id: str
    text: str
    pronoun: Span | None
    candidates: tuple[Mention, ...] = ()
    correct: frozenset[int] = frozenset()
    pair: str = ""
    quad: str = ""
    cluster: str = ""
    cue: Span | None = None
    clause: Span | None = None
    good: str | None = None
    bad: str | None = None
    good_spans: tuple[Span, ...] = ()
    bad_spans: tuple[Span, ...] = ()
    tags: tuple[str, ...] = ()
    starts: tuple[int, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether there is a choice and exactly one answer to it."""
        return len(self.candidates) >= 2 and len(self.correct) == 1

    @property
    def gold(self) -> int | None:
        """The index of the right one of two candidates, if exactly one is right."""
        return min(self.correct) if self.decided and len(self.candidates) == 2 else None


def case_of_item(item: Item) -> Case:
    """The case that an item of the built-in corpus asks; its cluster is the item's block."""
    return Case(
        id=item.id,
        text=item.source,
        pronoun=item.pronoun,
        candidates=tuple(
            Mention(
                text=item.source[slice(*candidate.source_span)],
                span=candidate.source_span,
                target_span=candidate.target_span,
                gender=candidate.gender,
                role=candidate.role,
            )
            for candidate in item.candidates
        ),
        correct=frozenset() if item.gold is None else frozenset({item.gold}),
        pair=item.pair,
        quad=item.quad,
        cluster=item.block,
        cue=item.cue_span,
        clause=item.clause,
        good=item.good,
        bad=item.bad,
        good_spans=item.good_spans,
        bad_spans=item.bad_spans,
        tags=item.tags,
    )
