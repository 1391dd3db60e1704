"""Attention maps as short text: one byte a weight, deflated, in base64."""

import base64
import zlib

import numpy as np
from jaxtyping import Float, UInt8


def pack(
    maps: Float[np.ndarray, "*heads query key"],
    base: Float[np.ndarray, "*heads query key"] | None = None,
) -> str:
    """Write maps so that a page can carry them; ``page.js`` reads them back.

    A byte holds the square root of a weight, because most weights of a long text are small: half
    a step is 0.002 at weight 1 and 0.0002 at weight 1/64.

    Args:
        maps: weights from 0 to 1.
        base: maps that the reader has already; only what differs from them is written, which is
            little for a knock-out and for the twin of a sentence.
    """
    content = _quantize(maps)
    if base is not None:
        content -= _quantize(base)  # modulo 256, as the reader adds them
    deflate = zlib.compressobj(level=9, wbits=-15)  # no header: "deflate-raw" in a browser
    packed = deflate.compress(content.tobytes()) + deflate.flush()
    return base64.b64encode(packed).decode("ascii")


def unpack(
    packed: str,
    shape: tuple[int, ...],
    base: Float[np.ndarray, "*heads query key"] | None = None,
) -> Float[np.ndarray, "*heads query key"]:
    """What a page draws from packed maps, to within the rounding that ``pack`` describes."""
    content = zlib.decompress(base64.b64decode(packed), wbits=-15)
    levels = np.frombuffer(content, np.uint8).reshape(shape)
    if base is not None:
        levels = levels + _quantize(base)
    weights: Float[np.ndarray, "*heads query key"] = (levels / 255) ** 2
    return weights


def _quantize(maps: Float[np.ndarray, "*heads query key"]) -> UInt8[np.ndarray, "*heads query key"]:
    quantized: UInt8[np.ndarray, "*heads query key"] = np.rint(
        255 * np.sqrt(np.clip(maps, 0, 1))
    ).astype(np.uint8)
    return quantized
