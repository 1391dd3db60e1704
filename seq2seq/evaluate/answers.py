"""What one model thinks of the translations of a suite, and what it writes itself.

What is the same is asked once: a sentence whose translations a suite lists eight times is
translated once, and one pair of sentences has one score, so that items that mirror each other are
answered alike to the last bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seq2seq.decode.options import DecodeOptions, ForcedScore
from seq2seq.evaluate.item import Item, Suite
from seq2seq.normalization import normalize
from seq2seq.translate import Translator

CHUNK = 512  # pairs scored, or sentences translated, between two reports of progress

Say = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""

Sentences = tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """How a model is asked.

    Attributes:
        context: the most sentences of context it is given on either side; 0 for none.
        contrastive: whether the suite's translations are scored.
        generated: whether it writes translations of its own.
        beams: of its search; None for what its folder says.
        batch_tokens: padded pieces of a batch.
    """

    context: int = 0
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
    """

    scores: tuple[tuple[float, ...] | None, ...] = ()
    texts: tuple[str, ...] = ()
    unknown: int = 0


def answers_of(translator: Translator, suite: Suite, asked: Asked, say: Say) -> Answers:
    """Ask a model everything about a suite.

    Args:
        translator: the model.
        suite: its items.
        asked: how.
        say: told of progress.

    Raises:
        ModelError: the model cannot be asked so.
    """
    scores: tuple[tuple[float, ...] | None, ...] = ()
    unknown = 0
    if asked.contrastive and any(item.bads for item in suite.items):
        scores, unknown = _scores(translator, suite.items, asked, say)
    texts = _texts(translator, suite.items, asked, say) if asked.generated else ()
    return Answers(scores, texts, unknown)


def _scores(
    translator: Translator, items: Sequence[Item], asked: Asked, say: Say
) -> tuple[tuple[tuple[float, ...] | None, ...], int]:
    """The scores of each item's translations, and how many of their pieces are unknown."""
    pairs = [
        (item.source, _last(item.source_context, asked), _last(item.target_context, asked), target)
        for item in items
        for target in _compared(item)
    ]
    sources, targets = _pieces(translator, pairs)
    distinct = list(dict.fromkeys(pairs))
    distinct.sort(key=lambda pair: -max(len(sources[pair[0]]), len(targets[pair[3]])))
    found: dict[tuple[str, Sentences, Sentences, str], float | None] = {}
    for start in range(0, len(distinct), CHUNK):
        say("translations scored", start, len(distinct))
        chunk = distinct[start : start + CHUNK]
        readable = [pair for pair in chunk if _fits(translator, sources[pair[0]], targets[pair[3]])]
        scored = _forced(
            translator, [(sources[pair[0]], targets[pair[3]]) for pair in readable], asked
        )
        found.update(dict.fromkeys(chunk))
        found.update(zip(readable, (one.log_probability for one in scored), strict=True))
    answers = iter([found[pair] for pair in pairs])
    rows = [tuple(next(answers) for _ in _compared(item)) for item in items]
    whole = tuple(None if None in row else tuple(s for s in row if s is not None) for row in rows)
    unknown = sum(ids.count(translator.tokenizer.unk_id) for ids in targets.values())
    return whole, unknown


def _compared(item: Item) -> Sentences:
    return (item.good, *item.bads) if item.bads else ()


def _last(context: Sentences, asked: Asked) -> Sentences:
    return context[-asked.context :] if asked.context else ()


def _pieces(
    translator: Translator, pairs: Sequence[tuple[str, Sentences, Sentences, str]]
) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """The pieces of every source and of every target, by the text."""
    tokenizer = translator.tokenizer
    sources = list(dict.fromkeys(pair[0] for pair in pairs))
    targets = list(dict.fromkeys(pair[3] for pair in pairs))
    read = [normalize(source) for source in sources]
    led = [f"{lead}{text.removeprefix(lead)}" for text in read for lead in [tokenizer.lead(text)]]
    written = tokenizer.encode_target([normalize(target) for target in targets])
    return (
        dict(zip(sources, tokenizer.encode(led), strict=True)),
        dict(zip(targets, written, strict=True)),
    )


def _fits(translator: Translator, source: Sequence[int], target: Sequence[int]) -> bool:
    engine = translator.engine
    return 0 < len(source) <= engine.positions and 0 < len(target) <= engine.written


def _forced(
    translator: Translator, pairs: Sequence[tuple[list[int], list[int]]], asked: Asked
) -> list[ForcedScore]:
    return translator.engine.score(
        [source for source, _ in pairs],
        [target for _, target in pairs],
        first_id=translator.options.first_id,
        batch_tokens=asked.batch_tokens,
    )


def _texts(
    translator: Translator, items: Sequence[Item], asked: Asked, say: Say
) -> tuple[str, ...]:
    """The model's own translation of each item."""
    options = _search(translator, asked)
    sources = sorted({item.source for item in items}, key=lambda text: (-len(text), text))
    found: dict[str, str] = {}
    for start in range(0, len(sources), CHUNK):
        say("sentences translated", start, len(sources))
        chunk = sources[start : start + CHUNK]
        written = translator.translate(chunk, options, batch_tokens=asked.batch_tokens)
        found.update(zip(chunk, (one.text for one in written), strict=True))
    return tuple(found[item.source] for item in items)


def _search(translator: Translator, asked: Asked) -> DecodeOptions:
    return translator.search(beams=asked.beams)
