"""The criterion of any encoder-decoder of transformers: the next piece, and R-Drop."""

from typing import Any

from torch import Tensor

from seq2seq.data.batches import Batch
from seq2seq.engines.stock_inputs import encoder_inputs
from seq2seq.recipe import TrainSpec
from seq2seq.train.criterion.criterion import (
    Criterion,
    Losses,
    Update,
    context_tokens,
    discounted,
)
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
            update: The update they are a part of.

        Returns:
            Loss and likelihood summed over target tokens, with R-Drop the mean over its two passes.
        """
        targets = batch.target_ids.flatten()[batch.target_places]
        logits = self._logits(batch)
        log_probabilities = _at(logits, batch.target_places)
        loss, nll = self._cross_entropy(log_probabilities, targets)
        if not self.training:
            return Losses(loss, {"nll": nll})
        if self.rdrop_weight:
            again = _at(self._logits(batch), batch.target_places)
            other_loss, other_nll = self._cross_entropy(again, targets)
            divergence = symmetric_divergence(log_probabilities, again)
            loss = (loss + other_loss) / 2 + self.rdrop_weight / 4 * divergence
            nll = (nll + other_nll) / 2
        if self.context_discount:
            context = self._context_loss(logits, batch)
            loss = discounted(loss, context, self.context_discount, update)
        return Losses(loss, {"nll": nll})

    def counts(self, batch: Batch) -> dict[str, int]:
        """The pieces of context that are scored too."""
        return context_tokens(batch, self.context_discount)

    def _context_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Loss of what stands before the sentences of the targets."""
        places = batch.context_places
        if places is None:
            return logits.new_zeros(())
        loss, _ = self._cross_entropy(_at(logits, places), batch.target_ids.flatten()[places])
        return loss

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
