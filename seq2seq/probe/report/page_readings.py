"""A case as a page shows it: its maps, what plays which role, and what knock-outs change.

The maps are those of the good translation, written by force, because that is what was measured:
in its decision row the model prefers one translation or the other, and all knock-outs are compared
on the same pieces. What the model writes by itself stands beside it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seq2seq.probe.causes.free_translation import write_freely
from seq2seq.probe.causes.knock_outs import KnockOut, intervention_of, knock_outs_of
from seq2seq.probe.causes.matched_words import MatchedWords, has_words
from seq2seq.probe.items.pieces import Pieces, Rows, pieces_of, rows_of
from seq2seq.probe.items.placement import PlacedCase, start_of
from seq2seq.probe.measures.routes import preference
from seq2seq.probe.model.reading import Inputs
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.attention_page import (
    known_languages,
    text_reading,
    translation_panels,
    translation_texts,
)
from seq2seq.probe.report.wording import in_words
from seq2seq.viewer.content import Mark, Panel, Reading, Role, Share, Text, Variant

UNCHANGED = 1e-4  # a map that moves less than this is drawn the same


def shown_knock_outs(
    model: StockModel, placed: Sequence[PlacedCase], carrier: str | None
) -> tuple[KnockOut, ...]:
    """The knock-outs of a page, named in words: the link, its control, the pronoun's row, carrier.

    What all of the cases have; the carrier is the costliest knock-out, None if it was not searched.
    """
    known = knock_outs_of(placed)
    names = ("it→nouns", "it⇄nouns", "it→gold", "it off", carrier)
    found = [
        replace(known[name], name=in_words(name)) for name in dict.fromkeys(names) if name in known
    ]
    if "it→nouns" in known:
        (control,) = MatchedWords(model, placed).control(known["it→nouns"])
        if all(has_words(control, one) for one in placed):
            named = replace(control, name="“it” does not see two other words (control)")
            found.insert(1, named)
    return tuple(found)


def readings_of(
    model: StockModel,
    placed: Sequence[PlacedCase],
    knock_outs: Sequence[KnockOut],
    shares: Sequence[tuple[Share, ...]],
) -> tuple[Reading, ...]:
    """Read cases one by one, intact and with each knock-out; ``shares`` say what links give."""
    translates = model.kind == "encoder-decoder"
    if not translates or any(one.decision is None for one in placed):
        return tuple(_silent(model, one, share) for one, share in zip(placed, shares, strict=True))
    intact = _written(model, placed)
    outputs = [_outputs(model, placed, knock_out) for knock_out in knock_outs]
    of_each = zip(*outputs, strict=True) if knock_outs else [()] * len(placed)
    return tuple(
        _reading(model, one, knock_outs, written, output=output, shares=share)
        for one, written, output, share in zip(placed, of_each, intact, shares, strict=True)
    )


def _outputs(
    model: StockModel, placed: Sequence[PlacedCase], knock_out: KnockOut
) -> Sequence[str | None]:
    """What is written under a knock-out; one of the decision row would cut free writing nowhere."""
    if knock_out.stack != "encoder":
        return [None] * len(placed)
    return _written(model, placed, knock_out)


def _written(
    model: StockModel, placed: Sequence[PlacedCase], knock_out: KnockOut | None = None
) -> list[str]:
    """Free translations; one that would not end is closed by an ellipsis."""
    found = write_freely(model, placed, knock_out)
    return [
        text + (" …" if number in found.unfinished else "")
        for number, text in enumerate(found.texts)
    ]


def _silent(model: StockModel, one: PlacedCase, shares: tuple[Share, ...]) -> Reading:
    """A reading of the text alone, for models and cases without a translation."""
    reading = text_reading(model, one.source, language=known_languages(model)[0])
    return replace(reading, marks=_source_marks(one, reading.texts[0].name), shares=shares)


def _reading(
    model: StockModel,
    one: PlacedCase,
    knock_outs: Sequence[KnockOut],
    outputs: Sequence[str | None],
    *,
    output: str,
    shares: tuple[Share, ...],
) -> Reading:
    assert one.case.good is not None  # such cases have a decision
    good = pieces_of(model.tokenizer, one.case.good, side="target")
    inputs = model.inputs([one.source.ids], [(start_of(model), *good.ids[:-1])])
    texts = translation_texts(model, one.source, good, known_languages(model))
    intact = model.read(inputs)
    panels = translation_panels(model, intact)
    variants = tuple(
        _variant(model, one, inputs, panels, knock_out, written)
        for knock_out, written in zip(knock_outs, outputs, strict=True)
    )
    return Reading(
        texts,
        panels,
        marks=(*_source_marks(one, "source"), *_target_marks(one, good, texts[1])),
        preference=float(preference(intact, [one])[0]),
        answers=_answers(model, one),
        output=output,
        shares=shares,
        variants=variants,
    )


def _variant(
    model: StockModel,
    one: PlacedCase,
    inputs: Inputs,
    intact: tuple[Panel, ...],
    knock_out: KnockOut,
    written: str | None,
) -> Variant:
    reading = model.read(inputs, interventions=[intervention_of(knock_out, [one], inputs)])
    changed = tuple(
        after
        for before, after in zip(intact, translation_panels(model, reading), strict=True)
        if np.abs(after.maps - before.maps).max() > UNCHANGED
    )
    return Variant(knock_out.name, changed, float(preference(reading, [one])[0]), written)


def _source_marks(one: PlacedCase, text: str) -> tuple[Mark, ...]:
    roles: list[tuple[Role, Rows]] = [
        ("pronoun", one.words["it"]),
        ("correct", one.nouns[0]),
        ("distractor", one.nouns[1]),
        ("cue", one.words.get("cue", ())),
    ]
    return tuple(Mark(role, text, rows) for role, rows in roles if rows)


def _target_marks(one: PlacedCase, good: Pieces, text: Text) -> tuple[Mark, ...]:
    """Marks of the translation; its pieces stand one later than those of ``good``."""
    assert one.decision is not None  # the caller has looked
    assert one.case.gold is not None  # placed cases have one
    marks = [Mark("decision", text.name, (one.decision.row + 1,))]
    for role, place in (("correct", one.case.gold), ("distractor", 1 - one.case.gold)):
        span = one.case.candidates[place].target_span
        if span is not None:
            pieces = tuple(row + 1 for row in rows_of(good, span))
            marks.append(Mark("correct" if role == "correct" else "distractor", text.name, pieces))
    return tuple(marks)


def _answers(model: StockModel, one: PlacedCase) -> tuple[str, str]:
    """The words in which the translations differ, and the noun that each would mean."""
    case, decision = one.case, one.decision
    assert decision is not None  # the caller has looked
    pieces = [model.tokenizer.decode([piece]).strip() for piece in (decision.good, decision.bad)]
    words = []
    for translation, spans, piece in (
        (case.good, case.good_spans, pieces[0]),
        (case.bad, case.bad_spans, pieces[1]),
    ):
        words.append(translation[slice(*spans[0])] if translation and spans else piece)
    assert case.gold is not None  # placed cases have one
    nouns = case.candidates[case.gold].text, case.candidates[1 - case.gold].text
    return f"{words[0]} ({nouns[0]})", f"{words[1]} ({nouns[1]})"
