"""The carrier search on a model whose resolution is made by hand, and on its negative twin."""

from types import SimpleNamespace

import torch

from seq2seq.probe.causes.knock_outs import KnockOut, intervention_of
from seq2seq.probe.items.placement import PlacedCase
from tests.probe.placed_case import placed_case


def inputs(source: int, target: int) -> SimpleNamespace:
    return SimpleNamespace(
        source_ids=torch.zeros(2, source, dtype=torch.long),
        target_ids=torch.zeros(2, target, dtype=torch.long),
    )


def test_a_row_that_is_off_sees_only_itself_and_others_see_everything() -> None:
    batch = [placed_case(), placed_case()]
    knock_out = KnockOut("it off", "encoder", lambda one: (one.words["it"], ()), "alone")
    edges = intervention_of(knock_out, batch, inputs(9, 5)).edges
    (row,) = batch[0].words["it"]
    assert edges.shape == (2, 9, 9)
    assert edges[:, row].sum(-1).tolist() == [8, 8]
    assert not edges[0, row, row]
    assert edges.sum() == 16


def test_an_edge_is_blocked_for_every_row_and_column_of_its_words_and_nothing_else() -> None:
    one = placed_case()

    def edges(case: PlacedCase) -> tuple[tuple[int, ...], tuple[tuple[int, ...]]]:
        return case.words["it"], (case.nouns[0],)

    found = intervention_of(KnockOut("", "encoder", edges), [one, one], inputs(9, 5)).edges[0]
    assert [tuple(place) for place in found.nonzero().tolist()] == [
        (row, column) for row in one.words["it"] for column in one.nouns[0]
    ]


def test_cross_edges_run_from_target_rows_to_source_columns() -> None:
    knock_out = KnockOut(
        "decision→it", "cross", lambda one: ((one.decision.row,), (one.words["it"],))
    )
    assert intervention_of(knock_out, [placed_case()] * 2, inputs(9, 5)).edges.shape == (2, 5, 9)
