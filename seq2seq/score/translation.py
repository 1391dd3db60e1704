"""BLEU, chrF and TER, computed and signed by sacrebleu on detokenised text.

sacrebleu does the tokenising itself, which is what makes its figures comparable between papers:
give it raw hypotheses and the raw reference file. What it is told is the target language, because
a tokenizer that fits another one makes a perfect translation score 0. Signatures are its own; only
where it has no way to cut a script (TER of Thai, say) ours says how it was done.
"""

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

from seq2seq.score.figure import Figure, Measure
from seq2seq.score.resampling import Statistics
from seq2seq.score.result import Segments
from seq2seq.score.texts import References, references_by_segment
from seq2seq.score.tokenization import Script, choose_tokenization, script_of
from seq2seq.score.words import LETTER


def measure_bleu(
    references: References,
    *,
    language: str | None = None,
    tokenize: str | None = None,
    spm: str | Path | None = None,
    lowercase: bool = False,
) -> Measure:
    """Corpus BLEU: overlap of word n-grams up to four, times a penalty for being too short.

    Args:
        references: as ``make_comparable`` returned them.
        language: code of the target language, which chooses the tokenizer; without it the script
            of the references does.
        tokenize: sacrebleu's name of another tokenizer; another tokenizer is another figure.
        spm: a SentencePiece model to cut with (spBLEU), which stands over both.
        lowercase: ignore case; the signature then says ``case:lc``.

    Raises:
        ScoreError: the tokenizer cannot be had.

    Source: Papineni et al. 2002; Post 2018 (sacrebleu).
    """
    lines = (line for texts in references_by_segment(references) for line in texts)
    tokenization = choose_tokenization(lines, language=language, tokenize=tokenize, spm=spm)
    metric = tokenization.metric(lowercase=lowercase)
    return sacrebleu_measure("bleu", metric, references, notes=tokenization.notes)


def measure_chrf(
    references: References, *, word_order: int = 0, lowercase: bool = False
) -> Measure:
    """chrF2: F-score of character n-grams up to six, recall weighing twice as much.

    It needs no tokenizer and is fairer than BLEU to languages with rich inflection.

    Args:
        references: as ``make_comparable`` returned them.
        word_order: 2 also counts word n-grams up to two; that metric is called chrF2++.
        lowercase: ignore case.

    Source: Popović 2015 and 2017.
    """
    from sacrebleu.metrics import CHRF

    metric = CHRF(word_order=word_order, lowercase=lowercase)
    return sacrebleu_measure("chrf++" if word_order else "chrf", metric, references)


def measure_ter(references: References, *, language: str | None = None) -> Measure:
    """Translation edit rate: edits and shifts for every hundred reference words; lower is better.

    Case is ignored, as Tercom does by default; the signature says so. Chinese and Japanese are
    cut as Tercom cuts Asian text (``norm:yes|asian:yes``), other scripts without spaces into
    letters with their accents (``tok:tercom-letters``).

    Args:
        references: as ``make_comparable`` returned them.
        language: code of the target language; without it the script of the references decides.

    Source: Snover et al. 2006.
    """
    from sacrebleu.metrics import TER

    script = script_of(
        (line for texts in references_by_segment(references) for line in texts), language
    )
    if script in (Script.CHINESE, Script.JAPANESE):
        return sacrebleu_measure("ter", TER(normalized=True, asian_support=True), references)
    metric = TER()
    if script is Script.UNSPACED:
        metric.tokenizer = _LetterTokenizer(metric.tokenizer)
        metric.tokenizer_signature = metric.tokenizer.signature()
    return sacrebleu_measure("ter", metric, references)


def sacrebleu_measure(
    key: str,
    metric: Any,
    references: References,
    *,
    notes: tuple[str, ...] = (),
    signed: Mapping[str, str] | None = None,
) -> Measure:
    """A metric of sacrebleu as one of ours.

    Args:
        key: what its figure is called among others.
        metric: fresh, as it remembers its references.
        references: as ``make_comparable`` returned them.
        notes: sentences for each of its figures.
        signed: keys to set in the signature, for text that was prepared before sacrebleu saw it;
            without it the signature is sacrebleu's, untouched.
    """
    import numpy as np

    read = metric._cache_references(references)
    metric._ref_cache = read
    signature = metric.get_signature()
    for name, value in (signed or {}).items():
        signature.update(name, value)

    def of_sums(sums: Any, _: int) -> float:
        return float(metric._compute_score_from_stats(sums).score)

    def measure(hypotheses: Segments) -> dict[str, Figure]:
        rows = np.array(metric._extract_corpus_statistics(hypotheses, None), dtype=np.float64)
        found = metric._compute_score_from_stats(rows.sum(0))
        figure = Figure(
            name=found.name,
            statistics=Statistics(rows, of_sums, inf if found.name == "TER" else 100.0),
            signature=str(signature),
            details=_details(found),
            notes=notes + _too_short(found),
        )
        return {key: figure}

    return measure


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


def _too_short(found: Any) -> tuple[str, ...]:
    """BLEU of text without four words in a row is 0, however good the text is."""
    if found.name != "BLEU" or found.totals[-1] or not found.totals[0]:
        return ()
    longest = sum(total > 0 for total in found.totals)
    return (
        f"no hypothesis has the {len(found.totals)} words in a row that BLEU needs (the longest "
        f"has {longest}): it is 0 whatever the text says; read chrF",
    )


class _LetterTokenizer:
    """Tercom's tokenizer, and each letter of a script without spaces as a word."""

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer

    def __call__(self, line: str) -> str:
        return " ".join(LETTER.sub(r" \g<0> ", self._tokenizer(line)).split())

    def signature(self) -> str:
        return f"{self._tokenizer.signature()}-letters"
