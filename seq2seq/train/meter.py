"""What the training loop adds up between two lines of its log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from seq2seq.data.batches import Batch
from seq2seq.recipe import TrainSpec


@dataclass(frozen=True)
class Meter:
    """Sums since the last log line: losses of this rank, counts and seconds over all ranks."""

    loss: float = 0.0
    nll: float = 0.0
    guided: float = 0.0
    """Negative log-probability that attention finds the antecedent, before its weight."""
    copying: float = 0.0
    """The same of what a target takes from its source."""
    source_tokens: int = 0
    target_tokens: int = 0
    padded_tokens: int = 0
    antecedents: int = 0
    """Sentences whose attention was guided."""
    batches: int = 0
    bottlenecks: int = 0
    """Micro-batches that went through the bottleneck."""
    seconds: float = 0.0
    gradient_norm: float = 0.0
    """Of the last update; the only figure that is no sum."""

    @classmethod
    def of(cls, saved: Mapping[str, float]) -> "Meter":
        """The sums that a checkpoint holds; 0 where it has none."""
        known: dict[str, Any] = {f.name: saved[f.name] for f in fields(cls) if f.name in saved}
        return cls(**known)

    @property
    def tokens(self) -> int:
        """Source and target pieces."""
        return self.source_tokens + self.target_tokens

    def pointing(self, guided: float, copying: float, spec: TrainSpec) -> dict[str, float]:
        """What the log says of the options that point at words, where they are on.

        Args:
            guided: Guided loss, summed over all ranks.
            copying: That of copying, summed over all ranks.
            spec: The options.

        Returns:
            Figures by name.
        """
        values = {}
        if spec.guided_attention.weight:
            values["guided_nats_per_sentence"] = guided / max(self.antecedents, 1)
        if spec.guided_copy.weight:
            values["copying_nats_per_token"] = copying / max(self.target_tokens, 1)
        if spec.bottleneck.share:
            values["bottleneck_share"] = self.bottlenecks / self.batches
        return values

    def __add__(self, other: "Meter") -> "Meter":
        sums = (getattr(self, f.name) + getattr(other, f.name) for f in fields(self))
        return replace(Meter(*sums), gradient_norm=other.gradient_norm)


def counts_of(window: Sequence[Batch]) -> list[int]:
    """What this rank's micro-batches add to the counts of a meter, in the meter's order."""
    return [
        sum(batch.source_tokens for batch in window),
        sum(batch.target_tokens for batch in window),
        sum(batch.padded_tokens for batch in window),
        sum(batch.marks.antecedents for batch in window if batch.marks is not None),
        len(window),
        sum(batch.bottleneck for batch in window),
    ]
