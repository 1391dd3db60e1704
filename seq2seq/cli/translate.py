"""The commands that put a model to work: one output line for every input line."""

import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import typer

from seq2seq.cli.options import AsJson
from seq2seq.cli.output import as_json_text, check_output, open_output
from seq2seq.lines import STDIN, iterate_lines

if TYPE_CHECKING:  # asking for help must not load it
    from seq2seq.translate import Translation, Translator

TRANSLATE_EXAMPLES = (
    "translate runs/demo --input sentences.en --output sentences.es",
    "translate runs/demo --beam 10 --n-best 3 < sentences.en",
    "translate runs/demo --engine ctranslate2 < sentences.en",
    "translate nllb --source-language eng_Latn --target-language deu_Latn < sentences.en",
)
SUMMARIZE_EXAMPLES = (
    "summarize runs/debian-descriptions --input documents.txt",
    "summarize runs/debian-descriptions --long refuse --json < documents.txt",
)

# Lines that come from another program are answered once none has come for so long.
PAUSE_SECONDS = 0.05

Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A run folder or a stock model folder.")
]
Engine = Annotated[
    Literal["native", "transformers", "ctranslate2"],
    typer.Option(
        metavar="NAME", help="native, transformers or ctranslate2; the last after export."
    ),
]
Input = Annotated[
    Path,
    typer.Option("--input", metavar="F", help="One segment a line. [default: stdin]",
                 show_default=False),
]  # fmt: skip
Output = Annotated[
    Path | None, typer.Option("--output", metavar="F", help="[default: stdout]", show_default=False)
]
Beam = Annotated[
    int | None,
    typer.Option(metavar="N", help="Beams; 1 is greedy. [default: the model's]", min=1,
                 show_default=False),
]  # fmt: skip
NBest = Annotated[
    int, typer.Option(metavar="N", help="Best N for each line: number, score, text.", min=1)
]
Long = Annotated[
    Literal["split", "truncate", "refuse"],
    typer.Option(metavar="HOW", help="Over-long input: split, truncate or refuse; always counted."),
]
Split = Annotated[
    Literal["auto", "sentences", "long"],
    typer.Option(
        metavar="WHAT",
        help="Lines to split: sentences (all of several), long (only over-long ones), or auto: "
        "sentences if the model was trained on single ones.",
    ),
]
SourceLanguage = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Of the input. [default: the model's]", show_default=False),
]
TargetLanguage = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Of the output, if there is a choice. [default: the "
                 "model's]", show_default=False),
]  # fmt: skip
LengthPenalty = Annotated[
    float | None,
    typer.Option(metavar="X", help="Above 0 favours long outputs. [default: the model's]",
                 show_default=False),
]  # fmt: skip
NoRepeatNgram = Annotated[
    int | None,
    typer.Option(metavar="N", help="No N pieces in a row occur twice; 0: allowed. [default: the "
                 "model's]", min=0, show_default=False),
]  # fmt: skip
BatchTokens = Annotated[
    int, typer.Option(metavar="N", help="Source pieces times beams in one batch.", min=1)
]


def translate(
    model: Model,
    source: Input = Path("-"),
    output: Output = None,
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
    beam: Beam = None,
    length_penalty: LengthPenalty = None,
    no_repeat_ngram: NoRepeatNgram = None,
    n_best: NBest = 1,
    split: Split = "auto",
    long: Long = "split",
    engine: Engine = "native",
    batch_tokens: BatchTokens = 8192,
    as_json: AsJson = False,
) -> None:
    """Translate text, one output line for every input line.

    Empty lines stay empty lines. Invisible characters are removed and letters composed. Lines of
    several sentences, which a model of single sentences would shorten, and input longer than the
    model can read are split and joined again. Counts of this, of empty, repeating and copied
    outputs and of unknown pieces go to stderr. The search is that of the model's
    generation_config.json; what of it is not followed is named. Input may be .gz or .zst. The
    network is not touched.
    """
    asked = _Asked(beam, length_penalty, no_repeat_ngram, n_best, split, long, batch_tokens)
    translator = _load(output, model, engine, source_language, target_language)
    _run(translator, source, output, asked, as_json=as_json)


def summarize(
    model: Model,
    source: Input = Path("-"),
    output: Output = None,
    beam: Beam = None,
    length_penalty: LengthPenalty = None,
    no_repeat_ngram: NoRepeatNgram = None,
    n_best: NBest = 1,
    long: Long = "truncate",
    engine: Engine = "native",
    batch_tokens: BatchTokens = 8192,
    as_json: AsJson = False,
) -> None:
    """Summarize documents, one document and one summary a line.

    A document longer than the model can read is summarized from its beginning, as in training; how
    many and how much was cut goes to stderr. The network is not touched.
    """
    asked = _Asked(beam, length_penalty, no_repeat_ngram, n_best, "long", long, batch_tokens)
    translator = _load(output, model, engine, None, None)
    translator.trained = "lines"  # a document is no line of several sentences by mistake
    _run(translator, source, output, asked, as_json=as_json)


@dataclass(frozen=True)
class _Asked:
    """What both commands are asked for alike; None is what the model's folder asks for."""

    beam: int | None
    length_penalty: float | None
    no_repeat_ngram: int | None
    n_best: int
    split: Literal["auto", "sentences", "long"]
    long: Literal["split", "truncate", "refuse"]
    batch_tokens: int


def _load(
    output: Path | None,
    model: Path,
    engine: Literal["native", "transformers", "ctranslate2"],
    source_language: str | None,
    target_language: str | None,
) -> "Translator":
    from seq2seq.translate import Translator

    if output is not None:
        check_output(output)
    return Translator.load(
        model, engine=engine, source_language=source_language, target_language=target_language
    )


def _run(
    translator: "Translator", source: Path, output: Path | None, asked: _Asked, *, as_json: bool
) -> None:
    from seq2seq.translate import Report

    options = translator.search(
        beams=asked.beam,
        length_penalty=asked.length_penalty,
        no_repeat_ngram=asked.no_repeat_ngram,
        n_best=asked.n_best,
    )
    for remark in translator.remarks:
        typer.echo(f"note: {remark}", err=True)
    live = _is_live(source)
    chunks = translator.stream(
        iterate_lines(source),
        options,
        split=asked.split,
        long=asked.long,
        batch_tokens=asked.batch_tokens,
        pause_seconds=PAUSE_SECONDS if live else None,
    )
    report, translations = Report(), []
    with open_output(output) as stream:
        for chunk in chunks:
            if as_json:
                translations += [_to_json(one) for one in chunk.translations]
            else:
                _write(chunk.translations, stream, first=report.lines + 1, n_best=asked.n_best)
            report += chunk.report
            if sys.stderr.isatty() and not live:
                typer.echo(f"\r{report.lines:,} lines ", err=True, nl=False)
        if as_json:
            content = {"translations": translations, "report": asdict(report)}
            stream.write(as_json_text(content) + "\n")
    typer.echo(report.sentences(), err=True)
    if report.unfinished and translator.forced_end is not None:
        typer.echo(
            f"note: setting of the folder not followed: forced_eos_token_id "
            f"{translator.forced_end!r}; outputs cut off at the length limit keep their last piece",
            err=True,
        )


def _is_live(source: Path) -> bool:
    """Whether lines come from somebody who may wait for an answer: a keyboard or another program.

    What is no open file at all is for its reader to name.
    """
    try:
        if str(source) != STDIN:
            return source.exists() and not source.is_file()
        return sys.stdin is not None and not stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def _write(
    translations: Sequence["Translation"], stream: TextIO, *, first: int, n_best: int
) -> None:
    for number, one in enumerate(translations, start=first):
        if n_best == 1:
            stream.write(f"{one.text}\n")
            continue
        for candidate in one.candidates:
            stream.write(f"{number}\t{candidate.score:.4f}\t{candidate.text}\n")
        if not one.candidates:  # a blank line has nothing to rank, but keeps its number
            stream.write(f"{number}\t\t\n")
    stream.flush()


def _to_json(one: "Translation") -> dict[str, Any]:
    return {"text": one.text, **asdict(one)}
