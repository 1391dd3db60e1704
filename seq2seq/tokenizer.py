"""The joint vocabulary: trained in the same command as the model, saved as stock files.

Text is put into one normal form (canonical Unicode composition, every run of white space one
space, no space at the ends, lower case if asked), cut into words at the spaces, and each word into
pieces. The normal form is part of ``tokenizer.json``, so whoever loads the folder gets it too. It
is NFC and not NFKC because NFKC rewrites what is written (``½`` becomes three characters): a
translation could then never equal its reference.

A unigram vocabulary (Kudo 2018, arXiv:1804.10959) is found by sentencepiece's trainer on text that
already has the normal form, so sentencepiece's own normalisation is off and both programs cut
alike. Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909) is trained by ``tokenizers``.

Special pieces stand where the exported model families need them: ``<s>`` 0, ``<pad>`` 1, ``</s>``
2, ``<unk>`` 3 for M2M100; ``</s>`` 0, ``<unk>`` 1 and ``<pad>`` last for Marian. Text that looks
like a special piece is text: ``</s>`` in a line does not end the sentence.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, processors

from seq2seq.errors import ModelError
from seq2seq.recipe import Family, TokenizerSpec
from seq2seq.tokenizer_like import TokenizerLike
from seq2seq.vocabulary import (
    BOS,
    EOS,
    PAD,
    UNK,
    WORD_START,
    find_merges,
    find_unigrams,
    word_splitter,
)

# Lower than any spelling of the same characters, so that text never becomes a special piece.
SPECIAL_SCORE = -1000.0


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
        return [encoding.ids for encoding in self.backend.encode_batch_fast(list(texts))]

    def encode_target(self, texts: Sequence[str]) -> list[list[int]]:
        """The same: one vocabulary cuts both sides alike."""
        return self.encode(texts)

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
        if pre_tokenizer is None or not getattr(pre_tokenizer, "split", True):
            raise ModelError(
                "tokenizer: it cuts whole sentences at once, subword sampling needs one that "
                "splits text into words first; set sampling_alpha and bpe_dropout to 0"
            )
        split = pre_tokenizer.pre_tokenize_str
        return [[word for word, _ in split(self.normalize(text))] for text in texts]

    def pieces(self) -> dict[str, int]:
        """Every piece that text can become, with its id; special pieces are not among them."""
        special = {token.content for token in self.backend.get_added_tokens_decoder().values()}
        vocabulary = self.backend.get_vocab(with_added_tokens=False)
        return {piece: number for piece, number in vocabulary.items() if piece not in special}

    @property
    def kind(self) -> Literal["unigram", "bpe"] | None:
        """How the vocabulary was found, if it is one of those that a recipe knows."""
        model = json.loads(self.backend.to_str())["model"]["type"]
        kinds: dict[str, Literal["unigram", "bpe"]] = {"Unigram": "unigram", "BPE": "bpe"}
        return kinds.get(model)

    def piece_scores(self) -> dict[str, float]:
        """Log-probability of each piece.

        Raises:
            ModelError: The vocabulary is not a unigram one that spells with characters.
        """
        model = self._model("Unigram", "sampling_alpha", without=("byte_fallback",))
        known = self.pieces()
        return {piece: score for piece, score in model["vocab"] if piece in known}

    def merge_ranks(self) -> dict[tuple[str, str], int]:
        """Place of each merge, first 0.

        Raises:
            ModelError: The vocabulary is not one of plain byte-pair encoding.
        """
        odd = ("byte_fallback", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges")
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
        config = self.config | {"model_max_length": max_length}
        text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
        (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")

    def _model(self, kind: str, option: str, *, without: Sequence[str]) -> dict[str, Any]:
        model = dict(json.loads(self.backend.to_str())["model"])
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
        number = None if content is None else self.backend.token_to_id(content)
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
    content = {}
    for name in Tokenizer.file_names:
        try:
            content[name] = (folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ModelError(
                f"{folder}: no {name}; needed a folder with tokenizer.json and "
                "tokenizer_config.json"
            ) from None
    try:
        config = json.loads(content["tokenizer_config.json"])
        backend = tokenizers.Tokenizer.from_str(content["tokenizer.json"])
    except Exception as error:  # tokenizers raises bare Exception for what it cannot read
        raise ModelError(f"{folder}: the tokenizer cannot be read: {error}") from error
    special = folder / "special_tokens_map.json"  # where transformers 4 kept some of the names
    if special.is_file():
        config = json.loads(special.read_text(encoding="utf-8")) | config
    tokenizer = Tokenizer(backend, config)
    if tokenizer.encode(["a"])[0][-1] != tokenizer.eos_id:
        raise ModelError(f"{folder}: encoded text does not end with the end-of-sentence piece")
    return tokenizer


def train_tokenizer(
    texts: Iterable[str], spec: TokenizerSpec, *, family: Family, seed: int
) -> Tokenizer:
    """Find the vocabulary of a corpus.

    A text that holds fewer pieces than asked for gives a smaller vocabulary; compare
    ``vocab_size`` with the recipe's, as ``vocabulary_note`` does.

    Args:
        texts: Source and target segments of the training data.
        spec: Kind, size and the like.
        family: The model family, which decides the ids of special pieces.
        seed: Chooses the segments of a corpus too large to be used whole.

    Returns:
        The tokenizer; the same for the same arguments.

    Raises:
        RecipeError: The size asked for does not even hold the single characters.
    """
    normalizer = _normalizer(spec.lowercase)
    normal = (normalizer.normalize_str(text) for text in texts)
    special = len(_arrange({}, family))
    model: Any
    if spec.kind == "unigram":
        vocabulary = _arrange(find_unigrams(normal, spec, special=special, seed=seed), family)
        unknown = list(vocabulary).index(UNK)
        model = models.Unigram(list(vocabulary.items()), unk_id=unknown, byte_fallback=False)
    else:
        pieces, merges = find_merges(normal, spec, special=special)
        vocabulary = _arrange(dict.fromkeys(pieces, 0.0), family)
        ids = {piece: number for number, piece in enumerate(vocabulary)}
        model = models.BPE(vocab=ids, merges=merges, unk_token=UNK, fuse_unk=True)
    return _assemble(model, normalizer, spec.kind, family)


def vocabulary_note(tokenizer: TokenizerLike, spec: TokenizerSpec) -> str:
    """One line on the size of the vocabulary; says so where it is smaller than asked for."""
    if tokenizer.vocab_size == spec.vocab_size:
        return f"{spec.vocab_size:,} {spec.kind} pieces"
    # measured: on text of a thousand different words unigram needs half as many pieces again
    advice = "; kind bpe suits text of few different words better" if spec.kind != "bpe" else ""
    return (
        f"{tokenizer.vocab_size:,} {spec.kind} pieces instead of {spec.vocab_size:,}: "
        f"the training text holds no more{advice}"
    )


def _normalizer(lowercase: bool) -> Any:
    steps: list[Any] = [normalizers.Lowercase()] if lowercase else []
    steps += [
        normalizers.NFC(),
        normalizers.Replace(Regex(r"\s+"), " "),
        normalizers.Strip(),
    ]
    return normalizers.Sequence(steps)


def _arrange(pieces: Mapping[str, float], family: Family) -> dict[str, float]:
    """Pieces in the order of their ids, special ones where the family needs them."""
    before, after = ((BOS, PAD, EOS, UNK), ()) if family == "m2m_100" else ((EOS, UNK), (PAD,))
    return dict.fromkeys(before, SPECIAL_SCORE) | dict(pieces) | dict.fromkeys(after, SPECIAL_SCORE)


def _assemble(model: Any, normalizer: Any, kind: str, family: Family) -> Tokenizer:
    backend = tokenizers.Tokenizer(model)
    backend.normalizer = normalizer
    backend.pre_tokenizer = word_splitter(kind)
    backend.decoder = decoders.Metaspace(WORD_START, prepend_scheme="always")
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "padding_side": "right",
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,  # special pieces in running text are text
        **({"bos_token": BOS} if family == "m2m_100" else {}),
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


@dataclass(frozen=True)
class RoundTripReport:
    """How much of a text survives being cut into pieces and put together again."""

    lines: int
    exact: int
    pieces: int
    unknown: int
    examples: tuple[tuple[int, str, str], ...]
    """Line number, normal form and what came back, of the first lines that differ."""

    @classmethod
    def of(
        cls,
        tokenizer: TokenizerLike,
        sources: Iterable[str],
        targets: Iterable[str],
        *,
        examples: int = 3,
    ) -> "RoundTripReport":
        """Encode and decode every text, each side by its own rules; targets are counted on."""
        lines = exact = pieces = unknown = 0
        differing: list[tuple[int, str, str]] = []
        encoded_batches = chain(
            ((batch, tokenizer.encode(batch)) for batch in _in_batches(sources, 10_000)),
            ((batch, tokenizer.encode_target(batch)) for batch in _in_batches(targets, 10_000)),
        )
        for batch, encoded in encoded_batches:
            for text, ids, back in zip(batch, encoded, tokenizer.decode(encoded), strict=True):
                lines += 1
                pieces += len(ids)
                unknown += ids.count(tokenizer.unk_id)
                normal = tokenizer.normalize(text)
                exact += back == normal
                if back != normal and len(differing) < examples:
                    differing.append((lines, normal, back))
        return cls(lines, exact, pieces, unknown, tuple(differing))

    @property
    def exact_share(self) -> float:
        """Share of lines that come back in their normal form."""
        return self.exact / self.lines if self.lines else 1.0

    @property
    def unknown_share(self) -> float:
        """Share of pieces that are the unknown piece."""
        return self.unknown / self.pieces if self.pieces else 0.0

    def to_json(self) -> dict[str, Any]:
        """The counts, for programs."""
        return {
            "lines": self.lines,
            "exact": self.exact,
            "pieces": self.pieces,
            "unknown_pieces": self.unknown,
        }

    def to_text(self) -> str:
        """One line for people, and one for each example."""
        head = (
            f"round trip: {self.exact:,} of {self.lines:,} lines come back as they were "
            f"({100 * self.exact_share:.2f} %); {self.unknown:,} of {self.pieces:,} pieces unknown "
            f"({100 * self.unknown_share:.4f} %)"
        )
        return "\n  ".join([head, *(f"line {n}: {a!r} became {b!r}" for n, a, b in self.examples)])


def check_round_trip(
    tokenizer: TokenizerLike, sources: Iterable[str], targets: Iterable[str] = ()
) -> RoundTripReport:
    """Encode and decode every text and report what did not come back."""
    return RoundTripReport.of(tokenizer, sources, targets)


def _in_batches(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
