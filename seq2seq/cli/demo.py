"""The command that opens a page on which a model can be tried."""

from typing import Annotated

import typer

from seq2seq.cli.options import AnyModel, Device, Examples

EXAMPLES = (
    'demo runs/demo --example "The robot picked up the wrench because it was heavy."',
    "demo Helsinki-NLP/opus-mt-en-de --port 8000 --no-browser",
)

Port = Annotated[
    int | None,
    typer.Option(metavar="N", help="[default: the first free one from 7860]", min=1, max=65535,
                 show_default=False),
]  # fmt: skip
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Only print the address.")]


def demo(
    model: AnyModel,
    examples: Examples = None,
    port: Port = None,
    no_browser: NoBrowser = False,
    device: Device = "auto",
) -> None:
    """Try a model in the browser, and see its attention by layer and head.

    Serves the page that 'seq2seq publish --space' makes a Space of, to this machine alone, until
    Ctrl-C. Any encoder-decoder can be shown. Needs gradio: pip install seq2seq-toolkit[demo]. The
    Hub is asked only if MODEL is no folder here.
    """
    from transformers.utils import logging

    from seq2seq.publish.demo import open_page, start

    logging.disable_progress_bar()
    page = open_page(model, examples=examples or (), device=device)
    served = start(page, port=port, browser=not no_browser)
    typer.echo(served.local_url)
    typer.echo("Ctrl-C stops it", err=True)
    served.block_thread()
