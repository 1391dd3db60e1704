"""One metric of one system before anything is resampled, and how it becomes a score.

Every metric is a function from a system's segments to ``Figure``s, made once for its references:
``score`` turns one of them into a figure with an interval, ``compare`` those of several systems
into p-values, and neither knows which metric it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from seq2seq.score.resampling import Statistics, bootstrap, interval_of
from seq2seq.score.result import SEED, Score, Segments


@dataclass(frozen=True)
class Figure:
    """A metric's counts for one system.

    Attributes:
        name: as papers write it: "BLEU", "chrF2", "TER", "ROUGE-L".
        statistics: per segment.
        signature: every choice that changes the value, number of references first.
        details: the parts that the value is made of.
        notes: sentences on what its reader should know.
    """

    name: str
    statistics: Statistics
    signature: str
    details: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


Measure = Callable[[Segments], dict[str, Figure]]
"""Composed hypotheses in, figures by key out: "bleu", or "rouge1" and its kin."""


def to_score(figure: Figure, *, resamples: int) -> Score:
    """A figure as a score.

    Args:
        figure: the counts.
        resamples: bootstrap resamples for the interval; 0 leaves the interval out.
    """
    interval = None
    if resamples > 1:
        drawn = bootstrap([figure.statistics], resamples)[0]
        interval = interval_of(drawn, figure.statistics.most)
    return Score(
        name=figure.name,
        value=figure.statistics.score,
        signature=with_test(figure.signature, f"bs:{resamples}" if resamples > 1 else None),
        interval=interval,
        details=figure.details,
        notes=figure.notes,
    )


def with_test(signature: str, test: str | None) -> str:
    """Add a resampling and its seed to a signature, where sacrebleu writes them.

    Args:
        signature: begins with the number of references.
        test: such as "bs:1000" or "ar:10000"; None for none. "ar:exact" draws nothing, so it needs
            no seed.
    """
    if test is None:
        return signature
    references, _, choices = signature.partition("|")
    seed = "" if test == "ar:exact" else f"seed:{SEED}|"
    return f"{references}|{test}|{seed}{choices}"
