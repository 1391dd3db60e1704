"""The criterion of our own Transformer: the next piece, R-Drop, and attention that is guided."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from seq2seq.data.batches import Batch
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import TrainSpec
from seq2seq.train.criterion.bottleneck import Visibility, narrowed
from seq2seq.train.criterion.criterion import Losses, NextPiece, Update
from seq2seq.train.criterion.cross_entropy import smoothed_cross_entropy
from seq2seq.train.criterion.guided_attention import GuidedAttention
from seq2seq.train.criterion.guided_copy import GuidedCopy
from seq2seq.train.criterion.layer_inputs import Calls, inputs_of

# Rows of two sets of logits that R-Drop compares at a time; they are computed again in the
# backward pass, so that only this many exist.
RDROP_ROWS = 1024
BOTTLENECKS, BATCHES = "bottlenecks", "batches"


class TransformerCriterion(NextPiece):
    """The next piece of our Transformer, and what the recipe adds to it."""

    model: Transformer

    def __init__(self, model: Transformer, spec: TrainSpec):
        super().__init__(model, spec)
        self.bottleneck = spec.bottleneck
        self.guides: list[GuidedAttention | GuidedCopy] = []
        if spec.guided_attention.weight:
            self.guides.append(GuidedAttention(model, spec.guided_attention, steps=spec.steps))
        if spec.guided_copy.weight:
            self.guides.append(GuidedCopy(model, spec.guided_copy))

    def forward(self, batch: Batch, update: Update) -> Losses:
        """Loss of predicting each target piece from those before it and the source.

        Args:
            batch: Pairs, and where the words stand that guidance and bottleneck point at.
            update: The update they are a part of.

        Returns:
            Loss and likelihood summed over target tokens, with R-Drop the mean over its two
            passes, and the sum of each guided loss.
        """
        if not self.training:
            states = partial(self._states, batch, Visibility())
            loss, nll = self._prediction_loss(batch, states, update)
            return Losses(loss, {"nll": nll})
        states = partial(self._states, batch, self._visibility(batch))
        with self._listening() as heard:
            loss, nll = self._prediction_loss(batch, states, update)
        parts = {"nll": nll}
        for guide, calls in zip(self.guides, heard, strict=True):
            guided = guide.loss(calls, batch)
            loss = loss + guide.weight(update) * guided
            parts[guide.name] = guided.detach()
        return Losses(loss, parts)

    def counts(self, batch: Batch) -> dict[str, int]:
        """What guided losses are means over, pieces of context, and batches in the bottleneck."""
        found = {name: n for guide in self.guides for name, n in guide.counts(batch).items()}
        found |= super().counts(batch)
        if self.bottleneck.share:
            found |= {BOTTLENECKS: int(batch.bottleneck), BATCHES: 1}
        return found

    def figures(self, sums: Mapping[str, float]) -> dict[str, float]:
        """How guided losses stand, and how many batches went through the bottleneck."""
        found = {name: x for guide in self.guides for name, x in guide.figures(sums).items()}
        if self.bottleneck.share:
            found["bottleneck_share"] = sums[BOTTLENECKS] / sums[BATCHES]
        return found

    @contextmanager
    def _listening(self) -> Iterator[list[Calls]]:
        with ExitStack() as stack:
            yield [stack.enter_context(inputs_of(guide.attention)) for guide in self.guides]

    def _visibility(self, batch: Batch) -> Visibility:
        if not batch.bottleneck or batch.marks is None:
            return Visibility()
        marks = batch.marks.to(batch.source_ids.device)
        return narrowed(batch.source_mask, marks, self.bottleneck)

    def _states(self, batch: Batch, visible: Visibility) -> Tensor:
        """Decoder states in all places, from the target shifted right behind its start."""
        inputs = batch.target_ids.roll(1, dims=1)
        inputs[:, 0] = self.model.config.decoder_start_token_id
        memory = self.model.encode(batch.source_ids, batch.source_mask, visible=visible.source)
        states = self.model.decode(
            inputs, memory, batch.source_mask, visible=visible.target, visible_past=visible.past
        )
        return states.flatten(0, 1)

    def _at(self, found: Tensor, places: Tensor) -> Tensor:
        """Decoder states in some places."""
        hidden = found.index_select(0, places)
        # Norms answer in 32 bits even under autocast; the cross-entropy computes in what it is
        # given, and its three products with the vocabulary are half of a small model's work.
        device = hidden.device.type
        if torch.is_autocast_enabled(device):
            hidden = hidden.to(torch.get_autocast_dtype(device))
        return hidden

    def _cross_entropy(self, predicting: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return smoothed_cross_entropy(
            predicting,
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
        return symmetric_divergence(p, q)


def symmetric_divergence(p: Tensor, q: Tensor) -> Tensor:
    """Sum over rows of both Kullback-Leibler divergences of two sets of log-probabilities."""
    return F.kl_div(p, q, reduction="sum", log_target=True) + F.kl_div(
        q, p, reduction="sum", log_target=True
    )
