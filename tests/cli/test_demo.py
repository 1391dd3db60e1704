"""The command that serves a page: the address goes to stdout, all else to stderr."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

Cli = Callable[..., Any]


def test_the_address_is_printed_and_the_options_passed_on(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    waited: list[bool] = []
    served = SimpleNamespace(
        local_url="http://127.0.0.1:8000/", block_thread=lambda: waited.append(True)
    )

    def open_page(model: str, **options: Any) -> str:
        asked.update(options, model=model)
        return "page"

    def start(page: str, **options: Any) -> Any:
        asked.update(options, page=page)
        return served

    monkeypatch.setattr("seq2seq.publish.demo.open_page", open_page)
    monkeypatch.setattr("seq2seq.publish.demo.start", start)
    arguments = ("--port", "8000", "--no-browser", "--example", "An owl.", "--example", "Two.")
    result = cli("demo", "runs/owl", *arguments)
    assert result == (0, "http://127.0.0.1:8000/\n", "Ctrl-C stops it\n")
    assert asked == {
        "model": "runs/owl", "examples": ["An owl.", "Two."], "page": "page", "port": 8000,
        "browser": False, "device": "auto",
    }  # fmt: skip
    assert waited == [True]


def test_without_gradio_the_command_says_how_to_get_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seq2seq.publish.demo.find_spec", lambda name: None)
    result = cli("demo", "runs/owl")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error: gradio: not installed, needed to show the page; "
        "'pip install seq2seq-toolkit[demo]'\n"
    )
