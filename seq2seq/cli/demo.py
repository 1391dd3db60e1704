"""The command that serves a page on which models can be tried."""

import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import Device, Examples, TargetLanguage
from seq2seq.cli.output import silence_transformers
from seq2seq.errors import DataError

EXAMPLES = (
    "demo",
    'demo runs/demo --example "The robot picked up the wrench because it was heavy."',
    "demo runs/demo runs/without-guidance",
    "demo Helsinki-NLP/opus-mt-en-de --port 8000 --no-browser",
    "demo facebook/nllb-200-distilled-600M --source-language en --target-language de",
)

Models = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[MODEL [MODEL2]]",
        help="A run folder, a stock model folder, or owner/name or owner/name@revision of a Hub "
        "model; two are shown side by side. [default: the newest finished run in runs/]",
        show_default=False,
    ),
]
SourceLanguage = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Language of texts, for a model of many languages.",
                 show_default=False),
]  # fmt: skip
Port = Annotated[
    int | None,
    typer.Option(metavar="N", help="[default: 7860, or any free one if that is taken]", min=1,
                 max=65535, show_default=False),
]  # fmt: skip
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Only print the address.")]


def demo(
    models: Models = None,
    examples: Examples = None,
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
    port: Port = None,
    no_browser: NoBrowser = False,
    device: Device = "auto",
) -> None:
    """Try models in the browser: write, edit, compare two, see attention.

    Serves a page to this machine alone until Ctrl-C: what the model writes, what changed since the
    sentence before, and the page of 'seq2seq attention', opened at "it" and at the head that a
    probe of the run chose or that its training guided. Any encoder-decoder can be shown. The
    page connects to nothing else; the Hub is asked only if MODEL is no folder here.
    """
    names = models or [_newest_run()]
    if len(names) > 2:
        raise DataError(f"demo: {len(names)} models, needed one, or two to compare; leave some out")
    blank = [one for one in examples or () if not one.strip()]
    if blank:
        raise DataError(f"--example '{blank[0]}': blank, needed text; leave it out")

    from seq2seq.demo.server import DemoServer
    from seq2seq.demo.tried_model import TriedModel

    silence_transformers()
    languages = (source_language, target_language)
    with DemoServer(port) as server:
        opened = [TriedModel.load(name, languages=languages, device=device) for name in names]
        server.show(opened, examples or ())
        typer.echo(server.address)
        typer.echo("Ctrl-C stops it", err=True)
        if not no_browser:
            webbrowser.open(server.address)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _newest_run() -> str:
    """The run that was finished last, where no model is named."""
    finished = list(Path("runs").glob("*/best/config.json"))
    if not finished:
        raise DataError(
            "demo: no MODEL is named, and there is no finished run in runs/; train one with "
            "'seq2seq train demo' (minutes), or name a run, a model folder or owner/name on the Hub"
        )
    newest = max(finished, key=lambda path: path.stat().st_mtime).parent.parent
    typer.echo(f"{newest}: the newest run here; name another MODEL to try that", err=True)
    return str(newest)
