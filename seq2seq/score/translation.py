"""BLEU, chrF and TER, computed and signed by sacrebleu on detokenised text.

sacrebleu does the tokenising itself, which is what makes its figures comparable between papers:
give it raw hypotheses and the raw reference file.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from seq2seq.score.result import RESAMPLES, Score, Segments, check_texts
from seq2seq.score.tokenization import choose_cutting


def bleu(
    hypotheses: Segments,
    references: Sequence[Segments],
    *,
    language: str | None = None,
    tokenize: str | None = None,
    spm: str | Path | None = None,
    lowercase: bool = False,
    resamples: int = RESAMPLES,
) -> Score:
    """Corpus BLEU: overlap of word n-grams up to four, times a penalty for being too short.

    Args:
        hypotheses: one detokenised segment a line.
        references: one or more raw reference texts, each parallel to the hypotheses.
        language: code of the target language, which chooses the tokenizer; without it the script
            of the references does.
        tokenize: sacrebleu's name of another tokenizer; another tokenizer is another figure.
        spm: a SentencePiece model to cut with (spBLEU), which stands over both.
        lowercase: ignore case; the signature then says ``case:lc``.
        resamples: bootstrap resamples for the interval; 0 leaves the interval out.

    Returns:
        The score, with precisions, lengths and brevity penalty among its details.

    Raises:
        ScoreError: the texts are empty or not parallel, or the tokenizer cannot be had.

    Source: Papineni et al. 2002; Post 2018 (sacrebleu).
    """
    cutting = choose_cutting(chain(*references), language=language, tokenize=tokenize, spm=spm)
    metric = cutting.metric(lowercase=lowercase)
    found = corpus_score(metric, hypotheses, references, resamples=resamples)
    return replace(found, notes=cutting.notes)


def chrf(
    hypotheses: Segments,
    references: Sequence[Segments],
    *,
    word_order: int = 0,
    lowercase: bool = False,
    resamples: int = RESAMPLES,
) -> Score:
    """chrF2: F-score of character n-grams up to six, recall weighing twice as much.

    It needs no tokenizer and is fairer than BLEU to languages with rich inflection.

    Args:
        hypotheses: one detokenised segment a line.
        references: one or more raw reference texts.
        word_order: 2 also counts word n-grams up to two; that metric is called chrF2++.
        lowercase: ignore case.
        resamples: bootstrap resamples for the interval; 0 leaves the interval out.

    Raises:
        ScoreError: the texts are empty or not parallel.

    Source: Popović 2015 and 2017.
    """
    from sacrebleu.metrics import CHRF

    class PlainChrf(CHRF):  # type: ignore[misc]
        """sacrebleu's, whose resamples without any match would be of another number type.

        Python's statistics refuse to mix the two, which ends in a traceback where a text has
        almost nothing in common with its reference.
        """

        def _compute_score_from_stats(self, stats: Any) -> Any:
            found = super()._compute_score_from_stats(stats)
            found.score = float(found.score)
            return found

    metric = PlainChrf(word_order=word_order, lowercase=lowercase)
    return corpus_score(metric, hypotheses, references, resamples=resamples)


def ter(
    hypotheses: Segments,
    references: Sequence[Segments],
    *,
    resamples: int = RESAMPLES,
) -> Score:
    """Translation edit rate: edits and shifts for every hundred reference words; lower is better.

    Case is ignored, as Tercom does by default; the signature says so.

    Args:
        hypotheses: one detokenised segment a line.
        references: one or more raw reference texts.
        resamples: bootstrap resamples for the interval; 0 leaves the interval out.

    Raises:
        ScoreError: the texts are empty or not parallel.

    Source: Snover et al. 2006.
    """
    from sacrebleu.metrics import TER

    return corpus_score(TER(), hypotheses, references, resamples=resamples)


def corpus_score(
    metric: Any,
    hypotheses: Segments,
    references: Sequence[Segments],
    *,
    resamples: int,
    signed: Mapping[str, str] | None = None,
) -> Score:
    """Let a sacrebleu metric score a corpus, and keep what it says as a ``Score``.

    Args:
        metric: a sacrebleu metric, fresh: it remembers its references.
        hypotheses: one segment a line.
        references: one or more texts.
        resamples: bootstrap resamples for the interval; 0 leaves the interval out.
        signed: keys to set in the signature, for text that was prepared before sacrebleu saw
            it; without it the signature is sacrebleu's, untouched.
    """
    check_texts(hypotheses, references)
    found = metric.corpus_score(list(hypotheses), [list(r) for r in references], resamples)
    signature = metric.get_signature()
    for key, value in (signed or {}).items():
        signature.update(key, value)
    return Score(
        name=found.name,
        value=found.score,
        signature=str(signature),
        interval=_interval(found, str(signature)) if resamples > 1 else None,
        details=_details(found),
    )


def _interval(found: Any, signature: str) -> tuple[float, float]:
    """The interval sacrebleu prints as "mean ± half width"."""
    printed = json.loads(found.format(width=6, signature=signature, is_json=True))
    # sacrebleu leaves both out where the mean is 0, that is where no resample scored anything.
    mean, half = printed.get("confidence_mean", 0.0), printed.get("confidence_var", 0.0)
    return mean - half, mean + half


def _details(found: Any) -> dict[str, float]:
    match found.name:
        case "BLEU":
            precisions = {f"precision_{n}": p for n, p in enumerate(found.precisions, start=1)}
            return precisions | {
                "brevity_penalty": found.bp,
                "hypothesis_tokens": found.sys_len,
                "reference_tokens": found.ref_len,
            }
        case "TER":
            return {"edits": found.num_edits, "reference_words": found.ref_length}
        case _:
            return {}
