"""The commands that turn text into numbers; they know no model."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2seq.cli.options import AsJson
from seq2seq.cli.output import print_report
from seq2seq.errors import ScoreError

if TYPE_CHECKING:  # asking for help must not load them
    from seq2seq.pronouns.gender_report import GenderReport
    from seq2seq.score.comparison import CompareReport
    from seq2seq.score.measure import ScoreOptions
    from seq2seq.score.report import ScoreReport

SCORE_EXAMPLES = (
    "score output.de --reference test.de",
    "score output.de --reference test.de --source test.en --tokenized --json",
    "score output.es --items corpora/pronouns/T0.es.jsonl",
    "score summaries.txt --reference test.txt --source documents.txt --metric rouge --language en",
    "score output.txt --reference test.txt --language th --spm flores200.model",
)
COMPARE_EXAMPLES = (
    "compare ours.de theirs.de --reference test.de",
    "compare a.de b.de c.de --reference test.A.de --reference test.B.de --metric chrf",
)

Hypotheses = Annotated[
    Path, typer.Argument(metavar="HYPOTHESES", help="Output to score, or - for stdin.")
]
References = Annotated[
    list[Path],
    typer.Option(
        "--reference",
        metavar="F",
        help="Raw reference, one segment a line. May be repeated.",
        show_default=False,
    ),
]
Tokenized = Annotated[
    bool, typer.Option("--tokenized", help="Add the papers' tokenised BLEU, both cases.")
]
TokenizedReferences = Annotated[
    list[Path] | None,
    typer.Option(
        "--tokenized-reference",
        metavar="F",
        help="Reference already tokenised, for that protocol; implies --tokenized.",
        show_default=False,
    ),
]
Items = Annotated[
    Path | None,
    typer.Option(metavar="F", help="Pronoun items to score against: adds the gender shown."),
]
Source = Annotated[
    Path | None,
    typer.Option(metavar="F", help="Source text: finds copies, adds lead-k baselines."),
]
Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="CODE",
        help="Target language, which says what a word is. [default: end of the references' names]",
        show_default=False,
    ),
]
Tokenize = Annotated[
    str | None,
    typer.Option(
        "--tokenize",
        metavar="NAME",
        help="sacrebleu's tokenizer for BLEU: 13a, intl, zh, ja-mecab, ko-mecab, char or none. "
        "[default: by language]",
        show_default=False,
    ),
]
Spm = Annotated[
    Path | None,
    typer.Option(
        "--spm",
        metavar="F",
        help="SentencePiece model that cuts text for BLEU (spBLEU); none is ever fetched.",
        show_default=False,
    ),
]
Stem = Annotated[
    bool | None,
    typer.Option(
        "--stem/--no-stem",
        help="Cut English endings off in ROUGE. [default: for English alone]",
        show_default=False,
    ),
]
Lowercase = Annotated[bool, typer.Option("--lowercase", help="Ignore case in BLEU and chrF.")]


def score(
    hypotheses: Hypotheses,
    references: Annotated[
        list[Path] | None,
        typer.Option(
            "--reference",
            metavar="F",
            help="Raw reference, one segment a line. May be repeated. Needed without --items.",
            show_default=False,
        ),
    ] = None,
    items: Items = None,
    source: Source = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="bleu, chrf, chrf++, ter or rouge; repeatable. [default: bleu, chrf, ter]",
            show_default=False,
        ),
    ] = None,
    tokenized: Tokenized = False,
    tokenized_references: TokenizedReferences = None,
    language: Language = None,
    tokenize: Tokenize = None,
    spm: Spm = None,
    stem: Stem = None,
    lowercase: Lowercase = False,
    as_json: AsJson = False,
) -> None:
    """How good is this text, measured against references?

    Prints each metric with its 95% interval and the signature that reproduces it, then counts the
    faults that one number hides: empty, copied, repeated or wrongly long output. BLEU, chrF and
    TER are sacrebleu's on detokenised text, cut as the target language needs; ROUGE is
    rouge-score's on words of any script. A blank line of a second reference means there is none.
    Files may be plain, .gz or .zst. The network is not touched.
    """
    from seq2seq.score.measure import ScoreOptions
    from seq2seq.score.report import score_files

    options = ScoreOptions(
        metrics=tuple(metrics or ScoreOptions.metrics),
        lowercase=lowercase,
        tokenized=tokenized or bool(tokenized_references),
        language=language,
        tokenize=tokenize,
        spm=spm,
        stem=stem,
    )
    if items is None:
        report = score_files(
            hypotheses,
            references or [],
            source=source,
            tokenized_references=tokenized_references or [],
            options=options,
        )
        _print(report, as_json=as_json)
        return
    if references or source or tokenized_references:
        raise ScoreError(
            f"{items}: items bring their own source and reference, --reference, "
            "--tokenized-reference or --source was given as well; leave out one or the other"
        )
    _print(_score_items(hypotheses, items, options), as_json=as_json)


def compare(
    hypotheses: Annotated[
        list[Path],
        typer.Argument(
            metavar="HYPOTHESES", help="Outputs of two or more systems, the baseline first."
        ),
    ],
    references: References,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="bleu, chrf, chrf++, ter or rouge; repeatable. [default: bleu, chrf]",
            show_default=False,
        ),
    ] = None,
    language: Language = None,
    tokenize: Tokenize = None,
    spm: Spm = None,
    stem: Stem = None,
    lowercase: Lowercase = False,
    as_json: AsJson = False,
) -> None:
    """Is one system better than another by more than chance?

    Compares every system with the first by paired bootstrap resampling and by approximate
    randomization, and prints differences with intervals and p-values. What a word is follows the
    target language, as in score. The network is not touched.
    """
    from seq2seq.score.comparison import compare_files
    from seq2seq.score.measure import ScoreOptions

    options = ScoreOptions(
        metrics=tuple(metrics or ("bleu", "chrf")),
        lowercase=lowercase,
        language=language,
        tokenize=tokenize,
        spm=spm,
        stem=stem,
    )
    _print(compare_files(hypotheses, references, options=options), as_json=as_json)


def _print(report: "ScoreReport | CompareReport | _ItemsReport", *, as_json: bool) -> None:
    """Print a report, and its notes on stderr unless the person sees them on the terminal."""
    print_report(report, as_json=as_json)
    if as_json or not sys.stdout.isatty():
        for note in report.notes:
            typer.echo(f"note: {note}", err=True)


@dataclass(frozen=True)
class _ItemsReport:
    """The usual scores, and the gender that the translations show."""

    scores: "ScoreReport"
    gender: "GenderReport"

    @property
    def notes(self) -> tuple[str, ...]:
        return self.scores.notes

    def to_text(self) -> str:
        return f"{self.scores.to_text()}\n\n{self.gender.to_text()}"

    def to_json(self) -> dict[str, Any]:
        return {**self.scores.to_json(), "gender": self.gender.to_json()}


def _score_items(output: Path, items: Path, options: "ScoreOptions") -> _ItemsReport:
    from seq2seq.lines import read_lines
    from seq2seq.pronouns.gender_report import report_gender
    from seq2seq.pronouns.items import read_rows
    from seq2seq.score.report import score_texts

    texts, rows = read_lines(output), read_rows(items)
    references, sources = [row.target for row in rows], [row.source for row in rows]
    scores = score_texts(texts, [references], sources=sources, options=options)
    judged = [(row.item, text) for row, text in zip(rows, texts, strict=True) if row.item]
    gender = report_gender({items.stem: ([i for i, _ in judged], [text for _, text in judged])})
    return _ItemsReport(scores, gender)
