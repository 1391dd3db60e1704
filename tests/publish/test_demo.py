"""The page on this machine, up to what gradio itself does."""

from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seq2seq.errors import DataError, ModelError
from seq2seq.publish.demo import open_page, start
from seq2seq.publish.page.settings import Settings
from tests.publish.finished_run import write_run


@pytest.fixture
def gradio(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were installed."""
    monkeypatch.setattr("seq2seq.publish.demo.find_spec", lambda name: ModuleSpec(name, None))


def test_without_gradio_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seq2seq.publish.demo.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"gradio: not installed.*pip install seq2seq-toolkit\[de"):
        open_page("nowhere")


@pytest.mark.usefixtures("gradio")
def test_a_run_brings_its_languages_and_a_folder_only_its_name(root: Path, tmp_path: Path) -> None:
    golden = root / "tests" / "golden" / "digits"
    run = write_run(tmp_path / "owl")
    for path in run.best.iterdir():
        path.unlink()
    for path in golden.iterdir():
        (run.best / path.name).write_bytes(path.read_bytes())
    page = open_page(str(run.folder), examples=["1 2"])
    assert page.settings == Settings(str(run.folder), "owl", "translation", "en", "no", ("1 2",))
    assert page.write("1 2", "cross", "0", "0")[0] == "2 1"
    assert open_page(str(golden)).settings == Settings(str(golden), "digits")


@pytest.mark.usefixtures("gradio")
def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither a run folder nor a model folder"):
        open_page(str(tmp_path))


def opened(model_type: str, *, encoder_decoder: bool, **tokenizer: Any) -> Any:
    config = SimpleNamespace(model_type=model_type, is_encoder_decoder=encoder_decoder)
    generation = SimpleNamespace(forced_bos_token_id=None)
    model = SimpleNamespace(config=config, generation_config=generation)
    return lambda where: (model, SimpleNamespace(**tokenizer))


@pytest.mark.usefixtures("gradio")
@pytest.mark.parametrize(
    ("found", "said"),
    [
        (opened("gpt2", encoder_decoder=False), "me/x: of kind 'decoder', needed an encoder-decod"),
        (
            opened("m2m_100", encoder_decoder=True, src_lang="en"),
            "me/x: knows many languages and does not say which to write, needed a model of one pai",
        ),
    ],
)
def test_a_model_that_the_page_cannot_show_is_refused(
    found: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seq2seq.probe.model.loading.open_stock", found)
    with pytest.raises(ModelError, match=said):
        open_page("me/x")


def test_a_port_that_is_taken_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(page: object, **options: object) -> None:
        raise OSError("Cannot find empty port in range: 8000-8000. You can more.")

    monkeypatch.setattr("seq2seq.publish.page.gradio_page.serve", serve)
    page: Any = None
    with pytest.raises(
        DataError, match=r"port '8000': Cannot find [^.]*; choose another with --port"
    ):
        start(page, port=8000)
    with pytest.raises(DataError, match="port 7860 to 7959: Cannot find"):
        start(page)
