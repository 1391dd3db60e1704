"""Text in, text out: one output for every input, and a count of everything that is not plain.

An input is one line, which gets the normal form of `seq2seq.normalization`. A blank one gives an
empty output. One that is longer than the model can read is, as the caller chooses, split and joined
again, cut off, or refused; each is counted in the `Report`. Addresses and placeholders that the
model changed are put back (`seq2seq.restoration`). Translations and summaries are made alike; only
what to do with long input differs, and that a summary may leave out what its document holds.

A model that was trained on single sentences leaves out the others of a line, so for it a line is
split where sentences end (`seq2seq.sentences`), and each is translated by itself. So is, by other
models, a line whose output as a whole has fewer sentences: who met several of one kind may drop
those of another. Outputs of parts are joined by spaces, or by nothing where none are written.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from seq2seq.chunks import chunks_of
from seq2seq.context import ContextFormat
from seq2seq.decode.lengths import DEFAULT_BATCH_TOKENS
from seq2seq.decode.options import DecodeOptions, Hypothesis, Sampling
from seq2seq.engines.converted import ConvertedEngine
from seq2seq.engines.engine import Engine, EngineName, offset_progress
from seq2seq.errors import DataError, ModelError
from seq2seq.normalization import normalize
from seq2seq.opened_model import open_model
from seq2seq.reading import ReadText, TextReader, Trained, check_lines
from seq2seq.sentences import Long as Long
from seq2seq.task_prefix import Work
from seq2seq.tokenizer_like import TokenizerLike
from seq2seq.translated import Candidate as Candidate
from seq2seq.translated import Report as Report
from seq2seq.translated import Translation as Translation
from seq2seq.writing import TextWriter

if TYPE_CHECKING:  # it loads torch, which not every engine needs
    from seq2seq.model.transformer import Transformer

# Lines that are read before the first of them is translated: enough to sort by length.
CHUNK_LINES = 2000

Split = Literal["auto", "sentences", "long"]
"""Which lines are split: those of several sentences, or only those that are too long. ``"auto"``
splits at sentences where the model is known to have been trained on single ones, and else where an
output has fewer sentences than its line."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some translations of a stream, in order, and their counts."""

    translations: list[Translation]
    report: Report


class Translator:
    """A model and its tokenizer, ready to translate or to summarise.

    Attributes:
        engine: The program that runs the model.
        tokenizer: The tokenizer it was trained with.
        options: The search its folder asks for; the default where a call names none.
        languages: Codes of source and target; None where they are not known.
        trained: What the model was trained to read.
        max_source_pieces: The most pieces that it was trained to read, end-of-sequence included;
            None where only the number of its positions is known.
        remarks: What of the folder's search is not followed, a sentence each.
        forced_end: What of it is not followed at the length limit; see `seq2seq.decode.stored`.
        work: What it does.
        context: How it reads the sentences before the one it translates; None if it does not.
    """

    def __init__(
        self,
        model: "Transformer | Engine",
        tokenizer: TokenizerLike,
        options: DecodeOptions | None = None,
        *,
        languages: tuple[str | None, str | None] = (None, None),
        trained: Trained = "lines",
        max_source_pieces: int | None = None,
        remarks: Sequence[str] = (),
        forced_end: int | list[int] | None = None,
        work: Work = "translation",
        context: ContextFormat | None = None,
    ):
        self.engine = model if isinstance(model, Engine) else _native_engine(model)
        self.tokenizer = tokenizer
        self.options = options or DecodeOptions()
        self.languages = languages
        self.trained = trained
        self.max_source_pieces = max_source_pieces
        self.remarks = tuple(remarks)
        self.forced_end = forced_end
        self.work = work
        self.context = context
        self._check_vocabulary()

    @property
    def model(self) -> "Transformer":
        """Our own model, for who wants to look inside.

        Raises:
            ModelError: If another program runs it.
        """
        from seq2seq.engines.native import NativeEngine

        if not isinstance(self.engine, NativeEngine):
            raise ModelError("translator: another program runs the model; needed engine native")
        return self.engine.model

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        engine: EngineName | Engine = "auto",
        device: str = "auto",
        source_language: str | None = None,
        target_language: str | None = None,
        work: Work = "translation",
        source_prefix: str | None = None,
    ) -> Self:
        """Load a run's best model, a stock model folder, a model of the Hub, or an export.

        Args:
            path: The folder, or the name on the Hub.
            engine: The program that is to run it, or one that has loaded it already.
            device: Where it computes, as in `seq2seq.devices`.
            source_language: Code of the sources' language, where the folder does not say it or
                its model knows several.
            target_language: Code of the outputs' language.
            work: What it is to do, for models that are told so in the text.
            source_prefix: What each text is to begin with, instead of what the folder says.

        Returns:
            A translator whose options are those of the folder's ``generation_config.json``; a run
            limits the length of outputs and sources as its recipe says.

        Raises:
            ModelError: If a file is missing, the parts do not fit each other, or the model does
                not know a language.
            DeviceError: There is no such device.
        """
        opened = open_model(
            path,
            engine=engine,
            device=device,
            languages=(source_language, target_language),
            work=work,
            source_prefix=source_prefix,
        )
        return cls(
            opened.engine,
            opened.tokenizer,
            opened.options,
            languages=opened.languages,
            trained="lines" if work == "summarization" else opened.trained,
            max_source_pieces=opened.max_source_pieces,
            remarks=opened.remarks,
            forced_end=opened.forced_end,
            work=work,
            context=opened.context,
        )

    def translate(
        self,
        texts: Sequence[str],
        options: DecodeOptions | None = None,
        *,
        split: Split = "auto",
        long: Long = "split",
        restore: bool = True,
        max_source_pieces: int | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Callable[[int], None] | None = None,
        first_line: int = 1,
    ) -> list[Translation]:
        """Translate some texts.

        Args:
            texts: One line each.
            options: What to search for; `self.options` if None.
            split: Which texts to split.
            long: What to do with input, or one sentence of it, longer than the model can read.
            restore: Put changed addresses and placeholders back; if False, leave outputs as the
                model wrote them, and only count those that are changed or missing.
            max_source_pieces: The most pieces to read at once, end-of-sequence included; if None,
                those of `self.max_source_pieces`, or as many as the model has positions.
            batch_tokens: Padded source pieces times beams in one batch.
            progress: Told after every batch how many parts of inputs are done; those of a line
                that is read again by sentence are counted on top.
            first_line: Number of the first text in messages.

        Returns:
            One translation for each text, in order.

        Raises:
            DataError: If `texts` is one string, or a text holds a line break, or is too long and
                `long` is ``"refuse"``, or `max_source_pieces` leaves no room for a piece.
        """
        options = options or self.options
        check_lines(texts, first_line)
        by_sentence = split == "sentences" or (split == "auto" and self.trained == "sentences")
        most, counting = self.most_source_pieces(max_source_pieces), self.work == "translation"
        reader = TextReader(self.tokenizer, most, self.languages[0], by_sentence=by_sentence,
                            counting=counting, long=long)  # fmt: skip
        writer = self.writer(options, restore=restore)

        def write(prepared: Sequence[ReadText], done: int = 0) -> list[Translation]:
            told = offset_progress(progress, done)
            return writer.write(prepared, self._search(prepared, options, batch_tokens, told))

        read = reader.read(texts, first_line=first_line)
        translations = write(read)
        lost = [place for place, one in enumerate(translations) if one.fewer_sentences]
        if split == "auto" and lost:
            apart = replace(reader, by_sentence=True)
            some = apart.read([texts[place] for place in lost], first_line=first_line)
            again = write(some, sum(len(one.parts) for one in read))
            for place, one in zip(lost, again, strict=True):
                translations[place] = one
        return translations

    def writer(self, options: DecodeOptions, *, restore: bool = True) -> TextWriter:
        """What turns the pieces that were found into text; see `translate`."""
        return TextWriter(
            self.tokenizer,
            self.languages[1],
            options.length_penalty,
            restores=restore,
            complete=self.work == "translation",
        )

    def stream(
        self,
        texts: Iterable[str],
        options: DecodeOptions | None = None,
        *,
        split: Split = "auto",
        long: Long = "split",
        restore: bool = True,
        max_source_pieces: int | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        chunk_lines: int = CHUNK_LINES,
        pause_seconds: float | None = None,
        first_line: int = 1,
    ) -> Iterator[Chunk]:
        """Translate any number of texts in constant memory.

        Args:
            texts: One line each; read as they are needed.
            options: As in `translate`, like all that follow.
            split: Which texts to split.
            long: What to do with input longer than the model can read.
            restore: Put changed addresses and placeholders back.
            max_source_pieces: The most pieces to read at once.
            batch_tokens: Padded source pieces times beams in one batch.
            chunk_lines: Texts to take at once; 1 answers every line before the next is read.
            pause_seconds: Answer what has come once nothing more comes for so long; see
                `seq2seq.chunks`.
            first_line: Number of the first text in messages.

        Yields:
            The translations of the next texts.
        """
        for lines in chunks_of(texts, chunk_lines, pause_seconds=pause_seconds):
            start = time.perf_counter()
            translations = self.translate(
                lines, options, split=split, long=long, restore=restore,
                max_source_pieces=max_source_pieces, batch_tokens=batch_tokens,
                first_line=first_line,
            )  # fmt: skip
            seconds = time.perf_counter() - start
            yield Chunk(translations, Report.of(translations, seconds=seconds))
            first_line += len(lines)

    def _search(
        self,
        prepared: Sequence[ReadText],
        options: DecodeOptions,
        batch_tokens: int,
        progress: Callable[[int], None] | None,
    ) -> list[list[Hypothesis]]:
        """Hypotheses of all parts, in order; a prefix begins only the first part of a text."""
        parts = [part for one in prepared for part in one.parts]
        later = [n > 0 for one in prepared for n in range(len(one.parts))] if options.prefix else []
        if not any(later):
            return self.engine.search(parts, options, batch_tokens=batch_tokens, progress=progress)
        found: dict[int, list[Hypothesis]] = {}
        for is_later, asked in ((False, options), (True, replace(options, prefix=()))):
            places = [place for place, one in enumerate(later) if one == is_later]
            sources = [parts[place] for place in places]
            told = offset_progress(progress, len(found))
            rows = self.engine.search(sources, asked, batch_tokens=batch_tokens, progress=told)
            found.update(zip(places, rows, strict=True))
        return [found[place] for place in range(len(parts))]

    def search(
        self,
        *,
        beams: int | None = None,
        length_penalty: float | None = None,
        no_repeat_ngram: int | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        sampling: Sampling | None = None,
        forced_prefix: str = "",
        n_best: int = 1,
    ) -> DecodeOptions:
        """The folder's search with some settings changed, and nothing else.

        Args:
            beams: As in `DecodeOptions`, like all that follow; the folder's if None, and 1 where
                outputs are drawn.
            length_penalty: The folder's if None.
            no_repeat_ngram: The folder's if None.
            min_length: The folder's if None.
            max_length: The folder's if None.
            sampling: How to draw outputs; they are searched for if None.
            forced_prefix: Text that every output begins with; of split input its first part.
            n_best: Hypotheses to return.

        Returns:
            The options. CTranslate2 always stops early; where the folder asks for another rule,
            that is added to the remarks.

        Raises:
            ModelError: The settings contradict each other, or the model cannot write the prefix.
        """
        changes: dict[str, Any] = {
            "beams": 1 if sampling is not None and beams is None else beams,
            "length_penalty": length_penalty,
            "no_repeat_ngram": no_repeat_ngram,
            "min_length": min_length,
            "max_length": max_length,
            "sampling": sampling,
            "prefix": self._pieces_of(forced_prefix),
            "n_best": n_best,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        options = replace(self.options, **given)
        converted = isinstance(self.engine, ConvertedEngine)
        if converted and options.beams > 1 and options.early_stopping is not True:
            self.remarks = (
                *self.remarks,
                f"early_stopping is '{options.early_stopping}' with {options.beams} beams, but "
                "CTranslate2 always stops early: some outputs may differ (--engine native)",
            )
            options = replace(options, early_stopping=True)
        return options

    def _pieces_of(self, prefix: str) -> tuple[int, ...]:
        """The pieces of the beginning of an output, without those around every output."""
        text = normalize(prefix).strip()
        if not text:
            return ()
        (frame,), (ids,) = (self.tokenizer.encode_target([one]) for one in ("", text))
        pieces = ids[len(frame) - 1 : -1]
        if self.tokenizer.unk_id in pieces:
            raise ModelError(
                f"forced prefix '{prefix}': it holds characters that the model cannot write; "
                "needed text of its target language"
            )
        return tuple(pieces)

    def _check_vocabulary(self) -> None:
        most = self.engine.vocab_size
        if self.tokenizer.vocab_size > most:
            raise ModelError(
                f"translator: the tokenizer has '{self.tokenizer.vocab_size}' pieces, the model "
                f"'{most}'; needed the tokenizer the model was trained with"
            )
        asked = {self.options.first_id or 0}.union(*self.options.forbidden)
        if max(asked) >= most:
            raise ModelError(
                f"translator: generation_config.json names piece '{max(asked)}', the model has "
                f"{most}; correct the file or download it again"
            )

    def most_source_pieces(self, max_source_pieces: int | None) -> int:
        """The most pieces that are read at once; see `translate`."""
        positions = self.engine.positions
        if max_source_pieces is None:
            return min(self.max_source_pieces or positions, positions)
        if max_source_pieces < 2:
            raise DataError(
                f"input: max_source_pieces is '{max_source_pieces}', needed at least 2, one piece "
                "and the end of the sequence"
            )
        return min(max_source_pieces, positions)


def _native_engine(model: "Transformer") -> Engine:
    from seq2seq.engines.native import NativeEngine

    return NativeEngine(model)
