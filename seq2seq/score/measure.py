"""One text, one metric, one call: what every other part of the program scores with."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from seq2seq.errors import ScoreError
from seq2seq.score.result import RESAMPLES, Score, Segments
from seq2seq.score.significance import TRIALS
from seq2seq.score.summary import rouge
from seq2seq.score.translation import bleu, chrf, ter

Metric = Literal["bleu", "chrf", "chrf++", "ter", "rouge"]
METRICS: tuple[Metric, ...] = get_args(Metric)


@dataclass(frozen=True)
class ScoreOptions:
    """What to measure, and how.

    Attributes:
        metrics: the metrics, in the order of the report.
        lowercase: ignore case in BLEU and chrF; TER and ROUGE always do.
        tokenized: add BLEU on Moses-tokenised text, both cased and lower-cased.
        language: code of the target language, which chooses BLEU's tokenizer.
        tokenize: sacrebleu's name of another tokenizer for BLEU.
        spm: SentencePiece model that cuts text for BLEU instead.
        resamples: bootstrap resamples for the intervals; 0 leaves the intervals out.
        trials: of the randomization test between systems.
    """

    metrics: tuple[str, ...] = ("bleu", "chrf", "ter")
    lowercase: bool = False
    tokenized: bool = False
    language: str | None = None
    tokenize: str | None = None
    spm: str | Path | None = None
    resamples: int = RESAMPLES
    trials: int = TRIALS

    def __post_init__(self) -> None:
        unknown = [_unknown_metric(name) for name in self.metrics if name not in METRICS]
        if unknown:
            raise ScoreError("; ".join(unknown))


def measure(
    metric: str,
    hypotheses: Segments,
    references: Sequence[Segments],
    options: ScoreOptions,
) -> dict[str, Score]:
    """Score a text by one metric.

    Args:
        metric: one of ``METRICS``.
        hypotheses: one detokenised segment a line.
        references: one or more raw reference texts.
        options: language, tokenizer, case and resamples.

    Returns:
        The score under the metric's name; ROUGE gives several.

    Raises:
        ScoreError: the texts are empty or not parallel, or an option cannot be met.
    """
    lowercase, resamples = options.lowercase, options.resamples
    match metric:
        case "bleu":
            score = bleu(
                hypotheses,
                references,
                language=options.language,
                tokenize=options.tokenize,
                spm=options.spm,
                lowercase=lowercase,
                resamples=resamples,
            )
        case "chrf" | "chrf++":
            score = chrf(
                hypotheses,
                references,
                word_order=2 if metric == "chrf++" else 0,
                lowercase=lowercase,
                resamples=resamples,
            )
        case "ter":
            score = ter(hypotheses, references, resamples=resamples)
        case _:
            return rouge(hypotheses, references, resamples=resamples)
    return {metric: score}


def _unknown_metric(name: str) -> str:
    close = difflib.get_close_matches(name, METRICS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(METRICS)}"
    return f"metric {name!r}: not known, needed one of {len(METRICS)}; {hint}"
