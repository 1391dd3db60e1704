"""``pipeline("translation", model=...)``: what transformers 4 had and transformers 5 has not.

Names of tasks and options, what goes in and what comes out are those of the library's pipelines.
What happens in between is a `Translator`: answers are those of ``seq2seq translate`` and
``seq2seq summarize`` for the same model, and what is not plain is said in a warning. The search is
the one that the model's folder asks for, not the four beams and 256 pieces that transformers 4.57
put in its place.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal, get_args, overload

import torch
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict, Unpack

from seq2seq.decode.options import DecodeOptions, Sampling
from seq2seq.engines.engine import Engine
from seq2seq.engines.load import load_engine
from seq2seq.engines.stock import StockEngine
from seq2seq.errors import DataError, ModelError
from seq2seq.model_location import locate_model
from seq2seq.similar_names import suggest
from seq2seq.task_prefix import PAIR
from seq2seq.translate import Long, Report, Translator

Kind = Literal["translation", "summarization", "text2text-generation"]
ANSWER_KEYS: Mapping[Kind, str] = {
    "translation": "translation_text",
    "summarization": "summary_text",
    "text2text-generation": "generated_text",
}
DRAWING = {"temperature": 1.0, "top_k": 50, "top_p": 1.0}
"""What ``generate`` takes where nothing else is said."""

Answers = list[dict[str, str]]
"""The answers to one text: ``[{"translation_text": ...}]``, several where so asked."""

Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]


class PipelineOptions(TypedDict, total=False):
    """All that a pipeline takes, when it is made or when it is called.

    Attributes:
        src_lang: Language of the text, where the model knows several.
        tgt_lang: Language of the answer.
        num_beams: Hypotheses followed side by side.
        num_return_sequences: Answers for each text, at most one for each beam.
        max_length: Pieces of an answer at most, the start piece included.
        max_new_tokens: The same without the start piece.
        min_length: Pieces before an answer may end, the start piece included.
        min_new_tokens: The same without the start piece.
        length_penalty: Exponent of the length in the score.
        early_stopping: Whether a search ends with as many finished hypotheses as beams.
        no_repeat_ngram_size: No sequence of this many pieces occurs twice; 0 allows all.
        forced_bos_token_id: The first piece of every answer.
        do_sample: Draw with torch's generator instead of searching.
        temperature: Of the draw.
        top_k: Draw among this many pieces; 0 for all.
        top_p: Draw among the fewest pieces with this probability.
        batch_size: Texts taken from a generator before the first of them is answered.
        truncation: The old word for ``long="truncate"``.
        long: What to do with a text that is longer than the model can read: ``"split"`` it where
            sentences end and join the answers, ``"truncate"`` it, or ``"refuse"`` it. Translation
            splits and the others refuse unless given.
        max_source_pieces: Call a text long from here on, although the model could read more.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    src_lang: str
    tgt_lang: str
    num_beams: AtLeastOne
    num_return_sequences: AtLeastOne
    max_length: Annotated[int, Field(ge=2)]
    max_new_tokens: AtLeastOne
    min_length: Count
    min_new_tokens: Count
    length_penalty: float
    early_stopping: bool | Literal["never"]
    no_repeat_ngram_size: Count
    forced_bos_token_id: Count
    do_sample: bool
    temperature: Annotated[float, Field(gt=0)]
    top_k: Count
    top_p: Annotated[float, Field(gt=0, le=1)]
    batch_size: AtLeastOne
    truncation: bool
    long: Long
    max_source_pieces: Annotated[int, Field(ge=2)]


def pipeline(
    task: str,
    model: str | Path | Any = None,
    *,
    tokenizer: Any = None,
    revision: str | None = None,
    device: str | int | torch.device | None = None,
    **options: Unpack[PipelineOptions],
) -> "Pipeline":
    """Open a model for a task, as ``transformers.pipeline`` of version 4 did.

    Args:
        task: ``translation``, ``translation_xx_to_yy``, ``summarization`` or
            ``text2text-generation``.
        model: A run folder, a model folder, the name of a model of the Hub, which is then
            downloaded, or a loaded stock model.
        tokenizer: That of a loaded model; of others it lies in their folder.
        revision: A branch, tag or commit of the Hub.
        device: Where the model runs, as in `seq2seq.devices`; a number is that of a CUDA device,
            -1 the CPU; if None, a GPU if there is one, and for a loaded model where it is.
        options: Those of `PipelineOptions`; a call may name others.

    Returns:
        What is called with texts.

    Raises:
        ModelError: The task is unknown, the model cannot be opened or is no encoder-decoder, or an
            option cannot be used.
        DeviceError: There is no such device.
    """
    kind, languages = _parse_task(task)
    checked = _checked(options)
    if isinstance(device, int):
        device = "cpu" if device < 0 else f"cuda:{device}"
    if model is None:
        raise ModelError("pipeline: no model is given, needed a folder or the name of a Hub model")
    if isinstance(model, (str, Path)):
        if tokenizer is not None and str(tokenizer) != str(model):
            raise ModelError(
                "pipeline: a tokenizer is given beside the name of a model, whose folder has one; "
                "leave it out, or load the model too"
            )
        path = locate_model(model, revision=revision).path
        engine, _ = load_engine("auto", path, device=str(device or "auto"))
        return Pipeline(kind, languages, checked, engine=engine, path=path)
    if tokenizer is None:
        raise ModelError("pipeline: a loaded model is given, needed its tokenizer too")
    files = TemporaryDirectory()
    for part in (model.config, model.generation_config, tokenizer):
        part.save_pretrained(files.name)
    loaded = model if device is None else model.to(str(device))
    return Pipeline(
        kind, languages, checked, engine=StockEngine(loaded), path=Path(files.name), files=files
    )


class Pipeline:
    """A model that answers texts; made by `pipeline`."""

    def __init__(
        self,
        kind: Kind,
        languages: tuple[str | None, str | None],
        options: PipelineOptions,
        *,
        engine: Engine,
        path: Path,
        files: TemporaryDirectory[str] | None = None,
    ):
        self._kind = kind
        self._languages = languages
        self._options = options
        self._engine = engine
        self._path = path
        self._files = files  # which lie there as long as this object lives
        self._translators: dict[tuple[str | None, str | None], Translator] = {}

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
            inputs: The text or texts; a line break in one is read as a space.
            options: Those of `PipelineOptions`; they count more than those given to `pipeline`.

        Returns:
            For a string the list of its answers, which is one unless ``num_return_sequences`` says
            more. For a list of strings one answer each, or one list each if there are several. For
            anything else, a generator for instance, an iterator over the list of answers of each
            text; it reads ``batch_size`` texts, 1 unless given, before it answers the first.

        Raises:
            DataError: An input is no text, or too long.
            ModelError: An option or a language cannot be used.
        """
        asked: PipelineOptions = {**self._options, **_checked(options)}
        if isinstance(inputs, (Mapping, bytes)) or not isinstance(inputs, Iterable):
            raise DataError(f"input: a '{type(inputs).__name__}', needed a text or texts")
        translator = self._translator(asked)
        answer = partial(self._answer, translator, _search(translator, asked), asked)
        if isinstance(inputs, str):
            return answer([inputs])[0]
        if isinstance(inputs, (list, tuple)):
            found = answer(inputs)
            return [one[0] for one in found] if all(len(one) == 1 for one in found) else found
        return _lazily(answer, iter(inputs), asked.get("batch_size", 1))

    def _answer(
        self,
        translator: Translator,
        search: DecodeOptions,
        asked: PipelineOptions,
        texts: Sequence[str],
        first: int = 1,
    ) -> list[Answers]:
        translating = self._kind == "translation"
        found = translator.translate(
            [_one_line(text, number) for number, text in enumerate(texts, first)],
            search,
            split="auto" if translating else "long",
            long=_long(asked, "split" if translating else "refuse"),
            max_source_pieces=asked.get("max_source_pieces"),
            first_line=first,
        )
        if remarks := Report.of(found).remarks():
            warnings.warn(f"pipeline: {len(texts)} texts; {'; '.join(remarks)}", stacklevel=3)
        key = ANSWER_KEYS[self._kind]
        return [
            [{key: one.text} for one in each.candidates] or [{key: each.text}] for each in found
        ]

    def _translator(self, asked: PipelineOptions) -> Translator:
        """The model with the languages of a call; it is loaded once for all of them."""
        source, target = self._languages
        languages = asked.get("src_lang", source), asked.get("tgt_lang", target)
        if languages not in self._translators:
            opened = Translator.load(
                self._path,
                engine=self._engine,
                source_language=languages[0],
                target_language=languages[1],
                work="translation" if self._kind == "translation" else "summarization",
                source_prefix="" if self._kind == "text2text-generation" else None,
            )
            for remark in opened.remarks:
                warnings.warn(f"pipeline: {remark}", stacklevel=3)
            self._translators[languages] = opened
        return self._translators[languages]


def _lazily(
    answer: Callable[[Sequence[str], int], list[Answers]], texts: Iterator[str], batch_size: int
) -> Iterator[Answers]:
    first = 1
    while some := list(islice(texts, batch_size)):
        yield from answer(some, first)
        first += len(some)


def _parse_task(name: str) -> tuple[Kind, tuple[str | None, str | None]]:
    """What is to be done, and the languages that the name of the task tells."""
    for kind in get_args(Kind):
        if name == kind:
            return kind, (None, None)
    match = PAIR.fullmatch(name)
    if match is None:
        known = [*get_args(Kind), "translation_xx_to_yy"]
        raise ModelError(f"pipeline: task '{name}' is not known{suggest(name, known)}")
    return "translation", (match[1], match[2])


def _checked(options: Mapping[str, Any]) -> PipelineOptions:
    """The same options, or one line with every one that cannot be used."""
    try:
        return TypeAdapter(PipelineOptions).validate_python(dict(options))
    except ValidationError as error:
        problems = dict.fromkeys(_problem(details) for details in error.errors())
        raise ModelError(f"pipeline: {'; '.join(problems)}") from None


def _problem(details: Mapping[str, Any]) -> str:
    name, known = str(details["loc"][0]), list(PipelineOptions.__annotations__)
    if details["type"] == "extra_forbidden":
        return f"option '{name}' is not taken{suggest(name, known)}"
    if name == "early_stopping":  # one problem, not one for each kind of value
        return f"{name} is '{details['input']}', needed True, False or 'never'"
    message = str(details["msg"])
    return f"{name} is '{details['input']}': {message[0].lower()}{message[1:]}"


def _search(translator: Translator, asked: PipelineOptions) -> DecodeOptions:
    """The folder's search with what is asked for; pieces are counted without the start piece."""
    longest, shortest = asked.get("max_new_tokens"), asked.get("min_new_tokens")
    if longest is None and "max_length" in asked:
        longest = asked["max_length"] - 1
    if shortest is None and "min_length" in asked:
        shortest = max(0, asked["min_length"] - 1)
    search = translator.search(
        beams=asked.get("num_beams"),
        length_penalty=asked.get("length_penalty"),
        no_repeat_ngram=asked.get("no_repeat_ngram_size"),
        min_length=shortest,
        max_length=longest,
        sampling=_sampling(asked),
        n_best=asked.get("num_return_sequences", 1),
    )
    return replace(
        search,
        early_stopping=asked.get("early_stopping", search.early_stopping),
        first_id=asked.get("forced_bos_token_id", search.first_id),
        scored=False,
    )


def _sampling(asked: PipelineOptions) -> Sampling | None:
    given = {name: value for name, value in asked.items() if name in DRAWING}
    if asked.get("do_sample"):
        seed = int(torch.randint(2**31, ()))
        return Sampling(**{**DRAWING, **given}, seed=seed)  # type: ignore[arg-type]
    if given:
        raise ModelError(f"pipeline: {', '.join(given)}: of a draw; needed do_sample=True too")
    return None


def _long(asked: PipelineOptions, unless_given: Long) -> Long:
    if not asked.get("truncation", False):
        return asked.get("long", unless_given)
    if asked.get("long", "truncate") != "truncate":
        raise ModelError(
            f"pipeline: truncation is 'True' and long is '{asked['long']}', needed one of them"
        )
    return "truncate"


def _one_line(text: Any, number: int) -> str:
    if not isinstance(text, str):
        kind = type(text).__name__
        raise DataError(f"input: text {number} is a '{kind}', needed a string")
    return text.replace("\n", " ")
