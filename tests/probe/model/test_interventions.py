import pytest
import torch

from seq2seq.errors import ModelError
from seq2seq.probe.model.interventions import (
    BlockedEdges,
    ExchangedColumns,
    HeadAblation,
    Patch,
    require_fit,
    self_only,
)

DEPTH, HEADS = {"encoder": 3, "cross": 2}, {"encoder": 4, "cross": 2}
FOUR_OF_THREE = torch.zeros(3, 4, dtype=torch.bool)
EDGES = torch.zeros(1, 2, 2, dtype=torch.bool)
ROWS, SAID = torch.zeros(1, 2, dtype=torch.bool), torch.zeros(1, 2, 6)


def test_self_only_cuts_every_edge_of_a_row_but_its_own():
    edges = self_only(torch.tensor([[False, True, False], [False, False, False]]))
    assert edges[0].tolist() == [[False] * 3, [True, False, True], [False] * 3]
    assert not edges[1].any()


def test_means_belong_to_mean_ablation_and_to_no_other():
    HeadAblation("encoder", FOUR_OF_THREE, "uniform")
    HeadAblation("encoder", FOUR_OF_THREE, "mean", torch.zeros(3, 4, 6))
    with pytest.raises(ModelError, match="how is 'uniform' and means are given"):
        HeadAblation("encoder", FOUR_OF_THREE, "uniform", torch.zeros(3, 4, 6))
    with pytest.raises(ModelError, match="how is 'mean' and means are missing"):
        HeadAblation("encoder", FOUR_OF_THREE, "mean")


@pytest.mark.parametrize(
    ("intervention", "message"),
    [
        (
            BlockedEdges("decoder", EDGES),
            "BlockedEdges of decoder heads: the model has encoder, cross",
        ),
        (
            BlockedEdges("cross", EDGES, FOUR_OF_THREE),
            r"heads have shape \(3, 4\), needed \(2, 2\)",
        ),
        (
            ExchangedColumns("cross", ROWS, EDGES, FOUR_OF_THREE),
            r"ExchangedColumns of cross heads: heads have shape \(3, 4\)",
        ),
        (HeadAblation("cross", FOUR_OF_THREE, "uniform"), r"shape \(3, 4\), needed \(2, 2\)"),
        (Patch("cross", 2, 0, ROWS, SAID), "layer 2 head 0; the model has 2 layers of 2 heads"),
        (Patch("encoder", 0, 4, ROWS, SAID), "layer 0 head 4; the model has 3 layers of 4 heads"),
        (Patch("encoder", -1, 0, ROWS, SAID), "layer -1 head 0"),
    ],
)
def test_places_that_a_model_does_not_have_are_refused(intervention, message):
    with pytest.raises(ModelError, match=message):
        require_fit([intervention], depth=DEPTH, heads=HEADS)


def test_places_that_a_model_has_are_taken():
    fitting = [
        BlockedEdges("cross", EDGES),
        BlockedEdges("encoder", EDGES, FOUR_OF_THREE),
        HeadAblation("encoder", FOUR_OF_THREE, "uniform"),
        Patch("encoder", 2, 3, ROWS, SAID),
    ]
    require_fit(fitting, depth=DEPTH, heads=HEADS)
