"""The model that a run begins with: new random weights, or those of the model of ``init``."""

from seq2seq.train.build import build_model, build_stock_model
from seq2seq.train.pretrained import freeze
from seq2seq.train.setup import Prepared
from seq2seq.train.trainable import NativeModel, StockModel, TrainableModel


def initial_model(prepared: Prepared) -> TrainableModel:
    """Build the model of a recipe; random weights come from torch's generator."""
    spec, train_spec = prepared.recipe.model, prepared.recipe.train
    trainable: TrainableModel
    if prepared.pretrained is not None:
        trainable = prepared.pretrained.model()
        freeze(trainable.module, train_spec.freeze)
    elif spec.is_native:
        trainable = NativeModel(build_model(spec, prepared.tokenizer.vocab_size))
    else:
        trainable = StockModel(build_stock_model(spec, prepared.tokenizer.vocab_size))
    if train_spec.gradient_checkpointing:
        trainable.recompute_activations()
    return trainable
