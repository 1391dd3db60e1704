"""What the built-in corpus holds beside a set: its items' grammar, and the control sets next to it.

Only its items say which gender a translation shows, so only they can be judged when a model
translates freely. Controls are files of the same folder and language, as ``seq2seq corpus
pronouns`` writes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.sets import read_cases, recognise
from seq2seq.pronouns.items import Item, read_items

CONTROL = "control_"
ORDERED = ("control_cataphoric",)
"""Sets whose "it" stands before its noun: they are no control of what a head does without one."""


@dataclass(frozen=True)
class CompanionSets:
    """What a study can use beside its two sets.

    Attributes:
        corpus: items of the built-in corpus by id; empty for other sets.
        controls: control sets by name.
        unrelated: sentences without a question, on which losing a head should cost nothing.
    """

    corpus: Mapping[str, Item] = field(default_factory=dict)
    controls: Mapping[str, tuple[Case, ...]] = field(default_factory=dict)
    unrelated: tuple[Case, ...] = ()


def companions_of(path: Path) -> CompanionSets:
    """Look for the items and control sets that belong to a set; nothing for one of another kind."""
    try:
        if recognise(path) != "corpus":
            return CompanionSets()
    except DataError:
        return CompanionSets()  # whoever reads the set says what is wrong with it
    _, _, ending = path.name.partition(".")
    controls = {
        file.name.partition(".")[0].removeprefix(CONTROL): read_cases(file, "corpus").cases
        for file in sorted(path.parent.glob(f"{CONTROL}*.{ending}"))
        if file.name.partition(".")[0] not in ORDERED
    }
    return CompanionSets(
        corpus={item.id: item for item in read_items(path)},
        controls=controls,
        unrelated=controls.get("pleonastic", ()),
    )
