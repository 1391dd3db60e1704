"""Tokenizers of published models, used as they are: opus-mt, NLLB, M2M100, mBART-50, T5 and more.

``opus-mt`` cuts source and target by two sentencepiece models; ``NLLB``, ``M2M100`` and
``mBART-50`` put a language tag in front of both sides. The stock classes do the cutting, because a
model must get the ids that it learnt from; saving copies their files. ``tokenizer_config.json``
alone is completed, so that whoever loads the saved folder gets the same ids without being told the
languages.
"""

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from seq2seq.errors import ModelError
from seq2seq.families import FAMILIES
from seq2seq.files import read_json_object
from seq2seq.language_tags import (
    choose_tags,
    is_tagged,
    lead_of,
    learn_added_tags,
    nearest,
    stored_languages,
    tag_of,
    tags_of,
    taken,
    vocabulary_of,
)
from seq2seq.languages import matching_codes
from seq2seq.libraries import cannot_open, explaining
from seq2seq.run import write_json
from seq2seq.tokenizer import load_tokenizer
from seq2seq.tokenizer_like import TokenizerLike, as_read

CONFIG = "tokenizer_config.json"
# Which of its files a class cannot do without.
LAYOUTS: Mapping[str, tuple[str, ...]] = {
    "MarianTokenizer": ("source.spm", "target.spm", "vocab.json"),
    "M2M100Tokenizer": ("sentencepiece.bpe.model", "vocab.json"),
    "NllbTokenizer": ("sentencepiece.bpe.model",),
    "MBart50Tokenizer": ("sentencepiece.bpe.model",),
}
# Of models that are not of our families the library finds the class itself.
OTHERS = "AutoTokenizer"
# Classes without rules of their own: ``tokenizer.json`` says all, that of our models too.
GENERAL = ("PreTrainedTokenizer", "TokenizersBackend")
OTHER_FILES = ("tokenizer.json", "special_tokens_map.json", "added_tokens.json")
UNLIMITED = 10**30
# Keys of the configuration that saving may rewrite without changing how text is cut.
SAID_OTHERWISE = ("src_lang", "tgt_lang", "extra_special_tokens", "additional_special_tokens")


class StockTokenizer:
    """A tokenizer of ``transformers`` that knows source from target.

    Attributes:
        stock: The object of the library.
        folder: Where its files lie.
        languages: Tags of source and target; None for a class without tags.
        text_languages: Codes of both languages, where the files tell them.
        remarks: What was made of the languages asked for, a sentence each.
    """

    def __init__(
        self,
        stock: Any,
        folder: Path,
        languages: tuple[str, str] | None,
        *,
        remarks: Sequence[str] = (),
    ):
        stock.model_max_length = UNLIMITED  # what is too long is our own business, and said
        self.stock = stock
        self.folder = folder
        self.languages = languages
        self.remarks = tuple(remarks)
        said = _read_config(folder)
        self.text_languages = languages or (said.get("source_lang"), said.get("target_lang"))
        self.eos_id = self._special(stock.eos_token_id, stock.sep_token_id)
        self.pad_id = self._special(stock.pad_token_id, stock.eos_token_id)
        # No piece at all where a class spells everything in bytes.
        self.unk_id = -1 if stock.unk_token_id is None else int(stock.unk_token_id)
        self._spellings = {number: piece for piece, number in vocabulary_of(stock).items()}
        self._plain_lead = ""
        self._spelled = re.compile("|".join(map(re.escape, stock.all_special_tokens)))
        self.first_id = self._first()

    def _special(self, *numbers: int | None) -> int:
        for number in numbers:
            if number is not None:
                return int(number)
        raise ModelError(
            f"{self.folder}: {type(self.stock).__name__} names no piece for padding or the end of "
            f"a sentence; needed pad_token and eos_token in {CONFIG}"
        )

    @property
    def sep_id(self) -> None:
        """None: what these tokenizers call a separator ends a text as well."""
        return

    @property
    def byte_ids(self) -> tuple[int, ...]:
        """None: these tokenizers do not spell in bytes."""
        return ()

    @property
    def vocab_size(self) -> int:
        """One more than the largest id."""
        return max(self._spellings) + 1

    @property
    def file_names(self) -> tuple[str, ...]:
        """The files that ``save`` writes."""
        known = {*type(self.stock).vocab_files_names.values(), *OTHER_FILES} - {CONFIG}
        return (*sorted(name for name in known if (self.folder / name).is_file()), CONFIG)

    @property
    def fingerprint(self) -> str:
        """Hash of all files, the languages and the prefix; the same after saving and loading."""
        of_files, lead = self._fingerprint_of_files, self._plain_lead
        return hashlib.sha256(f"{of_files} {lead}".encode()).hexdigest() if lead else of_files

    @cached_property
    def _fingerprint_of_files(self) -> str:
        said = self._open_points(0) | dict.fromkeys(SAID_OTHERWISE)
        rest = {key: value for key, value in _read_config(self.folder).items() if key not in said}
        facts = (type(self.stock).__name__, self.languages, sorted(rest.items()))
        digest = hashlib.sha256(repr(facts).encode())
        for name in self.file_names[:-1]:
            content = (self.folder / name).read_bytes()
            digest.update(f"{name} {len(content)}".encode() + content)
        return digest.hexdigest()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Piece ids of each source, behind its ``lead``, the end-of-sentence piece last.

        What a text spells like a special piece, ``</s>`` for instance, is text.
        """
        return self._encode([as_read(self, text) for text in texts], "text")

    def encode_target(self, texts: Sequence[str]) -> list[list[int]]:
        """Piece ids of each target, its tag first, the end-of-sentence piece last."""
        return self._encode(texts, "text_target")

    def spells_special(self, text: str) -> bool:
        """Whether a text holds the spelling of a special piece; it is read as text."""
        return self._spelled.search(text) is not None

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Text of each sequence; special pieces, tags included, leave no trace."""
        tags = {self.stock.convert_tokens_to_ids(tag) for tag in self._tags()}
        rows = [[number for number in row if number not in tags] for row in ids]
        return list(self.stock.batch_decode(rows, skip_special_tokens=True))

    def normalize(self, text: str) -> str:
        """The text with every run of white space one space; what else changes is said."""
        return " ".join(text.split())

    def piece(self, number: int) -> str | None:
        """The spelling of an id; None where the vocabulary has none of that number."""
        return self._spellings.get(number)

    def spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """First character and one past the last of each piece of a source; 0 and 0 in its lead.

        Raises:
            ModelError: This class does not know where in the text its pieces stand.
        """
        if not self.stock.is_fast:
            raise ModelError(
                f"tokenizer: {type(self.stock).__name__} does not tell where in the text its "
                "pieces stand, which train.guided_attention and train.bottleneck need; set both "
                "to 0"
            )
        read = [as_read(self, text) for text in texts]
        found = self.stock(read, return_offsets_mapping=True, split_special_tokens=True)
        leads = [len(one) - len(text) for one, text in zip(read, texts, strict=True)]
        return [
            [(max(0, start - lead), max(0, end - lead)) for start, end in row]
            for row, lead in zip(found["offset_mapping"], leads, strict=True)
        ]

    def save(self, folder: Path, *, max_length: int = 512) -> None:
        """Copy the files as they are, and say in ``tokenizer_config.json`` what they leave open.

        Args:
            folder: Made if it does not exist.
            max_length: Positions of the model, where the files do not name them.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.file_names[:-1]:
            shutil.copyfile(self.folder / name, folder / name)
        config = self._open_points(max_length) | _read_config(self.folder)
        if isinstance(config.get("extra_special_tokens"), list):  # transformers 4 cannot read it
            config["additional_special_tokens"] = config.pop("extra_special_tokens")
        if self.languages is not None:
            config["src_lang"], config["tgt_lang"] = self.languages
        write_json(folder / CONFIG, config)

    def write_in(self, language: str) -> None:
        """Choose the language that an opus-mt model of several targets writes; else do nothing.

        Raises:
            ModelError: The model does not write it.
        """
        known = [code.strip("><") for code in self.output_languages()]
        if not known:
            return
        found = matching_codes(language, known)
        if len(found) != 1:
            raise ModelError(
                f"{self.folder}: the target is '{language}'{nearest(language, known, found)}, "
                f"needed one of the {len(known)} languages that the model writes: "
                f"{', '.join(sorted(known))}"
            )
        self.begin_with(f">>{found[0]}<< ")
        self.remarks = (*self.remarks, *taken("target", language, found[0]))

    def begin_with(self, prefix: str) -> None:
        """Let every source, and each part of it, begin with a text: the name of a task for T5."""
        self._plain_lead = prefix

    def lead(self, text: str) -> str:
        """What stands before a source, or is to stand there, and before each part of it.

        The tag that tells an opus-mt model of several targets what to write: that of the text, else
        that of the language chosen by ``write_in``; for others what ``begin_with`` was told.
        """
        return lead_of(self.stock, text) or self._plain_lead

    def output_languages(self) -> list[str]:
        """Codes of which each source must begin with one: opus-mt models of several targets."""
        return list(getattr(self.stock, "supported_language_codes", ()))

    def _open_points(self, max_length: int) -> dict[str, Any]:
        """What other programs must know and published files may leave to their class."""
        points = {
            "tokenizer_class": type(self.stock).__name__,
            "model_input_names": ["input_ids", "attention_mask"],
            "model_max_length": max_length,
            "eos_token": self.stock.eos_token,
            "pad_token": self.stock.pad_token,
            "unk_token": self.stock.unk_token,
        }
        if not set(self._tags()) <= set(self.stock.all_special_tokens):  # else decoding shows them
            tags = [tag_of(self.stock, language) for language in tags_of(self.stock)]
            points["additional_special_tokens"] = tags
        return points

    def _tags(self) -> Sequence[str]:
        if self.languages is None:
            return ()
        return [tag_of(self.stock, language) for language in self.languages]

    def _first(self) -> int | None:
        *prefix, end = self.stock(text_target=[""])["input_ids"][0]
        source_end = self.stock([""])["input_ids"][0][-1]
        tagged = self.languages is not None
        if (tagged and len(prefix) > 1) or {end, source_end} != {self.eos_id}:
            raise ModelError(
                f"{self.folder}: an empty text becomes {[*prefix, end]}, needed at most a "
                f"language tag and the end of the sentence, '{self.eos_id}', which mBART of 25 "
                f"languages and old NLLB files write in another order; check legacy_behaviour in "
                f"{CONFIG}, or choose mBART-50"
            )
        return int(prefix[0]) if tagged and prefix else None

    def _encode(
        self, texts: Sequence[str], side: Literal["text", "text_target"]
    ) -> list[list[int]]:
        """Let the stock class cut; a special piece that a user typed must not end or hide text.

        Only texts that spell one are cut with all special pieces off: some classes then leave out
        the words that fine-tuning added to their vocabulary, too. Others still find the piece in
        their vocabulary; they get its spelling with a space inside.
        """
        if not texts:
            return []
        rows: list[list[int]] = self.stock(**{side: list(texts)})["input_ids"]
        for place, text in enumerate(texts):
            if self._spelled.search(text):
                rows[place] = self._cut_as_text(text, side)
        return rows

    def _cut_as_text(self, text: str, side: Literal["text", "text_target"]) -> list[int]:
        special = set(self.stock.all_special_ids) - {self.unk_id}
        apart = self._spelled.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
        for written in (text, apart):
            frame, row = (
                self.stock(**{side: one}, split_special_tokens=True)["input_ids"]
                for one in ("", written)
            )
            if sum(one in special for one in row) <= sum(one in special for one in frame):
                break
        return list(row)


def open_tokenizer(
    folder: Path, *, languages: tuple[str | None, str | None] = (None, None)
) -> TokenizerLike:
    """Read the tokenizer of a run or of a stock model folder, of whichever kind it is.

    Args:
        folder: A folder with ``tokenizer.json``, or in the layout of opus-mt, NLLB or M2M100.
        languages: Of source and target, as the tokenizer calls them; what the folder itself says
            where None. A tokenizer without language tags has no use for them.

    Returns:
        The tokenizer.

    Raises:
        ModelError: A file is missing or cannot be read, or a language is unknown.
    """
    kind = stock_class(folder)
    if kind is None:
        return load_tokenizer(folder)
    missing = [name for name in LAYOUTS.get(kind, ()) if not (folder / name).is_file()]
    by_class = kind in ("NllbTokenizer", "MBart50Tokenizer")
    if missing and not (by_class and (folder / "tokenizer.json").is_file()):
        raise ModelError(
            f"{folder}: no {' and no '.join(missing)}, which {kind} needs; copy or download the "
            "folder again"
        )
    stock = open_auto_tokenizer(folder, kind=kind)
    if getattr(stock, "separate_vocabs", False):
        raise ModelError(
            f"{folder}: source and target have vocabularies of their own, needed one of both; "
            "choose another model"
        )
    if not is_tagged(stock):
        return StockTokenizer(stock, folder, None)
    search = _read_object(folder / "generation_config.json")
    search = search or _read_object(folder / "config.json")
    stored = stored_languages(stock, _read_config(folder), search)
    (source, target), remarks = choose_tags(
        stock, (languages[0] or stored[0], languages[1] or stored[1]), where=str(folder)
    )
    stock.src_lang, stock.tgt_lang = source, target
    return StockTokenizer(stock, folder, (source, target), remarks=remarks)


def open_auto_tokenizer(folder: Path, *, name: str | Path | None = None, kind: str = OTHERS) -> Any:
    """Load the stock tokenizer that lies beside a model.

    Args:
        folder: A stock folder.
        name: What to call the model in messages; the folder if None.
        kind: Its class, which the library finds by itself if none is named.

    Returns:
        The tokenizer.

    Raises:
        ModelError: There is none, or it cannot be read.
    """
    import transformers

    where, stock = name or folder, getattr(transformers, kind)
    with explaining(where if kind == OTHERS else f"{where}: {kind}"):
        tokenizer = stock.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    learn_added_tags(tokenizer)
    files = sorted(type(tokenizer).vocab_files_names.values())  # none for one that reads bytes
    if files and not any((folder / one).is_file() for one in {"tokenizer.json", *files}):
        raise ModelError(cannot_open(where, f"no tokenizer there: none of {', '.join(files)}"))
    if not isinstance(longest := tokenizer.model_max_length, int | float):
        raise ModelError(cannot_open(where, f"model_max_length is {longest!r}, needed a number"))
    return tokenizer


def stock_class(folder: Path) -> str | None:
    """The stock class that a folder's tokenizer needs; None where ``tokenizer.json`` says all."""
    named = str(_read_config(folder).get("tokenizer_class", "")).removesuffix("Fast")
    if named in LAYOUTS:
        return named
    whole = (folder / "tokenizer.json").is_file()
    if whole and named in GENERAL:
        return None
    family = _read_object(folder / "config.json").get("model_type")
    if family is not None and family not in FAMILIES:
        return OTHERS
    if named or whole:
        return None
    fitting = (k for k, files in LAYOUTS.items() if all((folder / f).is_file() for f in files))
    return next(fitting, None)


def _read_config(folder: Path) -> dict[str, Any]:
    return _read_object(folder / CONFIG)


def _read_object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    return read_json_object(path, error=ModelError, needed="the settings of a tokenizer")
