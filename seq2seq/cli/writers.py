"""How translations are written: a line for each, its candidates with their scores, or JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from textwrap import indent
from typing import TYPE_CHECKING, TextIO

from seq2seq.cli.output import as_json_text

if TYPE_CHECKING:  # asking for help must not load it
    from seq2seq.translate import Report, Translation


class LineWriter:
    """One line for each text, or one for each of its candidates: number, score, text."""

    def __init__(self, stream: TextIO, n_best: int, *, before: int):
        self.stream = stream
        self.n_best = n_best
        self.number = before

    def __call__(self, translations: Sequence["Translation"]) -> None:
        """Write some, and hand them over at once."""
        for number, one in enumerate(translations, start=self.number + 1):
            if self.n_best == 1:
                self.stream.write(f"{one.text}\n")
                continue
            for candidate in one.candidates:
                self.stream.write(f"{number}\t{candidate.score:.4f}\t{candidate.text}\n")
            if not one.candidates:  # a blank line has nothing to rank, but keeps its number
                self.stream.write(f"{number}\t\t\n")
        self.number += len(translations)
        self.stream.flush()

    def end(self, report: "Report") -> None:
        """Lines need no end."""


class JsonWriter:
    """One JSON object, written as its parts come, so that no number of lines fills the memory."""

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.before = '{\n  "translations": ['

    def __call__(self, translations: Sequence["Translation"]) -> None:
        """Write some."""
        for one in translations:
            text = as_json_text({"text": one.text, **asdict(one)})
            self.stream.write(f"{self.before}\n{indent(text, '    ')}")
            self.before = ","

    def end(self, report: "Report") -> None:
        """Close the list and write the counts."""
        opened = self.before if self.before != "," else "\n  "
        counts = indent(as_json_text(asdict(report)), "  ").lstrip()
        self.stream.write(f'{opened}],\n  "report": {counts}\n}}\n')
