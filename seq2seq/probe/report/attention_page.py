"""From a model and a text to a page: any text, of any model that the probe can open."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from seq2seq.decode.options import DecodeOptions
from seq2seq.errors import DataError, ModelError, SpanError
from seq2seq.language_tags import choose_tags, language_codes, tagging
from seq2seq.languages import language_of
from seq2seq.libraries import running
from seq2seq.probe.items.pieces import Pieces, Side, pieces_of
from seq2seq.probe.items.placement import start_of
from seq2seq.probe.model.interventions import Stack
from seq2seq.probe.model.reading import Reading as Attention
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.opening_head import head_named, opening_head
from seq2seq.probe.report.wording import COUNTED
from seq2seq.run import Run
from seq2seq.viewer.boundaries import number_words
from seq2seq.viewer.content import (
    AttentionPage,
    Example,
    Mark,
    Panel,
    Reading,
    Text,
)
from seq2seq.viewer.words import CONTINUED, word_label

BLANK = "␣"  # a piece that stands for a blank alone
PRONOUNS = {"it", "he", "she", "they"}
CAVEAT = (
    "Attention shows where a head reads from, not what the model makes of it; "
    f"whether a link is used shows only when it is removed. {COUNTED}"
)


def show_text(
    model: StockModel,
    text: str,
    *,
    target: str | Sequence[int] | None = None,
    languages: tuple[str | None, str | None] = (None, None),
    head: str | None = None,
) -> AttentionPage:
    """Read a text and show all attention; an encoder-decoder translates it first.

    Args:
        model: any model of text.
        text: one sentence, or as much as the model can read.
        target: what the decoder is to write, instead of what it would write by itself: a text, or
            the pieces that it wrote for somebody else, the start left out.
        languages: codes of text and translation for a model of many languages, such as NLLB;
            those that its folder names where None.
        head: the head that the page opens at, such as "1.0" or "cross:1.0"; where None, one that a
            probe chose or training guided (``report.opening_head``).

    Raises:
        DataError: the text is empty or too long, a target was given to a model without one, or the
            model has no such head.
        ModelError: the model reads images, or a language is missing or not known to it.
    """
    if model.tokenizer is None:
        raise ModelError(f"{model.name}: reads images, not text; add --image FILE")
    if not text.strip():
        raise DataError("text: empty, needed at least one word")
    told = _settled(model, languages)
    with tagging(model.tokenizer, *told):
        return _shown(model, text, target, known_languages(model, told), head)


def _settled(
    model: StockModel, languages: tuple[str | None, str | None]
) -> tuple[str | None, str | None]:
    """The languages that a model of many is told; none for other models."""
    tokenizer = model.tokenizer
    codes = language_codes(tokenizer) if model.kind == "encoder-decoder" else {}
    if not codes and any(languages):
        raise ModelError(
            f"{model.name}: tags no languages, needed none; leave out --source-language and "
            "--target-language"
        )
    if not codes:
        return None, None
    forced = model.model.generation_config.forced_bos_token_id
    stored = next((code for code, number in codes.items() if number == forced), None)
    # What the class falls back on, English, is not asked for by anybody.
    source = languages[0] or tokenizer.init_kwargs.get("src_lang")
    target = languages[1] or stored
    found, _ = choose_tags(tokenizer, (source, target), where=model.name)
    return found


def known_languages(
    model: StockModel, told: tuple[str | None, str | None] = (None, None)
) -> tuple[str, str]:
    """BCP 47 tags of what a model reads and writes, or was told to; empty where nothing says."""
    said = [getattr(model.tokenizer, name, None) for name in ("source_lang", "target_lang")]
    run = Run(Path(model.name))
    if run.recipe.is_file():
        recipe = run.read_recipe()
        said = [recipe.source_language, recipe.target_language]
    return _tag(told[0] or said[0]), _tag(told[1] or said[1])


def _tag(code: str | None) -> str:
    language = language_of(code) if code else None
    return language.tag if language and language.script else ""


def _shown(
    model: StockModel,
    text: str,
    target: str | Sequence[int] | None,
    languages: tuple[str, str],
    head: str | None,
) -> AttentionPage:
    notes: list[str] = []
    source = _cut(model.tokenizer, text, "source", notes)
    if len(source.ids) > model.most_pieces:
        raise DataError(
            f"text: {len(source.ids)} pieces, needed at most {model.most_pieces}, which "
            f"{model.name} can read; show a part of it"
        )
    if model.kind == "encoder-decoder":
        reading = _translated(model, source, target, notes, languages=languages)
    elif target is not None:
        raise DataError(
            f"{model.name}: a target for a model of kind {model.kind!r}, which writes none; "
            "leave out --target"
        )
    else:
        reading = text_reading(model, source, language=languages[0])
    return page_of(model, _with_pronouns(reading), text, tuple(notes), head)


def shown_text(pieces: Pieces, tokenizer: Any, name: str, *, language: str = "") -> Text:
    """What a page shows of a text: each piece by its characters, and the words they make."""
    names = tokenizer.convert_ids_to_tokens(list(pieces.ids))
    shown, blanks, special, seen = [], [], set(), 0
    for index, (span, piece) in enumerate(zip(pieces.spans, names, strict=True)):
        if span is None:
            special.add(index)
        start, end = span or (0, 0)
        if start == end:
            shown.append(piece if piece.strip("▁Ġ ") else BLANK)
        else:
            shown.append(pieces.text[max(start, seen) : end] or CONTINUED)
        apart = start == end or index - 1 in special or pieces.text[start - 1 : start].isspace()
        blanks.append(index > 0 and apart)
        seen = max(seen, end)
    words = number_words(pieces.text, pieces.spans)
    return Text(name, tuple(shown), words, tuple(blanks), frozenset(special), language=language)


def _translated(
    model: StockModel,
    source: Pieces,
    target: str | Sequence[int] | None,
    notes: list[str],
    *,
    languages: tuple[str, str],
) -> Reading:
    """An encoder-decoder's three stacks; each decoder row belongs to the piece that it writes."""
    tokenizer, start = model.tokenizer, model.start_id
    if start is None:
        raise ModelError(f"{model.name}: no decoder_start_token_id, needed to begin a translation")
    if isinstance(target, str):
        written = _cut(tokenizer, target, "target", notes)
    else:
        ids = _generated(model, source.ids, notes) if target is None else tuple(target)
        written = _placed(tokenizer, ids, notes)
    maps = model.read(model.inputs([source.ids], [(start, *written.ids[:-1])]))
    return Reading(
        translation_texts(model, source, written, languages), translation_panels(model, maps)
    )


def text_reading(model: StockModel, text: Pieces, *, language: str) -> Reading:
    """The maps of a text alone, of the stack that reads it."""
    stack: Stack = "decoder" if model.kind == "decoder" else "encoder"
    targets = [(start_of(model),)] if model.kind == "encoder-decoder" else None
    maps = model.read(model.inputs([text.ids], targets), stacks=(stack,))
    shown = shown_text(text, model.tokenizer, "text", language=language)
    panel = Panel(stack, shown.name, shown.name, maps_of(maps, stack), group=model.sharing[stack])
    return Reading((shown,), (panel,))


def translation_texts(
    model: StockModel, source: Pieces, written: Pieces, languages: tuple[str, str]
) -> tuple[Text, Text]:
    """A source and what is written of it, which the start piece opens."""
    opened = Pieces(written.text, (start_of(model), *written.ids), (None, *written.spans))
    return (
        shown_text(source, model.tokenizer, "source", language=languages[0]),
        shown_text(opened, model.tokenizer, "translation", language=languages[1]),
    )


def _generated(model: StockModel, ids: tuple[int, ...], notes: list[str]) -> tuple[int, ...]:
    """What the model writes by itself, without the start piece and what fills up.

    Where its folder names no length, ``generate`` would stop after 20 pieces; here as ``translate``
    does.
    """
    inputs, settings = model.inputs([ids]), model.model.generation_config
    limit = settings.max_new_tokens
    if limit is None and settings.max_length is None:
        (limit,) = DecodeOptions().length_limits([len(ids)], model.most_pieces)
    with torch.no_grad(), running(model.name):
        output = model.model.generate(
            input_ids=inputs.source_ids.to(model.model.device),
            attention_mask=inputs.source_mask.long().to(model.model.device),
            max_new_tokens=limit,
            forced_bos_token_id=_first(model),
            use_cache=model.caches,
        )
    written = model.up_to_end(output[0, 1:].tolist())
    if written[-1] not in model.ends:
        notes.append(f"The translation was cut at the length limit of {len(written)} pieces.")
    return tuple(written)


def _first(model: StockModel) -> int | None:
    """The piece that a translation must begin with: the tag of the language it is to be in."""
    codes, language = language_codes(model.tokenizer), getattr(model.tokenizer, "tgt_lang", None)
    stored: int | None = model.model.generation_config.forced_bos_token_id
    return codes.get(language or "", stored)


def _placed(tokenizer: Any, ids: tuple[int, ...], notes: list[str]) -> Pieces:
    """The places of what was written, if its text is cut the same way when read again."""
    text = tokenizer.decode(ids, skip_special_tokens=True)
    if text.strip():
        pieces = _cut(tokenizer, text, "target", [])
        if pieces.ids == ids:
            return pieces
    notes.append("What was written is shown piece by piece: read again, it would be cut otherwise.")
    return _unplaced(tokenizer, text, ids)


def _cut(tokenizer: Any, text: str, side: Side, notes: list[str]) -> Pieces:
    """Pieces with their places; where these cannot be had, that is said on the page."""
    try:
        return pieces_of(tokenizer, text, side=side)
    except SpanError as error:
        notes.append(f"Pieces are shown by name and not joined to words: {error}.")
    kind = "text_target" if side == "target" else "text"
    return _unplaced(tokenizer, text, tuple(tokenizer(**{kind: text})["input_ids"]))


def _unplaced(tokenizer: Any, text: str, ids: tuple[int, ...]) -> Pieces:
    """Pieces that stand for no character that we could name; each is shown as a word."""
    special = set(tokenizer.all_special_ids)
    return Pieces(text, ids, tuple(None if piece in special else (0, 0) for piece in ids))


def translation_panels(model: StockModel, maps: Attention) -> tuple[Panel, ...]:
    """The three stacks of an encoder-decoder; a row of the decoder is the piece that it writes."""
    texts: tuple[tuple[Stack, str, str], ...] = (
        ("encoder", "source", "source"),
        ("cross", "translation", "source"),
        ("decoder", "translation", "translation"),
    )
    return tuple(
        Panel(
            stack, query, key, maps_of(maps, stack), int(stack != "encoder"), model.sharing[stack]
        )
        for stack, query, key in texts
    )


def maps_of(attention: Attention, stack: Stack) -> Float[np.ndarray, "layers heads query key"]:
    """The only item of a batch."""
    maps: Float[np.ndarray, "layers heads query key"] = attention.maps[stack][:, 0].cpu().numpy()
    return maps


def _with_pronouns(reading: Reading) -> Reading:
    """Mark the English pronouns of the source, so that the page opens at the first of them."""
    text = reading.texts[0]
    marks = tuple(
        Mark("pronoun", text.name, tuple(i for i, w in enumerate(text.words) if w == word))
        for word in range(text.words[-1] + 1)
        if word_label(text, word).lower() in PRONOUNS
    )
    return replace(reading, marks=marks)


def page_of(
    model: StockModel, reading: Reading, title: str, notes: tuple[str, ...], head: str | None
) -> AttentionPage:
    """The page of one reading, opened at the head that is named, chosen or guided."""
    start, why = opening_head(model, reading) if head is None else (head_named(model, head), ())
    software = f"{model.name}, read with transformers {version('transformers')}."
    return AttentionPage(
        title="Attention",
        model=model.name,
        examples=(Example(title, (reading,)),),
        start=start,
        notes=(CAVEAT, *notes, *why, software),
    )
