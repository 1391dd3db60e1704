"""The model that fine-tuning begins with: found, understood, written into the recipe.

A recipe's ``init`` names a run, a folder or a model on the Hub. What is not weights, configuration
and tokenizer, is copied into the run at its start, so that resuming needs the run alone: the
checkpoint has the weights by then. The recipe is completed by the shape of that model, and refused
where it asks for another one.
"""

import copy
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from transformers import AutoModelForSeq2SeqLM, GenerationConfig

from seq2seq.engines.stock_loading import keep_constants, load_encoder_decoder
from seq2seq.errors import ModelError, RecipeError
from seq2seq.files import read_json_object
from seq2seq.model.stock import load_model, read_config, read_stock_config
from seq2seq.model.stock_shape import (
    STOCK_NAMES,
    set_dropouts,
    stock_dropouts,
    stock_facts,
    target_positions,
)
from seq2seq.model.transformer import IMPOSSIBLE, Transformer
from seq2seq.recipe import LoraSpec, Recipe
from seq2seq.recipe_file import given_keys, parse_recipe
from seq2seq.run import Run, read_origin
from seq2seq.stock_tokenizer import StockTokenizer, open_tokenizer
from seq2seq.task_prefix import prefix_for_training, takes_prefix, trained_task
from seq2seq.tokenizer import Tokenizer
from seq2seq.tokenizer_like import TokenizerLike
from seq2seq.train.adapter import add_adapter
from seq2seq.train.checkpoint import holds_adapter_alone, steps_saved, written_anew
from seq2seq.train.new_language import NewRow, add_tag, begin_row, find_row
from seq2seq.train.origin import Origin, find_origin, find_same_origin
from seq2seq.train.trainable import NativeModel, StockModel, TrainableModel

DROPOUTS = ("dropout", "attention_dropout", "activation_dropout")
SAMPLING = ("sampling_alpha", "sampling_best", "bpe_dropout")
CONFIG, SEARCH = "config.json", "generation_config.json"


@dataclass(frozen=True)
class Pretrained:
    """A model to train further.

    Attributes:
        config: Its numbers, with the recipe's dropout.
        kept: The folder of the run that keeps configuration and tokenizer.
        tokenizer: Its own, told what every source begins with.
        origin: Where its weights are from; None where a checkpoint of the run has newer ones, of
            which one of an adapter has its own alone.
        lora: The adapter that is trained in its place, if any.
        remark: What a user should know of the prefix of sources, a sentence, or nothing.
        base: Its name and commit on the Hub; nothing for a model that does not lie there.
        row: What a new tag begins with; None where there is none, or a checkpoint has it.
    """

    config: Any
    kept: Path
    tokenizer: TokenizerLike
    origin: Origin | None
    lora: LoraSpec
    remark: str = ""
    base: tuple[str, str | None] = ("", None)
    row: NewRow | None = None

    def to_text(self) -> str:
        """One line for people."""
        pieces = f"{self.tokenizer.vocab_size:,} pieces of its own tokenizer"
        begun = "from a checkpoint of this run"
        if self.origin is not None:
            commit = f" at commit {self.origin.revision}" if self.origin.revision else ""
            begun = f"from {self.origin.init}{commit}"
        text = f"training a {self.config.model_type} model further, {begun}: {pieces}"
        if self.lora.rank and self.origin is None:
            text += "; by an earlier version, which trained all weights beside those of train.lora"
        if lead := self.tokenizer.lead(""):
            text += f"; each source begins with '{lead}'"
        if self.remark:
            text += f"; {self.remark}"
        if not isinstance(self.tokenizer, StockTokenizer):
            return text
        if self.row is not None:
            text += f"; {self.row.to_text()}"
        if self.tokenizer.languages is not None:
            text += "; its tags of source and target are {} and {}".format(
                *self.tokenizer.languages
            )
        codes = self.tokenizer.output_languages()
        if codes and not self.tokenizer.lead(""):
            text += f"; it writes {len(codes)} languages: begin each source with one of their codes"
            text += f", such as '{codes[0]} ', or give source_prefix"
        return text

    def model(self) -> TrainableModel:
        """The model, with random weights where a checkpoint is to fill them in."""
        if self.lora.rank:
            base, revision = self.base
            adapted = add_adapter(self._stock(), self.lora, base=base, revision=revision)
            if self.origin is None:  # of a version that trained everything beside the adapter
                adapted.requires_grad_(True)
            return StockModel(adapted)
        if self.config.model_type in STOCK_NAMES:
            return StockModel(self._stock())
        return NativeModel(self._native())

    def _native(self) -> Transformer:
        if self.origin is None:
            return Transformer(self.config)
        model = load_model(self.origin.folder, config=self._published_config())
        if self.row is not None:
            begin_row(model, self.row)
        if model.logits_bias is not None:
            # Published post-norm models leave padding possible and forbid it in the search. Left
            # so, its row, from which decoding starts, would drift away from zero.
            model.logits_bias[self.config.pad_token_id] = IMPOSSIBLE
        return model

    def _stock(self) -> Any:
        if self.origin is not None:
            config = self._published_config()
            found = keep_constants(load_encoder_decoder(self.origin.folder, config=config))
            if self.row is not None:
                begin_row(found, self.row)
            return found
        model = AutoModelForSeq2SeqLM.from_config(self.config, trust_remote_code=False)
        if (self.kept / SEARCH).is_file():
            model.generation_config = GenerationConfig.from_pretrained(self.kept)
        return model

    def _published_config(self) -> Any:
        """The numbers of the model as it was published: perhaps without a row for a new tag."""
        if self.row is None:
            return self.config
        config = copy.deepcopy(self.config)
        config.vocab_size = self.row.published
        return config


def read_any_config(folder: Path) -> Any:
    """Read the numbers of a model that can be trained further; layer dropping is switched off.

    Raises:
        ModelError: There is no configuration, or that of another kind of model.
    """
    path, needed = folder / CONFIG, "the config.json of a stock model folder"
    kind = read_json_object(path, error=ModelError, needed=needed).get("model_type")
    return read_stock_config(folder) if kind in STOCK_NAMES else read_config(folder)


def open_pretrained(recipe: Recipe, init: str, run: Run) -> tuple[Recipe, Pretrained]:
    """Read what a recipe wants to train further, and complete the recipe by it.

    Args:
        recipe: As loaded.
        init: Its ``init``.
        run: Where configuration and tokenizer are kept.

    Returns:
        The recipe with the shape of the model, and the model.

    Raises:
        RecipeError: There is no such model, or the recipe contradicts it; all contradictions.
        ModelError: It is of another kind, a file is missing, or a language is unknown.
    """
    resumed = bool(steps_saved(run.checkpoints)) and (run.tokenizer / CONFIG).is_file()
    origin = None if resumed else find_origin(init)
    folder = run.tokenizer if origin is None else origin.folder
    if recipe.new_language is not None and origin is not None:
        folder = _with_new_tag(folder, recipe, run)
    config = read_any_config(folder)
    tokenizer = open_tokenizer(folder, languages=_languages(recipe))
    if tokenizer.vocab_size > config.vocab_size:
        raise RecipeError(
            f"init = '{init}': the tokenizer has '{tokenizer.vocab_size}' pieces, the model "
            f"'{config.vocab_size}'; needed the tokenizer the model was trained with"
        )
    remark = ""
    if recipe.source_prefix is None and takes_prefix(tokenizer):
        recipe, remark = _with_prefix(recipe, folder, run if resumed else None)
    recipe = complete_recipe(recipe, init, config, tokenizer)
    set_dropouts(config, {name: getattr(recipe.model, name) for name in dropouts_of(config)})
    if origin is not None and not (run.tokenizer / CONFIG).is_file():
        _keep(folder, tokenizer, run)
        shutil.rmtree(run.tokenizer.with_name(".tmp-new-tag"), ignore_errors=True)
        origin.write(run)
    # From the run from now on: what it copies into the finished model must not have changed since.
    kept = open_tokenizer(run.tokenizer)
    if isinstance(kept, StockTokenizer) and recipe.source_prefix:
        kept.begin_with(recipe.source_prefix)
    row = None
    if recipe.new_language is not None and origin is not None:
        assert isinstance(kept, StockTokenizer)
        published = read_any_config(origin.folder).vocab_size
        row = find_row(kept, recipe.new_language, published=published)
    base, lora = _hub_base(run), recipe.train.lora
    if resumed and lora.rank and holds_adapter_alone(run.checkpoints):
        origin = find_same_origin(init, run)
    return recipe, Pretrained(config, run.tokenizer, kept, origin, lora, remark, base, row)


def _with_new_tag(folder: Path, recipe: Recipe, run: Run) -> Path:
    """A folder with tokenizer and configuration as they will be, the run's own if it has them."""
    if (run.tokenizer / CONFIG).is_file():  # kept by the first process
        return run.tokenizer
    unfinished = run.tokenizer.with_name(".tmp-new-tag")
    shutil.rmtree(unfinished, ignore_errors=True)
    add_tag(folder, recipe, _languages(recipe), unfinished)
    return unfinished


def _hub_base(run: Run) -> tuple[str, str | None]:
    """The model on the Hub whose own weights the run began with, not those of a run from it."""
    noted = read_origin(run) or {}
    name = noted.get("base_model")
    if not name or str(noted["init"]).partition("@")[0] != name:
        return "", None
    return name, noted["revision"]


def _with_prefix(recipe: Recipe, folder: Path, resumed: Run | None) -> tuple[Recipe, str]:
    """Let a recipe that says nothing of a prefix have the model's own, or that of its beginning."""
    if resumed is not None:
        prefix, remark = trained_task(resumed).prefix, ""
    else:
        languages = recipe.source_language, recipe.target_language
        prefix, remark = prefix_for_training(folder, recipe.task, languages)
    return recipe.model_copy(update={"source_prefix": prefix}) if prefix else recipe, remark


def complete_recipe(recipe: Recipe, init: str, config: Any, tokenizer: TokenizerLike) -> Recipe:
    """Put the shape of a model into a recipe that trains it further.

    Args:
        recipe: As loaded.
        init: What it calls the model.
        config: The numbers of the model.
        tokenizer: Its tokenizer.

    Returns:
        The recipe, with every number that is now settled; completing it again changes nothing.

    Raises:
        RecipeError: A key asks for something else; all such keys at once.
    """
    facts = {"model": model_facts(config), "tokenizer": tokenizer_facts(tokenizer)}
    content = recipe.model_dump(mode="json", exclude_unset=True)
    dropouts = dropouts_of(config)
    problems = list(_contradictions(recipe, content, facts, dropouts))
    problems += _target_problems(recipe, config)
    if tokenizer.first_id is None:
        problems += [
            f"{key} = {getattr(recipe, key)!r}: its tokenizer has no language tags; remove the key"
            for key in ("source_tag", "target_tag")
            if getattr(recipe, key) is not None
        ]
    if recipe.source_prefix and not takes_prefix(tokenizer):
        problems.append(
            f"source_prefix = '{recipe.source_prefix}': that model is told nothing by a prefix; "
            "remove the key"
        )
    if problems:
        count = f"{len(problems)} field{'s' if len(problems) > 1 else ''} cannot be used"
        raise RecipeError("\n  ".join([f"init = '{init}': {count}", *problems]))
    content["model"] = dropouts | content.get("model", {}) | facts["model"]
    content["tokenizer"] = content.get("tokenizer", {}) | facts["tokenizer"]
    return parse_recipe(content, where=f"init = '{init}'")


def dropouts_of(config: Any) -> dict[str, float]:
    """The dropout rates that a model has, in the words of a recipe."""
    if config.model_type in STOCK_NAMES:
        return stock_dropouts(config)
    return {name: getattr(config, name) for name in DROPOUTS}


def _target_problems(recipe: Recipe, config: Any) -> list[str]:
    """Targets that are longer than what the model writes, where it reads more than that."""
    if config.model_type not in STOCK_NAMES:
        return []
    pieces, limit = recipe.data.cleaning.max_target_pieces, target_positions(config)
    if pieces <= limit:
        return []
    return [f"data.cleaning.max_target_pieces = {pieces}: that model writes at most {limit}"]


def model_facts(config: Any) -> dict[str, Any]:
    """The shape of a model in the words of a recipe's section ``model``."""
    if config.model_type in STOCK_NAMES:
        return stock_facts(config)
    activation = config.activation_function
    return {
        "family": config.model_type,
        "width": config.d_model,
        "ffn_width": config.encoder_ffn_dim,
        "heads": config.encoder_attention_heads,
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "activation": "swish" if activation == "silu" else activation,
        "scale_embedding": config.scale_embedding,
        "max_positions": config.max_position_embeddings,
    }


def tokenizer_facts(tokenizer: TokenizerLike) -> dict[str, Any]:
    """What a recipe's section ``tokenizer`` may say about a finished tokenizer."""
    spelling = len(tokenizer.byte_ids)
    facts: dict[str, Any] = {"vocab_size": tokenizer.vocab_size - spelling}
    if isinstance(tokenizer, Tokenizer):
        facts |= {"lowercase": tokenizer.normalize("A") == "a", "byte_fallback": bool(spelling)}
        if tokenizer.kind is not None:
            facts["kind"] = tokenizer.kind
    return facts


def _contradictions(
    recipe: Recipe,
    content: Mapping[str, Any],
    facts: Mapping[str, Mapping[str, Any]],
    dropouts: Mapping[str, float],
) -> Iterator[str]:
    free = {"model": tuple(dropouts), "tokenizer": SAMPLING if "kind" in facts["tokenizer"] else ()}
    for key in sorted(given_keys(recipe)):
        section, _, name = key.partition(".")
        if section not in facts or name in free[section]:
            continue
        given = content[section][name]
        if name not in facts[section]:
            thing = (
                "that model has no such number"
                if section == "model"
                else "the tokenizer is used as it is"
            )
            yield f"{key} = {given!r}: {thing}; remove the key"
        elif given != facts[section][name]:
            yield f"{key} = {given!r}: that model has {facts[section][name]!r}; remove the key"


def _languages(recipe: Recipe) -> tuple[str, str]:
    return (
        recipe.source_tag or recipe.source_language,
        recipe.target_tag or recipe.target_language,
    )


def _keep(folder: Path, tokenizer: TokenizerLike, run: Run) -> None:
    """Copy what resuming needs, all at once."""
    with written_anew(run.tokenizer) as kept:
        tokenizer.save(kept)
        for name in (CONFIG, SEARCH):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, kept / name)


def freeze(model: nn.Module, parts: tuple[str, ...]) -> None:
    """Exclude parts of a model from training.

    Args:
        model: Its parameters are marked.
        parts: Among ``encoder``, ``decoder`` and ``embeddings``.
    """
    for name, parameter in model.named_parameters():
        if part_of(name) in parts:  # what an adapter keeps as it is stays so
            parameter.requires_grad_(False)


def part_of(name: str) -> str:
    """The part that a parameter belongs to, of a model of ours or of a stock class."""
    name = name.removeprefix("model.").removeprefix("led.")
    if "embed" in name:  # token and position tables lie within the stacks of stock classes
        return "embeddings"
    for part in ("encoder", "decoder"):
        if name.startswith((f"{part}.", f"{part}_norm.")):
            return part
    return "embeddings"
