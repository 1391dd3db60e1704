"""Where the words of a case lie in what a model reads and writes.

Everything a probe looks at is a row or a column of a map: "it", the two nouns, the other words of
the pronoun's clause, and the *decision row*, in which the decoder predicts the first piece that
tells the good translation from the bad one. Both translations are the same up to there, so one pass
over the good one shows what the model prefers.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seq2seq.errors import DataError, SpanError
from seq2seq.probe.items.case import Case, Span
from seq2seq.probe.items.pieces import Pieces, Rows, in_context, moved, pieces_of, rows_of
from seq2seq.probe.model.interventions import Stack
from seq2seq.probe.model.reading import Inputs
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.pronouns.items import first_difference
from seq2seq.score.cluster_sample import draw_clusters

WORDS = (
    "conjunction", "it", "was", "cue", "stop", "end",
    "before first noun", "after first noun", "before second noun", "after second noun",
)  # fmt: skip
"""What a word can be to the question, and so be called: of the pronoun's clause, or by a noun."""

MOST_TEXTS = 128
MOST_WEIGHTS = 1 << 23
"""Weights of all maps of a batch: 32 MiB, of which a few copies are kept at a time. Twice as many
take as long and more memory."""
_WORD = re.compile(r"[\w'’-]+|[^\w\s]")


@dataclass(frozen=True)
class Decision:
    """Where a translation tells which noun was meant.

    Attributes:
        row: the decoder row that predicts the first piece that differs.
        good: the piece of the good translation that it should predict.
        bad: the piece of the bad one.
        prefix: decoder inputs up to and including that row, start piece first.
        nouns: rows of the gold and the other noun among them; None unless both stand before it.
    """

    row: int
    good: int
    bad: int
    prefix: tuple[int, ...]
    nouns: tuple[Rows, Rows] | None


@dataclass(frozen=True)
class PlacedCase:
    """A case in pieces.

    Attributes:
        case: what is asked; it has one gold noun of two.
        source: the text in pieces.
        nouns: rows of the gold noun and of the other one.
        words: rows of words by what they are (`WORDS`). Of the pronoun's clause: "it", "was" (the
            word after it), "cue", "conjunction" (the first of the clause), "stop" (the text's last
            mark), "end" (the last special piece); and the words before and after each noun, as
            long as they are none of the clause. What a text does not have is not there.
        others: rows of every word of the text that is neither of the clause nor a noun.
        decision: where the translation tells; None for a case without two translations.
    """

    case: Case
    source: Pieces
    nouns: tuple[Rows, Rows]
    words: Mapping[str, Rows]
    others: tuple[Rows, ...]
    decision: Decision | None

    def nouns_in(self, stack: Stack) -> tuple[Rows, Rows]:
        """Rows of the gold noun and of the other one, in the text or among what was written."""
        if stack != "decoder":
            return self.nouns
        assert self.decision is not None  # only such cases are asked
        assert self.decision.nouns is not None
        return self.decision.nouns

    def rows_of(self, word: str) -> Rows:
        """Rows of a word of the text; of the decision where it has no name."""
        if word:
            return self.words[word]
        assert self.decision is not None  # only such cases are asked
        return (self.decision.row,)


@dataclass(frozen=True)
class Placement:
    """The cases that could be placed, and what became of the others.

    Attributes:
        placed: in the order of the cases.
        problems: for each reason how many cases it left out, and the first of them.
        left_out: how many.
    """

    placed: tuple[PlacedCase, ...]
    problems: tuple[str, ...]
    left_out: int


def place_cases(model: StockModel, cases: Sequence[Case]) -> Placement:
    """Find the rows of every case with one gold noun of two, and count those that have none.

    Raises:
        DataError: not one case could be placed.
    """
    placed, reasons = [], dict[str, list[str]]()
    for case in cases:
        try:
            placed.append(place_case(model, case))
        except SpanError as error:
            reasons.setdefault(str(error).split(":")[0], []).append(f"{case.id}: {error}")
    problems = tuple(
        f"{len(found):,} of {len(cases):,} cases left out ({why}); first {found[0]}"
        for why, found in reasons.items()
    )
    if not placed:
        raise DataError(
            f"probe: none of {len(cases)} cases can be placed in the pieces of {model.name}; "
            f"{problems[0] if problems else 'there is no case'}"
        )
    return Placement(tuple(placed), problems, len(cases) - len(placed))


def place_case(model: StockModel, case: Case) -> PlacedCase:
    """Find the rows of a case.

    Raises:
        SpanError: it has no pronoun, not one gold noun of two, or a word has no pieces; it is
            longer than the model can read, or asks a decoder for what stands behind the pronoun;
            a noun stands in an earlier sentence than the model reads.
    """
    case = _as_read(model, case)
    if case.gold is None or case.pronoun is None:
        raise SpanError("no question: the case has no pronoun with one right noun of two")
    source = _source_pieces(model, case)
    if len(source.ids) > model.most_pieces:
        raise SpanError(
            f"too long: {len(source.ids)} pieces, and the model has {model.most_pieces:,} positions"
        )
    order = (case.gold, 1 - case.gold)
    first, second = (rows_of(source, case.candidates[place].span) for place in order)
    words = _clause_words(source, case)
    if model.kind == "decoder" and max(*first, *second) > min(words["it"]):
        raise SpanError(
            "behind the pronoun: a candidate stands where a decoder cannot look from its row"
        )
    taken = {*first, *second, *(row for rows in words.values() for row in rows)}
    others = tuple(
        rows
        for match in _WORD.finditer(case.text)
        if match.group()[0].isalnum()
        for rows in [rows_of(source, match.span())]
        if not taken & set(rows)
    )
    words |= _beside_nouns(sorted((first, second)), others)
    decision = _decision(model, case, order) if model.kind == "encoder-decoder" else None
    return PlacedCase(case, source, (first, second), words, others, decision)


def place_whole(model: StockModel, case: Case) -> PlacedCase:
    """Place a sentence without a question; its translation's last piece is the decision.

    Raises:
        SpanError: as in `place_case`, or it has no translation.
    """
    if case.good is None:
        raise SpanError("no translation: the case has none to read")
    asked = replace(case, correct=frozenset({0}), good=None, bad=None)
    ids = pieces_of(model.tokenizer, case.good, side="target").ids
    last = Decision(len(ids) - 1, ids[-1], ids[-1], (start_of(model), *ids), None)
    return replace(place_case(model, asked), decision=last)


def batches_with_inputs(
    model: StockModel, placed: Sequence[PlacedCase]
) -> Iterator[tuple[list[int], list[PlacedCase], Inputs]]:
    """Each batch of `batches_of`: the numbers of its cases, the cases, and what the model reads."""
    for numbers in batches_of(model, placed):
        batch = [placed[number] for number in numbers]
        yield numbers, batch, inputs_of(model, batch)


def inputs_of(model: StockModel, placed: Sequence[PlacedCase]) -> Inputs:
    """Make a batch of the sources and, for translation, of the targets up to the decision."""
    sources = [one.source.ids for one in placed]
    if model.kind != "encoder-decoder":
        return model.inputs(sources)
    return model.inputs(
        sources, [one.decision.prefix if one.decision else (start_of(model),) for one in placed]
    )


def start_of(model: StockModel) -> int:
    """The piece that decoder inputs begin with; the filler, where a model names none."""
    return model.pad_id if model.start_id is None else model.start_id


def batches_of(model: StockModel, placed: Sequence[PlacedCase]) -> list[list[int]]:
    """Put numbers of cases of about one length together, as many as leave a batch's maps small.

    A case whose maps alone are larger has a batch of its own. The longest come first: what they
    free has room for all that follow.
    """

    def lengths(number: int) -> tuple[int, int]:
        one = placed[number]
        return len(one.source.ids), len(one.decision.prefix) if one.decision else 0

    heads = {stack: model.depth[stack] * model.heads[stack] for stack in model.depth}
    batches: list[list[int]] = []
    longest = (0, 0)
    for number in sorted(range(len(placed)), key=lengths):
        source, target = (max(pair) for pair in zip(longest, lengths(number), strict=True))
        sizes = {"encoder": source**2, "cross": source * target, "decoder": target**2 or source**2}
        weights = sum(count * sizes[stack] for stack, count in heads.items())
        size = len(batches[-1]) + 1 if batches else MOST_TEXTS + 1
        if size <= MOST_TEXTS and size * weights <= MOST_WEIGHTS:
            batches[-1].append(number)
            longest = source, target
        else:
            batches.append([number])
            longest = lengths(number)
    return batches[::-1]


def part_of(
    placed: Sequence[PlacedCase], pieces: int, *, seed: int
) -> tuple[tuple[PlacedCase, ...], str]:
    """Draw whole clusters at random, up to a number of pieces of their texts.

    With them comes a line that says how many they are; an empty one where they are all.
    """
    clusters, sizes = (one.case.cluster for one in placed), (len(one.source.ids) for one in placed)
    rows = draw_clusters(list(clusters), pieces, sizes=list(sizes), seed=seed)
    drawn = tuple(placed[row] for row in rows)
    if len(drawn) == len(placed):
        return drawn, ""
    return drawn, f"{len(drawn):,} of {len(placed):,} items, whole clusters drawn at random"


def _as_read(model: StockModel, case: Case) -> Case:
    """The case without the sentences that a translating model does not read.

    Models of one stack are trained on running text, and read all of it. Target context is not
    given, so that models which take some are asked about single sentences.
    """
    if model.kind != "encoder-decoder" or not case.starts:
        return case
    reads = 0
    if model.context is not None and not model.context.target.sentences:
        reads = model.context.source.sentences
    starts = case.starts[-1 - reads :]
    spans = [case.pronoun, *(one.span for one in case.candidates), case.cue, case.clause]
    if any(span is not None and span[0] < starts[0] for span in spans):
        raise SpanError(
            f"context: a noun stands in an earlier sentence than the model is given ({reads} of "
            "context)"
        )
    pronoun, *nouns, cue, clause = moved(spans, -starts[0])
    return replace(
        case,
        text=case.text[starts[0] :],
        pronoun=pronoun,
        candidates=tuple(
            replace(one, span=span or one.span)
            for one, span in zip(case.candidates, nouns, strict=True)
        ),
        cue=cue,
        clause=clause,
        starts=tuple(start - starts[0] for start in starts),
    )


def _source_pieces(model: StockModel, case: Case) -> Pieces:
    if len(case.starts) < 2 or model.context is None:
        return pieces_of(model.tokenizer, case.text)
    ends = (*(start - 1 for start in case.starts[1:]), len(case.text))
    sentences = [
        pieces_of(model.tokenizer, case.text[start:end])
        for start, end in zip(case.starts, ends, strict=True)
    ]
    return in_context(sentences, case.starts, model.context.source)


def _clause_words(source: Pieces, case: Case) -> dict[str, Rows]:
    assert case.pronoun is not None  # place_case has looked
    spans: dict[str, Span] = {"it": case.pronoun}
    after = _WORD.search(case.text, case.pronoun[1])
    if after and after.group()[0].isalnum() and after.span() != case.cue:
        spans["was"] = after.span()
    if case.cue is not None:
        spans["cue"] = case.cue
    if case.clause is not None:
        first = _WORD.search(case.text, case.clause[0])
        if first and first.end() <= case.pronoun[0]:
            spans["conjunction"] = first.span()
    last = list(_WORD.finditer(case.text))[-1]
    if not last.group()[0].isalnum():
        spans["stop"] = last.span()
    rows = {name: rows_of(source, span) for name, span in spans.items()}
    special = [row for row, span in enumerate(source.spans) if span is None]
    if special:
        rows["end"] = (special[-1],)
    return rows


def _beside_nouns(nouns: Sequence[Rows], others: Sequence[Rows]) -> dict[str, Rows]:
    """The words that stand directly before and after each noun; one between both is after one."""
    found: dict[str, Rows] = {}
    for name, noun in zip(("first noun", "second noun"), nouns, strict=True):
        for rows in others:
            if rows in found.values():
                continue
            if rows[-1] + 1 == noun[0]:
                found[f"before {name}"] = rows
            elif rows[0] - 1 == noun[-1]:
                found[f"after {name}"] = rows
    return found


def _decision(model: StockModel, case: Case, order: tuple[int, int]) -> Decision | None:
    if case.good is None or case.bad is None or case.good == case.bad:
        return None
    good = pieces_of(model.tokenizer, case.good, side="target")
    bad = pieces_of(model.tokenizer, case.bad, side="target")
    row = first_difference(good.ids, bad.ids)
    if row is None:
        raise SpanError("no decision: one translation is a beginning of the other in pieces")
    prefix = (start_of(model), *good.ids[:row])
    return Decision(row, good.ids[row], bad.ids[row], prefix, _target_nouns(good, case, order, row))


def _target_nouns(
    good: Pieces, case: Case, order: tuple[int, int], row: int
) -> tuple[Rows, Rows] | None:
    """Rows of the nouns among decoder inputs, which stand one later than what they predict."""
    spans: list[Any] = [case.candidates[place].target_span for place in order]
    if None in spans:
        return None
    first, second = (tuple(1 + piece for piece in rows_of(good, span)) for span in spans)
    return None if max(*first, *second) > row else (first, second)
