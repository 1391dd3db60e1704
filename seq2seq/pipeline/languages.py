"""Language codes of models that translate between many languages.

Such a model must be told both languages: a tag stands in the text that it reads, and another is the
first piece of what it writes. A code that the vocabulary lacks would become the unknown piece in
silence, and the translation come out in some language.
"""

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from seq2seq.errors import ModelError

CODE = re.compile(r"__(\w+)__|([a-z]{2,3}_[A-Z][A-Za-z]{1,3})")
NEAR = 6


def language_codes(tokenizer: Any) -> dict[str, int]:
    """List the languages that a tokenizer has a tag for.

    Args:
        tokenizer: A stock tokenizer.

    Returns:
        The id of each code's tag; empty for a model that is not told languages by tags.
    """
    if not hasattr(tokenizer, "set_src_lang_special_tokens"):
        return {}
    found = ((CODE.fullmatch(tag), number) for tag, number in tokenizer.get_added_vocab().items())
    return {match[1] or match[2]: number for match, number in found if match}


@contextmanager
def tagging(tokenizer: Any, source: str | None, target: str | None = None) -> Iterator[None]:
    """Let a tokenizer tag text with languages, and afterwards with its own again.

    Args:
        tokenizer: A stock tokenizer, which may be the caller's.
        source: Code of the text's language; the tokenizer's own if None.
        target: Code of the answer's.
    """
    wanted = {"src_lang": source, "tgt_lang": target}
    own = {name: getattr(tokenizer, name) for name, code in wanted.items() if code is not None}
    for name in own:
        setattr(tokenizer, name, wanted[name])
    try:
        yield
    finally:
        for name, code in own.items():
            setattr(tokenizer, name, code)


def check_languages(
    codes: dict[str, int],
    source: str | None,
    target: str | None,
    *,
    where: str = "pipeline",
    names: tuple[str, str] = ("src_lang", "tgt_lang"),
) -> tuple[str, int]:
    """Check that a model knows both languages.

    Args:
        codes: Those it has tags for.
        source: Code of the text's language.
        target: Code of the answer's.
        where: What messages begin with.
        names: What they call the two codes.

    Returns:
        The code of the text, and the id of the piece that every answer must begin with.

    Raises:
        ModelError: A code is missing or not among those of the model.
    """
    problems = [
        _problem(name, code, codes)
        for name, code in zip(names, (source, target), strict=True)
        if code not in codes
    ]
    if problems or source is None or target is None:
        raise ModelError(f"{where}: {'; '.join(problems)}")
    return source, codes[target]


def _problem(name: str, code: str | None, codes: dict[str, int]) -> str:
    if code is None:
        some = ", ".join(sorted(codes)[:: max(1, len(codes) // NEAR)][:NEAR])
        return f"{name} is not given, this model needs one of its {len(codes)} codes such as {some}"
    near = [one for one in codes if one.lower()[:2] == code.lower()[:2]]
    near += difflib.get_close_matches(code, codes, n=NEAR, cutoff=0.6)
    listed = ", ".join(list(dict.fromkeys(near))[:NEAR])
    hint = f"near it are {listed}" if listed else "none is near it"
    return f"{name} is '{code}', not one of the model's {len(codes)} codes; {hint}"
