"""Is a translation right that a model wrote by itself? The rules of the suites, on words alone.

Every rule answers twice: by the suite's own rule, and whether the translation shows what is
expected and nothing that is wrong, which no rule of these asks.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

from seq2seq.evaluate.item import Item, Judge, Judgement
from seq2seq.sentences import sentences_of

_PUNCTUATION_AS_SPACE = str.maketrans(string.punctuation, " " * len(string.punctuation))
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORD = re.compile(r"\w+")


def judge_by_moses_word(language: str) -> Judge:
    """Right where the translation holds the expected word, as ContraPro is judged on output.

    Words are those of the Moses tokenizer, then in lower case.

    Args:
        language: code of the target language.

    Source: Post and Junczys-Dowmunt 2023 (arXiv 2304.12959) and their ``bin/evaluate_tsv.py``.
    """
    from sacremoses import MosesTokenizer

    tokenizer = MosesTokenizer(lang=language)

    def words(text: str) -> set[str]:
        return set(str(tokenizer.tokenize(text, return_str=True)).lower().split())

    return _every(lambda item, text: _expected_word(item, words(text)))


def judge_by_word() -> Judge:
    """The same with words of letters and digits alone, so that French "est-elle" shows "elle"."""
    return _every(lambda item, text: _expected_word(item, set(_WORD.findall(text.lower()))))


def judge_by_unexpected_word() -> Judge:
    """Right where the translation holds no word of the wrong reference alone, as MT-GenEval has it.

    Words are what stands between spaces and ASCII punctuation, in lower case. A translation that
    shows neither reference's words is right by this rule; it is not unambiguous.

    Source: Currey et al. 2022 and their ``accuracy_metric.py``.
    """
    return _every(_no_unexpected_word, unnamed_too=True)


def judge_by_phrase(language: str) -> Judge:
    """Right where the translation's last sentence holds the expected words together, as in ctxPro.

    ASCII punctuation is deleted, so that "don't" is one word. Sentences end where ``sentencex``
    says; the program of ctxPro uses another splitter, which matters only for translations of
    several sentences.

    Args:
        language: code of the target language.

    Source: Wicks and Post 2023 and their ``ctxpro/score.py``.
    """
    return _every(lambda item, text: _expected_phrase(item, text, language))


def differing_words(good: str, bad: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a right translation that a wrong one lacks, and the other way round.

    Args:
        good: the right one.
        bad: the wrong one.

    Returns:
        Both in alphabetical order, cut as in ``judge_by_unexpected_word``.
    """
    right, wrong = _spaced_words(good), _spaced_words(bad)
    return tuple(sorted(right - wrong)), tuple(sorted(wrong - right))


def exchanged_words(good: str, bads: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words that were exchanged to make wrong translations of a right one.

    "elles disent qu'elles" and "elles disent qu'ils" differ in one "elles", though both hold it:
    each occurrence counts.

    Args:
        good: the right one.
        bads: the wrong ones.

    Returns:
        What the right one has more often than every wrong one, and what wrong ones have that the
        right one does not hold at all, both in alphabetical order, cut as in ``judge_by_word``.
    """
    right = Counter(_WORD.findall(good.lower()))
    wrong = [Counter(_WORD.findall(bad.lower())) for bad in bads]
    expected = [word for word in right if all(right[word] > other[word] for other in wrong)]
    unexpected = {word for other in wrong for word in other if word not in right}
    return tuple(sorted(expected)), tuple(sorted(unexpected))


def _every(judge_one: Callable[[Item, str], Judgement], *, unnamed_too: bool = False) -> Judge:
    """Judge item by item; those that name nothing to look for only if asked to."""

    def judge(items: Sequence[Item], texts: Sequence[str]) -> list[Judgement | None]:
        pairs = zip(items, texts, strict=True)
        return [judge_one(one, t) if one.expected or unnamed_too else None for one, t in pairs]

    return judge


def _expected_word(item: Item, words: set[str]) -> Judgement:
    shown = not words.isdisjoint(item.expected)
    return Judgement(shown, shown and words.isdisjoint(item.unexpected))


def _spaced_words(text: str) -> set[str]:
    return set(text.lower().translate(_PUNCTUATION_AS_SPACE).split())


def _no_unexpected_word(item: Item, text: str) -> Judgement:
    words = _spaced_words(text)
    right = words.isdisjoint(item.unexpected)
    if not item.expected:
        return Judgement(right, None)
    return Judgement(right, right and not words.isdisjoint(item.expected))


def _expected_phrase(item: Item, text: str, language: str) -> Judgement:
    sentences = [one for one in sentences_of(text.strip(), language=language) if one.strip()]
    last = (sentences[-1] if sentences else "").strip().lower().translate(_NO_PUNCTUATION)
    return Judgement(any(f" {phrase} " in f" {last} " for phrase in item.expected), None)
