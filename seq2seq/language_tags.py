"""Language tags of stock tokenizers: which there are, and which one a code means.

A model of many languages must be told both of them: a tag stands in the text that it reads, and
another is the first piece of what it writes. A code that its vocabulary lacks would become the
unknown piece in silence, and the output come out in some language.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from seq2seq.errors import ModelError
from seq2seq.languages import matching_codes

# What opus-mt models of several targets are told at the start of a text.
LEAD = re.compile(r">>.+?<<\s*")


def is_tagged(stock: Any) -> bool:
    """Whether a stock tokenizer tells its model both languages by tags."""
    return hasattr(stock, "set_src_lang_special_tokens")


def tags_of(stock: Any) -> list[str]:
    """The languages that a stock tokenizer knows, as it calls them; none for opus-mt."""
    if hasattr(stock, "lang_code_to_id"):
        return list(stock.lang_code_to_id)
    plain = _plain_pieces(stock)
    return [token for token in stock.all_special_tokens if token not in plain]


def _plain_pieces(stock: Any) -> set[str | None]:
    """The special pieces that are no tags."""
    return {stock.bos_token, stock.eos_token, stock.unk_token, stock.pad_token,
            stock.mask_token, stock.cls_token, stock.sep_token}  # fmt: skip


def tag_of(stock: Any, language: str) -> str:
    """The piece that stands for a language: M2M100 writes ``__de__`` for ``de``."""
    return str(stock.get_lang_token(language)) if hasattr(stock, "get_lang_token") else language


def added_tag_of(stock: Any, language: str) -> str:
    """The piece that is to stand for a language which a stock tokenizer does not know yet."""
    return f"__{language}__" if hasattr(stock, "get_lang_token") else language


def learn_added_tags(stock: Any) -> None:
    """Tell a class that lists its languages by itself of those which its files have beside them.

    M2M100 and mBART-50 do; the tags that fine-tuning added are special pieces like the others.

    Args:
        stock: A tokenizer of ``transformers``; changed.
    """
    if not hasattr(stock, "lang_code_to_id"):
        return
    known = {tag_of(stock, language) for language in tags_of(stock)}
    for tag in {str(one) for one in stock.all_special_tokens} - known - _plain_pieces(stock):
        number = stock.convert_tokens_to_ids(tag)
        if hasattr(stock, "get_lang_token"):
            language = tag.strip("_")
            stock.lang_code_to_token[language] = tag
            stock.lang_token_to_id[tag] = number
            stock.id_to_lang_token[number] = tag
        else:
            language = tag
            stock.id_to_lang_code[number] = language
        stock.lang_code_to_id[language] = number


def vocabulary_of(stock: Any) -> dict[str, int]:
    """Every piece with its id; M2M100 does not count its tags among them."""
    tags = [tag_of(stock, language) for language in tags_of(stock)] if is_tagged(stock) else []
    return dict(stock.get_vocab()) | {tag: stock.convert_tokens_to_ids(tag) for tag in tags}


def stored_languages(
    stock: Any, config: Mapping[str, Any], search: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    """The languages that the files of a model name.

    Args:
        stock: A tokenizer with tags.
        config: Content of ``tokenizer_config.json``.
        search: Content of ``generation_config.json``, whose ``forced_bos_token_id`` names the
            target too.

    Returns:
        Source and target, as the tokenizer calls them; None where nothing is said.
    """
    tags = {stock.convert_tokens_to_ids(tag_of(stock, one)): one for one in tags_of(stock)}
    forced = tags.get(search.get("forced_bos_token_id"))
    return config.get("src_lang"), config.get("tgt_lang") or forced


def lead_of(stock: Any, text: str) -> str:
    """What a text says to the model itself, and each part of it must say again.

    Args:
        stock: A tokenizer of ``transformers``.
        text: A source.

    Returns:
        The ``>>fra<<`` before it, white space included, that tells an opus-mt model of several
        targets what to write; nothing for other models.
    """
    tag = LEAD.match(text) if getattr(stock, "supported_language_codes", ()) else None
    return tag[0] if tag else ""


def language_codes(stock: Any) -> dict[str, int]:
    """The id of each language's tag; empty for a tokenizer without tags."""
    if not is_tagged(stock):
        return {}
    return {code: stock.convert_tokens_to_ids(tag_of(stock, code)) for code in tags_of(stock)}


@contextmanager
def tagging(stock: Any, source: str | None, target: str | None = None) -> Iterator[None]:
    """Let a tokenizer tag text with languages, and afterwards with its own again.

    Args:
        stock: A stock tokenizer, which may be the caller's.
        source: Code of the text's language; the tokenizer's own if None.
        target: Code of the answer's.
    """
    wanted = {"src_lang": source, "tgt_lang": target}
    own = {name: getattr(stock, name) for name, code in wanted.items() if code is not None}
    for name in own:
        setattr(stock, name, wanted[name])
    try:
        yield
    finally:
        for name, code in own.items():
            setattr(stock, name, code)


def choose_tags(
    stock: Any, asked: tuple[str | None, str | None], *, where: str
) -> tuple[tuple[str, str], list[str]]:
    """Find the tags of two languages, however they are spelt.

    Args:
        stock: A tokenizer with tags.
        asked: Source and target.
        where: What to call the model in messages.

    Returns:
        The languages as the tokenizer calls them, and a sentence for each that was spelt otherwise.

    Raises:
        ModelError: One is not given, not known, or could be several; both are named.
    """
    known = tags_of(stock)
    found = [[] if one is None else matching_codes(one, known) for one in asked]
    both = list(zip(("source", "target"), asked, found, strict=True))
    problems = [
        f"the {side} language is {_said(language)}{nearest(language, known, codes)}"
        for side, language, codes in both
        if len(codes) != 1
    ]
    if problems:
        raise ModelError(
            f"{where}: {'; '.join(problems)}; needed two of the {len(known)} languages that the "
            "tokenizer knows: give a recipe source_tag and target_tag (and [new_language] for one "
            "that is not among them), 'translate' --source-language and --target-language, "
            "pipeline() src_lang and tgt_lang, or "
            f"tokenizer_config.json src_lang and tgt_lang; it knows {', '.join(sorted(known))}"
        )
    remarks = [one for side, asked, codes in both for one in taken(side, asked, codes[0])]
    return (found[0][0], found[1][0]), remarks


def _said(language: str | None) -> str:
    return "not given" if language is None else f"'{language}'"


def taken(side: str, asked: str | None, code: str) -> list[str]:
    """What to say of a language that a model spells in another way than it was asked for."""
    return [] if asked == code else [f"the {side} language '{asked}' is '{code}' to this model"]


def nearest(language: str | None, known: Sequence[str], found: Sequence[str]) -> str:
    """Languages that may be meant, for a message."""
    start = (language or "")[:2].lower()
    alike = found or [one for one in known if start and one.lower().startswith(start)]
    return f" (did you mean {' or '.join(alike[:3])}?)" if alike else ""
