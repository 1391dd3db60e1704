"""Tokenizer files in the layouts of the Hub, their pieces listed by rule instead of trained."""

import json
from collections.abc import Sequence
from pathlib import Path

import tokenizers
from sentencepiece import sentencepiece_model_pb2 as proto
from tokenizers import decoders, models, pre_tokenizers, processors

WORDS = ("the", "red", "fox", "sees", "a", "dog", "and", "an", "old", "owl", "runs", "far", "from")
TARGET_WORDS = ("der", "rote", "fuchs", "sieht", "ein", "hund", "und", "eule", "weit", "von")
ALPHABET = "abcdefghijklmnopqrstuvwxyz.,:"
Kind = proto.ModelProto.SentencePiece


def pieces(words: Sequence[str] = WORDS, start: str = "\N{LOWER ONE EIGHTH BLOCK}") -> list[str]:
    """Every beginning of every word, then single letters: all are reached by joining two others."""
    longest = max(map(len, words))
    beginnings = [start + word[:n] for n in range(1, longest + 1) for word in words]
    return [*dict.fromkeys(beginnings), start, *ALPHABET]


def merges(words: Sequence[str] = WORDS, start: str = "\N{LOWER ONE EIGHTH BLOCK}") -> list[str]:
    """The pairs that byte-pair encoding joins, in order."""
    return [f"{piece[:-1]} {piece[-1]}" for piece in pieces(words, start) if len(piece) > 1]


def write_sentencepiece(
    path: Path, special: Sequence[str], words: Sequence[str] = WORDS, *, kind: str = "UNIGRAM"
) -> None:
    """A SentencePiece model; the special pieces have the first ids, ``<unk>`` among them."""
    model = proto.ModelProto()
    for piece in special:
        role = Kind.UNKNOWN if piece == "<unk>" else Kind.CONTROL
        model.pieces.add(piece=piece, score=0.0, type=role)
    for place, piece in enumerate(pieces(words)):
        model.pieces.add(piece=piece, score=-1.0 - place / 16, type=Kind.NORMAL)
    model.trainer_spec.model_type = getattr(proto.TrainerSpec, kind)
    for name in ("unk", "bos", "eos", "pad"):
        piece = {"unk": "<unk>", "bos": "<s>", "eos": "</s>", "pad": "<pad>"}[name]
        number = special.index(piece) if piece in special else -1
        setattr(model.trainer_spec, f"{name}_id", number)
    model.normalizer_spec.name = "identity"
    path.write_bytes(model.SerializeToString(deterministic=True))


def write_vocabulary(path: Path, listed: Sequence[str]) -> int:
    """A JSON file of pieces and their ids; the number of them."""
    ids = {piece: number for number, piece in enumerate(dict.fromkeys(listed))}
    path.write_text(json.dumps(ids), encoding="utf-8")
    return len(ids)


def write_byte_pairs(folder: Path) -> int:
    """The two files of byte-level byte-pair encoding; the number of pieces."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    joined = [piece for piece in pieces(start="Ġ") if len(piece) > 1]
    text = "\n".join(["#version: 0.2", *merges(start="Ġ")]) + "\n"
    (folder / "merges.txt").write_text(text, encoding="utf-8")
    special = ("<s>", "<pad>", "</s>", "<unk>")
    return write_vocabulary(folder / "vocab.json", [*special, *letters, *joined, "<mask>"])


def write_tagged(path: Path, codes: Sequence[str]) -> int:
    """A ``tokenizer.json`` that writes a language code first; the number of pieces."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    ids = {piece: number for number, piece in enumerate([*special, *pieces()])}
    pairs = [tuple(pair.split(" ")) for pair in merges()]
    backend = tokenizers.Tokenizer(
        models.BPE(vocab=ids, merges=pairs, unk_token="<unk>", fuse_unk=True)  # type: ignore[arg-type]
    )
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    backend.decoder = decoders.Metaspace(prepend_scheme="always")
    backend.add_special_tokens([*special, *codes, "<mask>"])
    numbers = [(piece, backend.token_to_id(piece)) for piece in ("</s>", codes[0])]
    backend.post_processor = processors.TemplateProcessing(
        single=f"{codes[0]} $A </s>", pair=f"{codes[0]} $A $B </s>", special_tokens=numbers
    )
    backend.save(str(path))
    return int(backend.get_vocab_size())
