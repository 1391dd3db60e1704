"""The command that opens a model's attention as one page."""

from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import AnyModel, Device
from seq2seq.cli.output import check_output, open_output
from seq2seq.errors import DataError

EXAMPLES = (
    'attention runs/demo "The robot picked up the wrench because it was heavy."',
    'attention runs/demo "It was heavy." --target "Era pesada." --out heavy.html',
    "attention google/vit-base-patch16-224 --image cat.jpg",
)

GivenText = Annotated[
    str | None, typer.Argument(metavar="TEXT", help="What the model reads.", show_default=False)
]
Target = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="What it is to write. [default: what it would write]",
                 show_default=False),
]  # fmt: skip
Image = Annotated[
    Path | None,
    typer.Option(metavar="F", help="An image, for a Vision Transformer.", show_default=False),
]
SourceLanguage = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Language of TEXT, for a model of many languages.",
                 show_default=False),
]  # fmt: skip
TargetLanguage = Annotated[
    str | None, typer.Option(metavar="CODE", help="Language it is to write.", show_default=False)
]
Out = Annotated[Path, typer.Option(metavar="F", help="The page to write.")]


def attention(
    model: AnyModel,
    text: GivenText = None,
    target: Target = None,
    image: Image = None,
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
    out: Out = Path("attention.html"),
    device: Device = "auto",
) -> None:
    """Show what every head of a model attends to, as one page.

    The model reads a text, or an image in patches; an encoder-decoder also writes. The page shows
    each layer and head of every kind of attention the model has. It is one file that opens in any
    browser and connects to nothing. The Hub is asked only if MODEL is no folder here.
    """
    if (text is None) == (image is None):
        found = "neither a text nor an image" if text is None else "a text and an image"
        raise DataError(f'attention: {found}, needed one of both; add "A TEXT" or --image FILE')
    if image is not None and target is not None:
        raise DataError("attention: --target with an image, which nothing is written of; leave out")
    languages = (source_language, target_language)
    if image is not None and any(languages):
        raise DataError("attention: a language with an image, which has none; leave it out")

    check_output(out)

    from transformers.utils import logging

    from seq2seq.probe.model.stock_model import StockModel
    from seq2seq.probe.report.attention_page import show_image, show_text
    from seq2seq.viewer.page import attention_page

    logging.disable_progress_bar()
    logging.set_verbosity_error()  # it reports the weights of tasks; what is missing is refused
    opened = StockModel.load(model, device=device)
    if image is not None:
        page = show_image(opened, image)
    else:
        page = show_text(opened, text or "", target=target, languages=languages)
    html = attention_page(page)
    with open_output(out) as stream:
        stream.write(html)
    typer.echo(str(out))
    typer.echo(f"{out}: {len(html.encode()) / 1e6:.2f} MB; open it in a browser", err=True)
