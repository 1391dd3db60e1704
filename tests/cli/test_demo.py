"""The command that serves a page: the address goes to stdout, all else to stderr."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.demo.models import digits_run

Cli = Callable[..., Any]
ADDRESS = "http://127.0.0.1:8000/"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command asks for; nothing is loaded or served, and Ctrl-C is pressed at once."""
    found: dict[str, Any] = {"loaded": [], "opened": []}

    class Server:
        address = ADDRESS

        def __init__(self, port: int | None):
            found["port"] = port

        def __enter__(self) -> "Server":
            return self

        def __exit__(self, *_: object) -> None:
            found["closed"] = True

        def show(self, models: Any, examples: Any) -> None:
            found.update(models=models, examples=examples)

        def serve_forever(self) -> None:
            raise KeyboardInterrupt

    def load(where: str, **options: Any) -> str:
        found["loaded"].append(options)
        return where

    monkeypatch.setattr("seq2seq.demo.server.DemoServer", Server)
    monkeypatch.setattr("seq2seq.demo.tried_model.TriedModel.load", load)
    monkeypatch.setattr("webbrowser.open", found["opened"].append)
    return found


def test_the_address_is_printed_and_ctrl_c_is_no_error(cli: Cli, asked: dict[str, Any]) -> None:
    examples = ("--example", "An owl.", "--example", "Two.")
    languages = ("--source-language", "en", "--target-language", "no")
    result = cli("demo", "runs/a", "me/b", "--port", "8000", "--no-browser", *examples, *languages)
    assert result == (0, f"{ADDRESS}\n", "Ctrl-C stops it\n")
    assert asked["loaded"] == [{"languages": ("en", "no"), "device": "auto"}] * 2
    assert (asked["models"], asked["examples"]) == (["runs/a", "me/b"], ["An owl.", "Two."])
    assert (asked["port"], asked["opened"], asked["closed"]) == (8000, [], True)


def test_the_page_is_opened_unless_told_not_to(cli: Cli, asked: dict[str, Any]) -> None:
    assert cli("demo", "runs/a").code == 0
    assert (asked["opened"], asked["port"]) == ([ADDRESS], None)


def test_the_newest_finished_run_is_tried_where_none_is_named(
    cli: Cli, asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for seconds, name in ((100, "older"), (300, "newest"), (200, "old")):
        run = digits_run(tmp_path / "runs" / name)
        os.utime(run.best / "config.json", (seconds, seconds))
    (tmp_path / "runs" / "unfinished").mkdir()
    result = cli("demo", "--no-browser")
    assert asked["models"] == [str(Path("runs", "newest"))]
    assert result.err.startswith(
        f"{Path('runs', 'newest')}: the newest run here; name another MODEL to try that\n"
    )


def test_without_any_model_it_is_said_how_to_get_one(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("demo") == (
        2,
        "",
        "error: demo: no MODEL is named, and there is no finished run in runs/; train one with "
        "'seq2seq train demo' (minutes), or name a run, a model folder or owner/name on the Hub\n",
    )


def test_what_cannot_be_shown_is_refused_before_anything_is_loaded(cli: Cli) -> None:
    code, _, err = cli("demo", "a", "b", "c")
    assert (code, err) == (
        2, "error: demo: 3 models, needed one, or two to compare; leave some out\n",
    )  # fmt: skip
    assert cli("demo", "a", "--example", " ").err == (
        "error: --example ' ': blank, needed text; leave it out\n"
    )
