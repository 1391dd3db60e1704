"""What the page answers, and that it stands alone; gradio itself is not needed for that."""

import ast
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from seq2seq.publish.page.gradio_page import MEAN, Page, _import_gradio
from seq2seq.publish.page.heat_map import heat_map
from seq2seq.publish.page.settings import Settings
from seq2seq.publish.page.writer import Writer
from seq2seq.publish.space import page_files

ALLOWED = {"gradio", "langcodes", "sentencex", "torch", "transformers"}


@pytest.fixture(scope="module")
def page(root: Path) -> Page:
    folder = str(root / "tests" / "golden" / "digits")
    return Page(Writer.load(folder), Settings(folder, "Digits", "translation", "en", "de"))


def test_the_page_of_a_space_needs_five_libraries_alone() -> None:
    found: set[str] = set()
    for file in page_files():
        content = file.content if isinstance(file.content, bytes) else file.content.read_bytes()
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(str(node.module).partition(".")[0])
    assert found - set(sys.stdlib_module_names) == ALLOWED


def test_a_text_gives_output_picture_and_what_to_draw_again(page: Page) -> None:
    text, notes, picture, written = page.write("1 2 3", "cross", "0", MEAN)
    assert (text, notes) == ("3 2 1", "")
    assert "layer 0, head mean of all" in picture
    assert "3 ← 3: " in picture
    assert page.draw(written, "cross", "0", MEAN) == picture


def test_layers_and_heads_are_counted_from_zero(page: Page) -> None:
    assert page.choices("encoder") == (["0"], [MEAN, "0", "1"])
    written = page.writer.write("1 2 3")
    assert written is not None
    weights = page.writer.read(written, "cross", 0)
    rows, columns = page.writer.labels(written, "cross")
    for head in (0, 1):
        title = f"Attention, output reads text: layer 0, head {head}"
        map_ = heat_map(weights[head].tolist(), rows, columns, title=title)
        assert map_ in page.draw(written, "cross", "0", str(head))


def test_every_kind_of_attention_says_what_its_rows_and_columns_are(page: Page) -> None:
    *_, written = page.write("1 2 3", "cross", "0", MEAN)
    said = "piece of the text and shows how much was read there of each piece of the text."
    assert said in page.draw(written, "encoder", "0", "0")
    assert said not in page.draw(written, "decoder", "0", "0")


def test_a_blank_text_is_no_picture(page: Page) -> None:
    text, notes, picture, written = page.write("  ", "cross", "0", MEAN)
    assert (text, picture, written) == ("", "", None)
    assert "There is nothing to read." in notes
    assert page.draw(None, "cross", "0", MEAN) == "", "nor before anything was written"


def test_what_the_text_holds_is_never_markup(page: Page) -> None:
    _, _, picture, _ = page.write("<img src=x onerror=alert(1)> ${1}", "encoder", "0", MEAN)
    assert "<img" not in picture
    assert "${" not in picture


def test_gradio_is_told_to_report_and_keep_nothing_before_it_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    switches = ("GRADIO_ANALYTICS_ENABLED", "GRADIO_RUN_HISTORY")
    for switch in switches:
        monkeypatch.setenv(switch, "True")
    seen: dict[str, str] = {}
    finder = SimpleNamespace(
        find_spec=lambda name, *_: (
            seen.update({s: os.environ[s] for s in switches}) if name == "gradio" else None
        )
    )
    monkeypatch.delitem(sys.modules, "gradio", raising=False)
    monkeypatch.setattr(sys, "meta_path", [finder])
    with pytest.raises(ModuleNotFoundError):
        _import_gradio()
    assert seen == dict.fromkeys(switches, "False")


def test_settings_are_read_as_they_were_written(tmp_path: Path) -> None:
    settings = Settings("me/owl", "Owl", None, "no", "", ("Ein „Käuz“", "zwei"))
    path = tmp_path / "space.json"
    path.write_text(settings.to_json(), encoding="utf-8")
    assert Settings.read(path) == settings
