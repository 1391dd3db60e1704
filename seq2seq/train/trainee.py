"""Model and objective as one module with one forward, which is what Accelerate wraps."""

from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from seq2seq.data.marks import BatchMarks
from seq2seq.model.attention import CrossAttention, SelfAttention
from seq2seq.model.layers import DecoderLayer, EncoderLayer
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import BottleneckSpec, GuidedAttentionSpec, GuidedCopySpec
from seq2seq.train.copying import copied_places, copying_loss
from seq2seq.train.guidance import Calls, attention_loss, inputs_of
from seq2seq.train.objective import smoothed_cross_entropy

# Rows of two sets of logits that R-Drop compares at a time; they are computed again in the
# backward pass, so that only this many exist.
RDROP_ROWS = 1024


class Losses(NamedTuple):
    """What a micro-batch gives, each summed over it; only the first has a gradient.

    Attributes:
        loss: What is minimised: everything below with its weight.
        nll: Negative log-likelihood of the target pieces, in nats.
        guided: Negative log-probability that attention finds the antecedent; None if not guided.
        copying: Negative log-probability that attention finds what is copied; None if not guided.
    """

    loss: Tensor
    nll: Tensor
    guided: Tensor | None = None
    copying: Tensor | None = None


@dataclass(frozen=True)
class Sight:
    """What pieces may read, where that is less than everything."""

    target: Bool[Tensor, "batch target source"] | None = None
    source: Bool[Tensor, "batch source source"] | None = None


class Trainee(nn.Module):
    """Computes the training loss of a micro-batch, summed over its real target tokens."""

    def __init__(
        self,
        model: Transformer,
        *,
        label_smoothing: float,
        rdrop_weight: float,
        guided: GuidedAttentionSpec | None = None,
        copying: GuidedCopySpec | None = None,
        bottleneck: BottleneckSpec | None = None,
    ):
        super().__init__()
        self.model = model
        self.label_smoothing = label_smoothing
        self.rdrop_weight = rdrop_weight
        self.guided = guided if guided and guided.weight else None
        self.copying = copying if copying and copying.weight else None
        self.bottleneck = bottleneck or BottleneckSpec()

    def forward(
        self,
        source_ids: Int[Tensor, "batch source"],
        source_mask: Bool[Tensor, "batch source"] | None,
        target_ids: Int[Tensor, "batch target"],
        marks: BatchMarks | None = None,
        *,
        guidance: float = 0.0,
        bottleneck: bool = False,
    ) -> Losses:
        """Loss of predicting each target piece from those before it and the source.

        Args:
            source_ids: Source pieces, padded.
            source_mask: True on real pieces; None where nothing is padded.
            target_ids: Target pieces with the end-of-sentence piece, padded.
            marks: Where the words stand that guidance and bottleneck point at.
            guidance: What the guided loss is multiplied by before it is added to the loss.
            bottleneck: Whether the marked decisions see only the recipe's visible words.

        Returns:
            Loss and likelihood summed over target tokens, with R-Drop the mean over its two
            passes; the guided loss is summed over the sentences that have an antecedent, that of
            copying over the target pieces that were copied.
        """
        sight = Sight()
        if marks is not None and bottleneck:
            sight = self._sight(source_mask, marks)
        with inputs_of(self._looking) as read, inputs_of(self._looking_up) as read_of_source:
            loss, nll = self._translation_loss(source_ids, source_mask, target_ids, sight)
        guided = copying = None
        if self.guided is not None and marks is not None:
            guided = self._guided_loss(read, source_mask, marks)
            loss = loss + guidance * guided
        if self.copying is not None:
            copying = self._copying_loss(read_of_source, source_ids, source_mask, target_ids)
            loss = loss + self.copying.weight * copying
        return Losses(loss, nll, _detached(guided), _detached(copying))

    @property
    def _looking(self) -> SelfAttention | None:
        if self.guided is None:
            return None
        return cast(EncoderLayer, self.model.encoder[self.guided.layer]).self_attention

    @property
    def _looking_up(self) -> CrossAttention | None:
        if self.copying is None:
            return None
        return cast(DecoderLayer, self.model.decoder[self.copying.layer]).cross_attention

    def _guided_loss(self, read: Calls, source_mask: Tensor | None, marks: BatchMarks) -> Tensor:
        """The mean over the passes, of which R-Drop makes two."""
        assert self.guided is not None
        assert self._looking is not None
        asking, attention, head = getattr(marks, self.guided.row), self._looking, self.guided.head
        losses = [
            attention_loss(attention, x, source_mask, asking, marks.antecedent, head=head)
            for x, *_ in read
        ]
        return torch.stack(losses).mean()

    def _copying_loss(
        self, read: Calls, source_ids: Tensor, source_mask: Tensor | None, target_ids: Tensor
    ) -> Tensor:
        """The mean over the passes, of which R-Drop makes two."""
        assert self.copying is not None
        assert self._looking_up is not None
        attention, head, config = self._looking_up, self.copying.head, self.model.config
        special = target_ids.new_tensor([config.pad_token_id, config.eos_token_id])
        copied = copied_places(source_ids, target_ids, special=special)
        losses = [
            copying_loss(attention, x, key, source_mask, copied, head=head) for x, key, *_ in read
        ]
        return torch.stack(losses).mean()

    def _translation_loss(
        self,
        source_ids: Tensor,
        source_mask: Tensor | None,
        target_ids: Tensor,
        sight: Sight,
    ) -> tuple[Tensor, Tensor]:
        real = target_ids != self.model.config.pad_token_id
        targets = target_ids[real]
        hidden = self._hidden(source_ids, source_mask, target_ids, sight)[real]
        loss, nll = self._cross_entropy(hidden, targets)
        if self.rdrop_weight == 0 or not self.training:
            return loss, nll
        again = self._hidden(source_ids, source_mask, target_ids, sight)[real]
        other_loss, other_nll = self._cross_entropy(again, targets)
        disagreement = self._disagreement(hidden, again)
        loss = (loss + other_loss) / 2 + self.rdrop_weight / 4 * disagreement
        return loss, (nll + other_nll) / 2

    def _sight(self, source_mask: Bool[Tensor, "batch source"] | None, marks: BatchMarks) -> Sight:
        """What each piece may read: at a marked decision the visible words alone."""
        words = [getattr(marks, name) for name in self.bottleneck.visible]
        shown = torch.stack(words).any(0)
        real = torch.ones_like(shown) if source_mask is None else source_mask
        target = torch.where(marks.decision[:, :, None], shown[:, None], real[:, None])
        if not self.bottleneck.encoder:
            return Sight(target)
        gold, other = marks.antecedent, marks.distractor
        nouns = gold | other
        hidden = _pairs(~(marks.pronoun | nouns), nouns) | _pairs(nouns, marks.clause)
        hidden |= _pairs(gold, other) | _pairs(other, gold)
        hidden &= marks.decision.any(1)[:, None, None]
        return Sight(target, real[:, None] & ~hidden)

    def _hidden(
        self,
        source_ids: Tensor,
        source_mask: Tensor | None,
        target_ids: Tensor,
        sight: Sight,
    ) -> Tensor:
        """Decoder states; the decoder reads the target shifted right behind its start piece."""
        inputs = target_ids.roll(1, dims=1)
        inputs[:, 0] = self.model.config.decoder_start_token_id
        memory = self.model.encode(source_ids, source_mask, visible=sight.source)
        hidden = self.model.decode(inputs, memory, source_mask, visible=sight.target)
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


def _detached(loss: Tensor | None) -> Tensor | None:
    return None if loss is None else loss.detach()


def _pairs(
    rows: Bool[Tensor, "batch source"], columns: Bool[Tensor, "batch source"]
) -> Bool[Tensor, "batch source source"]:
    return rows[:, :, None] & columns[:, None, :]
