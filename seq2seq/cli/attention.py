"""The command that opens a model's attention as one page."""

from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import AnyModel, Device, TargetLanguage
from seq2seq.cli.output import check_output, open_output, refuse_overwriting, silence_transformers
from seq2seq.errors import DataError

EXAMPLES = (
    'attention runs/demo "The robot picked up the wrench because it was heavy."',
    'attention runs/demo "It was heavy." --target "Era pesada." --out heavy.html',
    'attention runs/demo "The cat slept because it was old." --head 1.0 --svg map.svg',
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
OpenHead = Annotated[
    str | None,
    typer.Option("--head", metavar="[KIND:]L.H",
                 help="Open at this head, such as 1.0 or cross:2.3, at the mean of a layer with "
                 "cross:2; layers and heads are counted from 0. [default: the head that a probe of "
                 "the run chose, or that its training guided; else a mean]", show_default=False),
]  # fmt: skip
Svg = Annotated[
    Path | None,
    typer.Option(metavar="F", help="Write the map that the page opens at as a picture too; PNG is "
                 "saved from the page.", show_default=False),
]  # fmt: skip
Out = Annotated[Path, typer.Option(metavar="F", help="The page to write.")]


def attention(
    model: AnyModel,
    text: GivenText = None,
    target: Target = None,
    image: Image = None,
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
    head: OpenHead = None,
    out: Out = Path("attention.html"),
    svg: Svg = None,
    device: Device = "auto",
) -> None:
    """Show what every head of a model attends to, as one page.

    The model reads a text, or an image in patches; an encoder-decoder also writes. The page opens
    at the first "it", "he", "she" or "they" of the text, if there is one. It is one file that opens
    in any browser and connects to nothing. The Hub is asked only if MODEL is no folder here.
    """
    if (text is None) == (image is None):
        found = "neither a text nor an image" if text is None else "a text and an image"
        raise DataError(f'attention: {found}, needed one of both; add "A TEXT" or --image FILE')
    if image is not None and target is not None:
        raise DataError("attention: --target with an image, which nothing is written of; leave out")
    languages = (source_language, target_language)
    if image is not None and any(languages):
        raise DataError("attention: a language with an image, which has none; leave it out")

    if svg is not None and svg.resolve() == out.resolve():
        raise DataError(f"attention: --out and --svg both name {out}, needed two files")
    for path in (out, svg):
        if path is not None:
            check_output(path)
            refuse_overwriting((path,), (image,) if image else ())

    from seq2seq.probe.model.stock_model import StockModel
    from seq2seq.probe.report.attention_page import show_text
    from seq2seq.probe.report.image_page import show_image
    from seq2seq.viewer.figures import opening_map
    from seq2seq.viewer.page import attention_page
    from seq2seq.viewer.static import LARGEST_MAP

    silence_transformers()
    opened = StockModel.load(model, device=device)
    if image is not None:
        page = show_image(opened, image, head=head)
    else:
        page = show_text(opened, text or "", target=target, languages=languages, head=head)
    html, picture = attention_page(page), opening_map(page)
    if svg is not None and picture is None:
        raise DataError(
            f"--svg {svg}: no map, which an image or a text of more than {LARGEST_MAP} words does "
            "not have; leave it out and save what you need from the page"
        )
    with open_output(out) as stream:
        stream.write(html)
    typer.echo(str(out))
    if svg is not None and picture is not None:
        with open_output(svg) as stream:
            stream.write(picture)
        typer.echo(str(svg))
    typer.echo(f"{out}: {len(html.encode()) / 1e6:.2f} MB; open it in a browser", err=True)
