"""The rules of the suites' own evaluators, written again from their sources to judge ours.

Nothing here shares a line with the program under test, and nothing is shared between the rules.
"""

import string
from collections.abc import Iterator, Sequence
from typing import Any

from sacremoses import MosesTokenizer


def contrapro_results(reference: list[dict[str, Any]], scores: Sequence[float]) -> dict[str, Any]:
    """``evaluate.py`` of github.com/ZurichNLP/ContraPro, with --maximize: one score a line."""
    lines: Iterator[float] = iter(scores)
    correct, by_pronoun, by_distance = [], {}, {}
    for sentence in reference:
        mine = next(lines)
        all_better = True
        for _ in sentence["errors"]:
            if not mine > next(lines):
                all_better = False
        correct.append(all_better)
        distance = sentence["ante distance"]
        pronoun = f"{sentence['src pronoun'].lower()}:{sentence['ref pronoun'].lower()}"
        for table, key in (
            (by_pronoun, pronoun),
            (by_distance, ">3" if distance > 3 else str(distance)),
        ):
            hits, total = table.get(key, (0, 0))
            table[key] = (hits + all_better, total + 1)
    return {"correct": correct, "by_pronoun": by_pronoun, "by_distance": by_distance}


def contrapro_generated(pronoun: str, system: str, language: str = "de") -> bool:
    """``bin/evaluate_tsv.py`` of github.com/mjpost/ContraPro."""
    tokens = MosesTokenizer(lang=language).tokenize(system, return_str=True).lower().split()
    return pronoun.lower() in tokens


def french_results(scores: Sequence[float]) -> list[bool]:
    """Pairs of lines, the right one first (github.com/rbawden/Large-contrastive-...-EN-FR)."""
    return [scores[n] > scores[n + 1] for n in range(0, len(scores), 2)]


def mt_geneval_decision(hypothesis: str, correct: str, incorrect: str) -> bool:
    """``accuracy_metric.py`` of github.com/amazon-science/machine-translation-gender-eval."""

    def cleaned(line: str) -> set[str]:
        line = line.lower()
        for mark in string.punctuation:
            line = line.replace(mark, " ")
        return set(line.split())

    only_wrong = cleaned(incorrect) - cleaned(correct)
    return not (cleaned(hypothesis) & only_wrong)


def ctxpro_passes(translation: str, expected: str) -> bool:
    """``passes_test`` in ``ctxpro/score.py`` of github.com/rewicks/ctxpro, given one sentence."""
    kept = "".join(c for c in translation.lower() if c not in string.punctuation)
    return f" {expected.lower()} " in f" {kept} "


def contracat_correct(scores: Sequence[float], genders: Sequence[str]) -> list[bool]:
    """``standard_eval`` of github.com/BennoKrojer/ContraCAT: three lines each, m, f and n."""
    found = []
    for start in range(0, len(scores), 3):
        three = list(scores[start : start + 3])
        found.append("mfn"[three.index(max(three))] == genders[start])
    return found


def discevalmt_correct(scores: Sequence[float]) -> list[bool]:
    """``scripts/evaluate.py`` of github.com/rbawden/discourse-mt-test-sets, with --maximise."""
    return [right > wrong for right, wrong in zip(scores[::2], scores[1::2], strict=True)]


def winomt_romance(genders: Sequence[str | None]) -> str:
    """``SpacyPredictor`` of github.com/gabrielStanovsky/mt_gender, given each token's Gender."""
    names = {"Masc": "male", "Fem": "female"}
    seen = [names[one] for one in genders if one is not None]
    best = "unknown"
    for one in seen:
        if best == "unknown" or seen.count(one) > seen.count(best):
            best = one
    return best


def winomt_german(
    person: str, words: Sequence[str], person_words: Sequence[str], index: int
) -> str:
    """``GenderedArticlePredictor`` of the same, with its table of determiners."""
    table = {
        "der": "m", "ein": "m", "dem": "m", "einen": "m", "des": "m", "er": "m", "seiner": "m",
        "ihn": "m", "seinen": "m", "ihm": "m", "ihren": "m", "die": "f", "eine": "f", "einer": "f",
        "seinem": "m", "ihrem": "m", "sein": "m", "sie": "f", "seine": "f", "ihrer": "f",
        "ihr": "n", "ihre": "n", "das": "n", "jemanden": "n",
    }  # fmt: skip
    names = {"m": "male", "f": "female", "n": "neutral"}
    if person.lower() in ("nurse", "the nurse"):
        return "female"
    if index == -1:
        return "male"
    if any(word.endswith("in") for word in person_words):
        return "female"
    found = [(n, word.lower()) for n, word in enumerate(words) if word.lower() in table]
    if not found:
        return "male"
    nearest = found[0]
    for one in found:
        if abs(one[0] - index) < abs(nearest[0] - index):
            nearest = one
    return names[table[nearest[1]]]


def winomt_f1(gold: Sequence[str], predicted: Sequence[str], gender: str) -> float:
    """``evaluate_bias`` of the same, not rounded."""
    right = sum(g == p == gender for g, p in zip(gold, predicted, strict=True))
    recall, precision = right / gold.count(gender), right / predicted.count(gender)
    return 2 * precision * recall / (precision + recall)
