"""The bottleneck: at the piece that shows what "it" means, only a few source words are in sight."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from seq2seq.data.marks import BatchMarks
from seq2seq.recipe import BottleneckSpec


@dataclass(frozen=True)
class Visibility:
    """What pieces may read, where that is less than everything."""

    target: Bool[Tensor, "batch target source"] | None = None
    source: Bool[Tensor, "batch source source"] | None = None
    past: Bool[Tensor, "batch target target"] | None = None


def narrowed(
    source_mask: Bool[Tensor, "batch source"] | None, marks: BatchMarks, spec: BottleneckSpec
) -> Visibility:
    """What each piece may read: at a marked decision the visible words alone.

    Args:
        source_mask: True at real pieces; None where nothing is padded.
        marks: Where the words stand.
        spec: Which of them stay in sight, and whether encoder and decoder are narrowed too.

    Returns:
        Everything that is real, but at the decisions.
    """
    words = [getattr(marks, name) for name in spec.visible]
    shown = torch.stack(words).any(0)
    real = torch.ones_like(shown) if source_mask is None else source_mask
    target = torch.where(marks.decision[:, :, None], shown[:, None], real[:, None])
    past = _without_rows_that_read(marks.decision) if spec.decoder else None
    if not spec.encoder:
        return Visibility(target, past=past)
    gold, other = marks.antecedent, marks.distractor
    nouns = gold | other
    hidden = _pairs(~(marks.pronoun | nouns), nouns) | _pairs(nouns, marks.clause)
    hidden |= _pairs(gold, other) | _pairs(other, gold)
    hidden &= marks.decision.any(1)[:, None, None]
    return Visibility(target, real[:, None] & ~hidden, past)


def _without_rows_that_read(
    decision: Bool[Tensor, "batch target"],
) -> Bool[Tensor, "batch target target"]:
    """Every target piece before and at one's own; at a decision that piece alone."""
    length = decision.shape[1]
    itself = torch.eye(length, dtype=torch.bool, device=decision.device)
    return torch.where(decision[:, :, None], itself, torch.ones_like(itself).tril())


def _pairs(
    rows: Bool[Tensor, "batch source"], columns: Bool[Tensor, "batch source"]
) -> Bool[Tensor, "batch source source"]:
    return rows[:, :, None] & columns[:, None, :]
