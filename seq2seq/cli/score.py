"""The commands that turn text into numbers; they know no model."""

from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import AsJson
from seq2seq.cli.output import print_report

SCORE_EXAMPLES = (
    "score output.de --reference test.de",
    "score output.de --reference test.de --source test.en --tokenized --json",
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
Lowercase = Annotated[bool, typer.Option("--lowercase", help="Ignore case in BLEU and chrF.")]


def score(
    hypotheses: Annotated[
        Path,
        typer.Argument(metavar="HYPOTHESES", help="Output to score, or - for stdin."),
    ],
    references: References,
    source: Annotated[
        Path | None,
        typer.Option(metavar="F", help="Source text: finds copies, adds lead-k baselines."),
    ] = None,
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
    language: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Target language, for --tokenized. [default: file name]"),
    ] = None,
    lowercase: Lowercase = False,
    as_json: AsJson = False,
) -> None:
    """How good is this text, measured against references?

    Prints each metric with its 95% interval and the signature that reproduces it, then counts the
    faults that one number hides: empty, copied, repeated or wrongly long output. BLEU, chrF and
    TER are sacrebleu's on detokenised text; files may be plain, .gz or .zst. The network is not
    touched.
    """
    from seq2seq.score.report import ScoreOptions, score_files

    options = ScoreOptions(
        metrics=tuple(metrics or ScoreOptions.metrics),
        lowercase=lowercase,
        tokenized=tokenized,
        language=language,
    )
    report = score_files(_or_stdin(hypotheses), references, source=source, options=options)
    print_report(report, as_json=as_json)


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
    from seq2seq.score.report import ScoreOptions, compare_files

    options = ScoreOptions(metrics=tuple(metrics or ("bleu", "chrf")), lowercase=lowercase)
    print_report(compare_files(hypotheses, references, options=options), as_json=as_json)


def _or_stdin(path: Path) -> Path:
    return Path("/dev/stdin") if str(path) == "-" else path
