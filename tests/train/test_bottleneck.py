"""The bottleneck: a decision sees the listed words and nothing else of the source."""

import numpy as np
import pytest
import torch

from seq2seq.data.batches import in_bottleneck
from seq2seq.train.trainee import Trainee
from tests.train.test_guidance import batch, model


def trainee(*visible: str) -> Trainee:
    return Trainee(model(), label_smoothing=0.0, rdrop_weight=0.0, visible=visible)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("visible", "seen"),
    [(("pronoun",), {3}), (("cue",), {4}), (("pronoun", "cue"), {3, 4})],
)
def test_a_decision_reads_the_visible_words_and_no_others(
    visible: tuple[str, ...], seen: set[int]
) -> None:
    """Found by changing one source piece at a time, where nothing else carries it to and fro."""
    source, mask, target, marks = batch()
    one = trainee(*visible).eval()
    one.model.encode = lambda ids, _mask: one.model.embedding(ids)  # type: ignore[method-assign]
    for layer in one.model.decoder:
        layer.self_attention.forward = lambda y, **_: torch.zeros_like(y)
    sight = one._sight(mask, marks)
    before = one._hidden(source, mask, target, sight)
    read: dict[int, set[int]] = {place: set() for place in range(3)}
    for changed in range(6):
        other = source.clone()
        other[0, changed] = 20
        after = one._hidden(other, mask, target, sight)
        for place in range(3):
            if not torch.equal(after[0, place], before[0, place]):
                read[place].add(changed)
    assert read == {0: set(range(6)), 1: seen, 2: set(range(6))}


def test_sentences_without_a_decision_see_everything() -> None:
    source, mask, target, marks = batch()
    one = trainee("pronoun").eval()
    sight = one._sight(mask, marks)
    assert torch.equal(sight[2], mask[2].expand(3, 6))
    open_ = one._hidden(source, mask, target)
    narrow = one._hidden(source, mask, target, sight)
    torch.testing.assert_close(narrow[2], open_[2])
    assert not torch.allclose(narrow[0, 1], open_[0, 1])


def test_the_loss_changes_only_where_the_bottleneck_is_on() -> None:
    source, mask, target, marks = batch()
    plain, off, on = (
        trainee("pronoun")(source, mask, target, *extra, **named)[0]
        for extra, named in (
            ((), {}),
            ((marks,), {}),
            ((marks,), {"bottleneck": True}),
        )
    )
    assert torch.equal(plain, off)
    assert not torch.equal(plain, on)


def test_a_batch_without_padding_is_narrowed_too() -> None:
    _, _, _, marks = batch()
    sight = trainee("pronoun")._sight(None, marks)
    assert sight[0].sum(1).tolist() == [6, 1, 6]


def test_the_share_of_batches_is_kept_and_decided_by_number_alone() -> None:
    def drawn(share: float, seed: int = 1, epoch: int = 0) -> list[bool]:
        return [in_bottleneck(share, seed=seed, epoch=epoch, number=n) for n in range(2000)]

    half = drawn(0.5)
    assert np.mean(half) == pytest.approx(0.5, abs=0.04)
    assert np.mean(drawn(0.2)) == pytest.approx(0.2, abs=0.04)
    assert half == drawn(0.5)
    assert not any(drawn(0.0))
    assert all(drawn(1.0))
    for other in (drawn(0.5, seed=2), drawn(0.5, epoch=1)):
        assert np.mean(np.equal(half, other)) == pytest.approx(0.5, abs=0.05)
