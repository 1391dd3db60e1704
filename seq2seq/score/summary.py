"""ROUGE for summaries, and the baseline that every summary has to beat: the first words."""

from collections.abc import Sequence

from seq2seq.score.result import RESAMPLES, SEED, Score, Segments, check_texts, interval_of

ROUGE_NAMES = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
LEAD_WORDS = (8, 12)


def rouge(
    hypotheses: Segments,
    references: Sequence[Segments],
    *,
    resamples: int = RESAMPLES,
) -> dict[str, Score]:
    """ROUGE-1, ROUGE-2 and ROUGE-L: F1 of shared words, word pairs and longest subsequence.

    Args:
        hypotheses: one summary a line.
        references: one or more reference texts; with several, a segment's score is the mean
            of its scores against each.
        resamples: bootstrap resamples for the interval; 0 leaves the interval out.

    Returns:
        "rouge1", "rouge2" and "rougeL". Details count the segments where no reference has a
        letter or digit of ASCII: rouge-score drops all others, so those segments score 0
        whatever the summary says.

    Raises:
        ScoreError: the texts are empty or not parallel.

    Source: Lin 2004; rouge-score (Google Research), stemmer on.
    """
    found = segment_rouge(hypotheses, references)
    signature = rouge_signature(len(references), f"bs:{resamples}" if resamples > 1 else None)
    unscorable = sum(
        not any(letter.isascii() and letter.isalnum() for text in texts for letter in text)
        for texts in zip(*references, strict=True)
    )
    return {
        key: Score(
            name=ROUGE_NAMES[key],
            value=sum(values) / len(values),
            signature=signature,
            interval=_bootstrap_interval(values, resamples) if resamples > 1 else None,
            details={"unscorable_references": unscorable},
        )
        for key, values in found.items()
    }


def segment_rouge(hypotheses: Segments, references: Sequence[Segments]) -> dict[str, list[float]]:
    """ROUGE of every segment, 0 to 100: the mean over its references.

    Args:
        hypotheses: one summary a line.
        references: one or more reference texts.

    Raises:
        ScoreError: the texts are empty or not parallel.
    """
    from rouge_score.rouge_scorer import RougeScorer

    check_texts(hypotheses, references)
    scorer = RougeScorer(list(ROUGE_NAMES), use_stemmer=True)
    found: dict[str, list[float]] = {key: [] for key in ROUGE_NAMES}
    for hypothesis, *texts in zip(hypotheses, *references, strict=True):
        each = [scorer.score(text, hypothesis) for text in texts]
        for key, values in found.items():
            values.append(100 * sum(one[key].fmeasure for one in each) / len(each))
    return found


def rouge_signature(reference_count: int, test: str | None) -> str:
    """The choices behind a ROUGE figure, in the form of sacrebleu's signatures.

    Args:
        reference_count: how many references each segment has.
        test: the resampling, such as "bs:1000"; None where there is none.
    """
    from importlib.metadata import version

    resampled = [test, f"seed:{SEED}"] if test else []
    return "|".join(
        [
            f"nrefs:{reference_count}",
            *resampled,
            "measure:f1",
            "case:lc",
            "tok:ascii-words",
            "stem:porter",
            "multi:mean",
            f"version:rouge-score-{version('rouge-score')}",
        ]
    )


def lead(document: str, words: int) -> str:
    """The first words of a document, the summary that costs nothing.

    Args:
        document: the text.
        words: how many words to keep; a word is what stands between spaces.
    """
    return " ".join(document.split()[:words])


def lead_scores(
    documents: Segments, references: Sequence[Segments], *, resamples: int = RESAMPLES
) -> dict[str, dict[str, Score]]:
    """ROUGE of the first 8 and the first 12 words of each document.

    A summarizer that is not above these has learnt nothing worth having.

    Args:
        documents: one source document a line.
        references: one or more reference texts.
        resamples: bootstrap resamples for the intervals; 0 leaves them out.

    Returns:
        The scores of "lead-8" and "lead-12", each as ``rouge`` gives them.
    """
    return {
        f"lead-{words}": rouge(
            [lead(document, words) for document in documents], references, resamples=resamples
        )
        for words in LEAD_WORDS
    }


def _bootstrap_interval(values: Sequence[float], resamples: int) -> tuple[float, float]:
    import numpy as np

    scores = np.asarray(values)
    drawn = np.random.default_rng(SEED)
    size = len(scores)
    return interval_of(
        [float(scores[drawn.integers(size, size=size)].mean()) for _ in range(resamples)]
    )
