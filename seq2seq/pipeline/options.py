"""What may be asked of a pipeline, under the names that transformers 4 gave it, and what may not.

The names and types stand in one place, `PipelineOptions`: type checkers read them there, and
`checked_options` refuses anything else while the program runs.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from seq2seq.errors import ModelError
from seq2seq.recipe import suggest
from seq2seq.sentences import Long

Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class GenerateOptions(TypedDict, total=False):
    """The search; names and meanings are those of ``generate``.

    Attributes:
        num_beams: Hypotheses followed side by side.
        num_return_sequences: Answers for each text, at most one for each beam.
        max_length: Pieces of an answer at most, the start piece included.
        max_new_tokens: The same without the start piece.
        min_length: Pieces before an answer may end, the start piece included.
        min_new_tokens: The same without the start piece.
        length_penalty: Exponent of the length in the score.
        early_stopping: Whether a search ends with as many finished hypotheses as beams.
        no_repeat_ngram_size: No sequence of this many pieces occurs twice; 0 allows all.
        encoder_no_repeat_ngram_size: Nor one of the text.
        repetition_penalty: Divides the scores of pieces that were there before.
        do_sample: Draw with torch's generator instead of searching.
        temperature: Of the draw.
        top_k: Draw among this many pieces; 0 for all.
        top_p: Draw among the fewest pieces with this probability.
        forced_bos_token_id: The first piece of every answer.
        decoder_start_token_id: The piece before it.
    """

    num_beams: AtLeastOne
    num_return_sequences: AtLeastOne
    max_length: AtLeastOne
    max_new_tokens: AtLeastOne
    min_length: Count
    min_new_tokens: Count
    length_penalty: float
    early_stopping: bool | Literal["never"]
    no_repeat_ngram_size: Count
    encoder_no_repeat_ngram_size: Count
    repetition_penalty: Positive
    do_sample: bool
    temperature: Positive
    top_k: Count
    top_p: Annotated[float, Field(gt=0, le=1)]
    forced_bos_token_id: Count
    decoder_start_token_id: Count


class PipelineOptions(GenerateOptions, total=False):
    """All that a pipeline takes, when it is made or when it is called.

    Attributes:
        src_lang: Language of the text, in the model's own code; translation only.
        tgt_lang: Language of the answer.
        batch_size: Texts that the model reads at once; 1 unless given.
        clean_up_tokenization_spaces: Remove spaces before punctuation from answers.
        truncation: The old word for ``long="truncate"``.
        long: What to do with a text that is longer than the model can read: ``"split"`` it where
            sentences end and join the answers, ``"truncate"`` it, or ``"refuse"`` it. Translation
            splits and the others refuse unless given; what was split or cut is said in a warning.
        max_source_pieces: Call a text long from here on, although the model could read more.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    src_lang: str
    tgt_lang: str
    batch_size: AtLeastOne
    clean_up_tokenization_spaces: bool
    truncation: bool
    long: Long
    max_source_pieces: Annotated[int, Field(ge=2)]


NOT_TAKEN = {
    "return_tensors": "answers are text",
    "return_text": "answers are text",
    "return_type": "answers are text",
    "stop_sequence": "cut the answers yourself",
    "generation_config": "give its fields by their names",
    "num_workers": "text is read as it is needed",
    "binary_output": "answers are text",
    "framework": "there is only torch",
    "dtype": "models run in 32 bits; pass a loaded model for another precision",
    "torch_dtype": "models run in 32 bits; pass a loaded model for another precision",
    "device_map": "pass a loaded model",
    "model_kwargs": "pass a loaded model",
    "config": "pass a loaded model",
    "trust_remote_code": "code of the Hub is not run; pass a loaded model",
    "use_fast": "the library decides",
    "token": "the Hub client reads its own store",
    "assistant_model": "there is no assisted search",
    "num_beam_groups": "transformers 5 has no such search",
    "diversity_penalty": "transformers 5 has no such search",
    "penalty_alpha": "transformers 5 has no such search",
    "constraints": "transformers 5 has no such search",
    "force_words_ids": "transformers 5 has no such search",
}
"""What the pipelines of transformers 4 took and these do not, and why or what to do instead."""

_ADAPTER = TypeAdapter(PipelineOptions)
OPTION_NAMES = (*GenerateOptions.__annotations__, *PipelineOptions.__annotations__)


def checked_options(options: Mapping[str, Any]) -> PipelineOptions:
    """Check names, types and ranges.

    Args:
        options: As a caller gave them.

    Returns:
        The same.

    Raises:
        ModelError: One line with every option that cannot be used.
    """
    try:
        return _ADAPTER.validate_python(dict(options))
    except ValidationError as error:
        problems = dict.fromkeys(_problem(details) for details in error.errors())
        raise ModelError(f"pipeline: {'; '.join(problems)}") from None


def _problem(details: Mapping[str, Any]) -> str:
    name = str(details["loc"][0])
    if details["type"] == "extra_forbidden":
        reason = NOT_TAKEN.get(name)
        if reason is not None:
            return f"option '{name}' is not taken, {reason}"
        return f"option '{name}' is not known{suggest(name, OPTION_NAMES)}"
    if name == "early_stopping":  # one problem, not one for each kind of value
        return f"{name} is '{details['input']}', needed True, False or 'never'"
    message = str(details["msg"])
    return f"{name} is '{details['input']}': {message[0].lower()}{message[1:]}"
