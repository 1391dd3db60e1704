"""Faults that one number hides: empty output, copies of the source, loops, wrong length.

Every rule leaves out what a reference does as well, so that the references themselves, scored
as hypotheses, show none of these faults.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from seq2seq.score.result import Segments, check_parallel
from seq2seq.score.texts import References, make_comparable, references_by_segment
from seq2seq.score.words import LETTER

LONGEST_LOOP_WORDS = 8
LOOP_TIMES = 3
# Where letters stand for words: blocks of so many, and so many letters in all, as in 非常非常非常.
LONGEST_LOOP_LETTERS, LEAST_LOOP_LETTERS = 20, 6
SHORT, LONG = 0.5, 2.0
_WORD = re.compile(r"[^\W\d_]{4,}")  # four letters or more: names and endings, not "a" or "die"


@dataclass(frozen=True)
class ErrorReport:
    """How many segments of a system's output are plainly wrong.

    Attributes:
        segments: how many there are.
        empty: nothing but spaces, where some reference has text.
        copied: equal to the source but for case and spaces, where no reference is; None
            without a source.
        looping: the same one to eight words (letters, in scripts without spaces) three times or
            more in a row, where no reference has such a loop.
        short: less than half as long as the shortest reference, in characters without spaces;
            empty ones included.
        long: more than twice as long as the longest reference.
        length_ratio: characters of all hypotheses for each character of the references (mean
            over several).
        untranslated: share, 0 to 1, of the hypotheses' words of four letters or more that stand
            in their source and in none of their references; None without a source, and for
            summaries, which share their source's language.
        empty_references: segments where every reference is empty, so that nothing can score.
    """

    segments: int
    empty: int
    copied: int | None
    looping: int
    short: int
    long: int
    length_ratio: float
    untranslated: float | None
    empty_references: int

    def to_json(self) -> dict[str, int | float | None]:
        """The report as ``seq2seq score --json`` prints it."""
        return asdict(self)


def error_report(
    hypotheses: Segments,
    references: References,
    sources: Segments | None = None,
    *,
    same_language: bool = False,
) -> ErrorReport:
    """Count the faults of a system's output.

    Args:
        hypotheses: one segment a line.
        references: one or more texts; a blank line where another has text is no reference.
        sources: what was translated or summarised, if known.
        same_language: the source is in the hypotheses' language, so that words of the source
            are not a fault.

    Raises:
        ScoreError: the texts are empty or not parallel.
    """
    compared = make_comparable(hypotheses, references)
    if sources is not None:
        check_parallel([("hypotheses", len(hypotheses)), ("sources", len(sources))])
    # Each row: a hypothesis with all of its references.
    rows = list(zip(compared.hypotheses, references_by_segment(compared.references), strict=True))
    with_source = None if sources is None else list(zip(rows, sources, strict=True))
    return ErrorReport(
        segments=len(rows),
        empty=sum(not h.strip() and any(t.strip() for t in texts) for h, texts in rows),
        copied=None
        if with_source is None
        else sum(is_copy(h, source, texts) for (h, texts), source in with_source),
        looping=sum(has_loop(h) and not any(map(has_loop, texts)) for h, texts in rows),
        short=sum(_length(h) < SHORT * min(map(_length, texts)) for h, texts in rows),
        long=sum(_length(h) > LONG * max(map(_length, texts)) for h, texts in rows),
        length_ratio=_length_ratio(rows),
        untranslated=None
        if with_source is None or same_language
        else _untranslated_share([(h, source, texts) for (h, texts), source in with_source]),
        empty_references=sum(not any(t.strip() for t in texts) for _, texts in rows),
    )


def has_loop(text: str) -> bool:
    """Whether one to eight words stand three times or more in a row, as in "I'm so I'm so I'm so".

    Args:
        text: one segment; words are what stands between spaces, compared without case. Runs of
            letters of a script without spaces are looked at letter by letter.
    """
    words = text.lower().split()
    if any(_repeats(words, size) for size in range(1, LONGEST_LOOP_WORDS + 1)):
        return True
    letters = LETTER.findall(text)
    sizes = range(1, LONGEST_LOOP_LETTERS + 1)
    return any(_repeats(letters, size, least=LEAST_LOOP_LETTERS) for size in sizes)


def is_copy(hypothesis: str, source: str, references: Segments) -> bool:
    """Whether a hypothesis is its source again, though no reference is.

    Args:
        hypothesis: one segment.
        source: what it was made from.
        references: the references of this segment.
    """
    same = _plain(source)
    return bool(same) and _plain(hypothesis) == same and same not in map(_plain, references)


def _repeats(words: list[str], size: int, *, least: int = 0) -> bool:
    """A block of this size recurs when each word equals the word one block before it."""
    wanted = max(size * (LOOP_TIMES - 1), least - size)
    run = 0
    for before, word in zip(words, words[size:], strict=False):
        run = run + 1 if before == word else 0
        if run == wanted:
            return True
    return False


def _length(text: str) -> int:
    return len("".join(text.split()))


def _length_ratio(rows: Sequence[tuple[str, list[str]]]) -> float:
    wanted = sum(sum(map(_length, texts)) / len(texts) for _, texts in rows)
    return sum(_length(hypothesis) for hypothesis, _ in rows) / wanted if wanted else 0.0


def _untranslated_share(rows: Sequence[tuple[str, str, list[str]]]) -> float:
    total = left = 0
    for hypothesis, source, texts in rows:
        words = _words(hypothesis)
        foreign = set(_words(source)).difference(*map(_words, texts))
        total += len(words)
        left += sum(word in foreign for word in words)
    return left / total if total else 0.0


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", text).lower())


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
