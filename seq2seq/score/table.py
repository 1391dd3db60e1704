"""Reports as aligned text for a terminal."""

from collections.abc import Mapping, Sequence

from seq2seq.score.error_report import ErrorReport
from seq2seq.score.files import Target
from seq2seq.score.result import Score
from seq2seq.score.significance import PairedTest
from seq2seq.text_table import align
from seq2seq.text_table import pad as pad


def score_table(scores: Sequence[Score], baselines: Mapping[str, Mapping[str, Score]]) -> str:
    """Scores with interval and signature, one a row; baselines below.

    Args:
        scores: the system's.
        baselines: by name, such as "lead-8".
    """
    rows = [("metric", "score", "95 % interval", "signature")]
    rows += [_score_row(score.name, score) for score in scores]
    for name, found in baselines.items():
        rows += [_score_row(f"{score.name} of {name}", score) for score in found.values()]
    return align(rows, left={0, 3})


def fault_table(errors: ErrorReport) -> str:
    """How many segments have which fault.

    Args:
        errors: the counts.
    """
    counts = [
        ("empty", errors.empty, "nothing but spaces"),
        ("copied", errors.copied, "the source again"),
        ("looping", errors.looping, "the same words three times or more in a row"),
        ("short", errors.short, "less than half the reference"),
        ("long", errors.long, "more than twice the reference"),
        ("reference empty", errors.empty_references, "nothing to compare with"),
    ]
    rows = [("segments", str(errors.segments), "", "")]
    rows += [
        (name, str(count), f"{count / errors.segments:.1%}", meaning)
        for name, count, meaning in counts
        if count is not None
    ]
    rows.append(("length ratio", f"{errors.length_ratio:.3f}", "", "characters, to the reference"))
    if errors.untranslated is not None:
        meaning = "words taken from the source that no reference has"
        rows.append(("untranslated", "", f"{errors.untranslated:.1%}", meaning))
    return align(rows, left={0, 3})


def note_lines(target: Target, notes: Sequence[str]) -> str:
    """In which language and form text was compared, then a line for each note.

    Args:
        target: the language.
        notes: sentences on what a reader should know.
    """
    lines = [f"language      {target.to_text()}", "Unicode form  NFC"]
    return "\n".join([*lines, *(f"note: {note}" for note in notes)])


def paired_table(bootstrap: PairedTest, randomization: PairedTest) -> str:
    """Every system by one metric: its distance from the baseline and the p-value of both tests.

    Args:
        bootstrap: the result of paired bootstrap resampling.
        randomization: the result of approximate randomization of the same systems.
    """
    rows = [("system", "score", "95 % interval", "difference", "p bootstrap", "p randomization")]
    for one, other in zip(bootstrap.systems, randomization.systems, strict=True):
        rows.append(
            (
                one.name,
                f"{one.score:.2f}",
                _interval(one.interval),
                "baseline" if one.difference is None else f"{one.difference:+z.2f}",
                _p_value(one.p_value),
                _p_value(other.p_value),
            )
        )
    title = "TER (lower is better)" if bootstrap.metric == "TER" else bootstrap.metric
    table = align(rows)
    return f"{title}\n{table}\n{bootstrap.signature}\n{randomization.signature}"


def _score_row(name: str, score: Score) -> tuple[str, str, str, str]:
    return name, f"{score.value:.2f}", _interval(score.interval), score.signature


def _p_value(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _interval(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:.2f} to {bounds[1]:.2f}"
