"""Files to score: read all at once, parallel, and in the language that their names end in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seq2seq.errors import ScoreError, Seq2SeqError
from seq2seq.languages import language_of
from seq2seq.lines import PACKED, read_lines
from seq2seq.score.measure import ScoreOptions
from seq2seq.score.result import check_parallel

# `de` alone; `zh-CN`, `zh_TW` and `zho_Hans` with a country or script. Three letters alone would
# also be file types: `txt` and `ref` are, or could be, languages.
CODE = re.compile(r"[a-z]{2}|[a-z]{2,3}[-_](?:[A-Z]{2}|[A-Z][a-z]{3})")


@dataclass(frozen=True)
class Target:
    """The language that text is scored in.

    Attributes:
        code: as it was given or found; None where it is not known.
        source: where it comes from, for people: "given", or "the references' names".
    """

    code: str | None = None
    source: str = "given"

    def to_text(self) -> str:
        """One phrase for people."""
        return "not known" if self.code is None else f"{self.code} ({self.source})"

    def to_json(self) -> dict[str, str] | None:
        """Code and source, for programs."""
        return None if self.code is None else {"code": self.code, "source": self.source}


def read_parallel(first: Sequence[str | Path], others: Sequence[str | Path]) -> list[list[str]]:
    """Read files that have one line for each segment.

    Args:
        first: outputs of systems, at least one.
        others: references, then what else is parallel.

    Returns:
        The lines of each, in order.

    Raises:
        DataError: files that cannot be read, all of them at once.
        ScoreError: line counts differ, or there is nothing to compare with.
    """
    texts, problems = [], []
    for path in [*first, *others]:
        try:
            texts.append(read_lines(path))
        except Seq2SeqError as error:
            problems.append(error)
    if problems:
        raise type(problems[0])("; ".join(map(str, problems)))
    if not others:
        check_parallel([(str(first[0]), len(texts[0]))])
    sizes = [(str(path), len(text)) for path, text in zip([*first, *others], texts, strict=True)]
    check_parallel(sizes)
    return texts


def with_language(
    options: ScoreOptions, references: Sequence[str | Path]
) -> tuple[ScoreOptions, Target]:
    """Settle the language: the one that was given, or the one that the references' names end in.

    Args:
        options: perhaps without a language.
        references: such as ``test.de.gz``.

    Returns:
        The options with the language, and where it comes from.

    Raises:
        ScoreError: The tokenised protocol was asked for, which needs a language, and none is found.
    """
    if options.language is not None:
        return options, Target(options.language)
    codes = {code for path in references if (code := _code_of(path)) is not None}
    if len(codes) == 1:
        target = Target(codes.pop(), "from the references' names")
        return replace(options, language=target.code), target
    if options.tokenized:
        names = ", ".join(repr(Path(path).name) for path in references)
        raise ScoreError(
            f"tokenized protocol: {names}: {len(codes)} language codes at the end of these names, "
            "needed one such as .de; add --language de"
        )
    return options, Target()


def _code_of(path: str | Path) -> str | None:
    endings = [suffix[1:] for suffix in Path(path).suffixes if suffix not in PACKED]
    if not endings or not CODE.fullmatch(endings[-1]):
        return None
    return endings[-1] if language_of(endings[-1]).script is not None else None
