"""From a model and an image to a page: what each patch attends to."""

import io
from pathlib import Path

import numpy as np
from torch import Tensor

from seq2seq.errors import DataError, ModelError
from seq2seq.files import read_bytes
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.attention_page import maps_of, page_of
from seq2seq.viewer.content import AttentionPage, Panel, Picture, Reading, Text


def show_image(model: StockModel, path: Path, *, head: str | None = None) -> AttentionPage:
    """Let a Vision Transformer read an image and show what each patch attends to.

    Args:
        model: a model of images.
        path: the image, in any format that Pillow reads.
        head: as in ``show_text``.

    Raises:
        DataError: the file is no image, Pillow is missing, or the model has no such head.
        ModelError: the model reads text.
    """
    if model.tokenizer is not None:
        raise ModelError(f"{model.name}: reads text, not images; leave out --image")
    pixels, png = _pixels(model, path)
    maps = maps_of(model.read_image(pixels), "encoder")
    height, width = pixels.shape[-2:]
    side = model.model.config.patch_size
    rows, columns = height // side, width // side
    first = maps.shape[-1] - rows * columns
    names = [f"[{'CLS' if number == 0 else f'extra {number}'}]" for number in range(first)]
    names += [f"row {y + 1}, column {x + 1}" for y in range(rows) for x in range(columns)]
    text = Text(
        "image",
        tuple(names),
        tuple(range(len(names))),
        (False, *[True] * (len(names) - 1)),
        frozenset(range(first)),
        Picture(png, rows, columns, first),
    )
    reading = Reading((text,), (Panel("encoder", "image", "image", maps),))
    return page_of(model, reading, path.name, (), head)


def _pixels(model: StockModel, path: Path) -> tuple[Tensor, bytes]:
    """An image as the model reads it, and what that looks like as a PNG."""
    try:
        from PIL import Image
    except ImportError:
        raise DataError(f"{path}: needs Pillow to be read; pip install pillow") from None
    from transformers import AutoImageProcessor

    content = read_bytes(path, error=DataError, needed="an image")
    try:
        with Image.open(io.BytesIO(content)) as image:
            picture = image.convert("RGB")
    except Exception as error:  # what the library raises depends on the format and what is wrong
        raise DataError(f"{path}: no image that can be read: {error}") from None
    try:
        processor = AutoImageProcessor.from_pretrained(
            model.model.name_or_path, backend="pil", trust_remote_code=False
        )
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{model.name}: does not say how to prepare an image: {reason}") from None
    pixels = processor(picture, return_tensors="pt")["pixel_values"]
    shown = pixels[0].permute(1, 2, 0).cpu().numpy()
    if processor.do_normalize:
        shown = shown * np.array(processor.image_std) + np.array(processor.image_mean)
    if not processor.do_rescale:
        shown = shown / 255
    file = io.BytesIO()
    Image.fromarray(np.rint(255 * shown.clip(0, 1)).astype(np.uint8)).save(file, "PNG")
    return pixels, file.getvalue()
