"""Encoded corpora: computed once, kept on disk under a name made from everything they depend on.

The name is a hash of the text, the tokenizer and the settings, so there is nothing to invalidate; a
file holds its own hash, so it is exactly what would be computed again, or is seen to be damaged and
computed again. Rows are read from the file when a batch needs them: a second start takes no time,
and a corpus of single sentences is in no process's memory.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Int

from seq2seq.data.corpus import iterate_chunks
from seq2seq.data.marks import Marks
from seq2seq.data.pair_table import PairTable
from seq2seq.data.ragged import Ragged, RaggedFile, Rows, StoredRows
from seq2seq.data.sampling import WordTable
from seq2seq.data.segmentation import DropoutSampler, Spelling, UnigramSampler
from seq2seq.data.stored_arrays import DamagedFile, StoredArray, read_arrays, write_arrays
from seq2seq.errors import DataError
from seq2seq.recipe import TokenizerSpec
from seq2seq.tokenizer_like import Encoder, WordEncoder

Arrays = Mapping[str, np.ndarray | StoredArray]
FORMAT = 2  # raise it when the files' content changes meaning


@dataclass(frozen=True, eq=False)
class EncodedPairs:
    """Both sides of a corpus as rows of integers: pieces, or words for sampling."""

    source: Rows
    target: Rows
    marks: Marks | None = None
    """Of the pieces, where training points at some."""
    given: Int[np.ndarray, " pairs"] | None = None
    """How many pieces at the start of each target are its context; None where none has any."""

    def view(self, rows: Int[np.ndarray, " chosen"]) -> "EncodedPairs":
        """The pairs named, in that order; their pieces stay where they are."""
        marks = None if self.marks is None else self.marks.take(rows)
        given = None if self.given is None else self.given[rows]
        return EncodedPairs(self.source.view(rows), self.target.view(rows), marks, given)

    def packed(self) -> tuple[Ragged, Ragged]:
        """Both sides in memory, where they are not yet together."""
        source, target = (
            side if isinstance(side, Ragged) else side.take(np.arange(len(side)))
            for side in (self.source, self.target)
        )
        return source, target


@dataclass(frozen=True)
class Cache:
    """A folder of encoded corpora.

    Attributes:
        folder: Where the arrays are kept and looked for; None keeps nothing.
        say: Told of a file that is damaged.
    """

    folder: Path | None = None
    say: Callable[[str], object] = lambda line: None


NO_CACHE = Cache()


def encode_corpus(dataset: PairTable, encoder: Encoder, cache: Cache) -> EncodedPairs:
    """Piece ids of every pair, over-long ones whole.

    Args:
        dataset: Columns ``source`` and ``target``.
        encoder: The tokenizer.
        cache: Where the arrays are kept and looked for.

    Returns:
        The pairs in the dataset's order.

    Raises:
        DataError: The folder cannot be written.
    """

    def compute() -> Arrays:
        return _packed(dataset, encoder.encode, encoder.encode_target)

    key = _key("pieces", dataset.fingerprint, encoder.fingerprint)
    return _pairs(_cached(key, cache, compute))


def cached_pairs(
    parts: Sequence[str], cache: Cache, compute: Callable[[], EncodedPairs]
) -> EncodedPairs:
    """Rows for both sides, computed only where they are not kept already.

    Args:
        parts: Everything that they depend on.
        cache: Where they are kept and looked for.
        compute: Makes them.

    Returns:
        The rows.

    Raises:
        DataError: The folder cannot be written.
    """

    def packed() -> Arrays:
        pairs = compute()
        return _arrays(*pairs.packed())

    return _pairs(_cached(_key(*parts), cache, packed))


def cached_marks(parts: Sequence[str], cache: Cache, compute: Callable[[], Marks]) -> Marks:
    """Marks of a corpus, computed only where they are not kept already.

    Args:
        parts: Everything that they depend on.
        cache: Where they are kept and looked for.
        compute: Makes them.

    Raises:
        DataError: The folder cannot be written.
    """
    names = [field.name for field in fields(Marks)]

    def packed() -> Arrays:
        marks = compute()
        rows: dict[str, Ragged] = {name: getattr(marks, name) for name in names}
        values = {f"{name}.values": one.values for name, one in rows.items()}
        return values | {f"{name}.offsets": one.offsets for name, one in rows.items()}

    arrays = _cached(_key("marks", *parts), cache, packed)
    return Marks(*(_rows_in_memory(arrays, name) for name in names))


def encode_words(
    datasets: Sequence[PairTable],
    encoder: WordEncoder,
    spec: TokenizerSpec,
    *,
    seed: int,
    cache: Cache,
) -> tuple[list[EncodedPairs], WordTable]:
    """Word numbers of every pair, and the table of all words' cuts, for subword sampling.

    A word of many pieces counts as several.

    Args:
        datasets: Corpora that share the table.
        encoder: The tokenizer.
        spec: Its sampling settings.
        seed: Decides the cuts drawn beforehand for byte-pair encoding.
        cache: As for ``encode_corpus``.

    Returns:
        One set of pairs for each corpus, and the table.

    Raises:
        DataError: The folder cannot be written.
    """
    parts: dict[str, int] = {}
    words: dict[str, list[int]] = {}

    def number(word: str) -> list[int]:
        if word not in words:
            found = encoder.split_word(word)
            words[word] = [parts.setdefault(part, len(parts)) for part in found]
        return words[word]

    def to_numbers(texts: Sequence[str]) -> list[list[int]]:
        lines = encoder.split_words(texts)
        return [[part for word in line for part in number(word)] for line in lines]

    def compute() -> Arrays:
        arrays: dict[str, np.ndarray | StoredArray] = {}
        for i, dataset in enumerate(datasets):
            packed = _packed(dataset, to_numbers, to_numbers)
            arrays |= {f"{i}.{name}": array for name, array in packed.items()}
        table = WordTable.of(map(_sampler(encoder, spec, seed).choices, parts))
        return arrays | {
            "cuts.values": table.cuts.values,
            "cuts.offsets": table.cuts.offsets,
            "first": table.first,
            "upper": table.upper,
        }

    texts = [dataset.fingerprint for dataset in datasets]
    sampling = (spec.sampling_alpha, spec.sampling_best, spec.bpe_dropout, seed)
    key = _key("parts of words", *texts, encoder.fingerprint, *map(repr, sampling))
    arrays = _cached(key, cache, compute)
    pairs = [_pairs({name: arrays[f"{i}.{name}"] for name in _NAMES}) for i in range(len(datasets))]
    first, upper = (np.asarray(arrays[name]) for name in ("first", "upper"))
    return pairs, WordTable(_rows_in_memory(arrays, "cuts"), first, upper)


def _sampler(
    encoder: WordEncoder, spec: TokenizerSpec, seed: int
) -> UnigramSampler | DropoutSampler:
    spelling = Spelling(encoder.pieces(), encoder.unk_id, encoder.byte_ids)
    if spec.sampling_alpha:
        scores = encoder.piece_scores()
        return UnigramSampler(scores, spelling, spec.sampling_best, spec.sampling_alpha)
    ranks = encoder.merge_ranks()
    return DropoutSampler(ranks, spelling, spec.sampling_best, spec.bpe_dropout, seed)


_NAMES = ("source.values", "source.offsets", "target.values", "target.offsets")
_Encode = Callable[[Sequence[str]], list[list[int]]]


def _packed(dataset: PairTable, encode: _Encode, encode_target: _Encode) -> Arrays:
    """Both sides of a corpus as arrays, the large ones in files."""
    source, target = RaggedFile(), RaggedFile()
    for sources, targets in iterate_chunks(dataset):
        source.write(Ragged.of(encode(sources)))
        target.write(Ragged.of(encode_target(targets)))
    return _arrays(source.rows(), target.rows())


def _arrays(source: Ragged | StoredRows, target: Ragged | StoredRows) -> Arrays:
    arrays = (source.values, source.offsets, target.values, target.offsets)
    return dict(zip(_NAMES, arrays, strict=True))


def _pairs(arrays: Arrays) -> EncodedPairs:
    """Both sides of a corpus; what is in a file stays there."""
    return EncodedPairs(_rows(arrays, "source"), _rows(arrays, "target"))


def _rows(arrays: Arrays, name: str) -> Rows:
    values, offsets = (arrays[f"{name}.{part}"] for part in ("values", "offsets"))
    if isinstance(values, StoredArray) and isinstance(offsets, StoredArray):
        return StoredRows(values, offsets)
    return _rows_in_memory(arrays, name)


def _rows_in_memory(arrays: Arrays, name: str) -> Ragged:
    """Rows that can be looked up at once: in memory, or mapped into it."""
    return Ragged(np.asarray(arrays[f"{name}.values"]), np.asarray(arrays[f"{name}.offsets"]))


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join([str(FORMAT), *parts]).encode()).hexdigest()


def _cached(key: str, cache: Cache, compute: Callable[[], Arrays]) -> Arrays:
    if cache.folder is None:
        return compute()
    path = cache.folder / f"{key}.arrow"
    try:
        return read_arrays(path)
    except FileNotFoundError:
        pass
    except DamagedFile as error:
        cache.say(f"warning: {path}: {error}; the text is encoded anew")
    with _writing_to(cache.folder):  # seen before hours of work, not after
        cache.folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=cache.folder).close()
    computed = compute()
    with _writing_to(cache.folder):
        write_arrays(path, computed)
    return read_arrays(path)


@contextmanager
def _writing_to(cache: Path) -> Iterator[None]:
    """Turn what the system refuses into an error that says which folder is meant."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{cache}: the folder for encoded corpora, data.cache, cannot be written "
            f"({error.strerror or error}), needed one that can; choose another with "
            "--set data.cache=FOLDER"
        ) from error
