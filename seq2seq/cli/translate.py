"""The commands that put a model to work: one output line for every input line."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import typer

from seq2seq.cli.options import AsJson
from seq2seq.cli.output import as_json_text, check_output, open_output
from seq2seq.lines import STDIN, iterate_lines
from seq2seq.run import Run

if TYPE_CHECKING:  # asking for help must not load it
    from seq2seq.translate import Translation, Translator

TRANSLATE_EXAMPLES = (
    "translate runs/demo --input sentences.en --output sentences.es",
    "translate runs/demo --beam 10 --n-best 3 < sentences.en",
    "translate runs/demo --engine ctranslate2 < sentences.en",
)
SUMMARIZE_EXAMPLES = (
    "summarize runs/debian-descriptions --input documents.txt",
    "summarize runs/debian-descriptions --long refuse --json < documents.txt",
)

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


def translate(
    model: Model,
    source: Input = Path("-"),
    output: Output = None,
    beam: Beam = None,
    n_best: NBest = 1,
    long: Long = "split",
    engine: Engine = "native",
    as_json: AsJson = False,
) -> None:
    """Translate text, one output line for every input line.

    Empty lines stay empty lines. Input longer than the model can read is split into sentences and
    joined again. The counts of both go to stderr. Input may be .gz or .zst. The network is not
    touched.
    """
    options = _Options(beam, n_best, long, engine)
    _run(model, source, output, options, as_json=as_json)


def summarize(
    model: Model,
    source: Input = Path("-"),
    output: Output = None,
    beam: Beam = None,
    n_best: NBest = 1,
    long: Long = "truncate",
    engine: Engine = "native",
    as_json: AsJson = False,
) -> None:
    """Summarize documents, one document and one summary a line.

    A document longer than the model can read is summarized from its beginning, as in training; how
    many and how much was cut goes to stderr. The network is not touched.
    """
    options = _Options(beam, n_best, long, engine)
    _run(model, source, output, options, as_json=as_json)


@dataclass(frozen=True)
class _Options:
    """What both commands are asked for alike."""

    beam: int | None
    n_best: int
    long: Literal["split", "truncate", "refuse"]
    engine: Literal["native", "transformers", "ctranslate2"]


def _run(model: Path, source: Path, output: Path | None, asked: _Options, *, as_json: bool) -> None:
    from seq2seq.translate import CHUNK_LINES, Report

    if output is not None:
        check_output(output)
    translator, max_source_pieces = _load(model, asked.engine)
    beams = asked.beam or translator.options.beams
    options = replace(translator.options, beams=beams, n_best=asked.n_best)
    # Somebody who types wants each answer before the next line.
    typed = str(source) == STDIN and sys.stdin is not None and sys.stdin.isatty()
    chunks = translator.stream(
        iterate_lines(source),
        options,
        long=asked.long,
        max_source_pieces=max_source_pieces,
        chunk_lines=1 if typed else CHUNK_LINES,
    )
    report, translations = Report(), []
    with open_output(output) as stream:
        for chunk in chunks:
            if as_json:
                translations += [_to_json(one) for one in chunk.translations]
            else:
                _write(chunk.translations, stream, first=report.lines + 1, n_best=asked.n_best)
            report += chunk.report
            if sys.stderr.isatty() and not typed:
                typer.echo(f"\r{report.lines:,} lines ", err=True, nl=False)
        if as_json:
            content = {"translations": translations, "report": asdict(report)}
            stream.write(as_json_text(content) + "\n")
    typer.echo(report.sentences(), err=True)


def _load(
    model: Path, engine: Literal["native", "transformers", "ctranslate2"]
) -> tuple["Translator", int | None]:
    """A model, and the longest source that its run trained on, which is what it can read well."""
    from seq2seq.translate import Translator

    translator = Translator.load(model, engine=engine)
    run = Run(model)
    if not run.recipe.is_file():
        return translator, None
    recipe = run.read_recipe()
    translator.options = replace(
        translator.options,
        max_length_factor=recipe.decode.max_length_factor,
        max_length_offset=recipe.decode.max_length_extra,
    )
    return translator, recipe.data.cleaning.max_source_pieces


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
