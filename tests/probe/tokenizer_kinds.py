"""Tiny tokenizers of every kind that models come with, made on the spot."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentencepiece
import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from seq2seq.recipe import TokenizerSpec
from seq2seq.tokenizer import train_tokenizer

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
ODD = [  # an accent on its own, compatibility forms, one letter that becomes two, several bytes
    "cafe\u0301", "e\u0301\u0302e", "ﬁne", "½", "Ⅳth", "İstanbul", "Straße", "ŒUVRE", "日本語",
    "テスト", "😀", "👩‍👩‍👧", "it's", "(robot)", "nó", "x\u200dy", "don’t", "“so”", "e\u0323\u0302",
]  # fmt: skip


def words(count: int, *, seed: int = 5) -> list[str]:
    """Made-up words, one in three of them odd."""
    drawn = random.Random(seed)
    made = ["".join(drawn.choices(LETTERS[:26], k=drawn.randint(1, 8))) for _ in range(count)]
    return [drawn.choice(ODD) if drawn.random() < 1 / 3 else word for word in made]


def corpus() -> list[str]:
    """Sentences that vocabularies are found in; some of the odd words are not in them."""
    drawn = words(1500, seed=1)
    seen = [word for word in drawn if word not in ODD[-6:]]
    return [" ".join(seen[at : at + 8]) for at in range(0, len(seen), 8)]


def bert() -> Any:
    backend = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    backend.train_from_iterator(corpus(), trainer)
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]")


def byte_level(*, prefix: bool, trim: bool) -> Any:
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(corpus(), trainer)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.RobertaProcessing(
        ("</s>", 1), ("<s>", 0), trim_offsets=trim, add_prefix_space=prefix
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", bos_token="<s>")


def sentencepiece_like(normalizer: Any) -> Any:
    backend = tokenizers.Tokenizer(models.Unigram())
    backend.normalizer = normalizer
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=260, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    backend.train_from_iterator(corpus(), trainer)
    backend.decoder = decoders.Metaspace()
    backend.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", pad_token="<pad>")


def t5() -> Any:
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    return sentencepiece_like(normalizers.Sequence([normalizers.NFKC(), spaces]))


def lengthening() -> Any:
    """Its normaliser makes text longer."""
    steps = [
        normalizers.NFKD(),
        normalizers.Lowercase(),
        normalizers.Replace("x", "ksks"),
        normalizers.Strip(),
    ]
    return sentencepiece_like(normalizers.Sequence(steps))


def llama() -> Any:
    """Characters it does not know are spelt in bytes."""
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *LETTERS]
    model = models.BPE(
        vocab={piece: row for row, piece in enumerate(pieces)},
        merges=[],
        unk_token="<unk>",
        byte_fallback=True,
    )
    backend = tokenizers.Tokenizer(model)
    backend.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")


def ours(kind: Any, *, lowercase: bool = False) -> Any:
    spec = TokenizerSpec(kind=kind, vocab_size=260, lowercase=lowercase)
    return train_tokenizer(corpus(), spec, family="m2m_100", seed=1)


def sentencepiece_file(folder: Path, *, byte_fallback: bool = False) -> Path:
    """A model file of the sentencepiece program, with its usual normalisation."""
    texts = folder / "texts.txt"
    texts.write_text("\n".join(corpus()), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(texts),
        model_prefix=str(folder / "source"),
        vocab_size=520 if byte_fallback else 260,
        byte_fallback=byte_fallback,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return folder / "source.model"


FAST: dict[str, Callable[[], Any]] = {
    "bert": bert,
    "gpt2": lambda: byte_level(prefix=False, trim=False),
    "roberta": lambda: byte_level(prefix=True, trim=True),
    "t5": t5,
    "lengthening": lengthening,
    "llama": llama,
    "our bpe": lambda: ours("bpe"),
    "our unigram": lambda: ours("unigram"),
    "our lower-cased": lambda: ours("unigram", lowercase=True),
}
