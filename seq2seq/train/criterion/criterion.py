"""The interface between the training loop and whatever an update minimises."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from seq2seq.data.batches import Batch
from seq2seq.recipe import TrainSpec

TARGET_TOKENS = "target_tokens"
CONTEXT_TOKENS = "context_tokens"


@dataclass(frozen=True)
class Update:
    """The update that a micro-batch is a part of.

    Attributes:
        step: Its number, counted from 1.
        counts: What all its micro-batches hold on all ranks, by name: ``target_tokens``, and what
            ``Criterion.counts`` names. They stay on the device, so that nobody waits for them.
    """

    step: int
    counts: Mapping[str, Float[Tensor, ""]]


class Losses(NamedTuple):
    """What a micro-batch gives.

    Attributes:
        loss: What is minimised, a sum over target tokens; it alone has a gradient.
        parts: Named sums for the log, without gradient: ``nll``, the negative log-likelihood of the
            target pieces in nats, and what the criterion adds to it.
    """

    loss: Float[Tensor, ""]
    parts: dict[str, Float[Tensor, ""]]


def discounted(
    own: Float[Tensor, ""], context: Float[Tensor, ""], discount: float, update: Update
) -> Float[Tensor, ""]:
    """The loss of sentences and of what is given before them, which counts less.

    Divided by the update's target tokens, as the loop does, it is the mean over all pieces in which
    one of the context weighs as much as the discount says.

    Args:
        own: Summed over the pieces of the sentences.
        context: Summed over those of their context.
        discount: What one of these weighs.
        update: With the numbers of both.

    Returns:
        A sum over target tokens.

    Source:
        The context discount of Lupo et al. 2022 (arXiv:2210.13388), there a sum.
    """
    pieces = update.counts[TARGET_TOKENS]
    share = pieces / (pieces + discount * update.counts[CONTEXT_TOKENS])
    return share * (own + discount * context)


class Criterion(nn.Module):
    """Computes the loss of a micro-batch; a module, because that is what Accelerate wraps.

    The loss is a sum and the loop divides it by the update's target tokens, so that micro-batches
    and ranks add up to one big batch. A part that is a mean over something else, sentences for
    instance, counts that in ``counts`` and finds the total in ``Update``.

    Attributes:
        model: What learns.
    """

    def __init__(self, model: Any):
        super().__init__()
        self.model = model

    @abstractmethod
    def forward(self, batch: Batch, update: Update) -> Losses:
        """The losses of a micro-batch; outside of training those of the target pieces alone."""

    def counts(self, batch: Batch) -> dict[str, int]:
        """What else than tokens a micro-batch holds, by name; the same names for every batch."""
        return {}

    def figures(self, sums: Mapping[str, float]) -> dict[str, float]:
        """What the log says, beside the loss, of the sums of parts and counts over all ranks."""
        return {}


class NextPiece(Criterion):
    """Label-smoothed cross-entropy of the next piece, with R-Drop, and context that counts less.

    What a model reads (``found``) and how pieces are predicted from it is each kind's own.
    """

    def __init__(self, model: Any, spec: TrainSpec):
        super().__init__(model)
        self.label_smoothing = spec.label_smoothing
        self.rdrop_weight = spec.rdrop_weight
        self.context_discount = spec.context_discount

    def counts(self, batch: Batch) -> dict[str, int]:
        """The pieces of context that are scored too."""
        if not self.context_discount:
            return {}
        return {CONTEXT_TOKENS: 0 if batch.context_places is None else len(batch.context_places)}

    def _prediction_loss(
        self, batch: Batch, read: Callable[[], Tensor], update: Update
    ) -> tuple[Tensor, Tensor]:
        """Loss and likelihood, of R-Drop the mean over two passes; ``read`` makes one each time."""
        targets = batch.target_ids.flatten()[batch.target_places]
        found = read()
        one = self._at(found, batch.target_places)
        loss, nll = self._cross_entropy(one, targets)
        if not self.training:
            return loss, nll
        if self.rdrop_weight:
            other = self._at(read(), batch.target_places)
            other_loss, other_nll = self._cross_entropy(other, targets)
            disagreement = self._disagreement(one, other)
            loss = (loss + other_loss) / 2 + self.rdrop_weight / 4 * disagreement
            nll = (nll + other_nll) / 2
        if self.context_discount:
            context = self._context_loss(found, batch)
            loss = discounted(loss, context, self.context_discount, update)
        return loss, nll

    def _context_loss(self, found: Tensor, batch: Batch) -> Tensor:
        """Loss of what stands before the sentences of the targets."""
        places = batch.context_places
        if places is None:
            return found.new_zeros((), dtype=torch.float32)
        loss, _ = self._cross_entropy(self._at(found, places), batch.target_ids.flatten()[places])
        return loss

    @abstractmethod
    def _at(self, found: Tensor, places: Tensor) -> Tensor:
        """What pieces are predicted from in some places."""

    @abstractmethod
    def _cross_entropy(self, predicting: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The sums that `smoothed_cross_entropy` defines."""

    @abstractmethod
    def _disagreement(self, one: Tensor, other: Tensor) -> Tensor:
        """Sum over tokens of both Kullback-Leibler divergences between two passes."""
