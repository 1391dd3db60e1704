"""Several systems against the first of them: what ``seq2seq compare`` prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.errors import ScoreError
from seq2seq.score.files import Target, read_parallel, with_language
from seq2seq.score.measure import ScoreOptions, open_measure
from seq2seq.score.result import Segments, check_parallel
from seq2seq.score.significance import PairedTest, check_count, paired_tests
from seq2seq.score.table import note_lines, paired_table
from seq2seq.score.texts import Preparation, make_comparable


@dataclass(frozen=True)
class CompareReport:
    """Several systems against the first of them.

    Attributes:
        tests: for each metric the bootstrap's and the randomization's result.
        preparations: for each system, what was done to the texts before they were compared.
        target: their language.
    """

    tests: Mapping[str, tuple[PairedTest, PairedTest]]
    preparations: Sequence[tuple[str, Preparation]]
    target: Target

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures should know, each sentence once."""
        notes = [note for name, one in self.preparations for note in one.notes(name)]
        notes += [note for pair in self.tests.values() for note in pair[0].notes]
        return tuple(dict.fromkeys(notes))

    def to_json(self) -> dict[str, Any]:
        """One object: a key for each metric, each with "bootstrap" and "randomization"."""
        report: dict[str, Any] = {"segments": self.preparations[0][1].segments}
        for key, tests in self.tests.items():
            report[key] = {test.test: _test_json(test) for test in tests}
        return report | {
            "language": self.target.to_json(),
            "texts": [{"system": name} | one.to_json() for name, one in self.preparations],
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """A table for each metric, with the signatures of both tests below, then the notes."""
        tables = [paired_table(*pair) for pair in self.tests.values()]
        return "\n\n".join([*tables, note_lines(self.target, self.notes)])


def compare_files(
    systems: Sequence[str | Path],
    references: Sequence[str | Path],
    *,
    options: ScoreOptions | None = None,
) -> CompareReport:
    """Test whether systems differ from the first of them by more than chance.

    Args:
        systems: their output files, the baseline first.
        references: raw reference files.
        options: metrics, language, case, resamples and trials.

    Raises:
        ScoreError: fewer than two systems, line counts that differ, or an option that cannot be
            met.
        DataError: a file cannot be read.
    """
    check_count(len(systems))
    texts = read_parallel(systems, references)
    options = options or ScoreOptions(metrics=("bleu", "chrf"))
    options, target = with_language(options, references)
    outputs = [(str(path), text) for path, text in zip(systems, texts, strict=False)]
    return compare_texts(outputs, texts[len(systems) :], options=options, target=target)


def compare_texts(
    systems: Sequence[tuple[str, Segments]],
    references: Sequence[Segments],
    *,
    options: ScoreOptions | None = None,
    target: Target | None = None,
) -> CompareReport:
    """``compare_files`` for text in memory.

    Args:
        systems: name and output of each, the baseline first.
        references: one or more texts.
        options: metrics, language, case, resamples and trials.
        target: where the language of the options comes from, if it was not given.

    Raises:
        ScoreError: fewer than two systems, texts that are empty or not parallel, or an option
            that cannot be met.

    Source: Koehn 2004 (paired bootstrap); Riezler and Maxwell 2005 (randomization).
    """
    check_count(len(systems))
    options = options or ScoreOptions(metrics=("bleu", "chrf"))
    if min(options.resamples, options.trials) < 1:
        raise ScoreError(
            f"compare: {options.resamples} resamples and {options.trials} trials, needed one or "
            "more of each; leave them at their defaults"
        )
    sizes = [(name, len(text)) for name, text in systems]
    sizes += [(f"reference {n}", len(text)) for n, text in enumerate(references, start=1)]
    check_parallel(sizes)
    texts = [(name, make_comparable(text, references)) for name, text in systems]
    read = texts[0][1].references
    tests = paired_tests(
        [(name, one.hypotheses) for name, one in texts],
        [open_measure(metric, read, options) for metric in options.metrics],
        resamples=options.resamples,
        trials=options.trials,
    )
    preparations = [(name, one.preparation) for name, one in texts]
    return CompareReport(tests, preparations, target or Target(options.language))


def _test_json(test: PairedTest) -> dict[str, Any]:
    return {
        "signature": test.signature,
        "systems": [
            {
                "system": one.name,
                "score": round(one.score, 4),
                "difference": None if one.difference is None else round(one.difference, 4),
                "p_value": one.p_value,
                "resamples": one.resamples,
                "exact": one.exact,
                "interval": None if one.interval is None else [round(x, 4) for x in one.interval],
            }
            for one in test.systems
        ],
    }
