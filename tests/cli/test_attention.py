"""The page command: what it refuses, what it writes, what it prints."""

from pathlib import Path
from typing import Any

import pytest

from tests.viewer.sample_page import plain_page


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A model that shows any text; what it was asked is kept."""
    asked: list[Any] = []

    def show(opened: Any, text: str, *, target: Any, languages: Any, head: Any) -> Any:
        asked.append((opened, text, target, languages, head))
        return plain_page(tuple(text.split()))

    monkeypatch.setattr(
        "seq2seq.probe.model.stock_model.StockModel.load", lambda where, device: where
    )
    monkeypatch.setattr("seq2seq.probe.report.attention_page.show_text", show)
    return asked


def test_a_page_is_written_and_named(cli: Any, tmp_path: Path, model: list[Any]) -> None:
    out = tmp_path / "it.html"
    result = cli("attention", "some/model", "it was", "--target", "es war", "--out", out)
    assert (result.code, result.out) == (0, f"{out}\n")
    assert result.err.endswith(" MB; open it in a browser\n")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert model == [("some/model", "it was", "es war", (None, None), None)]
    codes = ("--source-language", "en", "--target-language", "de", "--head", "2.1")
    cli("attention", "some/model", "it was", "--out", out, *codes)
    assert model[1:] == [("some/model", "it was", None, ("en", "de"), "2.1")]


def test_the_opening_map_is_written_as_a_picture(
    cli: Any, tmp_path: Path, model: list[Any]
) -> None:
    out, svg = tmp_path / "it.html", tmp_path / "it.svg"
    result = cli("attention", "some/model", "it was", "--out", out, "--svg", svg)
    assert (result.code, result.out) == (0, f"{out}\n{svg}\n")
    assert svg.read_text(encoding="utf-8").startswith("<svg xmlns=")
    long = tmp_path / "long.svg"
    result = cli("attention", "some/model", "it " * 101, "--out", out, "--svg", long)
    assert (result.code, long.exists()) == (2, False)
    assert "a text of more than 100 words" in result.err


def test_an_image_goes_to_the_reader_of_images(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: list[Any]
) -> None:
    monkeypatch.setattr(
        "seq2seq.probe.report.image_page.show_image",
        lambda opened, path, head: model.append((opened, path)) or plain_page(("a",)),
    )
    result = cli("attention", "vit", "--image", "cat.jpg", "--out", tmp_path / "cat.html")
    assert (result.code, model) == (0, [("vit", Path("cat.jpg"))])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "attention: neither a text nor an image, needed one of both"),
        (["it", "--image", "cat.jpg"], "attention: a text and an image, needed one of both"),
        (["--image", "cat.jpg", "--target", "x"], "attention: --target with an image"),
        (["it", "--svg", "./attention.html"], "attention: --out and --svg both name"),
    ],
)
def test_a_text_or_an_image_is_needed(cli: Any, arguments: list[str], said: str) -> None:
    result = cli("attention", "some/model", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_a_page_is_not_written_over_the_image(cli: Any, tmp_path: Path) -> None:
    image = tmp_path / "cat.jpg"
    image.write_bytes(b"a cat")
    for option in ("--out", "--svg"):
        result = cli("attention", "model", "--image", image, option, image)
        assert result.code == 2
        assert f"{image}: the file that is read, which would be lost" in result.err


def test_a_page_that_cannot_be_written_is_said(cli: Any, tmp_path: Path, model: list[Any]) -> None:
    result = cli("attention", "some/model", "it", "--out", tmp_path / "none" / "it.html")
    assert result.code == 2
    assert "none is no folder; make it first" in result.err
