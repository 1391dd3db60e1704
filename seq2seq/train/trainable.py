"""What training needs of a model, whoever wrote it, and the two kinds that there are.

Our own Transformer is the faster one, and the one that can be looked into; any other
encoder-decoder of the Hub is trained as the class that transformers has for it. Loss, search and
saving are each kind's own, and everything else is shared.
"""

import copy
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from seq2seq.engines.engine import Engine
from seq2seq.engines.native import NativeEngine
from seq2seq.engines.stock import StockEngine
from seq2seq.model.stock import SearchDefaults, save_model
from seq2seq.model.stock_shape import target_positions
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import TrainSpec
from seq2seq.run import ADAPTER
from seq2seq.train.adapter import is_adapted, save_adapter
from seq2seq.train.build import flops_per_token, stock_flops_per_token
from seq2seq.train.criterion.criterion import Criterion
from seq2seq.train.criterion.stock import StockCriterion
from seq2seq.train.criterion.transformer import TransformerCriterion


class TrainableModel(Protocol):
    """A model, and what only its kind knows."""

    @property
    def module(self) -> nn.Module:
        """The weights."""
        ...

    @property
    def engine(self) -> Engine:
        """The same weights as a program that translates and scores."""
        ...

    def criterion(self, spec: TrainSpec) -> Criterion:
        """What an update of the model minimises."""
        ...

    def flops_per_token(self) -> tuple[float, float]:
        """Floating-point operations of training for a source and for a target token."""
        ...

    def recompute_activations(self) -> None:
        """Compute activations again in the backward pass: less memory, more time."""
        ...

    def save(self, folder: Path, search: SearchDefaults) -> None:
        """Write a stock folder, without the tokenizer.

        Args:
            folder: Made if it does not exist.
            search: What ``generate`` does where a caller asks for nothing.
        """
        ...


class NativeModel:
    """Our own Transformer."""

    def __init__(self, module: Transformer):
        self.module = module
        self.engine = NativeEngine(module)

    def criterion(self, spec: TrainSpec) -> Criterion:
        """See `TrainableModel.criterion`."""
        return TransformerCriterion(self.module, spec)

    def flops_per_token(self) -> tuple[float, float]:
        """See `TrainableModel.flops_per_token`."""
        return flops_per_token(self.module)

    def recompute_activations(self) -> None:
        """See `TrainableModel.recompute_activations`."""
        self.module.gradient_checkpointing = True

    def save(self, folder: Path, search: SearchDefaults) -> None:
        """See `TrainableModel.save`."""
        save_model(self.module, folder, search=search)


class StockModel:
    """An encoder-decoder class of transformers, or one with an adapter around it."""

    def __init__(self, module: Any):
        self.module = module
        # The stock class with the adapter's matrices in it: peft's own class around it would
        # search by settings of its own.
        self.engine = StockEngine(module.get_base_model() if is_adapted(module) else module)

    def criterion(self, spec: TrainSpec) -> Criterion:
        """See `TrainableModel.criterion`."""
        return StockCriterion(self.module, spec)

    def flops_per_token(self) -> tuple[float, float]:
        """See `TrainableModel.flops_per_token`."""
        return stock_flops_per_token(self.module)

    def recompute_activations(self) -> None:
        """See `TrainableModel.recompute_activations`."""
        self.module.gradient_checkpointing_enable({"use_reentrant": False})

    def save(self, folder: Path, search: SearchDefaults) -> None:
        """See `TrainableModel.save`; what the model's own settings say besides stays as it is.

        An adapter is added to the weights, and saved by itself in the folder ``adapter``.
        """
        model = self.module
        if is_adapted(model):
            save_adapter(model, folder / ADAPTER)
            model = copy.deepcopy(model).merge_and_unload()
        settings = copy.deepcopy(model.generation_config)
        model.generation_config.update(
            num_beams=search.beams,
            early_stopping=search.beams > 1,
            length_penalty=search.length_penalty,
            no_repeat_ngram_size=search.no_repeat_ngram,
            # Of its first task. It was validated without a shortest length, and ``generate`` writes
            # 20 pieces at most where no longest one is named.
            max_length=search.max_length or target_positions(model.config),
            max_new_tokens=None,
            min_length=0,
            min_new_tokens=None,
        )
        if search.first_id is not None:
            model.generation_config.forced_bos_token_id = search.first_id
        try:
            model.save_pretrained(folder)
        finally:
            model.generation_config = settings
        (folder / "model.safetensors").chmod(0o644)  # safetensors lets nobody else read its files
