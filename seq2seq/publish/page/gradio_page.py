"""The page itself: its fields, what happens when they are used, and the program that serves it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .heat_map import STYLE, escape, heat_map
from .settings import Settings, Task
from .writer import AXES, Stack, Writer, Written

MEAN = "mean of all"
STACKS: Mapping[Stack, str] = {
    "cross": "output reads text",
    "encoder": "text reads text",
    "decoder": "output reads output",
}
LEGEND = (
    "The stronger a cell, the more was read; a row adds up to 100 %, and less than 0.5 % is not "
    "drawn. A dot before a piece means that it goes on with what stands before it. Attention shows "
    "where a head reads from, not what the model makes of it."
)
WORDS: Mapping[Task | None, tuple[str, str]] = {
    "translation": ("Translation", "Translate"),
    "summarization": ("Summary", "Summarize"),
    None: ("Output", "Write"),
}


class Page:
    """What the page answers; gradio calls these with what stands in its fields.

    Attributes:
        writer: the model.
        settings: what to show of it.
    """

    def __init__(self, writer: Writer, settings: Settings):
        self.writer = writer
        self.settings = settings

    def write(
        self, text: str, stack: Stack, layer: str, head: str
    ) -> tuple[str, str, str, Written | None]:
        """The output, what to know about it, its picture, and what that is drawn from."""
        written = self.writer.write(text)
        if written is None:
            return "", _notes("There is nothing to read."), "", None
        picture = self.draw(written, stack, layer, head)
        return written.text, _notes(*written.notes), picture, written

    def draw(self, written: Written | None, stack: Stack, layer: str, head: str) -> str:
        """The picture of one layer and head, counted from 0, or of the mean of all heads."""
        if written is None:
            return ""
        weights = self.writer.read(written, stack, int(layer))
        chosen = weights.mean(dim=0) if head == MEAN else weights[int(head)]
        rows, columns = self.writer.labels(written, stack)
        title = f"Attention, {STACKS[stack]}: layer {layer}, head {head}"
        picture = heat_map(chosen.tolist(), rows, columns, title=title)
        row, column = AXES[stack]
        caption = (
            f"Each row is a piece of the {row} and shows how much was read there of each piece of "
            f"the {column}."
        )
        return f'{STYLE}{_notes(caption)}<div class="attention">{picture}</div>{_notes(LEGEND)}'

    def choices(self, stack: Stack) -> tuple[list[str], list[str]]:
        """Layers and heads to choose from."""
        layers, heads = ([str(n) for n in range(count)] for count in self.writer.shape[stack])
        return layers, [MEAN, *heads]

    def build(self) -> Any:
        """The page itself, as a ``gradio.Blocks``."""
        gr = _import_gradio()
        layers, heads = self.choices("cross")
        examples, (writes, verb) = self.settings.examples, WORDS[self.settings.task]
        with gr.Blocks(title=self.settings.title, analytics_enabled=False) as page:
            gr.HTML(f"<h1>{escape(self.settings.title)}</h1>")
            with gr.Row():
                text = gr.Textbox(
                    examples[0] if examples else "", elem_id="text", lines=1, max_lines=12,
                    label=_labelled("Text", self.settings.source_language),
                    rtl=self.settings.source_right_to_left,
                )  # fmt: skip
                output = gr.Textbox(
                    elem_id="output", lines=1, max_lines=12, interactive=False,
                    label=_labelled(writes, self.settings.target_language),
                    rtl=self.settings.target_right_to_left,
                )  # fmt: skip
            if len(examples) > 1:
                gr.Examples([[one] for one in examples], text, cache_examples=False)
            button = gr.Button(verb, variant="primary", elem_id="write")
            notes = gr.HTML(elem_id="notes")
            with gr.Row():
                kinds = [(name, stack) for stack, name in STACKS.items()]
                stack = gr.Radio(kinds, value="cross", label="Attention", elem_id="stack", scale=3)
                layer = gr.Dropdown(
                    layers, value=layers[-1], label="Layer (from 0)", elem_id="layer"
                )
                head = gr.Dropdown(heads, value=MEAN, label="Head (from 0)", elem_id="head")
            picture, seen, where = gr.HTML(elem_id="picture"), gr.State(), [stack, layer, head]
            gr.on(
                [button.click, text.submit], self.write, [text, *where],
                [output, notes, picture, seen], api_name="write",
            )  # fmt: skip
            gr.on(
                [layer.input, head.input], self.draw, [seen, *where], picture,
                api_visibility="private",
            )  # fmt: skip

            def change_stack(seen: Written | None, stack: Stack) -> tuple[Any, Any, str]:
                layers, heads = self.choices(stack)
                fields = (gr.update(choices=c, value=v) for c, v in
                          ((layers, layers[-1]), (heads, MEAN)))  # fmt: skip
                return (*fields, self.draw(seen, stack, layers[-1], MEAN))

            changed = [layer, head, picture]
            stack.input(change_stack, [seen, stack], changed, api_visibility="private")
        return page


def serve(page: Page) -> None:
    """Serve a page to this machine, or where GRADIO_SERVER_NAME says, until it is stopped."""
    theme = _import_gradio().themes.Default(primary_hue="blue")
    # Without a second server for rendering, which a Space would start.
    page.build().launch(theme=theme, footer_links=[], ssr_mode=False)


def _import_gradio() -> Any:
    """Gradio, which would otherwise report its use, and keep what visitors write."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = os.environ["GRADIO_RUN_HISTORY"] = "False"
    import gradio

    return gradio


def _labelled(name: str, language: str) -> str:
    return f"{name} ({language})" if language else name


def _notes(*notes: str) -> str:
    return "".join(f'<p class="note">{escape(one)}</p>' for one in notes)


def main(path: Path) -> None:
    """Serve the page of the model that a file of settings names."""
    try:
        settings = Settings.read(path)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    try:
        writer = Writer.load(settings.model, settings)
    except (OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise SystemExit(
            f"{settings.model}: cannot be loaded ({reason}); a private model needs a token that "
            "may read it, in a Space as its secret HF_TOKEN"
        ) from None
    serve(Page(writer, settings))
