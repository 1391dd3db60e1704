"""Model and objective as one module with one forward, which is what Accelerate wraps."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from seq2seq.model.transformer import Transformer
from seq2seq.train.objective import smoothed_cross_entropy

# Rows of two sets of logits that R-Drop compares at a time; they are computed again in the
# backward pass, so that only this many exist.
RDROP_ROWS = 1024


class Trainee(nn.Module):
    """Computes the training loss of a micro-batch, summed over its real target tokens."""

    def __init__(self, model: Transformer, *, label_smoothing: float, rdrop_weight: float):
        super().__init__()
        self.model = model
        self.label_smoothing = label_smoothing
        self.rdrop_weight = rdrop_weight

    def forward(
        self,
        source_ids: Int[Tensor, "batch source"],
        source_mask: Bool[Tensor, "batch source"] | None,
        target_ids: Int[Tensor, "batch target"],
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """Loss of predicting each target piece from those before it and the source.

        Args:
            source_ids: Source pieces, padded.
            source_mask: True on real pieces; None where nothing is padded.
            target_ids: Target pieces with the end-of-sentence piece, padded.

        Returns:
            The loss and the negative log-likelihood in nats, both summed over target tokens. With
            R-Drop the loss is the mean over its two passes.
        """
        real = target_ids != self.model.config.pad_token_id
        targets = target_ids[real]
        hidden = self._hidden(source_ids, source_mask, target_ids)[real]
        loss, nll = self._cross_entropy(hidden, targets)
        if self.rdrop_weight == 0 or not self.training:
            return loss, nll
        again = self._hidden(source_ids, source_mask, target_ids)[real]
        other_loss, other_nll = self._cross_entropy(again, targets)
        disagreement = self._disagreement(hidden, again)
        loss = (loss + other_loss) / 2 + self.rdrop_weight / 4 * disagreement
        return loss, (nll + other_nll) / 2

    def _hidden(self, source_ids: Tensor, source_mask: Tensor | None, target_ids: Tensor) -> Tensor:
        """Decoder states; the decoder reads the target shifted right behind its start piece."""
        inputs = target_ids.roll(1, dims=1)
        inputs[:, 0] = self.model.config.decoder_start_token_id
        memory = self.model.encode(source_ids, source_mask)
        hidden = self.model.decode(inputs, memory, source_mask)
        # Norms answer in 32 bits even under autocast; the objective computes in what it is given,
        # and its three products with the whole vocabulary are half of a small model's work.
        device = hidden.device.type
        if torch.is_autocast_enabled(device):
            hidden = hidden.to(torch.get_autocast_dtype(device))
        return hidden

    def _cross_entropy(self, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return smoothed_cross_entropy(
            hidden,
            self.model.output_weight,
            self.model.logits_bias,
            targets,
            smoothing=self.label_smoothing,
            pad_id=self.model.config.pad_token_id,
        )

    def _disagreement(self, one: Tensor, other: Tensor) -> Tensor:
        """Sum over tokens of both Kullback-Leibler divergences between two passes.

        Source:
            Wu et al. 2021 (arXiv:2106.14448) eq. 4, whose whole loss is halved here.
        """
        total = one.new_zeros((), dtype=torch.float32)
        for start in range(0, len(one), RDROP_ROWS):
            rows = slice(start, start + RDROP_ROWS)
            part = checkpoint(self._divergence, one[rows], other[rows], use_reentrant=False)
            total = total + part
        return total

    def _divergence(self, one: Tensor, other: Tensor) -> Tensor:
        p, q = (self.model.logits(hidden).float().log_softmax(-1) for hidden in (one, other))
        return F.kl_div(p, q, reduction="sum", log_target=True) + F.kl_div(
            q, p, reduction="sum", log_target=True
        )
