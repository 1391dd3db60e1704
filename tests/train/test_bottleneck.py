"""The bottleneck: a decision sees the listed words and nothing else of the source."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from seq2seq.data.batches import in_bottleneck
from seq2seq.data.marks import BatchMarks
from seq2seq.recipe import BottleneckSpec, TrainSpec
from seq2seq.train.criterion.bottleneck import Visibility, narrowed
from seq2seq.train.criterion.transformer import TransformerCriterion
from tests.train.batches import batch_of, losses_of
from tests.train.test_guided_attention import batch, model


def section(*visible: str, encoder: bool = False) -> BottleneckSpec:
    content = {"share": 0.5, "visible": visible, "encoder": encoder}
    return BottleneckSpec.model_validate(content)


def criterion(*visible: str) -> TransformerCriterion:
    return TransformerCriterion(model(), TrainSpec(bottleneck=section(*visible)))


@pytest.mark.parametrize(
    ("visible", "seen"),
    [(("pronoun",), {3}), (("cue",), {4}), (("pronoun", "cue"), {3, 4})],
)
def test_a_decision_reads_the_visible_words_and_no_others(
    visible: tuple[str, ...], seen: set[int]
) -> None:
    """Found by changing one source piece at a time, where nothing else carries it to and fro."""
    source, mask, target, marks = batch()
    one = criterion(*visible).eval()
    one.model.encode = lambda ids, _mask, visible: one.model.embedding(ids)  # type: ignore[method-assign]
    for layer in one.model.decoder:
        layer.self_attention.forward = lambda y, **_: torch.zeros_like(y)
    visible_places = narrowed(mask, marks, section(*visible))
    before = states(one, source, target, visible_places)
    read: dict[int, set[int]] = {place: set() for place in range(3)}
    for changed in range(6):
        other = source.clone()
        other[0, changed] = 20
        after = states(one, other, target, visible_places)
        for place in range(3):
            if not torch.equal(after[0, place], before[0, place]):
                read[place].add(changed)
    assert read == {0: set(range(6)), 1: seen, 2: set(range(6))}


def states(
    one: TransformerCriterion, source: torch.Tensor, target: torch.Tensor, visible: Visibility
) -> torch.Tensor:
    """Decoder states of all places, padding included."""
    whole = replace(batch_of(source, target), target_places=torch.arange(target.numel()))
    return one._states(whole, visible).view(*target.shape, -1)


def test_sentences_without_a_decision_see_everything() -> None:
    source, mask, target, marks = batch()
    one = criterion("pronoun").eval()
    visible = narrowed(mask, marks, section("pronoun"))
    assert torch.equal(visible.target[2], mask[2].expand(3, 6))
    open_ = states(one, source, target, Visibility())
    narrow = states(one, source, target, visible)
    torch.testing.assert_close(narrow[2], open_[2])
    assert not torch.allclose(narrow[0, 1], open_[0, 1])


def test_the_loss_changes_only_where_the_bottleneck_is_on() -> None:
    source, _, target, marks = batch()
    plain, off, on = (
        losses_of(criterion("pronoun"), one).loss
        for one in (
            batch_of(source, target),
            batch_of(source, target, marks),
            batch_of(source, target, marks, bottleneck=True),
        )
    )
    assert torch.equal(plain, off)
    assert not torch.equal(plain, on)


def test_a_batch_without_padding_is_narrowed_too() -> None:
    _, _, _, marks = batch()
    visible = narrowed(None, marks, section("pronoun"))
    assert visible.target[0].sum(1).tolist() == [6, 1, 6]


def test_in_the_encoder_the_pronoun_alone_tells_which_noun_fits() -> None:
    """Found by changing one source piece at a time in a sentence of two nouns and a clause."""
    source = torch.tensor([[5, 6, 7, 8, 9, 10, 11, 2]])  # noun at 0 1, noun at 3, "it" at 5
    mask = torch.ones_like(source, dtype=torch.bool)

    def at(*places: int, width: int = 8) -> torch.Tensor:
        marked = torch.zeros(1, width, dtype=torch.bool)
        marked[0, list(places)] = True
        return marked

    marks = BatchMarks(
        pronoun=at(5), cue=at(6), antecedent=at(3), distractor=at(0, 1), clause=at(4, 5, 6, 7),
        decision=at(1, width=3),
    )  # fmt: skip
    one = criterion("pronoun").eval()

    def read(visible: torch.Tensor | None, layers: int) -> dict[int, set[int]]:
        def states(ids: torch.Tensor) -> torch.Tensor:
            whole = one.model.encoder
            one.model.encoder = whole[:layers]
            found = one.model.encode(ids, mask, visible=visible)
            one.model.encoder = whole
            return found[0]

        before, seen = states(source), dict[int, set[int]]()
        for changed in range(8):
            other = source.clone()
            other[0, changed] = 20
            for row in (states(other) != before).any(1).nonzero()[:, 0].tolist():
                seen.setdefault(row, set()).add(changed)
        return seen

    everything = set(range(8))
    assert read(None, 1) == dict.fromkeys(range(8), everything)
    hidden = section("pronoun", encoder=True)
    narrow = narrowed(mask, marks, hidden).source
    rest = everything - {0, 1, 3}
    assert read(narrow, 1) == {
        0: {0, 1, 2}, 1: {0, 1, 2}, 2: rest, 3: {2, 3}, 4: rest, 5: everything, 6: rest, 7: rest,
    }  # fmt: skip
    no_decision = replace(marks, decision=at(width=3))
    assert narrowed(mask, no_decision, hidden).source.all()


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


@pytest.mark.parametrize("decoder", [True, False])
def test_earlier_target_pieces_pass_nothing_on_where_the_decoder_is_narrowed(decoder: bool) -> None:
    """Without it, the second layer reads rows that have seen the whole source in the first."""
    source, mask, target, marks = batch()
    one = criterion("pronoun").eval()
    one.model.encode = lambda ids, _mask, visible: one.model.embedding(ids)  # type: ignore[method-assign]
    assert len(one.model.decoder) > 1
    spec = BottleneckSpec.model_validate({"share": 0.5, "decoder": decoder})
    visible = narrowed(mask, marks, spec)
    before = states(one, source, target, visible)
    other = source.clone()
    other[0, 0] = 20  # a word that the decision, the second piece, must not know of
    after = states(one, other, target, visible)
    assert torch.equal(after[0, 1], before[0, 1]) == decoder
    assert not torch.equal(after[0, 2], before[0, 2])
