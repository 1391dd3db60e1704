"""The criterion of any encoder-decoder of transformers: the next piece, and R-Drop."""

from functools import partial

from torch import Tensor

from seq2seq.data.batches import Batch
from seq2seq.engines.stock_inputs import encoder_inputs
from seq2seq.train.criterion.criterion import Losses, NextPiece, Update
from seq2seq.train.criterion.transformer import symmetric_divergence


class StockCriterion(NextPiece):
    """The next piece by a stock class's own logits."""

    def forward(self, batch: Batch, update: Update) -> Losses:
        """Loss of predicting each target piece from those before it and the source.

        Args:
            batch: Pairs.
            update: The update they are a part of.

        Returns:
            Loss and likelihood summed over target tokens, with R-Drop the mean over its two passes.
        """
        loss, nll = self._prediction_loss(batch, partial(self._logits, batch), update)
        return Losses(loss, {"nll": nll})

    def _logits(self, batch: Batch) -> Tensor:
        """Of all pieces in all places of the targets, padding included: places by vocabulary."""
        inputs = encoder_inputs(self.model.config, batch.source_ids, batch.source_mask)
        # The class knows where its decoder starts. A cache would only cost memory.
        decoder_ids = self.model.prepare_decoder_input_ids_from_labels(labels=batch.target_ids)
        logits: Tensor = self.model(**inputs, decoder_input_ids=decoder_ids, use_cache=False).logits
        return logits.flatten(0, 1)

    def _at(self, found: Tensor, places: Tensor) -> Tensor:
        """Log-probabilities of all pieces in some places, in 32 bits."""
        return found.index_select(0, places).float().log_softmax(-1)

    def _disagreement(self, one: Tensor, other: Tensor) -> Tensor:
        return symmetric_divergence(one, other)

    def _cross_entropy(self, predicting: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The sums that `smoothed_cross_entropy` defines: padding gets nothing of the smoothing."""
        nll = -predicting.gather(1, targets[:, None]).sum()
        if self.label_smoothing == 0:
            return nll, nll.detach()
        spread = self.label_smoothing / (predicting.shape[1] - 1)
        pad_id = self.model.config.pad_token_id
        others = predicting.sum() - predicting[:, pad_id].sum()
        return (1 - self.label_smoothing) * nll - spread * others, nll.detach()
