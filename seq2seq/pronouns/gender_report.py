"""The gender that translations of pronoun items show, as a table for people and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seq2seq.pronouns.gender import GenderScore, score_gender, score_gender_by_family
from seq2seq.pronouns.items import Item
from seq2seq.text_table import align

MEANING = {
    "F1": "nouns of one kind, so that the verb tells which of them the cue goes with",
    "F2": "nouns of two kinds, of which the cue fits one",
    "F3": "nouns of two kinds, where verb and cue tell the same",
    "T0": "new sentences of words used as in training",
    "T1": "nouns that training shows only without a choice for “it”",
    "T2": "cues that training never says of the noun",
    "T3": "pairs of nouns that training never puts in one sentence",
    "T4": "orders and voices never followed by “because …” in training",
    "T5": "cues that training shows only without a choice for “it”",
    "T6": "verbs, and a kind of noun, that training shows only without a choice for “it”",
    "natural": "sentences as one may meet them, of verbs never followed by “because …” in training",
}
"""Families and sets of the built-in corpus, for readers of a table."""
_HEAD = ("gender shown", "items", "right", "pairs", "quads", "readable")


@dataclass(frozen=True)
class GenderReport:
    """Scores of one or more sets of items.

    Attributes:
        sets: for each set the score of all its items, as "all", and of each family.
    """

    sets: Mapping[str, Mapping[str, GenderScore]]

    def to_text(self) -> str:
        """A row for each set and family, shares in percent."""
        rows = []
        for name, parts in self.sets.items():
            for part, one in parts.items():
                shares = (one.accuracy, one.pair_accuracy, one.quad_accuracy, one.coverage)
                rows.append((f"{name} {part}", f"{one.items:,}", *(f"{x:.1%}" for x in shares)))
        return align([_HEAD, *rows])

    def to_json(self) -> dict[str, Any]:
        """Set to family to score."""
        return {
            name: {part: asdict(score) for part, score in parts.items()}
            for name, parts in self.sets.items()
        }


def report_gender(sets: Mapping[str, tuple[Sequence[Item], Sequence[str]]]) -> GenderReport:
    """Score sets of items, each as a whole and by family.

    Args:
        sets: by name, items and one translation for each, in the same order.

    Raises:
        DataError: as in `score_gender`.
    """
    return GenderReport(
        {
            name: {"all": score_gender(items, texts), **score_gender_by_family(items, texts)}
            for name, (items, texts) in sets.items()
        }
    )
