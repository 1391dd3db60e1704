#!/usr/bin/env python3
"""Say in five lines what the demo has shown, and what its model cannot do: tell_demo.py RUN.

Reads what `scripts/demo` left in the run folder: sentences.en, sentences.es and scores.json.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CORPUS = Path("corpora/pronouns/train.es.jsonl")


def main() -> None:
    """Print the lines."""
    run = Path(sys.argv[1])
    english, spanish = (
        (run / f"sentences.{code}").read_text(encoding="utf-8").splitlines()
        for code in ("en", "es")
    )
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))["gender"]
    sys.stdout.write("\n".join(told(english, spanish, scores, known_words(CORPUS))) + "\n")


def told(
    english: Sequence[str], spanish: Sequence[str], scores: Mapping[str, Any], words: int
) -> list[str]:
    """The five lines.

    Args:
        english: the robot and the wrench, heavy and then curious.
        spanish: their translations.
        scores: the part "gender" of scores.json.
        words: how many English words the model was trained on.

    Returns:
        Two translations with what "it" became, the attention, two shares, the limits.
    """
    new_nouns, natural = (f"{scores[name]['all']['accuracy']:.0%}" for name in ("T1", "natural"))
    return [
        f"1. {english[0]}  ->  {spanish[0]}  {_judged(spanish[0], 'pesada', 'pesado')}",
        f"2. {english[1]}  ->  {spanish[1]}  {_judged(spanish[1], 'curioso', 'curiosa')}",
        '3. attention.html opens at "it", in the head that was trained to look at what "it" means.',
        f"4. Right in {new_nouns} of sentences about nouns that it never had to choose between, "
        f"in {natural} where it met the verb only in sentences without a reason.",
        f"5. It knows the {words:,} English words of its sentences and nothing else: on any other "
        "text it writes nonsense.",
    ]


def _judged(translation: str, right: str, wrong: str) -> str:
    """What the ending of the adjective says "it" is."""
    nouns = {"a": "the wrench (feminine)", "o": "the robot (masculine)"}
    found = [word for word in re.findall(r"\w+", translation.lower()) if word in (right, wrong)]
    if not found:
        return f'[neither {right} nor {wrong}: it does not say what "it" is]'
    verdict = "right" if found[-1] == right else "wrong"
    return f'["it" is {nouns[found[-1][-1]]}: {verdict}]'


def known_words(path: Path) -> int:
    """English words of the training sentences."""
    with path.open(encoding="utf-8") as lines:
        return len({w for row in lines for w in re.findall(r"[\w-]+", json.loads(row)["source"])})


if __name__ == "__main__":
    main()
