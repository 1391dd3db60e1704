"""What one model thinks of the translations of a suite, and what it writes itself.

What is the same is asked once: a sentence whose translations a suite lists eight times is
translated once, and one pair of sentences has one score, so that items that mirror each other are
answered alike to the last bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seq2seq.documents import InContext, score_in_context, translate_in_context
from seq2seq.evaluate.item import Item, Suite
from seq2seq.normalization import normalize
from seq2seq.tokenizer_like import as_read
from seq2seq.translate import Translator

CHUNK = 512  # pairs scored, or sentences translated, between two reports of progress

Say = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""

Pair = tuple[InContext, str]
"""A source with its context, and a translation."""


@dataclass(frozen=True)
class AnswerOptions:
    """How a model is asked.

    Attributes:
        context: the most sentences of context it is given on either side, 0 for none; None for as
            many as it was trained with.
        contrastive: whether the suite's translations are scored.
        generated: whether it writes translations of its own.
        beams: of its search; None for what its folder says.
        batch_tokens: padded pieces of a batch.
    """

    context: int | None = None
    contrastive: bool = True
    generated: bool = True
    beams: int | None = None
    batch_tokens: int = 8192


@dataclass(frozen=True)
class Answers:
    """What one model answered.

    Attributes:
        scores: for each item the log-probabilities of its translations, the right one first: sums
            over their pieces, the end included. None where a text is longer than the model can
            read; of an item without a wrong translation nothing is scored. Empty where nothing was
            scored at all.
        texts: for each item the model's own translation; empty where none was asked for.
        unknown: pieces of the suite's translations that are not in the model's vocabulary.
        cut: items of whose context not all fits into what the model can read, or write.
    """

    scores: tuple[tuple[float, ...] | None, ...] = ()
    texts: tuple[str, ...] = ()
    unknown: int = 0
    cut: int = 0


def contexts_of(translator: Translator, suite: Suite, options: AnswerOptions) -> tuple[int, ...]:
    """How much context a model is given, one condition after the other.

    Args:
        translator: the model.
        suite: its items.
        options: the most it may be given.

    Returns:
        0, and then the most sentences that the model takes, where it takes and the suite has any.
    """
    if translator.context is None or not any(item.source_context for item in suite.items):
        return (0,)
    takes = translator.context.sentences
    most = takes if options.context is None else min(options.context, takes)
    return (0, most) if most else (0,)


def answers_of(
    translator: Translator, suite: Suite, options: AnswerOptions, say: Say, *, context: int = 0
) -> Answers:
    """Ask a model everything about a suite.

    Args:
        translator: the model.
        suite: its items.
        options: how.
        say: told of progress.
        context: the sentences before each that it is given, if there are so many.

    Raises:
        ModelError: the model cannot be asked so.
    """
    scores: tuple[tuple[float, ...] | None, ...] = ()
    unknown = 0
    if options.contrastive and any(item.bads for item in suite.items):
        scores, unknown = _scores(translator, suite.items, options, say, context)
    texts = _texts(translator, suite, options, say, context) if options.generated else ()
    return Answers(scores, texts, unknown, _cut(translator, suite.items, context))


def _scores(
    translator: Translator, items: Sequence[Item], options: AnswerOptions, say: Say, context: int
) -> tuple[tuple[tuple[float, ...] | None, ...], int]:
    """The scores of each item's translations, and how many of their pieces are unknown."""
    rows = [
        [(_in_context(item, context, given=True), text) for text in _compared(item)]
        for item in items
    ]
    pairs = list(dict.fromkeys(pair for row in rows for pair in row))
    sources, targets = _pieces(translator, pairs)
    pairs.sort(key=lambda pair: -max(len(sources[pair[0].text]), len(targets[pair[1]])))
    found: dict[Pair, float | None] = {}
    for start in range(0, len(pairs), CHUNK):
        say("translations scored", start, len(pairs))
        chunk = pairs[start : start + CHUNK]
        readable = [
            pair for pair in chunk if _fits(translator, sources[pair[0].text], targets[pair[1]])
        ]
        scored = score_in_context(
            translator,
            [source for source, _ in readable],
            [text for _, text in readable],
            batch_tokens=options.batch_tokens,
        )
        found.update(dict.fromkeys(chunk))
        found.update(zip(readable, (one.log_probability for one in scored), strict=True))
    answers = [[found[pair] for pair in row] for row in rows]
    whole = tuple(
        None if None in row else tuple(score for score in row if score is not None)
        for row in answers
    )
    unknown = sum(ids.count(translator.tokenizer.unk_id) for ids in targets.values())
    return whole, unknown


def _in_context(item: Item, context: int, *, given: bool) -> InContext:
    """An item as a model is asked it.

    Args:
        item: the item.
        context: the most sentences before it.
        given: whether the suite's translations of them are given too.
    """
    if not context:
        return InContext(item.source)
    target = item.target_context[-context:] if given else None
    return InContext(item.source, item.source_context[-context:], target)


def _compared(item: Item) -> tuple[str, ...]:
    return (item.good, *item.bads) if item.bads else ()


def _pieces(
    translator: Translator, pairs: Sequence[Pair]
) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """The pieces of every source and of every target, by the text."""
    tokenizer = translator.tokenizer
    sources = list(dict.fromkeys(source.text for source, _ in pairs))
    targets = list(dict.fromkeys(text for _, text in pairs))
    read = tokenizer.encode([as_read(tokenizer, normalize(source)) for source in sources])
    written = tokenizer.encode_target([normalize(target) for target in targets])
    return (
        dict(zip(sources, read, strict=True)),
        dict(zip(targets, written, strict=True)),
    )


def _fits(translator: Translator, source: Sequence[int], target: Sequence[int]) -> bool:
    engine = translator.engine
    return 0 < len(source) <= engine.positions and 0 < len(target) <= engine.target_positions


def _cut(translator: Translator, items: Sequence[Item], context: int) -> int:
    """How many items have more context than fits."""
    form = translator.context
    if form is None or not context:
        return 0
    tokenizer, engine = translator.tokenizer, translator.engine
    found = 0
    for item in items:
        sides = (
            (form.source, tokenizer.encode, item.source, item.source_context,
             translator.most_source_pieces(None)),
            (form.target, tokenizer.encode_target, item.good, item.target_context,
             engine.target_positions),
        )  # fmt: skip
        found += any(
            side.fits(pieces, room) < pieces
            for side, encode, text, before, most in sides
            for pieces in [len(side.context(encode(list(before[-context:]))))]
            for room in [most - len(encode([text])[0])]
        )
    return found


def _texts(
    translator: Translator, suite: Suite, options: AnswerOptions, say: Say, context: int
) -> tuple[str, ...]:
    """The model's own translation of each item."""
    search = translator.search(beams=options.beams)
    questions = [
        _in_context(item, context, given=suite.given_target_context) for item in suite.items
    ]
    sentences = sorted(dict.fromkeys(questions), key=lambda one: -len(one.text))
    found: dict[InContext, str] = {}
    for start in range(0, len(sentences), CHUNK):
        say("sentences translated", start, len(sentences))
        chunk = sentences[start : start + CHUNK]
        if translator.context is None:
            texts = [one.text for one in chunk]
            written = translator.translate(
                texts, search, restore=False, batch_tokens=options.batch_tokens
            )
        else:  # with context or without, so that both are read alike
            written = translate_in_context(
                translator, chunk, search, restore=False, batch_tokens=options.batch_tokens
            )
        found.update(zip(chunk, (one.text for one in written), strict=True))
    return tuple(found[one] for one in questions)
