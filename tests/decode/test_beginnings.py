"""A prefix for each source: what one for all sources does, in one batch."""

from dataclasses import replace

import pytest

from seq2seq.decode.options import DecodeOptions
from seq2seq.engines.native import NativeEngine
from seq2seq.engines.stock import StockEngine
from seq2seq.errors import ModelError
from tests.decode.conftest import Trained
from tests.decode.native import decode


@pytest.mark.parametrize("options", [
    {"beams": 1}, {"beams": 4, "length_penalty": 1.5}, {"beams": 3, "early_stopping": False},
    {"beams": 3, "early_stopping": "never", "length_penalty": 0.5}, {"beams": 4, "n_best": 4},
    {"beams": 3, "first_id": 9, "no_repeat_ngram": 2},
])  # fmt: skip
def test_a_prefix_of_its_own_does_what_one_for_all_does(trained: Trained, options):
    """Against the search in which all outputs begin alike, one source at a time."""
    sources = trained.sources[:6]
    prefixes = [[], [7], [6, 8, 9], [7, 7], [], [10, 6, 8, 9]]
    wanted = DecodeOptions(max_length=12, **options)
    behind = replace(wanted, max_length=None, max_length_factor=0, max_length_offset=12)
    found = decode(trained.ours, sources, behind, prefixes=prefixes)
    for source, prefix, row in zip(sources, prefixes, found, strict=True):
        alone = replace(wanted, prefix=tuple(prefix), max_length=12 + len(prefix))
        (expected,) = decode(trained.ours, [source], alone)
        head = len(wanted.given)
        assert [one.ids for one in row] == [
            (*one.ids[:head], *one.ids[head + len(prefix) :]) for one in expected
        ]
        assert [one.score for one in row] == pytest.approx([e.score for e in expected], abs=1e-5)


def test_other_programs_take_context_on_the_source_side_alone(trained: Trained):
    engine = StockEngine(trained.stock)
    source = trained.sources[0]
    with pytest.raises(
        ModelError, match="transformers engine: it begins all outputs of a batch alike"
    ):
        engine.search([source], DecodeOptions(), prefixes=[[7]])
    assert engine.search([source], DecodeOptions(), prefixes=[[]])


def test_a_context_longer_than_the_model_can_write_is_refused(trained: Trained):
    with pytest.raises(ModelError, match="begin with '64' pieces, the model can write 64"):
        NativeEngine(trained.ours).search(
            trained.sources[:2], DecodeOptions(), prefixes=[[], [7] * 64]
        )
