"""From files to a report: what ``seq2seq score`` prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seq2seq.errors import ScoreError
from seq2seq.score.error_report import ErrorReport, error_report
from seq2seq.score.files import Target, read_parallel, with_language
from seq2seq.score.measure import ScoreOptions, measure_texts
from seq2seq.score.result import Score, Segments, check_parallel
from seq2seq.score.summary import lead_scores
from seq2seq.score.table import fault_table, note_lines, score_table
from seq2seq.score.texts import Preparation, References, make_comparable
from seq2seq.score.tokenized import tokenized_bleu


@dataclass(frozen=True)
class ScoreReport:
    """All figures of one system on one test set.

    Attributes:
        scores: by key: "bleu", "chrf", "chrf++", "ter", "rouge1", "rouge2", "rougeL", "rougeLsum",
            "bleu_tokenized", "bleu_tokenized_lc".
        errors: the faults that the figures hide.
        preparation: what was done to the texts before they were compared.
        target: their language.
        baselines: "lead-8" and "lead-12" ("lead-8 by letters" in scripts without spaces), each
            with its own scores, where ROUGE was asked for and the source is known.
    """

    scores: Mapping[str, Score]
    errors: ErrorReport
    preparation: Preparation
    target: Target
    baselines: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures should know, each sentence once."""
        scores = [*self.scores.values()]
        for baseline in self.baselines.values():
            scores += baseline.values()
        notes = [note for score in scores for note in score.notes]
        return tuple(dict.fromkeys([*self.preparation.notes(), *notes]))

    def to_json(self) -> dict[str, Any]:
        """One object: a key for each score, then what stands beside them."""
        report: dict[str, Any] = {key: score.to_json() for key, score in self.scores.items()}
        if self.baselines:
            report["baselines"] = {
                name: {key: score.to_json() for key, score in scores.items()}
                for name, scores in self.baselines.items()
            }
        return report | {
            "errors": self.errors.to_json(),
            "language": self.target.to_json(),
            "texts": self.preparation.to_json(),
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """A table for people: scores, intervals, signatures, then the faults and the notes."""
        scores = score_table(list(self.scores.values()), self.baselines)
        notes = note_lines(self.target, self.notes)
        return f"{scores}\n\n{fault_table(self.errors)}\n\n{notes}"


def score_files(
    hypotheses: str | Path,
    references: Sequence[str | Path],
    *,
    source: str | Path | None = None,
    tokenized_references: Sequence[str | Path] = (),
    options: ScoreOptions | None = None,
) -> ScoreReport:
    """Score a file of hypotheses against files of references, one segment a line in each.

    Args:
        hypotheses: the system's output, detokenised.
        references: raw reference files.
        source: what was translated or summarised, for the error report and lead baselines.
        tokenized_references: already tokenised files to use in the tokenised protocol instead
            of ``references``.
        options: what to measure; without a language the references' names tell it.

    Raises:
        ScoreError: line counts differ, or an option cannot be met.
        DataError: a file cannot be read.
    """
    sources = [] if source is None else [source]
    texts = read_parallel([hypotheses], [*references, *sources, *tokenized_references])
    if not references:  # a source alone is no reference
        check_parallel([(str(hypotheses), len(texts[0]))])
    options, target = with_language(options or ScoreOptions(), [*tokenized_references, *references])
    end = 1 + len(references)
    return score_texts(
        texts[0],
        texts[1:end],
        sources=texts[end] if sources else None,
        tokenized_references=texts[end + len(sources) :],
        options=options,
        target=target,
    )


def score_texts(
    hypotheses: Segments,
    references: Sequence[Segments],
    *,
    sources: Segments | None = None,
    tokenized_references: Sequence[Segments] = (),
    options: ScoreOptions | None = None,
    target: Target | None = None,
) -> ScoreReport:
    """``score_files`` for text in memory.

    Args:
        hypotheses: the system's output, detokenised.
        references: one or more raw reference texts.
        sources: what was translated or summarised.
        tokenized_references: already tokenised texts for the tokenised protocol.
        options: what to measure.
        target: where the language of the options comes from, if it was not given.

    Raises:
        ScoreError: the texts are empty or not parallel, or an option cannot be met.
    """
    options = options or ScoreOptions()
    texts = make_comparable(hypotheses, references)
    scores = measure_texts(texts, options)
    if options.tokenized:
        given = bool(tokenized_references)
        tokenized = tokenized_references if given else references
        scores |= _tokenized(hypotheses, tokenized, options, given=given)
    summaries = "rouge" in options.metrics
    baselines = {}
    if summaries and sources is not None:
        baselines = lead_scores(
            sources,
            references,
            language=options.language,
            stem=options.stem,
            resamples=options.resamples,
        )
    errors = error_report(hypotheses, references, sources, same_language=summaries)
    target = target or Target(options.language)
    return ScoreReport(scores, errors, texts.preparation, target, baselines)


def _tokenized(
    hypotheses: Segments,
    references: References,
    options: ScoreOptions,
    *,
    given: bool,
) -> dict[str, Score]:
    """Both habits of papers: cased (WMT) and lower-cased (Multi30k, IWSLT14)."""
    if options.language is None:
        raise ScoreError(
            "tokenized protocol: no language given, needed the target language as two letters; "
            "add --language de"
        )
    cases = {"bleu_tokenized": False, "bleu_tokenized_lc": True}
    if given and not any(
        letter.isupper() for text in references for line in text if line for letter in line
    ):
        del cases["bleu_tokenized"]  # references without capitals say nothing of case
    return {
        key: tokenized_bleu(
            hypotheses,
            references,
            options.language,
            lowercase=lowercase,
            references_are_tokenized=given,
            resamples=options.resamples,
        )
        for key, lowercase in cases.items()
        if lowercase or not options.lowercase
    }
