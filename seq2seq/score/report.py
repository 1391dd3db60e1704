"""From files to a report: what ``seq2seq score`` and ``seq2seq compare`` print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seq2seq.errors import ScoreError, Seq2SeqError
from seq2seq.lines import read_lines
from seq2seq.score.error_report import ErrorReport, error_report
from seq2seq.score.measure import ScoreOptions, measure
from seq2seq.score.result import Score, Segments, check_parallel, check_texts
from seq2seq.score.significance import PairedTest, check_count, compare
from seq2seq.score.summary import lead_scores
from seq2seq.score.table import fault_table, paired_table, score_table
from seq2seq.score.tokenized import tokenized_bleu

PACKED = {".gz", ".zst"}


@dataclass(frozen=True)
class ScoreReport:
    """All figures of one system on one test set.

    Attributes:
        scores: by key: "bleu", "chrf", "chrf++", "ter", "rouge1", "rouge2", "rougeL",
            "bleu_tokenized", "bleu_tokenized_lc".
        baselines: "lead-8" and "lead-12", each with its own scores, where ROUGE was asked for
            and the source is known.
        errors: the faults that the figures hide.
    """

    scores: Mapping[str, Score]
    errors: ErrorReport
    baselines: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """One object: a key for each score, then "baselines" (if any) and "errors"."""
        report: dict[str, Any] = {key: score.to_json() for key, score in self.scores.items()}
        if self.baselines:
            report["baselines"] = {
                name: {key: score.to_json() for key, score in scores.items()}
                for name, scores in self.baselines.items()
            }
        return report | {"errors": self.errors.to_json()}

    def to_text(self) -> str:
        """A table for people: scores, intervals, signatures, then the faults."""
        scores = score_table(list(self.scores.values()), self.baselines)
        return f"{scores}\n\n{fault_table(self.errors)}"


@dataclass(frozen=True)
class CompareReport:
    """Several systems against the first of them.

    Attributes:
        segments: length of the test set.
        tests: for each metric the bootstrap's and the randomization's result.
    """

    segments: int
    tests: Mapping[str, tuple[PairedTest, PairedTest]]

    def to_json(self) -> dict[str, Any]:
        """One object: a key for each metric, each with "bootstrap" and "randomization"."""
        report: dict[str, Any] = {"segments": self.segments}
        for key, tests in self.tests.items():
            report[key] = {test.test: _test_json(test) for test in tests}
        return report

    def to_text(self) -> str:
        """A table for each metric, with the signatures of both tests below."""
        return "\n\n".join(paired_table(*pair) for pair in self.tests.values())


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
        options: what to measure.

    Raises:
        ScoreError: line counts differ, or an option cannot be met.
        DataError: a file cannot be read.
    """
    options = options or ScoreOptions()
    sources = [] if source is None else [source]
    every = [hypotheses, *references, *sources, *tokenized_references]
    texts = _read(every)
    check_parallel([(str(path), len(text)) for path, text in zip(every, texts, strict=True)])
    if not references:  # a source alone is no reference
        check_parallel([(str(hypotheses), len(texts[0]))])
    if options.tokenized and options.language is None:
        options = _with_language_of([*tokenized_references, *references], options)
    end = 1 + len(references)
    return score_texts(
        texts[0],
        texts[1:end],
        sources=texts[end] if sources else None,
        tokenized_references=texts[end + len(sources) :],
        options=options,
    )


def score_texts(
    hypotheses: Segments,
    references: Sequence[Segments],
    *,
    sources: Segments | None = None,
    tokenized_references: Sequence[Segments] = (),
    options: ScoreOptions | None = None,
) -> ScoreReport:
    """``score_files`` for text in memory.

    Args:
        hypotheses: the system's output, detokenised.
        references: one or more raw reference texts.
        sources: what was translated or summarised.
        tokenized_references: already tokenised texts for the tokenised protocol.
        options: what to measure.

    Raises:
        ScoreError: the texts are empty or not parallel, or an option cannot be met.
    """
    options = options or ScoreOptions()
    check_texts(hypotheses, references)
    scores: dict[str, Score] = {}
    for metric in options.metrics:
        scores |= measure(metric, hypotheses, references, options)
    if options.tokenized:
        given = bool(tokenized_references)
        texts = tokenized_references if given else references
        scores |= _tokenized(hypotheses, texts, options, given=given)
    summaries = "rouge" in options.metrics
    baselines = {}
    if summaries and sources is not None:
        baselines = lead_scores(sources, references, resamples=options.resamples)
    errors = error_report(hypotheses, references, sources, same_language=summaries)
    return ScoreReport(scores, errors, baselines)


def compare_files(
    systems: Sequence[str | Path],
    references: Sequence[str | Path],
    *,
    options: ScoreOptions | None = None,
) -> CompareReport:
    """Test whether systems differ from the first of them by more than chance.

    Args:
        systems: their output files, the baseline first.
        references: raw reference files.
        options: metrics, case, resamples and trials.

    Raises:
        ScoreError: fewer than two systems, or line counts differ.
        DataError: a file cannot be read.
    """
    options = options or ScoreOptions(metrics=("bleu", "chrf"))
    check_count(len(systems))
    every = [*systems, *references]
    texts = _read(every)
    if not references:
        check_parallel([(str(systems[0]), len(texts[0]))])
    check_parallel([(str(path), len(text)) for path, text in zip(every, texts, strict=True)])
    outputs = [(str(path), text) for path, text in zip(systems, texts, strict=False)]
    tests = compare(
        outputs,
        texts[len(systems) :],
        metrics=options.metrics,
        lowercase=options.lowercase,
        resamples=options.resamples,
        trials=options.trials,
    )
    return CompareReport(len(texts[0]), tests)


def _read(paths: Sequence[str | Path]) -> list[list[str]]:
    """Every file's lines; all files that cannot be read are told at once."""
    texts, problems = [], []
    for path in paths:
        try:
            texts.append(read_lines(path))
        except Seq2SeqError as error:
            problems.append(error)
    if problems:
        raise type(problems[0])("; ".join(map(str, problems)))
    return texts


def _with_language_of(paths: Sequence[str | Path], options: ScoreOptions) -> ScoreOptions:
    """Take the language from the references' names (``test.de.gz``); the signature shows it."""
    endings = [[s for s in Path(path).suffixes if s not in PACKED] for path in paths]
    codes = {found[-1][1:].lower() for found in endings if found}
    codes = {code for code in codes if len(code) == 2 and code.isalpha()}
    if len(codes) != 1:
        names = ", ".join(repr(Path(path).name) for path in paths)
        raise ScoreError(
            f"tokenized protocol: {names}: {len(codes)} language codes at the end of these names, "
            "needed one such as .de; add --language de"
        )
    return replace(options, language=codes.pop())


def _tokenized(
    hypotheses: Segments,
    references: Sequence[Segments],
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
        letter.isupper() for text in references for line in text for letter in line
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


def _test_json(test: PairedTest) -> dict[str, Any]:
    return {
        "signature": test.signature,
        "systems": [
            {
                "system": one.name,
                "score": round(one.score, 4),
                "difference": None if one.difference is None else round(one.difference, 4),
                "p_value": one.p_value,
                "interval": None if one.interval is None else [round(x, 4) for x in one.interval],
            }
            for one in test.contenders
        ],
    }
