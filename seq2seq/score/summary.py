"""ROUGE for summaries, and the baseline that every summary has to beat: the first words.

The measure is rouge-score's; what it calls a word is ours, because its own tokenizer knows English
alone (``words.py``). ROUGE-Lsum compares sentence by sentence: line breaks inside a text end them,
as in rouge-score, and in a text without any, which a file of one segment a line always holds,
``sentencex`` finds them.
"""

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version

from seq2seq.score.figure import Figure, Measure, to_score
from seq2seq.score.resampling import Statistics
from seq2seq.score.result import RESAMPLES, Score, Segments
from seq2seq.score.texts import References, make_comparable, references_by_segment
from seq2seq.score.tokenization import Script, script_of
from seq2seq.score.words import LETTERS_OF_WORD, Words, first_words, is_spaced, rouge_words

ROUGE_NAMES = {
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "rougeLsum": "ROUGE-Lsum",
}
LEAD_WORDS = (8, 12)


def rouge(
    hypotheses: Segments,
    references: References,
    *,
    language: str | None = None,
    stem: bool | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Score]:
    """ROUGE-1, 2, L and Lsum: F1 of shared words, word pairs and longest subsequences.

    Args:
        hypotheses: one summary a line.
        references: one or more reference texts; with several, a segment's score is the mean
            of its scores against each that it has.
        language: code of the summaries' language, which decides what a word is.
        stem: cut English endings off; None does so for English alone.
        resamples: bootstrap resamples for the interval; 0 leaves the interval out.

    Returns:
        "rouge1", "rouge2", "rougeL" and "rougeLsum".

    Raises:
        ScoreError: the texts are empty or not parallel.

    Source: Lin 2004; rouge-score (Google Research).
    """
    texts = make_comparable(hypotheses, references)
    figures = measure_rouge(texts.references, language=language, stem=stem)(texts.hypotheses)
    return {key: to_score(figure, resamples=resamples) for key, figure in figures.items()}


def measure_rouge(
    references: References, *, language: str | None = None, stem: bool | None = None
) -> Measure:
    """ROUGE against references that ``make_comparable`` returned; arguments as for ``rouge``."""
    import numpy as np

    words = rouge_words(language, stem=stem)
    segments = references_by_segment(references)
    script = script_of((line for texts in segments for line in texts), language)
    spaced = script in (Script.SPACED, Script.KOREAN)
    signature = _signature(references, words.signature(spaced=spaced))
    notes = _notes(segments, words, language)

    def measure(hypotheses: Segments) -> dict[str, Figure]:
        found = segment_rouge(hypotheses, segments, words, language=language)
        return {
            key: Figure(
                name=ROUGE_NAMES[key],
                statistics=Statistics(
                    np.array(values, dtype=np.float64)[:, None],
                    lambda sums, size: float(sums[0] / size),
                ),
                signature=_with_sentences(signature) if key == "rougeLsum" else signature,
                notes=notes,
            )
            for key, values in found.items()
        }

    return measure


def segment_rouge(
    hypotheses: Segments,
    references: Sequence[Segments],
    words: Words,
    *,
    language: str | None = None,
) -> dict[str, list[float]]:
    """ROUGE of every segment, 0 to 100: the mean over its references.

    Args:
        hypotheses: one summary a line.
        references: for each summary, the references that it has.
        words: how text is cut.
        language: code of the language, for finding sentences.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(ROUGE_NAMES), tokenizer=words)
    found: dict[str, list[float]] = {key: [] for key in ROUGE_NAMES}
    for hypothesis, texts in zip(hypotheses, references, strict=True):
        made = _sentences(hypothesis, language)
        each = [scorer.score(_sentences(text, language), made) for text in texts]
        for key, values in found.items():
            values.append(100 * sum(one[key].fmeasure for one in each) / len(each))
    return found


def lead(document: str, words: int) -> str:
    """The first words of a document, the summary that costs nothing.

    Args:
        document: the text.
        words: how many words to keep; a word is what stands between spaces, or about as many
            letters as one has where the script has no spaces.
    """
    return first_words(document, words)


def lead_scores(
    documents: Segments,
    references: References,
    *,
    language: str | None = None,
    stem: bool | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, dict[str, Score]]:
    """ROUGE of the first 8 and the first 12 words of each document.

    A summarizer that is not above these has learnt nothing worth having.

    Args:
        documents: one source document a line.
        references: one or more reference texts.
        language: code of the summaries' language.
        stem: cut English endings off; None does so for English alone.
        resamples: bootstrap resamples for the intervals; 0 leaves them out.

    Returns:
        The scores of "lead-8" and "lead-12", each as ``rouge`` gives them; of "lead-8 by letters"
        and "lead-12 by letters" where the documents have no spaces between words.
    """
    spaced = is_spaced(documents)
    found = {}
    for words in LEAD_WORDS:
        scores = rouge(
            [lead(document, words) for document in documents],
            references,
            language=language,
            stem=stem,
            resamples=resamples,
        )
        if spaced:
            found[f"lead-{words}"] = scores
        else:
            found[f"lead-{words} by letters"] = {
                key: _by_letters(score, words) for key, score in scores.items()
            }
    return found


def _by_letters(score: Score, words: int) -> Score:
    """The score of a lead whose words no spaces tell, saying what stands for them."""
    letters = words * LETTERS_OF_WORD
    choices, _, library = score.signature.rpartition("|")
    note = (
        f"lead-{words} by letters: the source has no spaces between words, so its first "
        f"{letters} letters stand for {words} words, a Chinese character counting as three and "
        "a kana as two"
    )
    return replace(
        score, signature=f"{choices}|lead:{letters}-letters|{library}", notes=(*score.notes, note)
    )


def _sentences(text: str, language: str | None) -> str:
    """A text with a line break after each of its sentences."""
    if "\n" in text:
        return text
    from sentencex import segment

    return "\n".join(part.strip() for part in segment(language or "en", text))


def _signature(references: References, words: str) -> str:
    """The choices behind a ROUGE figure, in the form of sacrebleu's signatures."""
    missing = any(line is None for text in references for line in text)
    return "|".join(
        [
            f"nrefs:{'var' if missing else len(references)}",
            "measure:f1",
            "case:lc",
            words,
            "multi:mean",
            f"version:rouge-score-{version('rouge-score')}",
        ]
    )


def _with_sentences(signature: str) -> str:
    choices, _, library = signature.rpartition("|")
    return f"{choices}|sent:sentencex-{version('sentencex')}|{library}"


def _notes(references: Sequence[Segments], words: Words, language: str | None) -> tuple[str, ...]:
    notes = []
    empty = sum(
        any(text.strip() for text in texts) and not any(map(words.tokenize, texts))
        for texts in references
    )
    if empty:
        kind = "words of the letters a to z, which English has" if words.ascii else "words"
        notes.append(
            f"ROUGE: {empty:,} of {len(references):,} segments have no reference with {kind}, and "
            "score 0 whatever the summary says; check the language"
        )
    if language is None and not words.stem:
        notes.append(
            "ROUGE: no language was given, so words are compared as they are written; figures for "
            "English are published with a stemmer, which --language en turns on"
        )
    return tuple(notes)
