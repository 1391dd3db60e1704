"""What a benchmark found: told to people, printed as JSON, or kept in a file for a page."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NotRequired, TypedDict

import typer

from seq2seq.environment import describe_environment
from seq2seq.errors import DataError
from seq2seq.run import write_json

Report = dict[str, Any]
"""One measurement: names of figures and what they are; ``benchmark`` says what was measured."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Also keep the figures in this JSON file, for scripts/bench page."),
]


class Results(TypedDict):
    """A file of results."""

    command: list[str]
    date: str
    processor: str
    cores: int
    commit: str | None
    versions: dict[str, str | None]
    omp_num_threads: str | None
    preloaded: NotRequired[list[str]]
    reports: list[Report]


def collect(reports: Sequence[Report]) -> Results:
    """Reports with all that a reader needs to judge and to repeat them."""
    environment = describe_environment()
    return {
        "command": ["scripts/bench", *map(shortened, sys.argv[1:])],
        "date": environment["created"],
        "processor": environment["processor"],
        "cores": environment["cores"],
        "commit": environment["seq2seq"]["commit"],
        "versions": environment["versions"],
        "preloaded": environment["preloaded"],
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
        "reports": list(reports),
    }


def shortened(argument: str) -> str:
    """An argument as a reader on another machine needs it: of a whole path its name."""
    return Path(argument).name if Path(argument).is_absolute() else argument


class Teller:
    """Shows each report as it comes, and keeps all of them in a file if asked to.

    Args:
        out: The file; it is written anew after each report, so an interrupted benchmark keeps what
            it found.
        as_json: Whether to print JSON lines.
    """

    def __init__(self, out: Path | None, *, as_json: bool):
        if out is not None and out.suffix != ".json":
            raise DataError(f"--out: '{out}', needed the name of a .json file")
        if threads := os.environ.get("OMP_NUM_THREADS"):
            note(f"OMP_NUM_THREADS is '{threads}': our programs take no more threads than that")
        self._out, self._as_json = out, as_json
        self._reports: list[Report] = []

    def __call__(self, report: Report) -> None:
        """Tell of one measurement."""
        self._reports.append(report)
        if self._out is not None:
            self._out.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._out, collect(self._reports))
        if self._as_json:
            found = collect([])
            machine = {"processor": found["processor"], "commit": found["commit"]}
            typer.echo(json.dumps(report | machine))
        else:
            typer.echo(shown(report))


def shown(report: Report) -> str:
    """A report for people."""
    return "".join(f"{key:<32} {value}\n" for key, value in report.items())


def note(text: str) -> None:
    """Tell on stderr what is going on."""
    print(text, file=sys.stderr)
