"""Text in, text out: one output for every input, and a count of everything that is not plain.

An input is one line. A blank one gives an empty output. One that is longer than the model can read
is, as the caller chooses, split and joined again, cut off, or refused; each is counted in the
`Report`. Translations and summaries are made alike; only what to do with long input differs.

Long input is split where sentences end (`seq2seq.sentences`), each sentence becoming a part of its
own as in training. The outputs of the parts are joined by single spaces.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Self

from seq2seq.decode.batches import DEFAULT_BATCH_TOKENS
from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.decode.stored import stored_options
from seq2seq.engines.engine import Engine, EngineName, NativeEngine
from seq2seq.engines.load import load_engine
from seq2seq.errors import DataError, ModelError
from seq2seq.model.transformer import Transformer
from seq2seq.pipeline.pipeline import pipeline as pipeline  # where its users look for it
from seq2seq.sentences import Long as Long
from seq2seq.sentences import split_text
from seq2seq.stock_tokenizer import StockTokenizer, lead_of, open_tokenizer
from seq2seq.tokenizer_like import TokenizerLike

# Lines that are read before the first of them is translated: enough to sort by length.
CHUNK_LINES = 2000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible output.

    Attributes:
        text: The output.
        score: Length-penalised; see `seq2seq.decode.options`.
        log_probability: Natural logarithm. Of split input, the sum over its parts.
        ended: Whether the model ended all of it; otherwise some of it hit the length limit.
    """

    text: str
    score: float
    log_probability: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Translation:
    """What became of one input.

    Attributes:
        candidates: The best first; none for blank input.
        parts: In how many parts the input was read: 0 if it was blank, above 1 if it was split.
        unknown: Pieces of the input that are not in the vocabulary.
        dropped: Pieces of the input that were cut off.
    """

    candidates: tuple[Candidate, ...]
    parts: int
    unknown: int
    dropped: int

    @property
    def text(self) -> str:
        """The best output; empty for blank input."""
        return self.candidates[0].text if self.candidates else ""


@dataclass(frozen=True, slots=True)
class Report:
    """Counts over some translations; reports of chunks can be added.

    Attributes:
        lines: Inputs, and so outputs.
        empty: Inputs without anything to translate.
        split: Inputs that were read in parts.
        truncated: Inputs whose end was cut off.
        dropped_pieces: Pieces that were lost so.
        unknown_pieces: Pieces of the inputs that are not in the vocabulary.
        unfinished: Outputs that were cut off at the length limit.
        seconds: Time spent.
    """

    lines: int = 0
    empty: int = 0
    split: int = 0
    truncated: int = 0
    dropped_pieces: int = 0
    unknown_pieces: int = 0
    unfinished: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, translations: Sequence[Translation], *, seconds: float = 0.0) -> Self:
        """Count.

        Args:
            translations: What to count.
            seconds: The time they took.

        Returns:
            The counts.
        """
        return cls(
            lines=len(translations),
            empty=sum(one.parts == 0 for one in translations),
            split=sum(one.parts > 1 for one in translations),
            truncated=sum(one.dropped > 0 for one in translations),
            dropped_pieces=sum(one.dropped for one in translations),
            unknown_pieces=sum(one.unknown for one in translations),
            unfinished=sum(not one.candidates[0].ended for one in translations if one.candidates),
            seconds=seconds,
        )

    def __add__(self, other: "Report") -> "Report":
        return Report(
            *(getattr(self, one.name) + getattr(other, one.name) for one in fields(Report))
        )

    def sentences(self) -> str:
        """Say in one line what a user should know; whatever is 0 is left out.

        Returns:
            For example ``1,000 lines in 12.3 s; 2 empty; 1 split``.
        """
        said = [f"{self.lines:,} lines in {self.seconds:.1f} s"]
        for count, what in (
            (self.empty, "empty"),
            (self.split, "longer than the model can read, split"),
            (self.truncated, f"longer than the model can read, {self.dropped_pieces:,} pieces cut"),
            (self.unfinished, "outputs cut off at the length limit"),
            (self.unknown_pieces, "pieces unknown to the model"),
        ):
            if count:
                said.append(f"{count:,} {what}")
        return "; ".join(said)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some translations of a stream, in order, and their counts."""

    translations: list[Translation]
    report: Report


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An input as the model will read it: the pieces of its parts."""

    parts: list[list[int]]
    unknown: int = 0
    dropped: int = 0


class Translator:
    """A model and its tokenizer, ready to translate or to summarise.

    Attributes:
        engine: The program that runs the model.
        tokenizer: The tokenizer it was trained with.
        options: The search its folder asks for; the default where a call names none.
    """

    def __init__(
        self,
        model: Transformer | Engine,
        tokenizer: TokenizerLike,
        options: DecodeOptions | None = None,
    ):
        self.engine = NativeEngine(model) if isinstance(model, Transformer) else model
        self.tokenizer = tokenizer
        self.options = options or DecodeOptions()
        if tokenizer.vocab_size > self.engine.vocab_size:
            raise ModelError(
                f"translator: the tokenizer has '{tokenizer.vocab_size}' pieces, the model "
                f"'{self.engine.vocab_size}'; needed the tokenizer the model was trained with"
            )

    @property
    def model(self) -> Transformer:
        """Our own model, for who wants to look inside.

        Raises:
            ModelError: If another program runs it.
        """
        if not isinstance(self.engine, NativeEngine):
            raise ModelError("translator: another program runs the model; needed engine native")
        return self.engine.model

    @classmethod
    def load(cls, path: Path, *, engine: EngineName = "native") -> Self:
        """Load a run's best model, a stock model folder, or what an engine's export wrote.

        Args:
            path: The folder.
            engine: The program that is to run it.

        Returns:
            A translator whose options are those of the folder's ``generation_config.json``.

        Raises:
            ModelError: If a file is missing or the parts do not fit each other.
        """
        loaded, folder = load_engine(engine, path)
        return cls(loaded, open_tokenizer(folder), stored_options(folder))

    def translate(
        self,
        texts: Sequence[str],
        options: DecodeOptions | None = None,
        *,
        long: Long = "split",
        max_source_pieces: int | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Callable[[int], None] | None = None,
        first_line: int = 1,
    ) -> list[Translation]:
        """Translate some texts.

        Args:
            texts: One line each.
            options: What to search for; `self.options` if None.
            long: What to do with input longer than the model can read.
            max_source_pieces: The most pieces to read at once, end-of-sequence included; as many
                as the model has positions if None.
            batch_tokens: Padded source pieces times beams in one batch.
            progress: Told after every batch how many parts of inputs are done.
            first_line: Number of the first text in messages.

        Returns:
            One translation for each text, in order.

        Raises:
            DataError: If a text holds a line break, or is too long and `long` is ``"refuse"``, or
                `max_source_pieces` leaves no room for a piece.
        """
        options = options or self.options
        _check_lines(texts, first_line)
        most = self._most(max_source_pieces)
        prepared = self._prepare(texts, long, most=most, first_line=first_line)
        found = iter(
            self.engine.search(
                [part for one in prepared for part in one.parts],
                options,
                batch_tokens=batch_tokens,
                progress=progress,
            )
        )
        return [self._finish(one, list(islice(found, len(one.parts))), options) for one in prepared]

    def stream(
        self,
        texts: Iterable[str],
        options: DecodeOptions | None = None,
        *,
        long: Long = "split",
        max_source_pieces: int | None = None,
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
        progress: Callable[[int], None] | None = None,
        chunk_lines: int = CHUNK_LINES,
    ) -> Iterator[Chunk]:
        """Translate any number of texts in constant memory.

        Args:
            texts: One line each; read as they are needed.
            options: As in `translate`, like all that follow.
            long: What to do with input longer than the model can read.
            max_source_pieces: The most pieces to read at once.
            batch_tokens: Padded source pieces times beams in one batch.
            progress: Told after every batch how many parts of inputs of this chunk are done.
            chunk_lines: Texts to take at once; 1 answers every line before the next is read.

        Yields:
            The translations of the next texts.
        """
        waiting = iter(texts)
        first_line = 1
        while lines := list(islice(waiting, chunk_lines)):
            start = time.perf_counter()
            translations = self.translate(
                lines,
                options,
                long=long,
                max_source_pieces=max_source_pieces,
                batch_tokens=batch_tokens,
                progress=progress,
                first_line=first_line,
            )
            seconds = time.perf_counter() - start
            yield Chunk(translations, Report.of(translations, seconds=seconds))
            first_line += len(lines)

    def _most(self, max_source_pieces: int | None) -> int:
        positions = self.engine.positions
        if max_source_pieces is None:
            return positions
        if max_source_pieces < 2:
            raise DataError(
                f"input: max_source_pieces is '{max_source_pieces}', needed at least 2, one piece "
                "and the end of the sequence"
            )
        return min(max_source_pieces, positions)

    def _prepare(
        self, texts: Sequence[str], long: Long, *, most: int, first_line: int
    ) -> list[_Prepared]:
        encoded = self.tokenizer.encode(texts)
        too_long = [place for place, ids in enumerate(encoded) if len(ids) > most]
        if too_long and long == "refuse":
            named = ", ".join(
                f"line {first_line + place} has '{len(encoded[place])}' pieces"
                for place in too_long[:3]
            )
            more = f" and {len(too_long) - 3} more" if len(too_long) > 3 else ""
            raise DataError(
                f"input: {named}{more}, needed at most {most}; split them into sentences, or "
                "choose to split or to truncate"
            )
        return [
            self._parts(text, ids, long, most=most)
            for text, ids in zip(texts, encoded, strict=True)
        ]

    def _parts(self, text: str, ids: list[int], long: Long, *, most: int) -> _Prepared:
        eos, unknown = self.tokenizer.eos_id, ids.count(self.tokenizer.unk_id)
        if not text.strip() or ids in ([], [eos]):
            return _Prepared([])
        if len(ids) <= most:
            return _Prepared([ids], unknown)
        if long == "truncate":
            return _Prepared([[*ids[: most - 1], eos]], unknown, dropped=len(ids) - most)
        lead = ""
        if isinstance(self.tokenizer, StockTokenizer):
            lead = lead_of(self.tokenizer.stock, text)
        parts = split_text(
            text[len(lead) :], lambda part: len(self.tokenizer.encode([lead + part])[0]) <= most
        )
        encoded = self.tokenizer.encode([lead + part for part in parts])
        return _Prepared([ids for ids in encoded if ids != [eos]], unknown)

    def _finish(
        self, prepared: _Prepared, found: list[list[Hypothesis]], options: DecodeOptions
    ) -> Translation:
        """Join what the parts became: the best of each, then the second best of each, and so on."""
        ranked = list(zip(*found, strict=False))
        texts = self.tokenizer.decode([one.ids for parts in ranked for one in parts])
        candidates = [
            _join(parts, texts[rank * len(parts) : (rank + 1) * len(parts)], options.length_penalty)
            for rank, parts in enumerate(ranked)
        ]
        return Translation(tuple(candidates), len(found), prepared.unknown, prepared.dropped)


def _join(parts: Sequence[Hypothesis], texts: Sequence[str], length_penalty: float) -> Candidate:
    log_probability = sum(part.log_probability for part in parts)
    length = sum(len(part.ids) for part in parts)
    # A line break in the output would shift every later line.
    text = " ".join(text.replace("\n", " ").strip() for text in texts)
    return Candidate(
        text.strip(),
        parts[0].score if len(parts) == 1 else log_probability / length**length_penalty,
        log_probability,
        all(part.ended for part in parts),
    )


def _check_lines(texts: Sequence[str], first_line: int) -> None:
    broken = [place for place, text in enumerate(texts) if "\n" in text]
    if broken:
        named = ", ".join(str(first_line + place) for place in broken[:3])
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        raise DataError(
            f"input: text {named}{more} contains a line break, needed one line for each text, "
            "because there is one output line for each; split it or replace the break by a space"
        )
