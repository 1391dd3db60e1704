"""The command that turns a run into what other programs load."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from seq2seq.cli.options import AnyModel, AsJson, Device
from seq2seq.cli.output import print_report

EXAMPLES = (
    "export runs/demo --to hub",
    "export runs/demo --to ctranslate2 --quantize int8",
    "export runs/demo --to onnx --out onnx/demo --pairs held-out.tsv",
    "export Helsinki-NLP/opus-mt-en-de --to ctranslate2 --out opus-ct2 --pairs held-out.tsv",
)

To = Annotated[
    Literal["hub", "ctranslate2", "onnx"],
    typer.Option("--to", metavar="FORMAT", help="hub, ctranslate2 or onnx.", show_default=False),
]
Quantize = Annotated[
    Literal["int8"] | None,
    typer.Option(metavar="TYPE", help="int8: matrices in 8 bits. [default: 32-bit floats]",
                 show_default=False),
]  # fmt: skip
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A new folder. [default: RUN/exports/FORMAT]",
                 show_default=False),
]  # fmt: skip
Pairs = Annotated[
    Path | None,
    typer.Option(metavar="F", help="Held-out pairs to measure on. [default: the run's dev set]",
                 show_default=False),
]  # fmt: skip


def export(
    model: AnyModel,
    to: To,
    quantize: Quantize = None,
    out: Out = None,
    pairs: Pairs = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Turn a finished model into a format that other programs load.

    The export is loaded by the program it is for and compared with the model on at least 100
    held-out pairs: log-probabilities, outputs, BLEU or ROUGE-L, size, speed. The figures are
    printed and written beside it. One that differs by more than is tolerated is refused, and
    nothing is left behind. ctranslate2 and onnx are for m2m_100 and marian models. The Hub is
    asked only if MODEL is no folder here, or for a dev set that lies there.
    """
    from seq2seq.publish.export import export as write_export

    exported = write_export(
        model,
        to,
        out=out,
        quantize=quantize,
        pairs=pairs,
        device=device,
        say=lambda line: typer.echo(line, err=True),
    )
    print_report(exported, as_json=as_json)
