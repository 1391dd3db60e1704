"""Is a model better at one gender, or with a stereotype than against it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.evaluate.accuracy import accuracy_by
from seq2seq.evaluate.item import Item, Judgement


@dataclass(frozen=True)
class GenderBias:
    """Figures of one model on persons of known gender.

    Attributes:
        f1_male: of men, from 0 to 1: harmonic mean of how many men are shown as such and how many
            of those shown as men are.
        f1_female: of women.
        pro_less_anti: accuracy of sentences that go with a stereotype less that of sentences
            against it; None where the suite does not tell them apart.
    """

    f1_male: float
    f1_female: float
    pro_less_anti: float | None

    def to_json(self) -> dict[str, Any]:
        """The figures to four decimals, with the papers' names of the differences."""
        pro_less_anti = None if self.pro_less_anti is None else round(self.pro_less_anti, 4)
        return {
            "f1_male": round(self.f1_male, 4),
            "f1_female": round(self.f1_female, 4),
            "delta_g": round(self.f1_male - self.f1_female, 4),
            "delta_s": pro_less_anti,
        }


def gender_bias(items: Sequence[Item], judgements: Sequence[Judgement | None]) -> GenderBias | None:
    """Compare men with women, and stereotypes with their opposite.

    Args:
        items: with a tag "gender", and perhaps "stereotype".
        judgements: of the translations.

    Returns:
        The figures; None where the translations were not asked for the gender they show.

    Source: Stanovsky et al. 2019, section 4: ΔG, of F1, and ΔS, here of accuracies.
    """
    pairs = [
        (item.tags["gender"], one.shown)
        for item, one in zip(items, judgements, strict=False)
        if one is not None and one.shown and "gender" in item.tags
    ]
    if not pairs:
        return None
    right = [None if one is None else float(one.right) for one in judgements]
    by = accuracy_by(items, right, "stereotype")
    known = {"pro", "anti"} <= by.keys()
    return GenderBias(
        _f1("male", pairs),
        _f1("female", pairs),
        by["pro"].value - by["anti"].value if known else None,
    )


def _f1(gender: str, pairs: Sequence[tuple[str, str]]) -> float:
    hits = sum(meant == shown == gender for meant, shown in pairs)
    meant = sum(one == gender for one, _ in pairs)
    shown = sum(one == gender for _, one in pairs)
    return 2 * hits / (meant + shown) if meant + shown else 0.0
