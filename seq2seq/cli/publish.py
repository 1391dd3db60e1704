"""The command that puts a run on the Hub."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from seq2seq.cli.options import AsJson, Examples
from seq2seq.cli.output import Report, check_output, open_output, print_report
from seq2seq.errors import PublishError

EXAMPLES = (
    "publish runs/demo me/robot-en-es --dry-run",
    "publish runs/demo me/robot-en-es --private --tag v1.0",
    'publish runs/demo me/robot-en-es --space --example "The wrench was heavy."',
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
    space: Annotated[
        bool, typer.Option("--space", help="Also a Space of that name, to try the model in.")
    ] = False,
    examples: Examples = None,
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

    --space adds a page that translates or summarizes and draws attention; 'seq2seq demo' is for
    this machine and shows more. It needs gradio, langcodes, sentencex, torch and transformers, and
    loads the model from the Hub.

    --dry-run does all but the upload: the list of files with their sizes, and no network.
    """
    from seq2seq.publish.plan import plan_model
    from seq2seq.publish.space import plan_space
    from seq2seq.run import Run

    if examples and not space:
        raise PublishError("publish: --example without --space, which shows it; add --space")
    if card is not None:
        check_output(card)
    plans = [plan_model(Run(run), repository, license=license)]
    if space:
        plans.append(plan_space(Run(run), repository, examples=examples or ()))
    if card is not None:
        with open_output(card) as stream:
            stream.write(plans[0].card())
    if dry_run:
        print_report(_Both(plans), as_json=as_json)
        return
    from seq2seq.publish.hub import upload_all

    print_report(_Both(upload_all(plans, private=private, tag=tag)), as_json=as_json)


@dataclass(frozen=True)
class _Both:
    """What is said of a model and, where there is one, of its Space."""

    reports: Sequence[Report]

    def to_text(self) -> str:
        return "\n".join(report.to_text() for report in self.reports)

    def to_json(self) -> dict[str, Any]:
        model, *space = (report.to_json() for report in self.reports)
        return model | ({"space": space[0]} if space else {})
