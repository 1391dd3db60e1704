"""The joint vocabulary: trained in the same command as the model, saved as stock files.

Text is put into one normal form (that of ``normalization``, and every run of white space one space,
no space at the ends, lower case if asked), cut into words at the spaces, and each word into pieces.
The normal form is part of ``tokenizer.json``, so whoever loads the folder gets it too.

A unigram vocabulary (Kudo 2018, arXiv:1804.10959) is found by sentencepiece's trainer on text that
already has the normal form, so sentencepiece's own normalisation is off and both programs cut
alike. Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909) is trained by ``tokenizers``.

Special pieces stand where the exported model families need them: ``<s>`` 0, ``<pad>`` 1, ``</s>``
2, ``<unk>`` 3 for M2M100; ``</s>`` 0, ``<unk>`` 1 and ``<pad>`` last for Marian. ``<sep>``, where a
model reads context, follows ``<unk>``. Text that looks like a special piece is text: ``</s>`` in a
line does not end the sentence.

A character without a piece is spelt in the bytes of UTF-8, as sentencepiece does it: ``<0x00>`` to
``<0xFF>`` stand behind the pieces that were learnt, so that any text comes back as it was. Typed by
a user, ``<0x41>`` is text as well. One character cannot come back: ``▁``, which marks where a word
starts, reads as a space.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, processors

from seq2seq.errors import ModelError
from seq2seq.families import Family
from seq2seq.files import read_json_object, read_text
from seq2seq.libraries import explaining
from seq2seq.run import write_json
from seq2seq.tokenizer_like import TokenizerLike
from seq2seq.vocabulary import (
    BOS,
    BYTES,
    EOS,
    PAD,
    SEP,
    UNK,
    WHITE_SPACE,
    WORD_START,
    find_merges,
    find_unigrams,
    first_bytes,
    normal_form,
    word_splitter,
)
from seq2seq.word_pieces import WordPieces, word_pieces

if TYPE_CHECKING:
    from seq2seq.recipe import TokenizerSpec

# Subword sampling lists the cuts of parts of a word. Parts of so few pieces have few cuts, and are
# met again in other words.
PART_PIECES = 6
# Lower than any spelling of the same characters, so that text never becomes a special piece.
SPECIAL_SCORE = -1000.0
NO_CHARACTER = "\U0010fffd"  # for private use: no vocabulary has a piece for it


class Tokenizer:
    """Text to piece ids and back: a thin layer over a ``tokenizers.Tokenizer``.

    Every encoded text ends with the end-of-sentence piece, on both sides of a pair, and no target
    begins with a language tag.
    """

    first_id: int | None = None
    file_names = ("tokenizer.json", "tokenizer_config.json")

    def __init__(self, backend: tokenizers.Tokenizer, config: Mapping[str, Any]):
        backend.no_padding()
        backend.no_truncation()  # a stock tokenizer.json may hold one, and would cut text unsaid
        backend.encode_special_tokens = True  # a special piece that a user typed is text
        self.backend = backend
        self.config = dict(config)
        self.eos_id = self._special("eos_token")
        self.pad_id = self._special("pad_token")
        self.unk_id = self._special("unk_token")
        self.sep_id = self._special("sep_token") if config.get("sep_token") == SEP else None

    @property
    def vocab_size(self) -> int:
        """Pieces in the vocabulary, special ones included."""
        return int(self.backend.get_vocab_size(with_added_tokens=True))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that decides how text is cut; the same after saving and loading."""
        special = [self.eos_id, self.pad_id, self.unk_id, self.backend.encode_special_tokens]
        return hashlib.sha256(f"{self.backend.to_str()} {special}".encode()).hexdigest()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Piece ids of each text, the end-of-sentence piece last."""
        if self._words is None:
            return [encoding.ids for encoding in self.backend.encode_batch_fast(list(texts))]
        return self._words.encode(texts, self.eos_id)

    @cached_property
    def _words(self) -> "WordPieces | None":
        return word_pieces(self.backend, self.eos_id)

    def encode_target(self, texts: Sequence[str]) -> list[list[int]]:
        """The same: one vocabulary cuts both sides alike."""
        return self.encode(texts)

    def lead(self, text: str) -> str:
        """Nothing: these models do one thing, and are not told which."""
        return ""

    def piece(self, number: int) -> str | None:
        """The spelling of an id; None where the vocabulary has none of that number."""
        piece = self.backend.id_to_token(number)
        return None if piece is None else str(piece)

    def spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """First character and one past the last of each piece of ``encode``, in the text as given.

        A space belongs to the piece behind it; the end-of-sentence piece is ``(0, 0)``.
        """
        return [encoding.offsets for encoding in self.backend.encode_batch(list(texts))]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Text of each sequence; special pieces, the unknown one included, leave no trace."""
        rows = [list(row) for row in ids]
        return list(self.backend.decode_batch(rows, skip_special_tokens=True))

    def normalize(self, text: str) -> str:
        """The normal form of a text: what ``decode(encode(text))`` gives back."""
        normalizer = self.backend.normalizer
        return text if normalizer is None else str(normalizer.normalize_str(text))

    def split_words(self, texts: Sequence[str]) -> list[list[str]]:
        """The words of each text, as units that are cut into pieces without their neighbours.

        Raises:
            ModelError: The tokenizer does not split text into words first.
        """
        pre_tokenizer = self.backend.pre_tokenizer
        if pre_tokenizer is None or len(pre_tokenizer.pre_tokenize_str("a b")) == 1:
            raise ModelError(
                "tokenizer: it cuts whole sentences at once, subword sampling needs one that "
                "splits text into words first; set sampling_alpha and bpe_dropout to 0"
            )
        split = pre_tokenizer.pre_tokenize_str
        return [[word for word, _ in split(self.normalize(text))] for text in texts]

    def split_word(self, word: str) -> list[str]:
        """A word in parts of few pieces each, at places where one of its pieces ends.

        The pieces of the parts, one after the other, are those of the word: no merge and no better
        spelling goes over the end of a piece.
        """
        if len(word) <= PART_PIECES:
            return [word]
        ends = [0, *accumulate(self._lengths(word))]
        bounds = [*ends[:-1:PART_PIECES], len(word)]
        return [word[start:end] for start, end in pairwise(bounds)]

    def _lengths(self, word: str) -> Iterator[int]:
        """Characters of each piece of a word; one for all bytes of a character."""
        spelt = word.encode()
        for token in self.backend.model.tokenize(word):
            if token.id == self.unk_id:  # a run of any length
                start, end = token.offsets
                yield len(spelt[start:end].decode())
            elif token.id not in self._bytes:
                yield len(token.value)
            elif token.id in self._first_bytes:
                yield 1

    @cached_property
    def _bytes(self) -> frozenset[int]:
        return frozenset(self.byte_ids)

    @cached_property
    def _first_bytes(self) -> frozenset[int]:
        return first_bytes(self.byte_ids)

    def pieces(self) -> dict[str, int]:
        """Every piece that is written as text, with its id: none that is special or a byte."""
        others = {token.content for token in self.backend.get_added_tokens_decoder().values()}
        if self.byte_ids:
            others.update(BYTES)
        vocabulary = self.backend.get_vocab(with_added_tokens=False)
        return {piece: number for piece, number in vocabulary.items() if piece not in others}

    @cached_property
    def byte_ids(self) -> tuple[int, ...]:
        """Ids of the pieces for the bytes 0 to 255; none where unknown characters are unknown."""
        found = (self.backend.token_to_id(piece) for piece in BYTES)
        numbers = tuple(number for number in found if number is not None)
        if len(numbers) < len(BYTES):
            return ()
        # its "byte_fallback" could only be read by writing out the whole vocabulary
        spelt = [token.id for token in self.backend.model.tokenize(NO_CHARACTER)]
        return numbers if spelt == [numbers[byte] for byte in NO_CHARACTER.encode()] else ()

    @property
    def kind(self) -> Literal["unigram", "bpe"] | None:
        """How the vocabulary was found, if it is one of those that a recipe knows."""
        kinds: dict[str, Literal["unigram", "bpe"]] = {"Unigram": "unigram", "BPE": "bpe"}
        return kinds.get(self._read_model()["type"])

    def piece_scores(self) -> dict[str, float]:
        """Log-probability of each piece.

        Raises:
            ModelError: The vocabulary is not a unigram one.
        """
        model = self._model("Unigram", "sampling_alpha")
        known = self.pieces()
        return {piece: score for piece, score in model["vocab"] if piece in known}

    def merge_ranks(self) -> dict[tuple[str, str], int]:
        """Place of each merge, first 0.

        Raises:
            ModelError: The vocabulary is not one of plain byte-pair encoding.
        """
        odd = ("continuing_subword_prefix", "end_of_word_suffix", "ignore_merges")
        merges = self._model("BPE", "bpe_dropout", without=odd)["merges"]
        pairs = (merge if isinstance(merge, list) else merge.split(" ") for merge in merges)
        return {(left, right): rank for rank, (left, right) in enumerate(pairs)}

    def save(self, folder: Path, *, max_length: int = 512) -> None:
        """Write ``tokenizer.json`` and ``tokenizer_config.json``, which stock programs load.

        The second is written here because what transformers 5 writes cannot be read by 4.

        Args:
            folder: Made if it does not exist.
            max_length: Positions of the model, for programs that cut on request.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.backend.save(str(folder / "tokenizer.json"))
        write_json(folder / "tokenizer_config.json", self.config | {"model_max_length": max_length})

    def _read_model(self) -> dict[str, Any]:
        return dict(json.loads(self.backend.to_str())["model"])

    def _model(self, kind: str, option: str, *, without: Sequence[str] = ()) -> dict[str, Any]:
        model = self._read_model()
        odd = [name for name in without if model.get(name)]
        if model["type"] != kind or odd:
            found = model["type"] + (f" with {', '.join(odd)}" if odd else "")
            raise ModelError(
                f"tokenizer: its kind is {found}, tokenizer.{option} needs plain {kind}; "
                "set it to 0"
            )
        return model

    def _special(self, role: str) -> int:
        token = self.config.get(role)
        content = token.get("content") if isinstance(token, Mapping) else token
        number = self.backend.token_to_id(content) if isinstance(content, str) else None
        if number is None:
            raise ModelError(
                f"tokenizer: '{role}' is {content!r}, which the vocabulary does not hold; "
                f"tokenizer_config.json must name a piece of it"
            )
        return int(number)


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read the tokenizer of a run, or of any stock folder with a ``tokenizer.json``.

    Raises:
        ModelError: A file is missing or cannot be read, or a special piece is not named.
    """
    vocabulary, settings = (folder / name for name in Tokenizer.file_names)
    needed = "a tokenizer in tokenizer.json and tokenizer_config.json"
    text = read_text(vocabulary, error=ModelError, needed=needed)
    config = read_json_object(settings, error=ModelError, needed=needed)
    special = folder / "special_tokens_map.json"  # where transformers 4 kept some of the names
    if special.is_file():
        config = read_json_object(special, error=ModelError, needed=needed) | config
    with explaining(vocabulary):
        tokenizer = Tokenizer(tokenizers.Tokenizer.from_str(text), config)
        encoded = tokenizer.encode(["a"])[0]
    if encoded[-1:] != [tokenizer.eos_id]:
        raise ModelError(f"{folder}: encoded text does not end with the end-of-sentence piece")
    return tokenizer


def train_tokenizer(
    texts: Iterable[str],
    spec: "TokenizerSpec",
    *,
    family: Family,
    seed: int,
    separator: bool = False,
) -> Tokenizer:
    """Find the vocabulary of a corpus.

    A text that holds fewer pieces than asked for gives a smaller vocabulary; compare
    ``vocab_size`` with the recipe's, as ``vocabulary_note`` does.

    Args:
        texts: Source and target segments of the training data.
        spec: Kind, size and the like.
        family: The model family, which decides the ids of special pieces.
        seed: Chooses the segments of a corpus too large to be used whole.
        separator: Whether it has a piece that separates sentences.

    Returns:
        The tokenizer; the same for the same arguments.

    Raises:
        RecipeError: The size asked for does not even hold the single characters.
    """
    normalizer = normal_form(spec.lowercase)
    normal = (normalizer.normalize_str(text) for text in texts)
    arrange = partial(_arrange, family=family, separator=separator)
    special = list(arrange({}))
    fallback = spec.byte_fallback
    spelling = dict.fromkeys(BYTES, SPECIAL_SCORE) if fallback else {}
    model: Any
    if spec.kind == "unigram":
        pieces = find_unigrams(normal, spec, special=special, seed=seed)
        vocabulary = arrange(pieces | spelling)
        unknown = list(vocabulary).index(UNK)
        model = models.Unigram(list(vocabulary.items()), unk_id=unknown, byte_fallback=fallback)
    else:
        spelt, merges = find_merges(normal, spec, special=special)
        vocabulary = arrange(dict.fromkeys(spelt, 0.0) | spelling)
        ids = {piece: number for number, piece in enumerate(vocabulary)}
        model = models.BPE(
            vocab=ids, merges=merges, unk_token=UNK, fuse_unk=True, byte_fallback=fallback
        )
    return _assemble(model, normalizer, spec, special=special)


def vocabulary_note(tokenizer: TokenizerLike, spec: "TokenizerSpec") -> str:
    """One line on the size of the vocabulary; says so where it is smaller than asked for."""
    spelling = f" and {len(tokenizer.byte_ids)} bytes" if tokenizer.byte_ids else ""
    size = tokenizer.vocab_size - len(tokenizer.byte_ids)
    if size == spec.vocab_size:
        return f"{size:,} {spec.kind} pieces{spelling}"
    # measured: on text of a thousand different words unigram needs half as many pieces again
    advice = "; kind bpe suits text of few different words better" if spec.kind != "bpe" else ""
    return (
        f"{size:,} {spec.kind} pieces{spelling} instead of {spec.vocab_size:,}: "
        f"the training text holds no more{advice}"
    )


def _arrange(pieces: Mapping[str, float], *, family: Family, separator: bool) -> dict[str, float]:
    """Pieces in the order of their ids, special ones where the family needs them."""
    before, after = ((BOS, PAD, EOS, UNK), ()) if family == "m2m_100" else ((EOS, UNK), (PAD,))
    before = (*before, SEP) if separator else before
    return dict.fromkeys(before, SPECIAL_SCORE) | dict(pieces) | dict.fromkeys(after, SPECIAL_SCORE)


def _assemble(
    model: Any, normalizer: Any, spec: "TokenizerSpec", *, special: Sequence[str]
) -> Tokenizer:
    backend = tokenizers.Tokenizer(model)
    backend.normalizer = normalizer
    backend.pre_tokenizer = word_splitter(spec.kind)
    decoder: Any = decoders.Metaspace(WORD_START, prepend_scheme="always")
    if spec.byte_fallback:
        # bytes may spell any character, a line break too: a model's output stays one line
        broken = decoders.Replace(Regex(f"[{WHITE_SPACE}]"), " ")
        decoder = decoders.Sequence([decoders.ByteFallback(), broken, decoder])
    backend.decoder = decoder
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "padding_side": "right",
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,  # special pieces in running text are text
        **({"bos_token": BOS} if BOS in special else {}),
        **({"sep_token": SEP} if SEP in special else {}),
        "eos_token": EOS,
        "unk_token": UNK,
        "pad_token": PAD,
    }
    names = [name for role, name in config.items() if role.endswith("_token")]
    backend.add_special_tokens([AddedToken(str(name), special=True) for name in names])
    backend.post_processor = processors.TemplateProcessing(
        single=f"$A {EOS}",
        pair=f"$A {EOS} $B {EOS}",
        special_tokens=[(EOS, backend.token_to_id(EOS))],
    )
    return Tokenizer(backend, config)
