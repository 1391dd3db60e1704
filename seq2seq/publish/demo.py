"""The page of a Space, on this machine and of any encoder-decoder model."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.devices import resolve_device
from seq2seq.errors import DataError, ModelError
from seq2seq.languages import language_of
from seq2seq.run import Run

if TYPE_CHECKING:  # loads torch, which asking for help must not
    from seq2seq.publish.page.gradio_page import Page


def open_page(model: str, *, examples: Sequence[str] = (), device: str = "auto") -> "Page":
    """Load a model and make its page.

    Args:
        model: As in `seq2seq.model_location`.
        examples: Texts to choose from.
        device: Where it computes, as in `seq2seq.devices`.

    Returns:
        The page, not yet served.

    Raises:
        ModelError: gradio is not installed, there is no such model, or it is none that the page
            can show.
        PublishError: An example is blank.
        DeviceError: There is no such device.
    """
    if find_spec("gradio") is None:
        raise ModelError(
            "gradio: not installed, needed to show the page; 'pip install seq2seq-toolkit[demo]'"
        )
    from seq2seq.opened_model import trained_on
    from seq2seq.probe.model.loading import kind_of, open_stock
    from seq2seq.publish.page.gradio_page import Page
    from seq2seq.publish.page.writer import Writer
    from seq2seq.publish.space import settings_of

    run = Run(Path(model))
    recipe = run.read_recipe() if run.recipe.is_file() else None
    title = Path(model).resolve().name if Path(model).is_dir() else model
    single = recipe is not None and trained_on(run) == "sentences"
    settings = settings_of(recipe, model, title=title, examples=examples, by_sentence=single)
    place = resolve_device(device)
    opened, tokenizer = open_stock(model)
    kind = kind_of(opened.config, name=model)
    if kind != "encoder-decoder":
        raise ModelError(f"{model}: of kind '{kind}', needed an encoder-decoder, which writes")
    if hasattr(tokenizer, "src_lang") and opened.generation_config.forced_bos_token_id is None:
        raise ModelError(
            f"{model}: knows many languages and does not say which to write, needed a model of one "
            "pair, or forced_bos_token_id in its generation_config.json"
        )
    source = getattr(tokenizer, "source_lang", None)  # of opus-mt, trained on single sentences
    if recipe is None and source:
        target = language_of(tokenizer.target_lang or "")
        settings = replace(
            settings,
            sentences_in=language_of(source).code,
            joint=" " if target.spaced else "",
        )
    return Page(Writer(opened, tokenizer, settings, device=place), settings)


def start(page: "Page", *, port: int | None = None, browser: bool = True) -> Any:
    """Serve a page.

    Args:
        page: The page.
        port: The first free one from 7860 by default.
        browser: Whether to open it in a browser.

    Returns:
        A ``gradio.Blocks``, of which ``local_url`` is the address and ``block_thread()`` waits
        until it is stopped.

    Raises:
        DataError: The port is taken.
    """
    from seq2seq.publish.page.gradio_page import serve

    try:
        return serve(page, port=port, browser=browser, wait=False)
    except OSError as error:
        which = "7860 to 7959" if port is None else f"'{port}'"
        reason = str(error).strip().partition(". ")[0]
        raise DataError(f"port {which}: {reason}; choose another with --port") from error
