"""``pipeline("translation", model=...)``: what transformers 4 had and transformers 5 has not.

Any encoder-decoder of the Hub, or a folder, or a run of this package; a string, a list, or a
generator that is read as its answers are asked for. The answers are those of transformers 4.57 with
the same files and options, which tests check, except that

- a text longer than the model can read is split where sentences end, or refused; 4.57 crashed or,
  with M2M100, read on at positions the model was never trained for;
- text is composed (NFC) and freed of invisible characters before it is read;
- what the caller asks for always counts (`seq2seq.pipeline.settings` tells where it did not);
- T5 is given the prefix of the languages asked for, not always the first in its ``config.json``;
- a language code that the model does not know is an error, not the unknown piece;
- models run in 32 bits whatever the file holds, unless a loaded model is passed.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, overload

import torch
from typing_extensions import Unpack

from seq2seq.devices import resolve_device
from seq2seq.engines.opening import open_encoder_decoder, stock_folder
from seq2seq.engines.stock import StockEngine
from seq2seq.errors import DataError, ModelError
from seq2seq.language_tags import choose_tags, is_tagged, tag_of
from seq2seq.pipeline.options import PipelineOptions, checked_options
from seq2seq.pipeline.reading import Prepared, Reader, most_pieces
from seq2seq.pipeline.settings import length_limit, search_settings
from seq2seq.pipeline.task import Task, parse_task, task_settings
from seq2seq.sentences import Long, join_parts
from seq2seq.stock_tokenizer import open_auto_tokenizer

Answers = list[dict[str, str]]
"""The answers to one text: ``[{"translation_text": ...}]``, several where so asked."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything that the options of one call decide."""

    reader: Reader
    target: str | None
    settings: Any
    batch_size: int
    clean_up: bool
    limited_by_caller: bool


class Pipeline:
    """A model that answers texts; made by `pipeline`.

    Attributes:
        task: What it does.
        model: The stock model.
        tokenizer: Its stock tokenizer.
    """

    def __init__(self, task: Task, model: Any, tokenizer: Any, options: PipelineOptions):
        self.task = task
        self.model = model
        self.tokenizer = tokenizer
        self._engine = StockEngine(model)
        self._stored = model.generation_config
        self._positions = most_pieces(model, tokenizer)
        self._tagged = task.kind == "translation" and is_tagged(tokenizer)
        self._options = options
        _long(task, options)  # contradictions are said now, not with the first text
        self._settings({}, {})

    @overload
    def __call__(self, inputs: str, **options: Unpack[PipelineOptions]) -> Answers: ...
    @overload
    def __call__(
        self, inputs: list[str] | tuple[str, ...], **options: Unpack[PipelineOptions]
    ) -> Answers | list[Answers]: ...
    @overload
    def __call__(
        self, inputs: Iterator[str], **options: Unpack[PipelineOptions]
    ) -> Iterator[Answers]: ...
    def __call__(
        self, inputs: str | Iterable[str], **options: Unpack[PipelineOptions]
    ) -> Answers | list[Answers] | Iterator[Answers]:
        """Answer one text, a list of texts, or the texts of whatever can be iterated over.

        Args:
            inputs: The text or texts.
            options: Those of `PipelineOptions`; they count more than those given to `pipeline`.

        Returns:
            For a string the list of its answers, which is one unless ``num_return_sequences`` says
            more. For a list of strings one answer each, or one list each if there are several. For
            anything else, a generator for instance, an iterator over the list of answers of each
            text; it reads ``batch_size`` texts before it answers the first of them.

        Raises:
            DataError: An input is no text, or too long.
            ModelError: An option or a language cannot be used.
        """
        plan = self._plan(checked_options(options))
        match inputs:
            case str():
                return self._answer([inputs], plan)[0]
            case list() | tuple():
                found = self._answer(inputs, plan)
                single = all(len(one) == 1 for one in found)
                return [one[0] for one in found] if single else found
            case Mapping() | bytes():
                raise DataError(f"input: a '{type(inputs).__name__}', needed a text or texts")
            case Iterable():
                return self._answer_lazily(iter(inputs), plan)
        raise DataError(f"input: a '{type(inputs).__name__}', needed a text or texts")

    def _answer_lazily(self, texts: Iterator[str], plan: _Plan) -> Iterator[Answers]:
        first = 1
        while some := list(islice(texts, plan.batch_size)):
            yield from self._answer(some, plan, first=first)
            first += len(some)

    def _plan(self, options: PipelineOptions) -> _Plan:
        asked: PipelineOptions = {**self._options, **options}
        source = asked.get("src_lang", self.task.languages[0])
        target = asked.get("tgt_lang", self.task.languages[1])
        tagged = self._tagged
        task = task_settings(self.model.config, self.task, source, target, tagged=tagged)
        if task.remark:
            warnings.warn(f"pipeline: {task.remark}", stacklevel=3)
        settings = self._settings(task.search, options)
        if tagged:
            (source, target), taken = choose_tags(
                self.tokenizer, (source, target), where="pipeline"
            )
            for remark in taken:
                warnings.warn(f"pipeline: {remark}", stacklevel=3)
            if "forced_bos_token_id" not in asked:
                tag = tag_of(self.tokenizer, target)
                settings.forced_bos_token_id = self.tokenizer.convert_tokens_to_ids(tag)
        limits = [n for n in (self._positions, asked.get("max_source_pieces")) if n is not None]
        prefix = "" if tagged else task.prefix
        return _Plan(
            Reader(
                self.tokenizer,
                language=source or getattr(self.tokenizer, "source_lang", None),
                tagged=tagged,
                prefix=prefix,
                most=min(limits, default=None),
                long=_long(self.task, asked),
            ),
            target or getattr(self.tokenizer, "target_lang", None),
            settings,
            batch_size=asked.get("batch_size", 1),
            clean_up=asked.get("clean_up_tokenization_spaces", False),
            limited_by_caller=not {"max_length", "max_new_tokens"}.isdisjoint(asked),
        )

    def _settings(self, task: Mapping[str, Any], options: PipelineOptions) -> Any:
        return search_settings(
            self._stored,
            task,
            (self._options, options),
            pad_id=self.tokenizer.pad_token_id,
            positions=self._positions,
        )

    def _answer(self, texts: Sequence[str], plan: _Plan, *, first: int = 1) -> list[Answers]:
        prepared = []
        for number, text in enumerate(texts, first):
            if not isinstance(text, str):
                kind = type(text).__name__
                raise DataError(f"input: text {number} is a '{kind}', needed a string")
            prepared.append(plan.reader.read(text, number=number))
        found = self._generate([part for one in prepared for part in one.parts], plan)
        self._report(prepared, found, plan)
        rows = iter(found)
        return [self._join(list(islice(rows, len(one.parts))), plan) for one in prepared]

    def _generate(self, sources: Sequence[list[int]], plan: _Plan) -> list[list[list[int]]]:
        """Ids of the answers to each source; sources of one length share a batch where they can."""
        order = sorted(range(len(sources)), key=lambda place: len(sources[place]))
        found: dict[int, list[list[int]]] = {}
        for start in range(0, len(order), plan.batch_size):
            batch = order[start : start + plan.batch_size]
            try:
                rows = self._engine.generate([sources[place] for place in batch], plan.settings)
            except IndexError as error:
                raise ModelError(self._beyond(plan)) from error
            except ValueError as error:
                raise ModelError(f"pipeline: generate refuses the options: {error}") from error
            found.update(zip(batch, rows, strict=True))
        return [found[place] for place in range(len(sources))]

    def _beyond(self, plan: _Plan) -> str:
        return (
            f"pipeline: an answer may have '{length_limit(plan.settings)}' pieces, the model has "
            f"'{self._positions}' positions; lower max_length"
        )

    def _join(self, parts: list[list[list[int]]], plan: _Plan) -> Answers:
        """The first answers of all parts make the first answer, and so on."""
        answers = []
        for rows in zip(*parts, strict=True):
            texts = [
                self.tokenizer.decode(
                    row, skip_special_tokens=True, clean_up_tokenization_spaces=False
                )
                for row in rows
            ]
            text = texts[0] if len(texts) == 1 else join_parts(texts, language=plan.target)
            if plan.clean_up:
                text = self.tokenizer.clean_up_tokenization(text)
            answers.append({self.task.answer_key: text})
        return answers

    def _report(
        self, prepared: Sequence[Prepared], found: Sequence[list[list[int]]], plan: _Plan
    ) -> None:
        """Say what is not plain; a limit that the caller set is."""
        split = sum(len(one.parts) > 1 for one in prepared)
        cut = sum(one.dropped > 0 for one in prepared)
        limit, pad_id = length_limit(plan.settings), plan.settings.pad_token_id
        full = sum(len(row) >= limit and row[limit - 1] != pad_id for rows in found for row in rows)
        normalized = sum(one.normalized for one in prepared)
        said = []
        if normalized:
            said.append(f"{normalized} with invisible characters or decomposed letters, put right")
        if split:
            said.append(f"{split} longer than the model can read, split into sentences")
        if cut:
            pieces = sum(one.dropped for one in prepared)
            said.append(f"{cut} longer than the model can read, {pieces} pieces cut off")
        if full and not plan.limited_by_caller:
            said.append(f"{full} answers reached the limit of {limit} pieces, set max_length")
        if said:
            warnings.warn(f"pipeline: {len(prepared)} texts; {'; '.join(said)}", stacklevel=4)


def pipeline(
    task: str,
    model: str | Path | Any = None,
    *,
    tokenizer: str | Path | Any = None,
    revision: str | None = None,
    device: str | int | torch.device | None = None,
    **options: Unpack[PipelineOptions],
) -> Pipeline:
    """Open a model for a task, as ``transformers.pipeline`` of version 4 did.

    Args:
        task: ``translation``, ``translation_xx_to_yy``, ``summarization`` or
            ``text2text-generation``.
        model: A run folder, a stock model folder, the name of a model of the Hub, which is then
            downloaded, or a loaded model.
        tokenizer: The same for the tokenizer; needed only with a loaded model.
        revision: A branch, tag or commit of the Hub, of the model and the tokenizer beside it.
        device: Where the model runs, as in `seq2seq.devices`; a number is that of a CUDA device,
            -1 the CPU; if None, a GPU if there is one.
        options: Those of `PipelineOptions`; a call may name others.

    Returns:
        What is called with texts.

    Raises:
        ModelError: The task is unknown, the model cannot be opened or is no encoder-decoder, or an
            option cannot be used.
        DeviceError: There is no such device.
    """
    known_task, checked = parse_task(task), checked_options(options)
    if known_task.kind != "translation" and not {"src_lang", "tgt_lang"}.isdisjoint(checked):
        raise ModelError(
            f"pipeline: task '{task}' takes no src_lang and tgt_lang, translation does"
        )
    if model is None:
        raise ModelError("pipeline: no model is given, needed a folder or the name of a Hub model")
    opened: Any = model
    beside: Any = tokenizer
    if isinstance(model, (str, Path)):
        folder = stock_folder(model, revision=revision)
        opened = open_encoder_decoder(folder, name=model)
        if tokenizer is None:
            beside = open_auto_tokenizer(folder, name=model)
    if beside is None:
        raise ModelError("pipeline: a loaded model is given, needed its tokenizer too")
    if isinstance(beside, (str, Path)):
        beside = open_auto_tokenizer(stock_folder(beside), name=beside)
    return Pipeline(known_task, opened.to(_device(device)), beside, checked)


def _device(device: str | int | torch.device | None) -> torch.device:
    if isinstance(device, int):
        device = "cpu" if device < 0 else f"cuda:{device}"
    return resolve_device("auto" if device is None else str(device))


def _long(task: Task, options: PipelineOptions) -> Long:
    plain: Long = "split" if task.kind == "translation" else "refuse"
    if not options.get("truncation", False):
        return options.get("long", plain)
    if options.get("long", "truncate") != "truncate":
        raise ModelError(
            f"pipeline: truncation is 'True' and long is '{options['long']}', needed one of them"
        )
    return "truncate"
