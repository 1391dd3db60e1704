"""All subcommands, or the one that a command line names: that starts sooner.

Importing the other commands and working out their options takes a fifth of the time before a
command begins.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from seq2seq import __version__
from seq2seq.cli.options import GroupedCommand
from seq2seq.cli.plain_values import read_plainly


class ReaderLeft(Exception):
    """Whoever read our output wants no more of it."""


class _Commands(TyperGroup):
    """Tells that a reader has left, where typer would end the program with the code of a fault."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the command line, which may print a help text."""
        with _telling_that_reader_left():
            return super().make_context(*args, **kwargs)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what stands before the command's name."""
        read_plainly(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def invoke(self, *args: Any) -> Any:
        """Run the command."""
        with _telling_that_reader_left():
            return super().invoke(*args)


@contextmanager
def _telling_that_reader_left() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise ReaderLeft from None
    except typer.BadParameter as error:
        error.message = error.message.removeprefix("Value error, ")  # as pydantic calls it
        raise


def command_line(words: Sequence[str] = ()) -> typer.Typer:
    """The program with all its commands, or with the one that is called.

    Args:
        words: What stands behind the program's name. If they begin with the name of a command, no
            other is there.
    """
    app = typer.Typer(
        name="seq2seq",
        cls=_Commands,
        help="Train translation and summarization models from raw text and score them honestly.",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_global_options)
    called = words[0] if words and words[0] in COMMANDS else None
    for name, add in COMMANDS.items():
        if called in (None, name):
            add(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _global_options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Train translation and summarization models from raw text and score them honestly."""


def _examples(*lines: str) -> str:
    """The end of a help text; the backspace keeps each line on a line of its own."""
    return "\n".join(["\b", "Examples:", *(f"  seq2seq {line}" for line in lines)])


def _plain(name: str) -> Callable[[typer.Typer], None]:
    """Add a command that stands, with its ``EXAMPLES``, in the module of its name."""

    def add(app: typer.Typer) -> None:
        module = import_module(f"seq2seq.cli.{name}")
        app.command(name, epilog=_examples(*module.EXAMPLES))(getattr(module, name))

    return add


def _translate(app: typer.Typer) -> None:
    from seq2seq.cli.translate import TRANSLATE_EXAMPLES, TRANSLATE_HELP, command

    epilog = _examples(*TRANSLATE_EXAMPLES)
    app.command("translate", cls=GroupedCommand, help=TRANSLATE_HELP, epilog=epilog)(
        command("translation")
    )


def _summarize(app: typer.Typer) -> None:
    from seq2seq.cli.translate import SUMMARIZE_EXAMPLES, SUMMARIZE_HELP, command

    epilog = _examples(*SUMMARIZE_EXAMPLES)
    app.command("summarize", cls=GroupedCommand, help=SUMMARIZE_HELP, epilog=epilog)(
        command("summarization")
    )


def _score(app: typer.Typer) -> None:
    from seq2seq.cli.score import SCORE_EXAMPLES, score

    app.command("score", epilog=_examples(*SCORE_EXAMPLES))(score)


def _compare(app: typer.Typer) -> None:
    from seq2seq.cli.score import COMPARE_EXAMPLES, compare

    app.command("compare", epilog=_examples(*COMPARE_EXAMPLES))(compare)


def _evaluate(app: typer.Typer) -> None:
    from seq2seq.cli.evaluate import EXAMPLES, HELP, evaluate

    app.command("evaluate", cls=GroupedCommand, help=HELP, epilog=_examples(*EXAMPLES))(evaluate)


def _corpus(app: typer.Typer) -> None:
    from seq2seq.cli.corpus import PRONOUNS_EXAMPLES, pronouns

    group = typer.Typer(help="Make a corpus.", no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(group, name="corpus")
    group.command("pronouns", epilog=_examples(*PRONOUNS_EXAMPLES))(pronouns)


def _recipe(app: typer.Typer) -> None:
    from seq2seq.cli import recipe

    group = typer.Typer(
        help="List and copy recipes, explain their keys, or check a recipe file.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.add_typer(group, name="recipe")
    group.command("list", epilog=_examples(*recipe.LIST_EXAMPLES))(recipe.list_recipes)
    group.command("new", epilog=_examples(*recipe.NEW_EXAMPLES))(recipe.new)
    group.command("explain", epilog=_examples(*recipe.EXPLAIN_EXAMPLES))(recipe.explain)
    group.command("check", epilog=_examples(*recipe.CHECK_EXAMPLES))(recipe.check)


COMMANDS: dict[str, Callable[[typer.Typer], None]] = {
    "train": _plain("train"),
    "translate": _translate,
    "summarize": _summarize,
    "export": _plain("export"),
    "publish": _plain("publish"),
    "demo": _plain("demo"),
    "score": _score,
    "compare": _compare,
    "evaluate": _evaluate,
    "attention": _plain("attention"),
    "probe": _plain("probe"),
    "doctor": _plain("doctor"),
    "corpus": _corpus,
    "recipe": _recipe,
}
"""What adds each command to the program, in the order of its help text."""
