"""A language that a model of many languages has no tag for: a tag, and the row that it begins with.

The tag becomes a piece of the tokenizer, behind all others, so that no piece gets another number;
models are published with a few spare rows, and get more where these do not reach. Its row begins as
that of a related language, or as the mean of the rows of all languages, because a random one would
look like none of them to the model.

Source:
    David Dale, "How to fine-tune a NLLB-200 model for translating a new language" (2023), for the
    row of a related language; John Hewitt, "Initializing New Word Embeddings for Pretrained
    Language Models" (2021), for the mean of what is there.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AddedToken

from seq2seq.errors import ModelError, RecipeError
from seq2seq.files import read_json_object
from seq2seq.language_tags import (
    added_tag_of,
    is_tagged,
    language_codes,
    nearest,
    tag_of,
    tags_of,
    vocabulary_of,
)
from seq2seq.languages import matching_codes
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import NewLanguageSpec, Recipe, TrainSpec
from seq2seq.run import write_json
from seq2seq.stock_tokenizer import StockTokenizer, open_auto_tokenizer

CONFIG, SEARCH, TOKENIZER = "config.json", "generation_config.json", "tokenizer_config.json"
# What the library notes of how it was called, and its name for the list of special pieces, which
# earlier versions of it cannot read.
NOTES = ("is_local", "local_files_only", "extra_special_tokens")


@dataclass(frozen=True)
class NewRow:
    """The embedding of a new tag.

    Attributes:
        code: Of the language.
        number: Of the piece, and so of the row.
        like: Rows whose mean it begins with.
        published: Rows of the model as it was published.
    """

    code: str
    number: int
    like: tuple[int, ...]
    published: int

    def to_text(self) -> str:
        """A sentence for people."""
        which = "of one language" if len(self.like) == 1 else f"of {len(self.like)} languages"
        begun = "the row" if len(self.like) == 1 else "the mean of the rows"
        return f"its new tag {self.code} is piece {self.number:,} and begins with {begun} {which}"


def add_tag(folder: Path, recipe: Recipe, languages: tuple[str, str], out: Path) -> None:
    """Write tokenizer and configuration of a model once more, with a tag for one more language.

    Args:
        folder: A stock folder.
        recipe: With ``new_language``.
        languages: Of source and target, as they will be asked for.
        out: Where to write.

    Raises:
        RecipeError: Its row would not learn; the model has no tags, has this one, or does not know
            the related language; the tag stands for neither side; or the stock class cannot be
            told it as the source.
    """
    stock, spec = open_auto_tokenizer(folder), recipe.new_language
    assert spec is not None
    if problem := _kept(recipe.train) or _problem(stock, spec, languages):
        raise RecipeError(f"new_language.code = '{spec.code}': {problem}")
    number, tag = max(vocabulary_of(stock).values()) + 1, added_tag_of(stock, spec.code)
    known = [tag_of(stock, language) for language in tags_of(stock)]
    stock.add_tokens([AddedToken(tag, special=True, normalized=False)], special_tokens=True)
    if stock.convert_tokens_to_ids(tag) != number:
        raise ModelError(
            f"{folder}: {type(stock).__name__} gave the tag {tag} the number "
            f"'{stock.convert_tokens_to_ids(tag)}', needed {number}, behind all other pieces"
        )
    out.mkdir(parents=True)
    stock.save_pretrained(out)
    settings = {key: one for key, one in _object(out / TOKENIZER).items() if key not in NOTES}
    settings |= {"additional_special_tokens": [*known, tag]}
    write_json(out / TOKENIZER, settings)
    config = _object(folder / CONFIG)
    write_json(out / CONFIG, config | {"vocab_size": max(config["vocab_size"], number + 1)})
    if (folder / SEARCH).is_file():
        shutil.copyfile(folder / SEARCH, out / SEARCH)


def find_row(tokenizer: StockTokenizer, spec: NewLanguageSpec, *, published: int) -> NewRow:
    """Find the row of a tag that `add_tag` wrote, and those that it begins like.

    Args:
        tokenizer: With the tag.
        spec: The language.
        published: Rows of the model as it was published.

    Returns:
        The row.
    """
    codes = language_codes(tokenizer.stock)
    number = codes.pop(spec.code)
    related = [] if spec.like is None else matching_codes(spec.like, list(codes))
    return NewRow(spec.code, number, tuple(codes[code] for code in related or codes), published)


def begin_row(model: Any, row: NewRow) -> None:
    """Give a model the row of a new tag, and leave every other row as it was.

    Args:
        model: A `Transformer` or a stock class, with the rows that were published; changed.
        row: The row.
    """
    rows = max(row.published, row.number + 1)
    if rows > row.published:
        if isinstance(model, Transformer):
            _grow(model, rows)
        else:
            model.resize_token_embeddings(rows, mean_resizing=False)
    with torch.no_grad():
        for matrix in _matrices(model):
            matrix[row.number] = matrix[list(row.like)].mean(0)


def _matrices(model: Any) -> Iterator[Tensor]:
    """The matrices with a row for each piece, one that serves several times only once."""
    if isinstance(model, Transformer):
        found = [model.embedding, model.target_embedding, model.head]
    else:
        found = [model.get_input_embeddings(), model.get_output_embeddings()]
    weights = {id(one.weight): one.weight for one in found if one is not None}
    yield from weights.values()


def _grow(model: Transformer, rows: int) -> None:
    """Rows of zeros behind those that a Transformer has."""
    for part in (model.embedding, model.target_embedding, model.head):
        if part is None:
            continue
        more = torch.zeros(rows - len(part.weight), part.weight.shape[1])
        part.weight = nn.Parameter(torch.cat([part.weight.detach(), more]))
        if isinstance(part, nn.Embedding):
            part.num_embeddings = rows
        else:
            part.out_features = rows
    model.config.vocab_size = rows


def _kept(spec: TrainSpec) -> str:
    """Why the new row would not learn; nothing where it does."""
    if not spec.lora.rank and "embeddings" not in spec.freeze:
        return ""
    key = "train.lora" if spec.lora.rank else "train.freeze"
    return f"{key} keeps the embeddings as they are, needed ones that learn; remove the key"


def _problem(stock: Any, spec: NewLanguageSpec, languages: tuple[str, str]) -> str:
    """Why a tokenizer cannot be given a tag; nothing where it can."""
    if not is_tagged(stock):
        return "its tokenizer has no language tags, NLLB, M2M100 and mBART-50 do; remove the key"
    known = tags_of(stock)
    if spec.code in known:
        return "that model knows this language already; remove the section"
    if spec.code not in languages:
        asked = " and ".join(f"'{one}'" for one in languages)
        return f"source and target are {asked}; give source_tag or target_tag this code"
    if spec.code == languages[0] and hasattr(stock, "lang_code_to_id"):
        kind = type(stock).__name__
        return f"{kind} loads no folder whose source is not in its own list; only NLLB can read it"
    if spec.like is not None and len(found := matching_codes(spec.like, known)) != 1:
        return (
            f"like = '{spec.like}'{nearest(spec.like, known, found)}, needed one of the "
            f"{len(known)} languages that the model knows: {', '.join(sorted(known))}"
        )
    return ""


def _object(path: Path) -> dict[str, Any]:
    return read_json_object(path, error=ModelError, needed="the settings of a stock folder")
