"""Which sentences a page shows: a few, chosen by rule and not by how well they look.

The best known sentence comes first, if the set has it. Then of each family of items the shortest
pair that the model has right, and the shortest that it has wrong, so that a page of a good model
still shows a failure if there is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from seq2seq.probe.items.placement import PlacedCase

BEST_KNOWN = "The robot picked up the wrench because it was heavy."


@dataclass(frozen=True)
class Shown:
    """What is shown together.

    Attributes:
        title: what a reader chooses it by.
        placed: the two cases of a minimal pair, or a case that has no twin.
        right: of each, whether the model has it right.
    """

    title: str
    placed: tuple[PlacedCase, ...]
    right: tuple[bool, ...]


def choose_examples(
    placed: Sequence[PlacedCase], right: Bool[np.ndarray, " items"]
) -> tuple[Shown, ...]:
    """Choose a few pairs, none twice, the best known sentence first."""
    groups = _groups(placed, right)
    wishes = [
        [group for group in groups if any(one.case.text == BEST_KNOWN for one in group.placed)]
    ]
    for wanted in (True, False):
        for family in dict.fromkeys(map(_family, groups)):
            alike = [group for group in groups if _family(group) == family]
            wishes.append([group for group in alike if all(group.right) == wanted])
    found = [min(wish, key=_effort) for wish in wishes if wish]
    return tuple({one.placed[0].case.id: one for one in found}.values())


def _groups(placed: Sequence[PlacedCase], right: Bool[np.ndarray, " items"]) -> list[Shown]:
    """Pairs as they are; cases of groups of another size one by one."""
    members: dict[str, list[int]] = {}
    for number, one in enumerate(placed):
        members.setdefault(one.case.pair or one.case.id, []).append(number)
    groups = []
    for numbers in members.values():
        for part in [numbers] if len(numbers) == 2 else [[number] for number in numbers]:
            cases = tuple(placed[number] for number in part)
            groups.append(Shown(_title(cases), cases, tuple(bool(right[n]) for n in part)))
    return groups


def _family(group: Shown) -> tuple[str, ...]:
    """What the nouns do in the sentence tells one family of items from another."""
    return tuple(sorted(mention.role for mention in group.placed[0].case.candidates))


def _effort(group: Shown) -> tuple[bool, bool, int]:
    """Pairs before single cases, those whose pieces stand opposite each other, short ones."""
    lengths = [len(one.source.ids) for one in group.placed]
    return len(lengths) < 2, len(set(lengths)) > 1, len(group.placed[0].case.text)


def _title(cases: Sequence[PlacedCase]) -> str:
    """The sentence, with both cues in the place where a pair differs."""
    texts, cues = [one.case.text for one in cases], [one.case.cue for one in cases]
    if len(cases) == 2 and all(cues):
        (start, end), (other_start, other_end) = (cue for cue in cues if cue is not None)
        same_before = texts[0][:start] == texts[1][:other_start]
        if same_before and texts[0][end:] == texts[1][other_end:]:
            cue = f"{texts[0][start:end]} / {texts[1][other_start:other_end]}"
            return texts[0][:start] + cue + texts[0][end:]
    return " / ".join(texts)
