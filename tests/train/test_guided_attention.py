"""The guided attention is the model's own: against the stock classes' maps, and by hand."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import M2M100ForConditionalGeneration, MarianMTModel

from seq2seq.data.batches import Batch
from seq2seq.data.marks import BatchMarks
from seq2seq.families import Family
from seq2seq.model.config import build_config
from seq2seq.model.stock import stock_state
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import TrainSpec
from seq2seq.train.criterion.criterion import Update
from seq2seq.train.criterion.guided_attention import attention_loss
from seq2seq.train.criterion.layer_inputs import inputs_of
from seq2seq.train.criterion.transformer import TransformerCriterion
from tests.train.batches import batch_of, losses_of

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


def test_guidance_is_computed_in_full_precision_whatever_the_training_is() -> None:
    ours = model().eval()
    source, mask, _, marks = batch()
    attention = ours.encoder[1].self_attention
    with inputs_of(attention) as inputs:
        ours.encode(source, mask)

    def loss() -> Tensor:
        x = inputs[0][0]
        return attention_loss(attention, x, mask, marks.pronoun, marks.antecedent, head=2)

    with torch.autocast("cpu", torch.bfloat16):
        mixed = loss()
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, loss(), atol=0, rtol=0)


def mass(maps: Tensor, head: int | None, row: int, query: int, keys: tuple[int, ...]) -> Tensor:
    heads = maps[row] if head is None else maps[row, head : head + 1]
    return heads[:, query, list(keys)].sum(-1).mean()


def log_mass(maps: Tensor, head: int | None, row: int, query: int, keys: tuple[int, ...]) -> Tensor:
    return mass(maps, head, row, query, keys).log()


def guided(weight: float) -> TransformerCriterion:
    section = {"weight": weight, "layer": 1, "head": 2}
    return TransformerCriterion(model(), TrainSpec.model_validate({"guided_attention": section}))


def marked_batch() -> Batch:
    source, _, target, marks = batch()
    return batch_of(source, target, marks)


def test_training_adds_the_weighted_guided_loss_to_the_plain_one() -> None:
    plain, loss = (losses_of(guided(weight), marked_batch()) for weight in (0.0, 0.5))
    torch.testing.assert_close(loss.loss, plain.loss + 0.5 * loss.parts["guided"])
    assert plain.parts["nll"] == loss.parts["nll"]
    assert loss.parts["guided"] > 0.5


def test_the_weight_is_that_of_a_mean_over_the_sentences_of_the_whole_update() -> None:
    one, pairs = guided(2.0), marked_batch()
    assert one.counts(pairs) == {"antecedents": 2}
    counts = {"target_tokens": torch.tensor(30.0), "antecedents": torch.tensor(5.0)}
    loss, parts = one(pairs, Update(1, counts))
    plain = losses_of(guided(0.0), pairs).loss
    torch.testing.assert_close(loss / 30, plain / 30 + 2.0 * parts["guided"] / 5)
    assert one.figures({"guided": 7.0, "antecedents": 2.0}) == {"guided_nats_per_sentence": 3.5}


def test_guidance_alone_makes_the_head_attend_to_the_antecedent() -> None:
    source, mask, _, _ = batch()
    one, pairs = guided(100.0), marked_batch()
    optimizer = torch.optim.Adam(one.parameters(), lr=0.01)
    first = float(losses_of(one, pairs).parts["guided"])
    for _ in range(60):
        optimizer.zero_grad()
        loss, parts = losses_of(one, pairs)
        loss.backward()
        optimizer.step()
    assert float(parts["guided"]) < 0.1 * first
    maps = stock_maps(one.model.eval(), source, mask)
    assert mass(maps[1], 2, 0, 3, (0, 1)) > 0.9
    assert mass(maps[1], 1, 0, 3, (0, 1)) < 0.9, "a head that was not guided"


def test_a_batch_without_antecedents_is_guided_by_nothing() -> None:
    source, _, target, marks = batch()
    nothing = replace(marks, antecedent=torch.zeros_like(marks.cue))
    plain = losses_of(guided(0.0), marked_batch()).loss
    loss, parts = losses_of(guided(3.0), batch_of(source, target, nothing))
    assert float(parts["guided"]) == 0.0
    assert torch.equal(loss, plain)
    loss.backward()


def test_a_weight_of_zero_is_off_and_so_is_guidance_outside_of_training() -> None:
    plain = losses_of(guided(0.0), marked_batch())
    judged = losses_of(guided(3.0).eval(), marked_batch())
    assert plain == judged
    assert plain.parts.keys() == {"nll"}


def test_gradients_are_the_same_with_activations_computed_again() -> None:
    gradients = []
    for again in (False, True):
        one = guided(2.0).train()
        one.model.gradient_checkpointing = again
        losses_of(one, marked_batch()).loss.backward()
        gradients.append(
            torch.cat([p.grad.flatten() for p in one.parameters() if p.grad is not None])
        )
    torch.testing.assert_close(gradients[0], gradients[1])
    assert gradients[0].abs().max() > 0.1


def test_both_passes_of_rdrop_are_guided() -> None:
    _, mask, _, marks = batch()
    section = {"weight": 1.0, "layer": 1, "head": 0}
    spec = TrainSpec.model_validate({"rdrop_weight": 1.0, "guided_attention": section})
    one = TransformerCriterion(model(dropout=0.3), spec)
    torch.manual_seed(4)
    guided = losses_of(one, marked_batch()).parts["guided"]
    torch.manual_seed(4)
    attention = one.model.encoder[1].self_attention
    with inputs_of(attention) as inputs:
        losses_of(one, marked_batch())
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
