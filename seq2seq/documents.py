"""Sentence after sentence of a document, each translated or scored with those before it.

A model that reads context (`seq2seq.context`) has the sentences before on the source side at once.
On the target side it is given its own earlier outputs as the beginning of the next one, so that
documents are translated in step: the first sentence of each, then the second of each, and so on.
Context that does not fit into what the model can read is cut from its oldest end, and counted. A
sentence that is too long by itself is cut into parts as always, and those stand alone.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice

from seq2seq.context import ContextFormat, Pieces, SideFormat
from seq2seq.decode.lengths import DEFAULT_BATCH_TOKENS
from seq2seq.decode.options import DecodeOptions, ForcedScore
from seq2seq.errors import ModelError
from seq2seq.normalization import normalize
from seq2seq.reading import TextReader, check_lines
from seq2seq.sentences import Long
from seq2seq.tokenizer_like import TokenizerLike, as_read
from seq2seq.translate import CHUNK_LINES, Chunk, Report, Translation, Translator

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class InContext:
    """A sentence and those before it.

    Attributes:
        text: The sentence.
        source_context: The sentences before it, oldest first; as many as the model takes are read.
        target_context: Their translations; None for the model's own, where it takes any.
    """

    text: str
    source_context: tuple[str, ...] = ()
    target_context: tuple[str, ...] | None = None


def translate_documents(
    translator: Translator,
    documents: Sequence[Sequence[str]],
    options: DecodeOptions | None = None,
    *,
    long: Long = "split",
    restore: bool = True,
    max_source_pieces: int | None = None,
    batch_tokens: int = DEFAULT_BATCH_TOKENS,
    progress: Progress | None = None,
) -> list[list[Translation]]:
    """Translate documents, each sentence with those before it.

    Args:
        translator: A model that reads context.
        documents: Sentences of each, in order.
        options: What to search for; those of the translator if None.
        long: What to do with a sentence that is longer than the model can read.
        restore: Put changed addresses and placeholders back, as in `Translator.translate`.
        max_source_pieces: The most pieces to read at once, as in `Translator.translate`.
        batch_tokens: Padded source pieces times beams in one batch.
        progress: Told after every batch how many of its sentences are done.

    Returns:
        A translation for each sentence.

    Raises:
        ModelError: The model reads single sentences, or its program cannot give each output a
            beginning of its own.
        DataError: A sentence holds a line break, or is too long and that is to be refused.
    """
    form = format_needed(translator)
    work = _Work(translator, form, options or translator.options, long, restore,
                 max_source_pieces, batch_tokens, progress)  # fmt: skip
    if not form.target.sentences:
        flat = [
            InContext(text, tuple(document[:place]), ())
            for document in documents
            for place, text in enumerate(document)
        ]
        found = iter(work.translate(flat))
        return [list(islice(found, len(document))) for document in documents]
    done: list[list[Translation]] = [[] for _ in documents]
    for place in range(max(map(len, documents), default=0)):
        here = [number for number, document in enumerate(documents) if len(document) > place]
        asked = [
            InContext(
                documents[number][place],
                tuple(documents[number][:place]),
                tuple(one.text for one in done[number]),
            )
            for number in here
        ]
        for number, translation in zip(here, work.translate(asked), strict=True):
            done[number].append(translation)
    return done


def stream_documents(
    translator: Translator,
    lines: Iterable[str],
    options: DecodeOptions | None = None,
    *,
    long: Long = "split",
    restore: bool = True,
    batch_tokens: int = DEFAULT_BATCH_TOKENS,
    chunk_lines: int = CHUNK_LINES,
) -> Iterator[Chunk]:
    """Translate any number of documents, several side by side.

    Args:
        translator: A model that reads context.
        lines: A sentence each; a blank one ends a document.
        options: As in `translate_documents`, like all that follow.
        long: What to do with a sentence that is longer than the model can read.
        restore: Put changed addresses and placeholders back.
        batch_tokens: Padded source pieces times beams in one batch.
        chunk_lines: Whole documents are taken until they have as many lines.

    Yields:
        A translation for every line of the next documents, without any text for a blank one.

    Raises:
        ModelError: As in `translate_documents`.
        DataError: As there.
    """
    for some in _whole_documents(lines, chunk_lines):
        start = time.perf_counter()
        documents = [list(group) for blank, group in groupby(some, _is_blank) if not blank]
        found = translate_documents(
            translator,
            documents,
            options,
            long=long,
            restore=restore,
            batch_tokens=batch_tokens,
        )
        each = chain.from_iterable(found)
        translations = [Translation((), 0) if _is_blank(line) else next(each) for line in some]
        seconds = time.perf_counter() - start
        yield Chunk(translations, Report.of(translations, seconds=seconds))


def _whole_documents(lines: Iterable[str], least: int) -> Iterator[list[str]]:
    """Lines up to a blank one, at least so many unless they end."""
    some: list[str] = []
    for line in lines:
        some.append(line)
        if len(some) >= least and _is_blank(line):
            yield some
            some = []
    if some:
        yield some


def _is_blank(line: str) -> bool:
    return not line.strip()


def translate_in_context(
    translator: Translator,
    sentences: Sequence[InContext],
    options: DecodeOptions | None = None,
    *,
    long: Long = "split",
    restore: bool = True,
    max_source_pieces: int | None = None,
    batch_tokens: int = DEFAULT_BATCH_TOKENS,
    progress: Progress | None = None,
) -> list[Translation]:
    """Translate sentences that stand behind others, and nothing of those others.

    Args:
        translator: A model; one of single sentences only if no sentence has a context.
        sentences: What to translate. Where its target context is None and the model takes one, the
            sentences before it are translated first, as a document of their own.
        options: As in `translate_documents`, like all that follow.
        long: What to do with a sentence that is longer than the model can read.
        restore: Put changed addresses and placeholders back, as in `Translator.translate`.
        max_source_pieces: The most pieces to read at once.
        batch_tokens: Padded source pieces times beams in one batch.
        progress: Told after every batch.

    Returns:
        A translation for each sentence.

    Raises:
        ModelError: As in `translate_documents`.
        DataError: As there.
    """
    asked_for = options or translator.options
    settings = (asked_for, long, restore, max_source_pieces, batch_tokens, progress)
    if translator.context is None and not any(map(_has_context, sentences)):
        form = ContextFormat(SideFormat(0, ()), SideFormat(0, ()))
        return _Work(translator, form, *settings).translate(sentences)
    form = format_needed(translator)
    unknown = [
        place
        for place, one in enumerate(sentences)
        if form.target.sentences and one.target_context is None and one.source_context
    ]
    before = translate_documents(
        translator,
        [sentences[place].source_context[-form.sentences :] for place in unknown],
        asked_for,
        long=long,
        restore=restore,
        max_source_pieces=max_source_pieces,
        batch_tokens=batch_tokens,
        progress=progress,
    )
    asked = list(sentences)
    for place, translations in zip(unknown, before, strict=True):
        own = tuple(one.text for one in translations)
        asked[place] = replace(asked[place], target_context=own)
    return _Work(translator, form, *settings).translate(asked)


def score_in_context(
    translator: Translator,
    sentences: Sequence[InContext],
    targets: Sequence[str],
    *,
    batch_tokens: int = DEFAULT_BATCH_TOKENS,
) -> list[ForcedScore]:
    """Score given translations of sentences that stand behind others.

    Args:
        translator: A model; one of single sentences only if no sentence has a context.
        sentences: The sources. A target context of None is none.
        targets: A translation of each.
        batch_tokens: Padded pieces of the longer side in one batch.

    Returns:
        For each the log-probabilities of the target's own pieces, its end included, given the
        context on both sides.

    Raises:
        ModelError: A model of single sentences is given context, or the program of the model
            refuses a side that is too long.
    """
    engine, tokenizer = translator.engine, translator.tokenizer
    form = translator.context
    if form is None and any(map(_has_context, sentences)):
        form = format_needed(translator)
    sources = tokenizer.encode([as_read(tokenizer, normalize(one.text)) for one in sentences])
    wanted = tokenizer.encode_target([normalize(text) for text in targets])
    given = [0] * len(wanted)
    if form is not None:
        before = _contexts(translator, form, sentences)
        rooms = (translator.most_source_pieces(None), engine.target_positions)
        for place, (source_context, target_context) in enumerate(before):
            source, target = sources[place], wanted[place]
            kept = form.source.fitting(source_context, rooms[0] - len(source))
            sources[place] = form.source.join(kept, source)
            kept = form.target.fitting(target_context, rooms[1] - len(target))
            wanted[place] = form.target.join(kept, target)
            given[place] = len(kept)
    first_id = translator.options.first_id  # of the search, where the tokenizer has none
    found = engine.score(sources, wanted, first_id=first_id, batch_tokens=batch_tokens)
    head = 0 if form is None else form.target.head
    return [
        ForcedScore((*row[:head], *row[head + count :]))
        for row, count in zip((one.token_log_probabilities for one in found), given, strict=True)
    ]


def format_needed(translator: Translator) -> ContextFormat:
    """How a model reads context.

    Raises:
        ModelError: It reads single sentences.
    """
    if translator.context is None:
        raise ModelError(
            "this model was trained on single sentences and knows no context, needed one trained "
            "with data.context; translate it line by line"
        )
    return translator.context


def without_separator(options: DecodeOptions, tokenizer: TokenizerLike) -> DecodeOptions:
    """A search in which no sentence holds what stands between sentences.

    Args:
        options: The search.
        tokenizer: Of the model; one that has no piece for it changes nothing.

    Returns:
        The search, with that piece forbidden.
    """
    if tokenizer.sep_id is None:
        return options
    return replace(options, forbidden=(*options.forbidden, (tokenizer.sep_id,)))


def _has_context(sentence: InContext) -> bool:
    return bool(sentence.source_context or sentence.target_context)


def _contexts(
    translator: Translator, form: ContextFormat, sentences: Sequence[InContext]
) -> list[tuple[list[int], list[int]]]:
    """What stands before each source and each target, in pieces."""
    tokenizer = translator.tokenizer
    sides = (
        (form.source, tokenizer.encode, [one.source_context for one in sentences]),
        (form.target, tokenizer.encode_target, [one.target_context or () for one in sentences]),
    )
    encoded = []
    for side, encode, texts in sides:
        nearest = [one[-side.sentences :] if side.sentences else () for one in texts]
        known = list(dict.fromkeys(text for one in nearest for text in one))
        pieces = dict(zip(known, encode([normalize(text) for text in known]), strict=True))
        encoded.append([side.context([pieces[text] for text in one]) for one in nearest])
    return list(zip(*encoded, strict=True))


@dataclass(frozen=True, slots=True)
class _Work:
    """One way of translating sentences whose context is known."""

    translator: Translator
    form: ContextFormat
    options: DecodeOptions
    long: Long
    restore: bool
    max_source_pieces: int | None
    batch_tokens: int
    progress: Progress | None

    def translate(self, sentences: Sequence[InContext]) -> list[Translation]:
        """Translate each of them behind its context."""
        translator, form = self.translator, self.form
        texts = [one.text for one in sentences]
        check_lines(texts, 1)
        most = translator.most_source_pieces(self.max_source_pieces)
        reader = TextReader(translator.tokenizer, most, translator.languages[0], by_sentence=False,
                            counting=translator.work == "translation", long=self.long)  # fmt: skip
        prepared = reader.read(texts, first_line=1)
        sources: list[Pieces] = []
        prefixes: list[Pieces] = []
        before = _contexts(translator, form, sentences)
        cut = [0] * len(prepared)
        for place, (read, (source, target)) in enumerate(zip(prepared, before, strict=True)):
            if len(read.parts) != 1:  # blank, or too long by itself
                sources += read.parts
                prefixes += [()] * len(read.parts)
                continue
            kept = form.source.fitting(source, most - len(read.parts[0]))
            prefix = form.target.fitting(target, translator.engine.target_positions // 2)
            sources.append(form.source.join(kept, read.parts[0]))
            prefixes.append(prefix)
            cut[place] = len(source) + len(target) - len(kept) - len(prefix)
        found = translator.engine.search(
            sources,
            without_separator(self.options, translator.tokenizer),
            prefixes=prefixes,
            batch_tokens=self.batch_tokens,
            progress=self.progress,
        )
        written = translator.writer(self.options, restore=self.restore).write(prepared, found)
        return [replace(one, context_cut=lost) for one, lost in zip(written, cut, strict=True)]
