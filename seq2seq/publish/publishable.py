"""What a model folder must keep to, so that every program that loads it gives the same answers.

Each rule is one that other programs break in silence: they load the model and give other answers.
That the configuration keeps to its part is checked wherever a model is built
(``seq2seq.model.config.check_contract``); here are weights, search and tokenizer.
"""

from collections.abc import Iterator
from pathlib import Path

from seq2seq.decode.stored import stored_search
from seq2seq.engines.engine import Engine
from seq2seq.engines.native import NativeEngine
from seq2seq.errors import PublishError
from seq2seq.files import read_json_object
from seq2seq.model.transformer import Transformer


def check_publishable(engine: Engine, folder: Path) -> None:
    """Refuse a model that other programs would load and run differently.

    Args:
        engine: What was loaded from the folder. CTranslate2 is only given models of ours.
        folder: The stock model folder.

    Raises:
        PublishError: One line with every broken rule.
    """
    problems = list(_tokenizer_problems(folder / "tokenizer_config.json"))
    if isinstance(engine, NativeEngine):
        problems = [*_weight_problems(engine.model), *_search_problems(folder), *problems]
    if problems:
        raise PublishError(f"{folder}: {'; '.join(problems)}")


def _weight_problems(model: Transformer) -> Iterator[str]:
    """Stock post-norm decoding starts from the padding row, CTranslate2's from zeros."""
    if model.config.model_type != "marian":
        return
    embedding = model.target_embedding or model.embedding
    largest = embedding.weight[model.config.pad_token_id].abs().max().item()
    if largest > 0:
        yield (
            f"the embedding of padding has entries up to '{largest:.3g}', 0 is needed, because "
            "CTranslate2 starts decoding from zeros; set the row to zero and train on"
        )


def _search_problems(folder: Path) -> Iterator[str]:
    """Stock beam search stops by default where CTranslate2's does not."""
    options = stored_search(folder).options
    if options.beams > 1 and options.early_stopping is not True:
        early = str(options.early_stopping).lower()
        yield (
            f"generation_config.json asks for {options.beams} beams and early_stopping '{early}', "
            "true is needed, because CTranslate2 always stops early"
        )


def _tokenizer_problems(path: Path) -> Iterator[str]:
    """What transformers 5 writes by itself cannot be read by transformers 4."""
    needed = "the settings of a tokenizer"
    config = read_json_object(path, error=PublishError, needed=needed)
    if config.get("tokenizer_class") in (None, "TokenizersBackend"):
        yield (
            f"tokenizer_config.json has tokenizer_class '{config.get('tokenizer_class')}', which "
            "transformers 4 does not know, 'PreTrainedTokenizerFast' is needed"
        )
    if isinstance(config.get("extra_special_tokens"), list):
        yield (
            "tokenizer_config.json has a list as extra_special_tokens, which transformers 4 "
            "cannot read; name them in additional_special_tokens"
        )
    if "token_type_ids" in config.get("model_input_names", ["token_type_ids"]):
        yield (
            "tokenizer_config.json does not rule out token_type_ids, which generate refuses; "
            'model_input_names ["input_ids", "attention_mask"] is needed'
        )
