"""Cut text into sentences, and a sentence that is too long for the model into less.

Where a sentence ends is decided by ``sentencex``, which knows the marks of all scripts and, for the
larger languages, abbreviations and dates. It cuts a little too often; what it finds is no end here

- before a lower-case letter, if the text has capitals and the mark is no word of its own;
- behind what holds no letter ("1."), or before what holds neither letter nor digit;
- after ``.``, ``!``, ``?`` without a space, except between Chinese characters and the like;
- after a title ("Mrs. Hill", in Vietnamese "TS. Minh"), an initial (in Arabic and Hebrew, which
  have no capitals, any single letter: "د. أحمد"), a short word before a number ("Art. 3"), and a
  day or an ordinal ("3. Mai") in languages that write them so and where the language is unknown;
- before the Japanese particle that introduces what was said.

The marks of Khmer, which it does not know, are added. A sentence that is too long is cut after
commas, semicolons, colons and dashes, what is still too long at white space, and then anywhere;
such bits are packed into parts that are as long as the model can read.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Literal

from seq2seq.languages import UNSPACED_LETTER, language_of, unspaced_share

Long = Literal["split", "truncate", "refuse"]
"""What to do with a text that is longer than the model can read."""

# sentencex takes time that grows with the square of the length in texts of some scripts, so a long
# text is shown to it in windows, each beginning where a sentence begins.
WINDOW = 1000
# Latin words and a mark at most behind them, as most lines are: one sentence in every language. A
# space is matched in one way only, or a run of them would take time that grows with its square.
ONE_SENTENCE = re.compile(r"[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f0-9 ,'-]++(?:[.!?] *)?")
# Ends that it does not know: the marks of Khmer, and full-width marks before a digit.
MORE_ENDS = re.compile(r"[\u17d4\u17d5]+|[。！？｡]+[」』”’）]*(?=\d)")
LONE_STOP = re.compile(r" \. *$")
PLAIN_MARK = re.compile(r"[.!?\u2026][\"'\u201d\u2019\u00bb\u203a)\]}]*$")
TITLE = re.compile(r"(?i)\b(?:Mr|Mrs|Ms|Dr|Prof)\.\s*$")
VIETNAMESE_TITLE = re.compile(r"\b(?:T[PpX]|P?GS|TS|Th\.?[Ss]|[BDLN]S|KT?S|NSND|NSƯT)\.\s*$")
INITIAL = re.compile(r"(?:^|[\s.(])([^\W\d_])\.\s*$")
# Of Hebrew and Arabic, and those that Persian, Urdu and others add to it.
LETTER_WITHOUT_CASE = re.compile("[\u05d0-\u05ea\u0620-\u064a\u0671-\u06d3]")
SHORT_WORD = re.compile(r"\b[^\W\d_a-z]\w{0,3}\.\s*$")
ORDINAL = re.compile(r"(?<!\S)[(\"'\u201e\u201c\u00ab]?(?:[12]?\d|3[01])\.\s*$")
JAPANESE_QUOTE = re.compile(r"[\u300d\u300f]\s*$")
# Languages whose ordinals and days are a number with a full stop.
DOTTED_ORDINALS = frozenset(
    {"bs", "cs", "da", "de", "et", "eu", "fi", "fo", "gsw", "hr", "hsb", "hu", "is", "lb", "lv"}
    | {"nb", "nds", "nn", "no", "pl", "sk", "sl", "sq", "sr", "tr"}
)
# Languages in which a space ends a sentence, and a phrase too: nothing tells how many there are.
WITHOUT_MARKS = frozenset({"lo", "th"})
CLAUSE_END = re.compile(r"[,;:،؛—–](?=\s)|[，、；：]")
WORD_END = re.compile(r"(?<=\S)(?=\s)")
ZERO_WIDTH_JOINER = "\u200d"
JOINERS = ZERO_WIDTH_JOINER + "\u200c"
# What Unicode counts among letters and signs, and still belongs to what stands before it: the vowel
# am of Thai and Lao, and the colours of skin.
MORE_MARKS = frozenset("\u0e33\u0eb3\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")


def sentences_of(text: str, *, language: str | None = None) -> list[str]:
    """Cut a text into its sentences.

    Args:
        text: Any text; a line break in it is a space.
        language: Code of its language; None if that is not known.

    Returns:
        The sentences with the white space behind them: together they are the text.

    Source: ``sentencex`` (github.com/wikimedia/sentencex), and the rules of this module.
    """
    if ONE_SENTENCE.fullmatch(text):
        return [text]
    # Other white space, also a plain non-breaking space, ends the library in a panic.
    plain = re.sub(r"\s", " ", text)
    code = language_of(language).code if language else None
    lower = plain.islower()  # then a small letter tells nothing
    ends: list[int] = []
    start, lettered = 0, False
    for before, after in pairwise([*_candidates(plain, code), len(plain)]):
        part, following = plain[start:before], plain[before:after]
        start, lettered = before, lettered or any(map(str.isalpha, part))
        if lettered and _is_end(part, following, code, lower=lower):
            ends.append(before)
            lettered = False
    return _cut(text, ends)


def marks_sentences(language: str | None) -> bool:
    """Tell whether the sentences of a text can be counted.

    Args:
        language: Code of its language; None if that is not known.
    """
    return language is None or language_of(language).code not in WITHOUT_MARKS


def _candidates(text: str, code: str | None) -> Iterator[int]:
    """Where a sentence may end, the end of the text left out."""
    import sentencex  # only who splits pays for its tables

    start = 0
    while start < len(text):
        window = text[start : start + WINDOW]
        lengths = map(len, sentencex.segment(code or "en", window))
        more = (match.end() for match in MORE_ENDS.finditer(window))
        # A window is no place to end a sentence, so its last part begins the next window.
        found = sorted({*accumulate(lengths), *more} - {len(window)})
        yield from (start + end for end in found)
        last = start + len(window) == len(text)
        start = len(text) if last else start + (found[-1] if found else len(window))


def _is_end(part: str, following: str, code: str | None, *, lower: bool) -> bool:
    first, initial = following.lstrip()[:1], INITIAL.search(part)
    spaced = part.endswith(" ") or following.startswith(" ")
    return not (
        (first.islower() and not lower and not LONE_STOP.search(part))
        or not any(map(str.isalnum, following))
        or (PLAIN_MARK.search(part) and not spaced and not re.match(UNSPACED_LETTER, first))
        or TITLE.search(part)
        or (code == "vi" and VIETNAMESE_TITLE.search(part))
        or (initial and (initial[1].isupper() or LETTER_WITHOUT_CASE.match(initial[1])))
        or (first.isdigit() and SHORT_WORD.search(part))
        or ((code is None or code in DOTTED_ORDINALS) and ORDINAL.search(part))
        or (first == "と" and JAPANESE_QUOTE.search(part))
    )


def split_text(text: str, fits: Callable[[str], bool], *, language: str | None = None) -> list[str]:
    """Split a text into sentences, and sentences that do not fit into less.

    Args:
        text: The text.
        fits: Whether the model can read a part at once. A single character always counts as
            fitting, so that the splitting ends.
        language: Code of the text's language; None if that is not known.

    Returns:
        The parts without white space around them. Together they are the whole text.
    """
    parts: list[str] = []
    for sentence in sentences_of(text, language=language):
        parts.extend(_split_long(sentence, fits))
    return [stripped for part in parts if (stripped := part.strip())]


def join_parts(texts: Sequence[str], *, language: str | None = None) -> str:
    """Put together again what was split.

    Args:
        texts: What became of the parts.
        language: Code of their language; if None or unknown, their letters tell how it is written.

    Returns:
        The texts with single spaces between them, or with nothing where words need no spaces.
    """
    if len(texts) == 1:
        return texts[0].strip()
    known = language is not None and language_of(language).script is not None
    spaced = language_of(language).spaced if language and known else unspaced_share(texts) < 0.5
    return (" " if spaced else "").join(stripped for one in texts if (stripped := one.strip()))


def _split_long(text: str, fits: Callable[[str], bool]) -> list[str]:
    if fits(text):
        return [text]
    for ends in (CLAUSE_END, WORD_END):
        bits = _cut(text, [match.end() for match in ends.finditer(text)])
        if len(bits) > 1:
            packed = _pack(bits, fits)
            return [part for bit in packed for part in _split_long(bit, fits)]
    packed = _pack(_characters(text), fits)  # one with hundreds of marks is cut between them
    return [part for one in packed for part in ([one] if fits(one) else _pack(list(one), fits))]


def _cut(text: str, places: Iterable[int]) -> list[str]:
    edges = sorted({0, len(text), *places})
    return [text[start:end] for start, end in pairwise(edges)]


def _characters(text: str) -> list[str]:
    """Cut into characters as people see them, as far as that is simple.

    Marks stay with their letters, vowel signs of Thai and Hindi too, and what joiners hold together
    stays one, such as an emoji of a family.
    """
    joined = [
        one in JOINERS
        or one in MORE_MARKS
        or unicodedata.category(one)[0] == "M"
        or before == ZERO_WIDTH_JOINER
        for before, one in pairwise(" " + text)
    ]
    return _cut(text, [place for place, stays in enumerate(joined) if not stays])


def _pack(bits: Sequence[str], fits: Callable[[str], bool]) -> list[str]:
    """Join neighbours into parts as long as fit; a bit that does not fit stays alone."""
    text = "".join(bits)
    edges = [0, *accumulate(map(len, bits))]
    packed: list[str] = []
    start = 0
    while start < len(bits):
        end = _furthest(text, edges, start, fits)
        packed.append(text[edges[start] : edges[end]])
        start = end
    return packed


def _furthest(text: str, edges: Sequence[int], start: int, fits: Callable[[str], bool]) -> int:
    """The last edge up to which the text from the edge ``start`` fits, at least the next.

    Found by doubling, then halving: what is tried is never over twice as many bits as fit, so a
    long text takes time in proportion to its length.
    """

    def reaches(end: int) -> bool:
        return fits(text[edges[start] : edges[end]])

    last, step = len(edges) - 1, 2
    while start + step <= last and reaches(start + step):
        step *= 2
    low, high = start + step // 2, min(start + step, last + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reaches(middle) else (low, middle)
    return low
