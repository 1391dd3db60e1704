"""The guided attention is the model's own: against the stock classes' maps, and by hand."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import M2M100ForConditionalGeneration, MarianMTModel

from seq2seq.data.marks import BatchMarks
from seq2seq.model.config import build_config
from seq2seq.model.stock import stock_state
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import Family, GuidedAttentionSpec
from seq2seq.train.guidance import attention_loss, inputs_of
from seq2seq.train.trainee import Trainee

PAD = 1


def model(family: Family = "m2m_100", *, dropout: float = 0.0) -> Transformer:
    torch.manual_seed(0)
    config = build_config(
        family, vocab_size=30, width=16, ffn_width=32, heads=4, encoder_layers=2,
        decoder_layers=2, dropout=dropout, attention_dropout=0.0, activation_dropout=0.0,
        activation="relu", scale_embedding=True, max_positions=32,
    )  # fmt: skip
    ours = Transformer(config)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
        ours.embedding.weight[config.pad_token_id] = 0
    return ours


def batch(pad: int = PAD) -> tuple[Tensor, Tensor, Tensor, BatchMarks]:
    source = torch.tensor([[5, 6, 7, 8, 9, 2], [8, 9, 10, 2, pad, pad], [11, 12, 13, 14, 2, pad]])
    target = torch.tensor([[15, 16, 2], [17, 18, 2], [19, 2, pad]])

    def places(width: int, *found: tuple[int, int]) -> Tensor:
        marked = torch.zeros(3, width, dtype=torch.bool)
        for row, place in found:
            marked[row, place] = True
        return marked

    marks = BatchMarks(
        pronoun=places(6, (0, 3), (1, 2), (2, 0)),  # the last has no antecedent
        cue=places(6, (0, 4), (1, 0), (1, 1)),
        antecedent=places(6, (0, 0), (0, 1), (1, 2)),
        distractor=places(6),
        clause=places(6),
        decision=places(3, (0, 1), (1, 0)),
    )
    return source, source != pad, target, marks


def stock_maps(ours: Transformer, source: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
    """Encoder attention of the stock class: layers of (sentence, head, query, key)."""
    config = ours.config
    config._attn_implementation = "eager"
    kind = MarianMTModel if config.model_type == "marian" else M2M100ForConditionalGeneration
    stock = kind(config).eval()
    stock.load_state_dict(stock_state(ours), strict=False)
    maps: tuple[Tensor, ...] = stock.get_encoder()(
        input_ids=source, attention_mask=mask.long(), output_attentions=True
    ).attentions
    return maps


@pytest.mark.parametrize("family", ["m2m_100", "marian"])
@pytest.mark.parametrize("head", [0, 3, None])
def test_guidance_is_the_surprise_at_what_the_stock_class_attends_to(
    family: Family, head: int | None
) -> None:
    ours = model(family).eval()
    source, mask, _, marks = batch(ours.config.pad_token_id)
    maps = stock_maps(ours, source, mask)
    for layer, read in enumerate(maps):
        attention = ours.encoder[layer].self_attention
        with inputs_of(attention) as inputs:
            ours.encode(source, mask)
        of_pronoun = -log_mass(read, head, 0, 3, (0, 1)) - log_mass(read, head, 1, 2, (2,))
        of_cue = (
            -log_mass(read, head, 0, 4, (0, 1))
            - (log_mass(read, head, 1, 0, (2,)) + log_mass(read, head, 1, 1, (2,))) / 2
        )
        for asking, expected in ((marks.pronoun, of_pronoun), (marks.cue, of_cue)):
            loss = attention_loss(
                attention, inputs[0][0], mask, asking, marks.antecedent, head=head
            )
            torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)


def mass(maps: Tensor, head: int | None, row: int, query: int, keys: tuple[int, ...]) -> Tensor:
    heads = maps[row] if head is None else maps[row, head : head + 1]
    return heads[:, query, list(keys)].sum(-1).mean()


def log_mass(maps: Tensor, head: int | None, row: int, query: int, keys: tuple[int, ...]) -> Tensor:
    return mass(maps, head, row, query, keys).log()


def guided_trainee(weight: float = 1.0, **spec: object) -> Trainee:
    guided = GuidedAttentionSpec.model_validate({"weight": weight, "layer": 1, "head": 2, **spec})
    return Trainee(model(), label_smoothing=0.1, rdrop_weight=0.0, guided=guided)


def test_training_adds_the_weighted_guided_loss_to_the_plain_one() -> None:
    source, mask, target, marks = batch()
    plain, nll, *_ = guided_trainee()(source, mask, target)
    loss, same_nll, guided, _ = guided_trainee()(source, mask, target, marks, guidance=0.5)
    torch.testing.assert_close(loss, plain + 0.5 * guided)
    assert nll == same_nll
    assert guided > 0.5


def test_guidance_alone_makes_the_head_attend_to_the_antecedent() -> None:
    source, mask, target, marks = batch()
    one = guided_trainee()
    optimizer = torch.optim.Adam(one.parameters(), lr=0.01)
    first = float(one(source, mask, target, marks, guidance=100.0)[2])
    for _ in range(60):
        optimizer.zero_grad()
        loss, _, guided, _ = one(source, mask, target, marks, guidance=100.0)
        loss.backward()
        optimizer.step()
    assert float(guided) < 0.1 * first
    maps = stock_maps(one.model.eval(), source, mask)
    assert mass(maps[1], 2, 0, 3, (0, 1)) > 0.9
    assert mass(maps[1], 1, 0, 3, (0, 1)) < 0.9, "a head that was not guided"


def test_a_batch_without_antecedents_is_guided_by_nothing() -> None:
    source, mask, target, marks = batch()
    nothing = replace(marks, antecedent=torch.zeros_like(marks.cue))
    plain = guided_trainee()(source, mask, target)[0]
    loss, _, guided, _ = guided_trainee()(source, mask, target, nothing, guidance=3.0)
    assert float(guided) == 0.0
    assert torch.equal(loss, plain)
    loss.backward()


def test_a_weight_of_zero_is_off() -> None:
    source, mask, target, marks = batch()
    plain = guided_trainee()(source, mask, target)
    assert guided_trainee(weight=0.0)(source, mask, target, marks) == plain
    assert plain.guided is None


def test_gradients_are_the_same_with_activations_computed_again() -> None:
    source, mask, target, marks = batch()
    gradients = []
    for again in (False, True):
        one = guided_trainee().train()
        one.model.gradient_checkpointing = again
        one(source, mask, target, marks, guidance=2.0)[0].backward()
        gradients.append(
            torch.cat([p.grad.flatten() for p in one.parameters() if p.grad is not None])
        )
    torch.testing.assert_close(gradients[0], gradients[1])
    assert gradients[0].abs().max() > 0.1


def test_both_passes_of_rdrop_are_guided() -> None:
    source, mask, target, marks = batch()
    one = Trainee(
        model(dropout=0.3), label_smoothing=0.0, rdrop_weight=1.0,
        guided=GuidedAttentionSpec(weight=1.0, layer=1, head=0),
    )  # fmt: skip
    torch.manual_seed(4)
    guided = one(source, mask, target, marks, guidance=1.0)[2]
    torch.manual_seed(4)
    attention = one.model.encoder[1].self_attention
    with inputs_of(attention) as inputs:
        one(source, mask, target)
    losses = [
        attention_loss(attention, x, mask, marks.pronoun, marks.antecedent, head=0)
        for x, *_ in inputs
    ]
    assert len(losses) == 2
    assert losses[0] != losses[1]
    torch.testing.assert_close(guided, sum(losses) / 2)


def test_listening_ends_with_its_context() -> None:
    ours = model()
    with inputs_of(ours.encoder[0]) as inputs:
        pass
    ours.encode(torch.tensor([[5, 2]]), None)
    assert inputs == []
    assert not ours.encoder[0]._forward_pre_hooks
