"""Every route, variant and word that a probe can name has its words, and none has words in vain."""

from seq2seq.probe.causes.knock_outs import ALL_WORDS, OTHER_WORDS, knock_outs_of
from seq2seq.probe.items.placement import WORDS, place_cases
from seq2seq.probe.measures.routes import score_routes
from seq2seq.probe.measures.scores import ROUTES_OF_HEADS
from seq2seq.probe.report.wording import REMOVED_WITH, ROUTES, VARIANTS, in_short, in_words
from tests.probe.planted_model import cases, planted_model

MODEL = planted_model()
PLACED = place_cases(MODEL, cases(start=0, count=2)).placed


def test_every_route_and_variant_that_is_measured_is_named() -> None:
    measured = score_routes(MODEL, PLACED, contributions=True)
    assert measured.skipped == ()
    measures = measured.scores.measures
    assert {one.route for one in measures} == set(ROUTES)
    assert {one.variant for one in measures} == set(VARIANTS)


def test_routes_of_single_heads_are_known_as_such_with_their_stack() -> None:
    measures = score_routes(MODEL, PLACED).scores.measures
    known = {route: stack for route, (stack, *_) in ROUTES_OF_HEADS.items()}
    assert {one.route: one.stack for one in measures if one.head is not None} == known


def test_what_removes_a_route_is_tried() -> None:
    assert set(REMOVED_WITH) <= set(ROUTES)
    assert set(REMOVED_WITH.values()) <= set(knock_outs_of(PLACED))


def test_every_word_and_knock_out_has_words() -> None:
    for word in (*WORDS, OTHER_WORDS, ALL_WORDS):
        assert in_short(word) != word
        assert in_words(f"{word} off") != f"{word} off"
    for name in knock_outs_of(PLACED):
        assert in_words(name) != name, name
