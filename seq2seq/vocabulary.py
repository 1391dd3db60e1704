"""Finding the pieces of a vocabulary in a text: unigram or byte-pair encoding.

Text comes in its normal form (see ``tokenizer``); special pieces are added by the caller.
"""

import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import tokenizers
from tokenizers import Regex, models, normalizers, pre_tokenizers

from seq2seq.errors import RecipeError
from seq2seq.normalization import INVISIBLE

if TYPE_CHECKING:
    from seq2seq.recipe import TokenizerSpec

BOS, PAD, EOS, UNK = "<s>", "<pad>", "</s>", "<unk>"
# Between sentences, where a model reads those before the one it translates; only then a piece.
SEP = "<sep>"
WORD_START = "▁"
# Unicode's white space and the separators that Python counts as well.
WHITE_SPACE = r"\s\x1c-\x1f"
# Pieces that spell a character without a piece of its own, in the notation of sentencepiece.
BYTES = tuple(f"<0x{value:02X}>" for value in range(256))
# Sentences that sentencepiece trains on; more changes nothing but time and memory.
MOST_SENTENCES = 5_000_000
# sentencepiece reserves this block character and would skip the whole line that holds it.
RESERVED = {ord("▅"): None}
# The trainers' time and memory grow faster than a line or a word does: both go to them in parts of
# at most so many characters. A line in a script without spaces is one word.
LONGEST_PART = 1000
# Characters of a merged piece; otherwise the same character a thousand times becomes one.
LONGEST_PIECE = 32
_PART = re.compile(rf"\S(?:.{{0,{LONGEST_PART - 2}}}\S)?(?= |$)|\S{{{LONGEST_PART}}}")


def first_bytes(byte_ids: Sequence[int]) -> frozenset[int]:
    """Of the ids of all bytes, those that begin a character in UTF-8; the others continue one."""
    return frozenset(number for byte, number in enumerate(byte_ids) if byte & 0xC0 != 0x80)


def spelling_of(special: Sequence[str]) -> str:
    """Characters that every vocabulary holds, so that text such as "</s>" can be spelt out."""
    return "".join(sorted({*"".join(special)}))


def find_unigrams(
    texts: Iterator[str], spec: "TokenizerSpec", *, special: Sequence[str], seed: int
) -> dict[str, float]:
    """Train a unigram language model of pieces with sentencepiece.

    Args:
        texts: Training text.
        spec: Size and character coverage.
        special: The special pieces, which the vocabulary has room for and can spell.
        seed: Chooses the sentences of a text too large to be used whole.

    Returns:
        Pieces with their log-probabilities, most probable first.

    Raises:
        RecipeError: The size does not even hold the single characters.
        BaseException: Whatever the texts raise, Ctrl-C while they are read included.
    """
    import sentencepiece

    sentencepiece.set_random_generator_seed(seed)
    model, raised = io.BytesIO(), list[BaseException]()
    parts = _remembering(bounded_parts(text.translate(RESERVED) for text in texts), raised)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=parts,
            model_writer=model,
            model_type="unigram",
            vocab_size=spec.vocab_size - len(special) + 1,  # sentencepiece counts its own <unk>
            hard_vocab_limit=False,
            character_coverage=spec.character_coverage,
            required_chars=spelling_of(special),
            normalization_rule_name="identity",
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            max_sentence_length=1 << 30,  # its default skips longer lines
            input_sentence_size=MOST_SENTENCES,
            num_threads=4,  # fixed: the order in which threads' sums are added shows in the scores
            minloglevel=2,
        )
    except RuntimeError as error:
        if not raised:
            raise _explain_training(str(error), spec) from error
    if raised:
        raise raised[0]
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    numbers = range(1, processor.get_piece_size())
    # Ten digits, because tokenizers' reader is off by a last bit where a number has seventeen: the
    # tokenizer would not be the same before and after saving.
    return {processor.id_to_piece(i): round(processor.get_score(i), 10) for i in numbers}


def _remembering(texts: Iterator[str], raised: list[BaseException]) -> Iterator[str]:
    """Texts as they are; of what reading them raises sentencepiece makes an error of its own."""
    try:
        yield from texts
    except BaseException as error:
        raised.append(error)
        raise


def bounded_parts(texts: Iterable[str]) -> Iterator[str]:
    """Texts as they are, long ones cut at spaces, or inside words of more than a part."""
    for text in texts:
        if len(text) <= LONGEST_PART:
            yield text
        else:
            yield from (part[0] for part in _PART.finditer(text))


def _explain_training(message: str, spec: "TokenizerSpec") -> RecipeError:
    counts = re.search(r"smaller than required_chars\. \d+ vs (\d+)", message)
    if counts:
        return _too_small(spec, counts[1])
    return RecipeError(f"tokenizer: no vocabulary could be trained: {message}")


def _too_small(spec: "TokenizerSpec", needed: object) -> RecipeError:
    return RecipeError(
        f"tokenizer.vocab_size = {spec.vocab_size}: the training text alone has {needed} "
        "characters that need a piece each; raise vocab_size or lower "
        "tokenizer.character_coverage"
    )


def find_merges(
    texts: Iterator[str], spec: "TokenizerSpec", *, special: Sequence[str]
) -> tuple[list[str], list[tuple[str, str]]]:
    """Train byte-pair encoding with ``tokenizers``.

    Args:
        texts: Training text.
        spec: Size and character coverage.
        special: The special pieces, which the vocabulary has room for and can spell.

    Returns:
        Characters and merged pieces in the order of their merges, and the merges.

    Raises:
        RecipeError: The size does not even hold the single characters.
    """
    from tokenizers import trainers

    kept = list(bounded_parts(texts))
    alphabet = _alphabet(kept, spec.character_coverage, spelling_of(special))
    size = spec.vocab_size - len(special)
    if len(alphabet) > size:
        raise _too_small(spec, len(alphabet))
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = word_splitter(spec.kind)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        max_token_length=LONGEST_PIECE,
        show_progress=False,
    )
    backend.train_from_iterator(kept, trainer)
    # the splitter keeps "<" and ">" from letters, so that no merge can spell a special piece
    merges = [(left, right) for left, right in json.loads(backend.to_str())["model"]["merges"]]
    return list(dict.fromkeys([*alphabet, *("".join(merge) for merge in merges)])), merges


def _alphabet(texts: Sequence[str], coverage: float, spelling: str) -> list[str]:
    """The most frequent characters that together make up the share asked for, sorted."""
    counts = Counter[str]()
    for text in texts:
        counts.update(text.replace(" ", WORD_START))
    target = coverage * counts.total()
    kept = {*spelling, WORD_START}
    covered = 0
    for character, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if covered >= target:
            break
        kept.add(character)
        covered += count
    return sorted(kept)


def normal_form(lowercase: bool) -> Any:
    """What puts text into its normal form before it is split into words."""
    steps: list[Any] = [normalizers.Replace(Regex(INVISIBLE), "")]
    steps += [normalizers.Lowercase()] if lowercase else []
    steps += [
        normalizers.NFC(),
        normalizers.Replace(Regex(rf"[{WHITE_SPACE}{WORD_START}]+"), " "),
        normalizers.Strip(),
    ]
    return normalizers.Sequence(steps)


def word_splitter(kind: str) -> Any:
    """What splits text into words before they are cut into pieces.

    The two kinds differ: byte-pair encoding would glue the full stop to every frequent word before
    it, so there punctuation stands alone; the unigram trainer weighs that by itself.
    """
    spaces = pre_tokenizers.Metaspace(WORD_START, prepend_scheme="always")
    if kind == "bpe":
        return pre_tokenizers.Sequence([spaces, pre_tokenizers.Punctuation("contiguous")])
    # a unigram vocabulary would find the piece for a byte in text that is written like it
    bracket = pre_tokenizers.Split(Regex("<(?=0x[0-9A-F]{2}>)"), "isolated")
    return pre_tokenizers.Sequence([spaces, bracket])
