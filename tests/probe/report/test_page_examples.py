"""Which sentences a page shows, on cases made by hand."""

from dataclasses import replace

import numpy as np

from seq2seq.probe.items.case import Mention
from seq2seq.probe.items.placement import PlacedCase
from seq2seq.probe.report.page_examples import BEST_KNOWN, choose_examples
from tests.probe.placed_case import placed_case


def case(name: str, pair: str, *, text: str = "robot lifted crane because it was heavy .",
         cue: str = "heavy", role: str = "agent") -> PlacedCase:  # fmt: skip
    """A case whose cue can be another; its pieces do not matter here."""
    given = placed_case(name)
    start = text.index(cue)
    mentions = tuple(Mention("n", (0, 1), role=role) for _ in range(2))
    changed = replace(given.case, pair=pair, text=text, cue=(start, start + len(cue)),
                      candidates=mentions)  # fmt: skip
    return replace(given, case=changed)


LONG = "yesterday robot lifted crane because it was heavy ."
SHORT = "robot lifted crane because it was heavy ."


def test_of_each_family_the_shortest_right_pair_and_the_shortest_wrong_one_are_shown() -> None:
    placed = [
        case("a1", "a", text=LONG), case("a2", "a", text=LONG),
        case("b1", "b"), case("b2", "b"),
        case("c1", "c"), case("c2", "c"),
        case("d1", "d", role="kind"), case("d2", "d", role="kind"),
    ]  # fmt: skip
    right = np.array([True, True, True, True, True, False, True, True])
    shown = choose_examples(placed, right)
    assert [one.placed[0].case.pair for one in shown] == ["b", "d", "c"]
    assert [one.right for one in shown] == [(True, True), (True, True), (True, False)]
    assert [one.right for one in choose_examples(placed, ~right)][-1] == (False, False)


def test_the_best_known_sentence_comes_first_and_is_not_shown_twice() -> None:
    known = BEST_KNOWN.replace("heavy", "tidy")
    placed = [case("a1", "a"), case("a2", "a"), case("k1", "k", text=known, cue="tidy"),
              case("k2", "k", text=BEST_KNOWN)]  # fmt: skip
    shown = choose_examples(placed, np.array([True, True, False, True]))
    assert [one.placed[0].case.pair for one in shown] == ["k", "a"]
    assert shown[0].title == BEST_KNOWN.replace("heavy", "tidy / heavy")


def test_a_pair_whose_pieces_stand_opposite_each_other_comes_before_a_shorter_one() -> None:
    odd = case("b2", "b")
    odd = replace(odd, source=replace(odd.source, ids=(*odd.source.ids, 1)))
    placed = [case("b1", "b"), odd, case("a1", "a", text=LONG), case("a2", "a", text=LONG)]
    (first,) = choose_examples(placed, np.ones(4, bool))
    assert first.placed[0].case.pair == "a"


def test_a_case_without_a_twin_is_shown_by_itself_under_its_own_text() -> None:
    (shown,) = choose_examples([case("a1", "")], np.array([True]))
    assert (shown.title, len(shown.placed)) == (SHORT, 1)
