"""Text in, figures out: the one way in which every part of the program scores.

From Python, ``score`` is all there is to know:

    from seq2seq.score.measure import score

    found = score("bleu", outputs, references, language="zh")
    print(found.value, found.interval, found.signature, *found.notes)
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from seq2seq.errors import ScoreError
from seq2seq.score.figure import Measure, to_score
from seq2seq.score.result import RESAMPLES, Score, Segments
from seq2seq.score.summary import ROUGE_NAMES, measure_rouge
from seq2seq.score.texts import References, Texts, make_comparable
from seq2seq.score.translation import measure_bleu, measure_chrf, measure_ter

Metric = Literal["bleu", "chrf", "chrf++", "ter", "rouge"]
METRICS: tuple[Metric, ...] = get_args(Metric)
TRIALS = 10_000


@dataclass(frozen=True)
class ScoreOptions:
    """What to measure, and how.

    Attributes:
        metrics: the metrics, in the order of the report.
        lowercase: ignore case in BLEU and chrF; TER and ROUGE always do.
        tokenized: add BLEU on Moses-tokenised text, both cased and lower-cased.
        language: code of the target language, which says what a word is.
        tokenize: sacrebleu's name of another tokenizer for BLEU.
        spm: SentencePiece model that cuts text for BLEU instead.
        stem: cut English endings off in ROUGE; None does so for English alone.
        resamples: bootstrap resamples for the intervals; 0 leaves the intervals out.
        trials: most of the randomization test between systems.
    """

    metrics: tuple[str, ...] = ("bleu", "chrf", "ter")
    lowercase: bool = False
    tokenized: bool = False
    language: str | None = None
    tokenize: str | None = None
    spm: str | Path | None = None
    stem: bool | None = None
    resamples: int = RESAMPLES
    trials: int = TRIALS

    def __post_init__(self) -> None:
        unknown = [_unknown_metric(name) for name in self.metrics if name not in METRICS]
        if unknown:
            raise ScoreError("; ".join(unknown))


def score(
    metric: str,
    hypotheses: Segments,
    references: Segments | Sequence[Segments],
    *,
    language: str | None = None,
    tokenize: str | None = None,
    spm: str | Path | None = None,
    lowercase: bool = False,
    stem: bool | None = None,
    resamples: int = RESAMPLES,
) -> Score:
    """Score lists of strings by one metric.

    Args:
        metric: "bleu", "chrf", "chrf++", "ter", "rouge1", "rouge2", "rougeL" or "rougeLsum".
        hypotheses: what a system wrote, detokenised.
        references: what it should have written; several references are several such lists, in
            which a blank line means that there is none.
        language: code of the target language in any usual spelling; it says what a word is.
        tokenize: sacrebleu's name of another tokenizer for BLEU.
        spm: SentencePiece model that cuts text for BLEU instead.
        lowercase: ignore case in BLEU and chrF; TER and ROUGE always do.
        stem: cut English endings off in ROUGE; None does so for English alone.
        resamples: bootstrap resamples for the interval; 0 leaves the interval out.

    Returns:
        The score with its 95 % interval and signature; ``notes`` say what its reader should know.

    Raises:
        ScoreError: the texts are empty or not parallel, one string stands for a list of them, or
            the metric or tokenizer is not known.
    """
    for name, given in (("hypotheses", hypotheses), ("references", references)):
        if isinstance(given, str):  # its letters would each be a segment
            raise ScoreError(f"{name}: one string, needed a list of segments; write [text]")
    texts = make_comparable(hypotheses, _as_texts(references))
    options = ScoreOptions(
        metrics=("rouge" if metric in ROUGE_NAMES else metric,),
        lowercase=lowercase,
        language=language,
        tokenize=tokenize,
        spm=spm,
        stem=stem,
        resamples=resamples,
    )
    found = measure_texts(texts, options)
    if metric not in found:
        raise ScoreError(f"metric {metric!r}: several at once, needed one of {', '.join(found)}")
    return replace(found[metric], notes=(*texts.preparation.notes(), *found[metric].notes))


def measure_texts(texts: Texts, options: ScoreOptions) -> dict[str, Score]:
    """Score a system by every metric of the options.

    Args:
        texts: its output and the references.
        options: metrics, language, tokenizer, case and resamples.

    Returns:
        The scores by key; ROUGE gives four.

    Raises:
        ScoreError: an option cannot be met.
    """
    return {
        key: to_score(figure, resamples=options.resamples)
        for metric in options.metrics
        for key, figure in open_measure(metric, texts.references, options)(texts.hypotheses).items()
    }


def open_measure(metric: str, references: References, options: ScoreOptions) -> Measure:
    """A metric that has read its references.

    Args:
        metric: one of ``METRICS``.
        references: as ``make_comparable`` returned them.
        options: language, tokenizer and case.

    Raises:
        ScoreError: an option cannot be met.
    """
    match metric:
        case "bleu":
            return measure_bleu(
                references,
                language=options.language,
                tokenize=options.tokenize,
                spm=options.spm,
                lowercase=options.lowercase,
            )
        case "chrf" | "chrf++":
            order = 2 if metric == "chrf++" else 0
            return measure_chrf(references, word_order=order, lowercase=options.lowercase)
        case "ter":
            return measure_ter(references, language=options.language)
        case _:
            return measure_rouge(references, language=options.language, stem=options.stem)


def _as_texts(references: Segments | Sequence[Segments]) -> list[list[str]]:
    """Several texts; one alone becomes the only one."""
    texts: list[list[str]] = []
    alone: list[str] = []
    for one in references:
        if isinstance(one, str):
            alone.append(one)
        else:
            texts.append(list(one))
    return [alone, *texts] if alone else texts


def _unknown_metric(name: str) -> str:
    close = difflib.get_close_matches(name, METRICS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(METRICS)}"
    return f"metric {name!r}: not known, needed one of {len(METRICS)}; {hint}"
