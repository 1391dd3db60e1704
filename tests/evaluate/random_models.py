"""Models with random weights that know every word they are shown."""

import re
from collections.abc import Iterable

from seq2seq.context import ContextFormat, SideFormat
from seq2seq.decode.options import DecodeOptions
from seq2seq.translate import Translator
from tests.word_models import SPECIAL, listening_model, word_tokenizer

SEPARATOR = "|"


def random_translator(
    texts: Iterable[str], *, seed: int = 1, positions: int = 64, context: tuple[int, int] = (0, 0)
) -> Translator:
    """One piece a word; different inputs have different outputs.

    Args:
        texts: what it must know.
        seed: of its weights.
        positions: the most pieces it reads or writes.
        context: sentences before that it takes on the source and on the target side.
    """
    found = {word for text in texts for word in re.findall(r"\w+|[^\w\s]", text)}
    words = [SEPARATOR, *sorted(found - {SEPARATOR})]
    model = listening_model(len(SPECIAL) + len(words), positions, seed=seed)
    options = DecodeOptions(beams=2, max_length_factor=0, max_length_offset=12)
    form = ContextFormat(*(SideFormat(sentences, (len(SPECIAL),)) for sentences in context))
    tokenizer = word_tokenizer(words)
    return Translator(model, tokenizer, options, context=form if any(context) else None)
