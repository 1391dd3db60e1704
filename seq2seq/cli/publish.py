"""The command that puts a run on the Hub."""

from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli.options import AsJson
from seq2seq.cli.output import print_report

EXAMPLES = (
    "publish runs/demo me/robot-en-es --dry-run",
    "publish runs/demo me/robot-en-es --private --tag v1.0",
)


def publish(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder of a finished run.", show_default=False)
    ],
    repository: Annotated[
        str, typer.Argument(metavar="REPO", help="Such as owner/name.", show_default=False)
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Visible to its owner alone.")
    ] = False,
    tag: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name for the commit, as v1.0.", show_default=False),
    ] = None,
    license: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the model. [default: that of all its data]",
                     show_default=False),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be uploaded; touch no network.")
    ] = False,
    card: Annotated[
        Path | None,
        typer.Option(metavar="F", help="Also write the model card to this file.",
                     show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Put a finished run on the Hugging Face Hub, with a model card.

    Uploads RUN/exports/hub, which 'seq2seq export RUN --to hub' makes, in one commit, with a card
    written from what the run measured. Refused are an export whose check has not passed, training
    data or a model without licence, and any file that names a folder of this machine. Doing it
    again changes nothing. The token is the one of 'hf auth login'.

    --dry-run does all but the upload: the list of files with their sizes, and no network.
    """
    from seq2seq.publish.plan import plan_model
    from seq2seq.run import Run

    plan = plan_model(Run(run), repository, license=license)
    if card is not None:
        card.write_text(plan.card(), encoding="utf-8")
    if dry_run:
        print_report(plan, as_json=as_json)
        return
    from seq2seq.publish.hub import upload

    print_report(upload(plan, private=private, tag=tag), as_json=as_json)
