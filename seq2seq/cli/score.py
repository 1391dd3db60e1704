"""The commands that turn text into numbers; they know no model."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2seq.cli.options import AsJson
from seq2seq.cli.output import print_report
from seq2seq.errors import ScoreError

if TYPE_CHECKING:  # asking for help must not load them
    from seq2seq.pronouns.gender_report import GenderReport
    from seq2seq.score.measure import ScoreOptions
    from seq2seq.score.report import ScoreReport

SCORE_EXAMPLES = (
    "score output.de --reference test.de",
    "score output.de --reference test.de --source test.en --tokenized --json",
    "score output.es --items corpora/pronouns/T0.es.jsonl",
    "score summaries.txt --reference test.txt --source documents.txt --metric rouge",
)
COMPARE_EXAMPLES = (
    "compare ours.de theirs.de --reference test.de",
    "compare a.de b.de c.de --reference test.A.de --reference test.B.de --metric chrf",
)

References = Annotated[
    list[Path],
    typer.Option(
        "--reference",
        metavar="F",
        help="Raw reference, one segment a line. May be repeated.",
        show_default=False,
    ),
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
    typer.Option(metavar="CODE", help="Target language, for --tokenized. [default: file name]"),
]
Lowercase = Annotated[bool, typer.Option("--lowercase", help="Ignore case in BLEU and chrF.")]


def score(
    hypotheses: Annotated[
        Path,
        typer.Argument(metavar="HYPOTHESES", help="Output to score, or - for stdin."),
    ],
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
    tokenized: Annotated[
        bool, typer.Option("--tokenized", help="Add the papers' tokenised BLEU, both cases.")
    ] = False,
    tokenized_references: TokenizedReferences = None,
    language: Language = None,
    lowercase: Lowercase = False,
    as_json: AsJson = False,
) -> None:
    """How good is this text, measured against references?

    Prints each metric with its 95% interval and the signature that reproduces it, then counts the
    faults that one number hides: empty, copied, repeated or wrongly long output. BLEU, chrF and
    TER are sacrebleu's on detokenised text; files may be plain, .gz or .zst. The network is not
    touched.
    """
    from seq2seq.score.measure import ScoreOptions
    from seq2seq.score.report import score_files

    options = ScoreOptions(
        metrics=tuple(metrics or ScoreOptions.metrics),
        lowercase=lowercase,
        tokenized=tokenized or bool(tokenized_references),
        language=language,
    )
    if items is None:
        report = score_files(
            hypotheses,
            references or [],
            source=source,
            tokenized_references=tokenized_references or [],
            options=options,
        )
        print_report(report, as_json=as_json)
        return
    if references or source or tokenized_references:
        raise ScoreError(
            f"{items}: items bring their own source and reference, --reference, "
            "--tokenized-reference or --source was given as well; leave out one or the other"
        )
    print_report(_score_items(hypotheses, items, options), as_json=as_json)


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
    lowercase: Lowercase = False,
    as_json: AsJson = False,
) -> None:
    """Is one system better than another by more than chance?

    Compares every system with the first by paired bootstrap resampling and by approximate
    randomization, and prints differences with intervals and p-values.
    """
    from seq2seq.score.measure import ScoreOptions
    from seq2seq.score.report import compare_files

    options = ScoreOptions(metrics=tuple(metrics or ("bleu", "chrf")), lowercase=lowercase)
    print_report(compare_files(hypotheses, references, options=options), as_json=as_json)


@dataclass(frozen=True)
class _ItemsReport:
    """The usual scores, and the gender that the translations show."""

    scores: "ScoreReport"
    gender: "GenderReport"

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
