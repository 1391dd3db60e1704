"""The commands of ``scripts/bench``."""

import gc
import signal
import sys

import typer

from scripts.benchmark.decode import decode
from scripts.benchmark.gpu import gpu
from scripts.benchmark.lengths import lengths
from scripts.benchmark.page import page
from scripts.benchmark.shapes import model
from scripts.benchmark.sweep import sweep
from scripts.benchmark.train import train
from scripts.benchmark.translate import translate
from seq2seq.errors import Seq2SeqError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Speed on this machine, alone and beside other programs.",
)  # fmt: skip
for command in (translate, decode, model, train, sweep, lengths, page, gpu):
    app.command()(command)


def main() -> None:
    """Run a command; a mistake of the user ends in one line and exit code 2."""
    # Ended from outside, it ends the programs that it started as it does at the end of its work.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    gc.set_threshold(100_000, 20, 20)  # as every command of seq2seq does
    try:
        app(prog_name="scripts/bench")
    except Seq2SeqError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
