"""How results reach stdout: text for people, or one JSON object for programs."""

import json
from typing import Any, Protocol

import typer


class Report(Protocol):
    """A result that can say itself both ways."""

    def to_text(self) -> str:
        """For people."""
        ...

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        ...


def print_report(report: Report, *, as_json: bool) -> None:
    """Print a result the way that was asked for."""
    if as_json:
        print_json(report.to_json())
    else:
        typer.echo(report.to_text())


def print_json(content: Any) -> None:
    """Print one JSON object, readable for people too."""
    typer.echo(as_json_text(content))


def as_json_text(content: Any) -> str:
    """JSON that people can read too."""
    return json.dumps(content, indent=2, ensure_ascii=False)
