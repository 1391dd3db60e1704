"""A score and what makes it reproducible, and the check that texts are parallel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seq2seq.errors import ScoreError

RESAMPLES = 1000
SEED = 12345  # sacrebleu's default, so that every signature of a report names the same one

# A text is a list of segments; several references are several texts of the same length.
Segments = Sequence[str]


@dataclass(frozen=True)
class Score:
    """One figure with what reproduces it.

    Attributes:
        name: as papers write it: "BLEU", "chrF2", "TER", "ROUGE-L".
        value: 0 to 100; TER, where lower is better, may exceed 100.
        signature: every choice that changes the value, in sacrebleu's ``key:value|...`` form.
        interval: the 95 % bootstrap interval over segments, if one was asked for.
        details: the parts that the value is made of, such as the brevity penalty.
        notes: sentences on what its reader should know, such as that the text does not look like
            what its tokenizer is for.
    """

    name: str
    value: float
    signature: str
    interval: tuple[float, float] | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The score as ``seq2seq score --json`` prints it, to four decimals."""
        return {
            "score": round(self.value, 4),
            "signature": self.signature,
            "interval": None if self.interval is None else [round(x, 4) for x in self.interval],
            "details": {key: round(value, 4) for key, value in self.details.items()},
        }


def check_parallel(sizes: Sequence[tuple[str, int]]) -> None:
    """Refuse texts that are empty or that do not have one segment for each hypothesis.

    Args:
        sizes: name and number of lines of each text, the hypotheses first.

    Raises:
        ScoreError: names every text that differs, with its number of lines.
    """
    (name, size), *others = sizes
    if not others:
        raise ScoreError(
            f"{name}: no reference to compare it with, needed at least one; add --reference FILE"
        )
    wrong = [f"{other} has {count}" for other, count in others if count != size]
    if wrong:
        raise ScoreError(
            f"{name}: {size} lines, but {' and '.join(wrong)}, needed one line for each; "
            "check that they belong to the same test set and that empty lines were kept"
        )
    if size == 0:
        raise ScoreError(
            f"{name}: no lines, needed at least one; check the command that wrote the file"
        )


def check_texts(hypotheses: Segments, references: Sequence[Sequence[str | None]]) -> None:
    """``check_parallel`` for texts that have no file name."""
    named = [(f"reference {number}", len(text)) for number, text in enumerate(references, start=1)]
    check_parallel([("hypotheses", len(hypotheses)), *named])
