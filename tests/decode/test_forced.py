from typing import Any

import pytest
import torch

from seq2seq.decode.options import DecodeOptions
from seq2seq.errors import ModelError
from tests.decode.native import decode, force


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 1.7])
def test_a_hypothesis_gets_the_score_that_the_search_gave_it(
    trained: Any, length_penalty: float
) -> None:
    wanted = DecodeOptions(beams=4, n_best=4, length_penalty=length_penalty, no_repeat_ngram=2)
    found = decode(trained.ours, trained.sources, wanted)
    sources = [source for source, h in zip(trained.sources, found, strict=True) for _ in h]
    hypotheses = [one for h in found for one in h]
    forced = force(trained.ours, sources, [one.ids for one in hypotheses], batch_tokens=100)
    assert len({one.ids for one in hypotheses}) > 50
    for one, score in zip(hypotheses, forced, strict=True):
        assert score.score(length_penalty) == pytest.approx(one.score, abs=1e-4)
        assert score.log_probability == pytest.approx(one.log_probability, abs=1e-4)


def test_a_hypothesis_that_was_cut_off_gets_its_score_too(trained: Any) -> None:
    wanted = DecodeOptions(beams=3, max_length_factor=0, max_length_offset=3)
    best = [h[0] for h in decode(trained.ours, trained.sources, wanted)]
    assert any(not one.ended for one in best)
    forced = force(trained.ours, trained.sources, [one.ids for one in best])
    assert [one.score(1.0) for one in forced] == pytest.approx([b.score for b in best], abs=1e-5)


def test_the_piece_a_target_has_to_begin_with_is_certain(trained: Any) -> None:
    wanted = DecodeOptions(beams=3, first_id=9)
    best = [h[0] for h in decode(trained.ours, trained.sources, wanted)]
    forced = force(trained.ours, trained.sources, [one.ids for one in best], first_id=9)
    assert [one.score(1.0) for one in forced] == pytest.approx([b.score for b in best], abs=1e-5)
    assert all(one.token_log_probabilities[0] == 0 for one in forced)
    free = force(trained.ours, trained.sources, [one.ids for one in best])
    assert all(one.token_log_probabilities[0] < 0 for one in free)


@torch.no_grad()
def test_every_piece_has_the_log_probability_of_the_stock_class(trained: Any) -> None:
    config = trained.ours.config
    targets = [list(reversed(source[:-1])) for source in trained.sources]
    forced = force(trained.ours, trained.sources, targets, batch_tokens=50)
    for source, target, score in zip(trained.sources, targets, forced, strict=True):
        inputs = torch.tensor([[config.decoder_start_token_id, *target[:-1]]])
        logits = trained.stock(input_ids=torch.tensor([source]), decoder_input_ids=inputs).logits
        wanted = logits[0].log_softmax(-1).gather(1, torch.tensor(target)[:, None])[:, 0]
        assert score.token_log_probabilities == pytest.approx(wanted.tolist(), abs=1e-4, rel=1e-4)


def test_unequal_numbers_are_refused(trained: Any) -> None:
    with pytest.raises(ModelError, match="'24' sources and '1' targets, needed one target for"):
        force(trained.ours, trained.sources, [[1]])


def test_sides_that_are_empty_or_too_long_are_refused(trained: Any) -> None:
    message = "decode: source 2 has '0' pieces, source 3 has '65' pieces, needed 1 to 64; split or"
    with pytest.raises(ModelError, match=message):
        decode(trained.ours, [[5], [], [5] * 65], DecodeOptions())
    with pytest.raises(ModelError, match=r"target 1 has '0' pieces, .* and 1 more, needed 1 to 64"):
        force(trained.ours, [[5]] * 4, [[]] * 4)
