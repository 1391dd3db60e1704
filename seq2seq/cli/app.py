"""All subcommands in one list, and what becomes of an error.

Data goes to stdout, progress to stderr. The exit code is 0, 2 for a mistake of the user (one line,
no traceback), 1 for a fault of ours (with traceback), and 130 after Ctrl-C. Nothing imported here
loads torch: asking for help must not take seconds.
"""

import io
import sys
from typing import Annotated

import typer

from seq2seq import __version__
from seq2seq.cli import (
    attention,
    corpus,
    demo,
    doctor,
    export,
    probe,
    publish,
    recipe,
    score,
    train,
    translate,
)
from seq2seq.errors import Seq2SeqError

app = typer.Typer(
    name="seq2seq",
    help="Train translation and summarization models from raw text and score them honestly.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
recipe_app = typer.Typer(
    help="Explain the keys of a recipe, or check a recipe file.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
corpus_app = typer.Typer(help="Make a corpus.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(corpus_app, name="corpus")
app.add_typer(recipe_app, name="recipe")


def _examples(*lines: str) -> str:
    """The end of a help text; the backspace keeps each line on a line of its own."""
    return "\n".join(["\b", "Examples:", *(f"  seq2seq {line}" for line in lines)])


app.command("train", epilog=_examples(*train.EXAMPLES))(train.train)
app.command("translate", epilog=_examples(*translate.TRANSLATE_EXAMPLES))(translate.translate)
app.command("summarize", epilog=_examples(*translate.SUMMARIZE_EXAMPLES))(translate.summarize)
app.command("export", epilog=_examples(*export.EXAMPLES))(export.export)
app.command("publish", epilog=_examples(*publish.EXAMPLES))(publish.publish)
app.command("demo", epilog=_examples(*demo.EXAMPLES))(demo.demo)
app.command("score", epilog=_examples(*score.SCORE_EXAMPLES))(score.score)
app.command("compare", epilog=_examples(*score.COMPARE_EXAMPLES))(score.compare)
app.command("attention", epilog=_examples(*attention.EXAMPLES))(attention.attention)
app.command("probe", epilog=_examples(*probe.EXAMPLES))(probe.probe)
corpus_app.command("pronouns", epilog=_examples(*corpus.PRONOUNS_EXAMPLES))(corpus.pronouns)
app.command("doctor", epilog=_examples(*doctor.EXAMPLES))(doctor.doctor)
recipe_app.command("explain", epilog=_examples(*recipe.EXPLAIN_EXAMPLES))(recipe.explain)
recipe_app.command("check", epilog=_examples(*recipe.CHECK_EXAMPLES))(recipe.check)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _global_options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Train translation and summarization models from raw text and score them honestly."""


def main() -> None:
    """Run the command line; the only place that turns an error into an exit code."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # text is UTF-8 whatever the locale says
            # Names of files may be no text at all; an error must be able to name one.
            errors = "backslashreplace" if stream is sys.stderr else "strict"
            stream.reconfigure(encoding="utf-8", errors=errors)
    try:
        app(prog_name="seq2seq")
    except Seq2SeqError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
