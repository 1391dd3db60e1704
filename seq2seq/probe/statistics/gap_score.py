"""F1 of answers to GAP as its own scorer counts it: each name by itself, true or false.

A measure that prefers one of two names answers TRUE for it and FALSE for the other. Where neither
is meant, or the question could not be asked, that costs what the scorer makes it cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seq2seq.probe.items.case import Case

NAMES = ("A", "B")
GENDERS = {"M": "masculine", "F": "feminine"}
OVERALL = "overall"


@dataclass(frozen=True)
class GapScore:
    """Counts over names, two of each case.

    Attributes:
        part: "overall", "masculine" or "feminine".
        true_positives: names that are meant and were said to be.
        false_positives: names that are not meant and were said to be.
        true_negatives: names that are not meant and were not said to be.
        false_negatives: names that are meant and were not said to be; and all names of cases
            without an answer.
    """

    part: str
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def precision(self) -> float:
        """Share of the names said to be meant that are."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the names that are meant that were said to be."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return _share(2 * self.precision * self.recall, self.precision + self.recall)


def gap_scores(cases: Sequence[Case], answers: Mapping[str, str]) -> tuple[GapScore, ...]:
    """Score answers to all cases of GAP, decided or not, overall and by the gender of the pronoun.

    An answer is "A" or "B", by case id.

    Source: Webster et al. 2018; ``gap_scorer.py`` of the published set, which counts a case
    without an answer as two false negatives.
    """
    counts = {part: [0, 0, 0, 0] for part in (OVERALL, *GENDERS.values())}
    for case in cases:
        gender = next((tag[-1] for tag in case.tags if tag.startswith("gender=")), "")
        parts = [OVERALL, *([GENDERS[gender]] if gender in GENDERS else [])]
        answer = answers.get(case.id)
        for number, mention in enumerate(case.candidates):
            kind = 3
            if answer is not None:
                meant, said = number in case.correct, mention.role == answer
                kind = (0 if meant else 1) if said else (3 if meant else 2)
            for part in parts:
                counts[part][kind] += 1
    return tuple(GapScore(part, *found) for part, found in counts.items())


def gap_answers_text(answers: Mapping[str, str]) -> str:
    """Answers as the published scorer reads them: id, and TRUE or FALSE for A and for B."""
    lines = [
        "\t".join([case, *("TRUE" if name == said else "FALSE" for name in NAMES)])
        for case, said in answers.items()
    ]
    return "".join(f"{line}\n" for line in lines)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
