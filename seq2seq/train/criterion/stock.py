"""The criterion of any encoder-decoder of transformers: the next piece, and R-Drop."""

from typing import Any

from torch import Tensor

from seq2seq.data.batches import Batch
from seq2seq.engines.stock_inputs import encoder_inputs
from seq2seq.recipe import TrainSpec
from seq2seq.train.criterion.criterion import Criterion, Losses, Update
from seq2seq.train.criterion.transformer import symmetric_divergence


class StockCriterion(Criterion):
    """Label-smoothed cross-entropy of a stock class's own logits."""

    def __init__(self, model: Any, spec: TrainSpec):
        super().__init__(model)
        self.label_smoothing = spec.label_smoothing
        self.rdrop_weight = spec.rdrop_weight
        self.context_discount = spec.context_discount

    def forward(self, batch: Batch, update: Update) -> Losses:
        """Loss of predicting each target piece from those before it and the source.

        Args:
            batch: Pairs.
            update: Not used: nothing here is a mean over anything but target tokens.

        Returns:
            Loss and likelihood summed over target tokens, with R-Drop the mean over its two passes.
        """
        targets = batch.target_ids.flatten()[batch.target_places]
        logits = self._logits(batch)
        log_probabilities = _at(logits, batch.target_places)
        loss, nll = self._cross_entropy(log_probabilities, targets)
        if self.context_discount and self.training and batch.context_places is not None:
            context = batch.target_ids.flatten()[batch.context_places]
            context_loss, _ = self._cross_entropy(_at(logits, batch.context_places), context)
            loss = loss + self.context_discount * context_loss
        if self.rdrop_weight == 0 or not self.training:
            return Losses(loss, {"nll": nll})
        again = _at(self._logits(batch), batch.target_places)
        other_loss, other_nll = self._cross_entropy(again, targets)
        divergence = symmetric_divergence(log_probabilities, again)
        loss = (loss + other_loss) / 2 + self.rdrop_weight / 4 * divergence
        return Losses(loss, {"nll": (nll + other_nll) / 2})

    def _logits(self, batch: Batch) -> Tensor:
        """Of all pieces in all places of the targets, padding included: places by vocabulary."""
        inputs = encoder_inputs(self.model.config, batch.source_ids, batch.source_mask)
        # The class knows where its decoder starts. A cache would only cost memory.
        decoder_ids = self.model.prepare_decoder_input_ids_from_labels(labels=batch.target_ids)
        logits: Tensor = self.model(**inputs, decoder_input_ids=decoder_ids, use_cache=False).logits
        return logits.flatten(0, 1)

    def _cross_entropy(self, log_probabilities: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The sums that `smoothed_cross_entropy` defines: padding gets nothing of the smoothing."""
        nll = -log_probabilities.gather(1, targets[:, None]).sum()
        if self.label_smoothing == 0:
            return nll, nll.detach()
        spread = self.label_smoothing / (log_probabilities.shape[1] - 1)
        pad_id = self.model.config.pad_token_id
        others = log_probabilities.sum() - log_probabilities[:, pad_id].sum()
        return (1 - self.label_smoothing) * nll - spread * others, nll.detach()


def _at(logits: Tensor, places: Tensor) -> Tensor:
    """Log-probabilities of all pieces in some places, in 32 bits."""
    return logits.index_select(0, places).float().log_softmax(-1)
