from collections import Counter
from typing import Any

import pytest
import torch
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from seq2seq.decode.forced import force
from seq2seq.decode.options import DecodeOptions, Sampling
from seq2seq.decode.sample import fixed_draws, likely_part
from seq2seq.decode.search import decode


def options(n_best: int = 1, **sampling: Any) -> DecodeOptions:
    return DecodeOptions(beams=1, n_best=n_best, sampling=Sampling(**sampling))


def test_the_same_seed_draws_the_same_samples_and_another_seed_others(trained: Any) -> None:
    first = decode(trained.ours, trained.sources, options(3, seed=5))
    assert decode(trained.ours, trained.sources, options(3, seed=5)) == first
    other = decode(trained.ours, trained.sources, options(3, seed=6))
    assert [h[0].ids for h in other] != [h[0].ids for h in first]


def test_a_sample_depends_on_its_text_alone(trained: Any) -> None:
    together = decode(trained.ours, trained.sources, options(2), batch_tokens=90)
    for source, samples in zip(trained.sources, together, strict=True):
        alone = decode(trained.ours, [source], options(2))[0]
        assert [one.ids for one in alone] == [one.ids for one in samples]


def test_one_sample_more_leaves_the_others_as_they_are(trained: Any) -> None:
    two = decode(trained.ours, trained.sources[:5], options(2))
    three = decode(trained.ours, trained.sources[:5], options(3))
    for few, more in zip(two, three, strict=True):
        assert {one.ids for one in few} <= {one.ids for one in more}


def test_pieces_are_drawn_as_often_as_they_are_probable(trained: Any) -> None:
    source = trained.sources[0]
    samples = decode(trained.ours, [source], options(4000), batch_tokens=10**6)[0]
    counts = Counter(one.ids[0] for one in samples)
    for piece, count in counts.most_common(4):
        probability = torch.tensor(force(trained.ours, [source], [[piece]])[0].log_probability)
        assert count / 4000 == pytest.approx(probability.exp().item(), abs=0.035)
    assert len(counts) > 2


def test_low_temperature_and_top_1_are_greedy_search(trained: Any) -> None:
    greedy = decode(trained.ours, trained.sources, DecodeOptions(beams=1))
    for sampling in ({"temperature": 1e-4}, {"top_k": 1}, {"top_p": 1e-6}):
        drawn = decode(trained.ours, trained.sources, options(**sampling))
        assert [h[0].ids for h in drawn] == [h[0].ids for h in greedy]
        assert [h[0].score for h in drawn] == pytest.approx([h[0].score for h in greedy], abs=1e-5)


def test_scores_are_those_of_the_unfiltered_model_best_first(trained: Any) -> None:
    found = decode(trained.ours, trained.sources, options(3, temperature=1.3, top_k=8))
    for source, samples in zip(trained.sources, found, strict=True):
        forced = force(trained.ours, [source] * 3, [one.ids for one in samples])
        assert [one.score for one in samples] == pytest.approx(
            [one.score(1.0) for one in forced], abs=1e-4
        )
        assert [one.score for one in samples] == sorted(one.score for one in samples)[::-1]


def test_samples_stop_at_the_limit_and_obey_what_is_forbidden(trained: Any) -> None:
    wanted = DecodeOptions(
        beams=1, n_best=2, max_length_factor=0, max_length_offset=4, min_length=3, first_id=9,
        no_repeat_ngram=1, sampling=Sampling(temperature=3.0),
    )  # fmt: skip
    config = trained.ours.config
    for samples in decode(trained.ours, trained.sources, wanted):
        for one in samples:
            assert one.ids[0] == 9
            assert len(one.ids) == 4
            assert len(set(one.ids)) == 4
            assert config.pad_token_id not in one.ids
            assert one.ended == (one.ids[-1] == config.eos_token_id)


@pytest.mark.parametrize(
    "sampling", [Sampling(temperature=0.7), Sampling(top_k=5), Sampling(top_p=0.8),
                 Sampling(temperature=1.5, top_k=20, top_p=0.6)],
)  # fmt: skip
def test_the_likely_part_is_that_of_transformers(sampling: Sampling) -> None:
    logits = torch.randn(20, 60)
    wanted = TemperatureLogitsWarper(sampling.temperature)(None, logits)
    if sampling.top_k:
        wanted = TopKLogitsWarper(sampling.top_k)(None, wanted)
    if sampling.top_p < 1:
        wanted = TopPLogitsWarper(sampling.top_p)(None, wanted)
    assert torch.equal(likely_part(logits, sampling), wanted)


def test_a_shorter_draw_is_the_beginning_of_a_longer_one() -> None:
    long = fixed_draws([[1, 2], [3]], 2, length=50, seed=1)
    assert torch.equal(fixed_draws([[1, 2], [3]], 2, length=7, seed=1), long[:, :, :7])
    assert 0.4 < long.mean() < 0.6
    assert long.unique().numel() == long.numel()
