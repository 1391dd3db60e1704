"""Marked words: a planted reader is found out, and its twins are not taken for one."""

from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq.evaluate.item import Suite
from seq2seq.evaluate.suites.scat import read_scat
from seq2seq.probe.items.marked import place_marked, read_marked
from seq2seq.probe.marked_study import probe_marks
from seq2seq.probe.report.result import StudySpec
from seq2seq.probe.statistics.enough import LEAST
from tests.probe.marked_items import COLUMNS, WORDS, Looks, marked_reader, records, scat_file
from tests.probe.planted_model import HEAD, LAYER

SPEC = StudySpec("SCAT", "", resamples=99, random_twins=0)
CONTEXT, SENTENCE, SOURCE = range(3)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return read_scat(scat_file(tmp_path_factory.mktemp("scat")))


@pytest.mark.parametrize(
    ("looks", "needs"),
    [("marked", True), ("marked", False), ("either", True), ("unmarked", False)],
)
def test_what_the_head_looks_at_is_seen_and_what_the_answer_hangs_on_is_used(
    suite: Suite, looks: Looks, needs: bool
) -> None:
    found = probe_marks(marked_reader(looks=looks, needs=needs), suite, SPEC)
    context = found[CONTEXT].verdict
    seen = looks == "marked"
    assert context["seen"] is seen
    assert context["visible"]["sign"] == 1, "looking away is no way of looking at them"
    assert ("the deciding row" in context["used_from"]) is needs
    assert (f"this head (decoder layer {LAYER} head {HEAD})" in context["used_from"]) is (
        seen and needs
    )
    assert (found[CONTEXT].items, found[CONTEXT].chosen_on) == (43, 21)
    moved = context["moved"]
    assert (moved["seen"], moved["used_from"]) == (False, ()), "the marks mean nothing there"
    said = " ".join(found[CONTEXT].lines)
    assert ("Seen? yes" in said, "Used by the deciding row? yes" in said) == (seen, needs)
    for one in (found[SENTENCE], found[SOURCE]):
        assert one.lines == ("In short: nothing to see: the model reads no marked word there.",)
        assert one.left_out == ("64 left out: no word is marked there",)


def test_a_model_that_reads_no_context_has_nothing_to_see(suite: Suite) -> None:
    context = probe_marks(marked_reader(sentences=0), suite, SPEC)[CONTEXT]
    assert (context.items, context.chosen_on, context.verdict["seen"]) == (0, 0, False)
    assert context.lines[0].startswith("In short: nothing to see")
    assert context.left_out == (
        "64 left out: the marked words stand in an earlier sentence than the model is given",
    )


def test_of_few_items_nothing_is_told(suite: Suite) -> None:
    few = replace(suite, items=suite.items[: 2 * LEAST])
    context = probe_marks(marked_reader(), few, SPEC)[CONTEXT]
    assert context.lines == (
        "In short: too few to tell: 8 items in 8 clusters to choose on and 16 in 16 to report, "
        f"needed {LEAST} clusters of each.",
    )
    told = [context.verdict[name] for name in ("seen", "knows", "used_from")]
    assert told == [None] * 3, "neither yes nor no"


def test_words_stand_where_they_can_be_counted_by_hand(tmp_path: Path) -> None:
    """</s> le nom0 voit la nom1 encore . | donc il: row 9 decides."""
    model = marked_reader()
    items, lost = read_marked(model, read_scat(scat_file(tmp_path, records()[:2])).items)
    assert not lost
    assert (items[0].decision.row, items[0].sentence) == (9, (8, 9))
    (first, second), _ = place_marked(items, "target context")
    for one, nouns in ((first, COLUMNS), (second, COLUMNS[::-1])):
        assert one.decision is not None
        assert one.decision.nouns == tuple((row,) for row in nouns)
        assert one.decision.prefix[nouns[0]] == WORDS.index(one.case.candidates[one.case.gold].text)
    ((moved, _), _) = place_marked(items, "target context", moved=True)
    assert moved.decision is not None
    assert moved.decision.nouns == ((5,), (6,)), "the nearest other content word, not the marked"


def test_marks_in_the_sentence_and_in_the_source_are_asked_about_too(tmp_path: Path) -> None:
    plain = records()[0] | {"target_context_support": []}
    sentence = "le nom0 voit la nom1 donc il est vu ."
    lines = [
        plain | {"target": sentence, "target_pronouns": [[26, 28]], "target_support": [[3, 7]]},
        plain | {"target_support": [[12, 14]]},
        plain | {"source_support": [[0, 2]]},
        plain | {"source_support": [[3, 5]]},
        plain | {"source_support": [[9, 12]]},
    ]
    items, _ = read_marked(marked_reader(), read_scat(scat_file(tmp_path, lines)).items)
    (one,), left_out = place_marked(items, "target sentence")
    assert one.decision is not None
    assert one.decision.nouns == ((10,), (13,)), "behind the context and its separator"
    unseen = "the marked words are the pronoun, or stand behind it, where its row cannot look"
    assert left_out == {"no word is marked there": 3, unseen: 1}
    (one,), left_out = place_marked(items, "source")
    assert (one.nouns, one.words["it"], one.others) == (((0,), (2,)), (1,), ((3,),))
    unlike = "no unmarked word of the same kind and number of pieces stands there"
    assert left_out == {"no word is marked there": 2, unseen: 1, unlike: 1}
