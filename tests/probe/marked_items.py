"""A file of SCAT's form in which one of two nouns of the sentence before is marked, and a reader.

The sentence before is ``le A voit la B encore .``; the source says "big" for A and "small" for B,
and that noun decides between "il" and "elle". The planted model looks at it with one head, and says
"il" where that is hidden.
"""

import json
from itertools import product
from pathlib import Path
from typing import Any, Literal

from seq2seq.context import ContextFormat, SideFormat
from seq2seq.probe.model.interventions import BlockedEdges
from seq2seq.probe.model.reading import Inputs, Reading
from seq2seq.probe.model.stock_model import StockModel
from tests.probe.planted_model import HEAD, LAYER, random_network, word_tokenizer

NOUNS = [f"nom{number}" for number in range(8)]
WORDS = ["<s>", "<pad>", "</s>", "<unk>", "|", "it", "is", "big", "small", ".", "le", "la", "voit",
         "encore", "donc", "il", "elle", "est", "vu", "so", *NOUNS]  # fmt: skip
Looks = Literal["marked", "unmarked", "either"]
COLUMNS = (2, 5)
"""Where the nouns stand among decoder inputs."""


def records() -> list[dict[str, Any]]:
    """Every two nouns of different gender, in both orders, each of them meant."""
    found = []
    for (one, first), (two, second) in product(enumerate(NOUNS), repeat=2):
        if (one + two) % 2:
            for size, number, noun in (("big", one, first), ("small", two, second)):
                context = f"le {first} voit la {second} encore ."
                start = context.index(f" {noun} ") + 1
                said = "elle" if number % 2 else "il"
                found.append(
                    {
                        "source": f"so it is {size} .", "source_context": "so .",
                        "target": f"donc {said} est vu .",
                        "target_context": context,
                        "source_pronouns": [[3, 5]], "target_pronouns": [[5, 5 + len(said)]],
                        "source_support": [], "source_context_support": [], "target_support": [],
                        "target_context_support": [[start, start + len(noun)]],
                    }
                )  # fmt: skip
    return found


def scat_file(folder: Path, lines: list[dict[str, Any]] | None = None) -> Path:
    """Write a file of such lines."""
    path = folder / "scat.jsonl"
    text = "".join(json.dumps(line) + "\n" for line in (records() if lines is None else lines))
    path.write_text(text, encoding="utf-8")
    return path


class MarkedReader(StockModel):
    """Looks at the marked noun, or as the twin elsewhere; its answer hangs on it, or on nothing.

    Attributes:
        looks: at what its head looks.
        needs: whether it says "il" where the marked noun is hidden from that head.
    """

    looks: Looks = "marked"
    needs = True

    def read(self, inputs: Inputs, **given: Any) -> Reading:
        """Read, with the planted head and answer."""
        reading = super().read(inputs, **given)
        assert inputs.target_ids is not None
        for number, target in enumerate(inputs.target_ids.tolist()):
            source = inputs.source_ids[number].tolist()
            nouns = [WORDS[target[column]] for column in COLUMNS]
            meant = COLUMNS[WORDS[source[3]] == "small"]
            rows = given.get("rows")
            row = rows[number] if rows is not None else int(inputs.target_mask[number].sum()) - 1  # type: ignore[index]
            looked = {
                "marked": meant,
                "unmarked": sum(COLUMNS) - meant,
                "either": COLUMNS[sum(map(ord, "".join(nouns))) % 3 == 0],
            }[self.looks]
            if "decoder" in reading.maps:
                reading.maps["decoder"][LAYER, number, HEAD, row, list(COLUMNS)] = 0.05
                reading.maps["decoder"][LAYER, number, HEAD, row, looked] = 0.9
            if reading.logits is not None:
                hidden = self.needs and any(
                    isinstance(one, BlockedEdges) and one.stack == "decoder"
                    and bool(one.edges[number, row, meant])
                    and (one.heads is None or bool(one.heads[LAYER, HEAD]))
                    for one in given.get("interventions", ())
                )  # fmt: skip
                feminine = not hidden and int(WORDS[target[meant]].removeprefix("nom")) % 2 == 1
                answer = reading.logits[number, 0 if rows is not None else row]
                answer[[WORDS.index("il"), WORDS.index("elle")]] = 0.0
                answer[WORDS.index("elle" if feminine else "il")] = 2.0
        return reading


def marked_reader(
    *, looks: Looks = "marked", needs: bool = True, sentences: int = 1
) -> MarkedReader:
    """Build it, the same each time; ``sentences`` of the target before each are read."""
    form = ContextFormat(SideFormat(0, ()), SideFormat(sentences, (WORDS.index("|"),)))
    model = MarkedReader(random_network(WORDS), word_tokenizer(WORDS), name="m", context=form)
    model.looks, model.needs = looks, needs
    return model
