"""A case as the page shows it: the right words marked, and knock-outs that cut what they name."""

import numpy as np
import pytest

from seq2seq.probe.items.placement import place_cases
from seq2seq.probe.measures.routes import score_routes
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.page_readings import readings_of, shown_knock_outs
from seq2seq.viewer.content import Reading
from seq2seq.viewer.words import word_label
from tests.probe.planted_model import IT, cases, planted_model

PLANTED = planted_model()
MODEL = StockModel(PLANTED.model, PLANTED.tokenizer, name="plain")  # whose maps are its own
PLACED = place_cases(MODEL, cases(start=30, count=1)).placed  # noun5 and noun0, "big" and "small"
NAMES = ["“it” does not see the nouns", "“it” does not see two other words (control)",
         "“it” sees each noun in place of the other", "“it” does not see the antecedent",
         "“it” sees only itself", "the decision does not see the cue"]  # fmt: skip


@pytest.fixture(scope="module")
def readings() -> tuple[Reading, ...]:
    knock_outs = shown_knock_outs(MODEL, PLACED, "decision→cue")
    return readings_of(MODEL, PLACED, knock_outs, [()] * len(PLACED))


def marked(reading: Reading, text: str, role: str) -> list[str]:
    shown = reading.text(text)
    return [
        word_label(shown, shown.words[piece])
        for mark in reading.marks
        if (mark.text, mark.role) == (text, role)
        for piece in mark.pieces
    ]


def test_words_are_marked_by_the_role_they_play_in_both_languages(
    readings: tuple[Reading, ...],
) -> None:
    for reading, noun, other, cue, said in (
        (readings[0], "noun5", "noun0", "big", "sie"),
        (readings[1], "noun0", "noun5", "small", "er"),
    ):
        assert marked(reading, "source", "pronoun") == ["it"]
        assert marked(reading, "source", "cue") == [cue]
        assert marked(reading, "translation", "decision") == [said]
        for text in ("source", "translation"):
            assert marked(reading, text, "correct") == [noun]
            assert marked(reading, text, "distractor") == [other]
        assert reading.answers == (f"{said} ({noun})", f"{'er' if said == 'sie' else 'sie'} "
                                   f"({other})")  # fmt: skip


def test_the_preference_is_the_one_that_the_probe_counts(readings: tuple[Reading, ...]) -> None:
    counted = score_routes(MODEL, PLACED, gradients=False).preference
    assert counted is not None
    assert [one.preference for one in readings] == pytest.approx(counted.tolist(), abs=1e-5)


def test_each_variant_cuts_what_its_name_says_and_nothing_else(
    readings: tuple[Reading, ...],
) -> None:
    for reading, gold in zip(readings, (1, 4), strict=True):
        assert [one.name for one in reading.variants] == NAMES
        links, control, exchanged, link, alone, decision = reading.variants
        row = [one.panels[0].maps[0, :, IT] for one in (links, control, link, alone)]  # layer 0
        assert (row[0][:, [1, 4]] == 0).all()
        assert (row[0] > 0).sum(axis=1).tolist() == [9] * 4
        assert (row[1][:, [1, 4]] > 0).all()
        assert (row[1] > 0).sum(axis=1).tolist() == [9] * 4
        assert (row[2][:, gold] == 0).all()
        assert (row[2] > 0).sum(axis=1).tolist() == [10] * 4
        np.testing.assert_array_equal(row[3], np.eye(11)[[IT] * 4])
        before, after = (one.panels[0].maps[0, :, IT] for one in (reading, exchanged))
        np.testing.assert_allclose(after[:, [1, 4]], before[:, [4, 1]], atol=1e-6)
        cross = decision.panels[0]
        assert cross.stack == "cross"
        assert (cross.maps[:, :, 3, 8] == 0).all()  # the row that writes "er" or "sie"
        assert (np.delete(cross.maps[0], 3, axis=1) > 0).all()


def test_what_is_written_changes_only_where_writing_was_free(
    readings: tuple[Reading, ...],
) -> None:
    for reading in readings:
        assert reading.output is not None
        assert all(one.output is not None for one in reading.variants[:5])
        assert reading.variants[5].output is None, "later decisions have no such row"


def test_a_carrier_that_is_the_link_itself_is_not_offered_twice() -> None:
    assert [one.name for one in shown_knock_outs(MODEL, PLACED, "it off")] == NAMES[:5]
    assert [one.name for one in shown_knock_outs(MODEL, PLACED, None)] == NAMES[:5]
