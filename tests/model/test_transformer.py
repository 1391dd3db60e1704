import pytest
import torch
from torch.nn import functional as F

from seq2seq.errors import ModelError
from seq2seq.model import attention
from seq2seq.model.positions import position_table
from seq2seq.model.stock import stock_names
from seq2seq.model.transformer import Transformer

TOLERANCE = 1e-5


def stock_logits(stock, ids, inputs, mask):
    return stock(input_ids=ids, attention_mask=mask.long(), decoder_input_ids=inputs).logits


def largest(difference):
    return difference.abs().max().item()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"activation": "gelu"},
        {"activation": "swish", "scale_embedding": False},
        {"encoder_layers": 3, "decoder_layers": 1},
        {"encoder_layers": 1, "decoder_layers": 3, "heads": 8, "width": 64},
    ],
    ids=["relu", "gelu", "swish-unscaled", "deep-encoder", "deep-decoder"],
)
def test_logits_equal_the_stock_class(family, changes, make_pair, make_batch):
    ours, stock = make_pair(family, **changes)
    for sources, length, target, pads in [(1, 1, 1, False), (3, 11, 7, True), (4, 6, 12, True)]:
        ids, inputs, mask = make_batch(ours.config, sources, length, target=target, pads=pads)
        with torch.no_grad():
            expected = stock_logits(stock, ids, inputs, mask)
            assert expected.std() > 0.3  # logits near zero would agree by accident
            assert largest(ours(ids, inputs, mask) - expected) <= TOLERANCE


def test_no_mask_means_no_padding(family, make_pair, make_batch):
    ours, _ = make_pair(family)
    ids, inputs, mask = make_batch(ours.config, 3, 8, target=5, pads=False)
    assert largest(ours(ids, inputs) - ours(ids, inputs, mask)) <= 1e-6


def test_padding_on_the_left_is_read_as_the_stock_class_reads_it(family, make_pair, make_batch):
    ours, stock = make_pair(family)
    ids, inputs, mask = make_batch(ours.config, 3, 9, target=5, pads=True)
    ids, mask = ids.flip(1), mask.flip(1)
    assert largest(ours(ids, inputs, mask) - stock_logits(stock, ids, inputs, mask)) <= TOLERANCE


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "explicit"])
def test_long_sequences_equal_the_stock_class(family, fused, make_pair, make_batch, monkeypatch):
    monkeypatch.setattr(attention, "prefers_fused", lambda *_, **__: fused)
    ours, stock = make_pair(family)
    ids, inputs, mask = make_batch(ours.config, 2, 120, target=128, pads=True)
    with torch.no_grad():
        expected = stock_logits(stock, ids, inputs, mask)
        assert largest(ours(ids, inputs, mask) - expected) <= TOLERANCE


@pytest.mark.parametrize(
    ("precision", "queries", "dropout", "fused"),
    [
        (torch.float32, 1, 0.0, False),
        (torch.float32, 40, 0.0, True),
        (torch.float32, 60, 0.1, False),
        (torch.bfloat16, 40, 0.0, False),
        (torch.bfloat16, 400, 0.0, True),
        (torch.bfloat16, 400, 0.1, False),
    ],
)
def test_the_faster_kernel_is_chosen_by_length_and_precision(precision, queries, dropout, fused):
    query, key = torch.zeros(1, 2, queries, 8), torch.zeros(1, 2, max(queries, 20), 8)
    chosen = attention.prefers_fused(query.to(precision), key.to(precision), dropout=dropout)
    assert chosen is fused


@torch.no_grad()
def test_without_gradients_the_fused_kernel_begins_at_longer_sources():
    chosen = [
        attention.prefers_fused(torch.zeros(1, 2, n, 8), torch.zeros(1, 2, n, 8), dropout=0.0)
        for n in (40, 60)
    ]
    assert chosen == [False, True]


def test_the_position_table_is_the_stock_table_bit_for_bit(family, make_pair):
    ours, stock = make_pair(family, max_positions=600)
    table = stock.model.encoder.embed_positions
    expected = table.weights[2:] if family == "m2m_100" else table.weight
    assert torch.equal(position_table(ours.config), expected)


def test_gradients_equal_the_stock_class(family, make_pair, make_batch):
    ours, stock = make_pair(family)
    ids, inputs, mask = make_batch(ours.config, 4, 9, target=7, pads=True)
    gold = torch.randint(4, 49, inputs.shape)
    for logits in (ours(ids, inputs, mask), stock_logits(stock, ids, inputs, mask)):
        F.cross_entropy(logits.flatten(0, 1), gold.flatten()).backward()
    trained = [(name, tensor) for name, tensor in stock.named_parameters() if tensor.requires_grad]
    expected = {name: tensor.grad for name, tensor in trained}
    grads = {name: tensor.grad for name, tensor in ours.named_parameters()}
    compared = 0
    for name, parts in stock_names(ours.config):
        if name == "logits_bias":
            continue
        for part, grad in zip(parts, grads[name].chunk(len(parts)), strict=True):
            assert largest(grad - expected[part]) <= TOLERANCE, part
            compared += 1
    assert compared == len(expected)


@pytest.fixture(params=[1, 3, 8])
def room(request, monkeypatch):
    """Positions that a cache makes room for at once."""
    monkeypatch.setattr("seq2seq.model.cache.ROOM", request.param)


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize("pads", [False, True], ids=["unpadded", "padded"])
def test_step_by_step_decoding_equals_the_full_pass(family, pads, make_pair, make_batch):
    ours, _ = make_pair(family, decoder_layers=3)
    ids, inputs, mask = make_batch(ours.config, 3, 8, target=6, pads=pads)
    with torch.no_grad():
        full = ours(ids, inputs, mask)
        memory = ours.encode(ids, mask)
        cache = ours.start_cache(memory, mask if pads else None, beams=1, max_length=6)
        steps = [ours.step(inputs[:, place], cache) for place in range(6)]
    assert largest(torch.stack(steps, 1) - full) <= TOLERANCE
    assert cache.length == 6


@pytest.mark.usefixtures("room")
def test_beams_share_their_sentence_and_may_change_places(family, make_pair, make_batch):
    ours, _ = make_pair(family)
    ids, _, mask = make_batch(ours.config, 2, 7, target=2, pads=True)
    start = ours.config.decoder_start_token_id
    histories = torch.tensor([[start, 5, 6], [start, 7, 8], [start, 9, 10], [start, 11, 12]])
    with torch.no_grad():
        memory = ours.encode(ids, mask)
        cache = ours.start_cache(memory, mask, beams=2, max_length=5)
        for place in range(3):
            ours.step(histories[:, place], cache)
        swap = torch.tensor([1, 1, 3, 2])
        cache.reorder(swap)
        histories = torch.cat([histories[swap], torch.tensor([[13], [14], [15], [16]])], 1)
        stepped = ours.step(histories[:, 3], cache)
        rows = torch.tensor([0, 0, 1, 1])
        full = ours(ids[rows], histories, mask[rows])[:, 3]
    assert largest(stepped - full) <= TOLERANCE


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize("beams", [1, 2])
def test_finished_sentences_leave_and_the_others_do_not_notice(
    family, beams, make_pair, make_batch
):
    ours, _ = make_pair(family)
    ids, inputs, mask = make_batch(ours.config, 4, 9, target=5, pads=True)
    with torch.no_grad():
        cache = ours.start_cache(ours.encode(ids, mask), mask, beams=beams, max_length=5)
        rows = torch.arange(4).repeat_interleave(beams)
        inputs = inputs[rows]
        if beams > 1:
            inputs[1::beams, 1:] += 1
        for place in range(4):
            ours.step(inputs[:, place], cache)
        cache.keep([3, 1])
        staying = torch.cat([torch.arange(beams) + beams * sentence for sentence in (3, 1)])
        stepped = ours.step(inputs[staying, 4], cache)
        full = ours(ids[rows], inputs, mask[rows])[staying, 4]
    assert largest(stepped - full) <= TOLERANCE


def test_a_cache_does_not_hold_the_source_once_for_each_beam(make_pair, make_batch):
    ours, _ = make_pair("m2m_100")
    ids, _, mask = make_batch(ours.config, 3, 9, target=2, pads=False)
    cache = ours.start_cache(ours.encode(ids, mask), mask, beams=5, max_length=4)
    assert {tuple(layer.keys.shape) for layer in cache.memory} == {(3, 4, 9, 8)}


def test_recomputing_layers_gives_the_same_gradients_with_dropout_on(
    family, make_config, make_batch
):
    config = make_config(family, dropout=0.3, attention_dropout=0.2, activation_dropout=0.1)
    model = Transformer(config).train()
    batch = make_batch(config, 3, 9, target=6, pads=True)
    found = []
    for recompute in (False, True):
        model.gradient_checkpointing = recompute
        model.zero_grad()
        torch.manual_seed(5)
        model(*batch).logsumexp(-1).sum().backward()
        found.append({name: tensor.grad for name, tensor in model.named_parameters()})
    assert all(torch.equal(found[0][name], grad) for name, grad in found[1].items())


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "explicit"])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_every_path_trains_with_dropout(
    family, fused, precision, make_config, make_batch, monkeypatch
):
    monkeypatch.setattr(attention, "prefers_fused", lambda *_, **__: fused)
    config = make_config(family, dropout=0.1, attention_dropout=0.1, activation_dropout=0.1)
    model = Transformer(config).train()
    ids, inputs, mask = make_batch(config, 4, 9, target=6, pads=True)
    gold = torch.randint(4, 49, inputs.shape)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            logits = model(ids, inputs, mask)
        loss = F.cross_entropy(logits.float().flatten(0, 1), gold.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_dropout_is_off_in_evaluation_and_random_in_training(family, make_config, make_batch):
    config = make_config(family, dropout=0.3, attention_dropout=0.3)
    model = Transformer(config).eval()
    batch = make_batch(config, 2, 5, target=4, pads=False)
    assert torch.equal(model(*batch), model(*batch))
    model.train()
    assert not torch.allclose(model(*batch), model(*batch))


def test_bf16_logits_stay_close_to_fp32(family, make_pair, make_batch):
    ours, _ = make_pair(family)
    batch = make_batch(ours.config, 3, 9, target=6, pads=True)
    with torch.no_grad():
        exact = ours(*batch)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = ours(*batch)
    assert rounded.dtype == torch.bfloat16
    assert (rounded.float() - exact).norm() < 0.03 * exact.norm()


def test_a_later_target_piece_does_not_change_earlier_logits(family, make_pair, make_batch):
    ours, _ = make_pair(family)
    ids, inputs, mask = make_batch(ours.config, 2, 6, target=6, pads=True)
    changed = inputs.clone()
    changed[:, 4] = 4 + (changed[:, 4] - 3) % 40
    before, after = ours(ids, inputs, mask), ours(ids, changed, mask)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def train_some(model, batch, *, steps):
    """A training loop with weight decay, whose gold pieces never are padding."""
    ids, inputs, mask = batch
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    for _ in range(steps):
        gold = torch.randint(0, 49, inputs.shape)
        loss = F.cross_entropy(model(ids, inputs, mask).flatten(0, 1), gold.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.embedding.weight[model.config.pad_token_id].detach()


def test_the_padding_row_of_marian_stays_exactly_zero_in_training(make_config, make_batch):
    config = make_config("marian")
    row = train_some(Transformer(config), make_batch(config, 4, 8, target=6, pads=True), steps=20)
    assert torch.equal(row, torch.zeros(32))


def test_without_the_logits_bias_the_padding_row_of_marian_drifts(make_config, make_batch):
    config = make_config("marian")
    model = Transformer(config)
    model.logits_bias.zero_()
    row = train_some(model, make_batch(config, 4, 8, target=6, pads=True), steps=20)
    assert row.norm() > 0.01


def test_new_weights_have_the_promised_spread(family, make_config):
    config = make_config(family, width=128, ffn_width=256, vocab_size=1000)
    model = Transformer(config)
    layer = model.decoder[0]
    assert model.embedding.weight.std().item() == pytest.approx(128**-0.5, rel=0.02)
    assert not model.embedding.weight[config.pad_token_id].any()
    # Glorot: the variance of a uniform (fan in + fan out) is 2 / (fan in + fan out).
    for block in layer.self_attention.query_key_value.weight.split(128):
        assert block.std().item() == pytest.approx((2 / 256) ** 0.5, rel=0.05)
    assert layer.feed_forward.expand.weight.std().item() == pytest.approx(
        (2 / 384) ** 0.5, rel=0.05
    )
    assert not layer.self_attention.query_key_value.bias.any()


def test_a_text_longer_than_the_position_table_is_refused(family, make_config, make_batch):
    config = make_config(family, max_positions=8)
    model = Transformer(config)
    ids, inputs, mask = make_batch(config, 1, 9, target=8, pads=False)
    said = r"model: '9' positions are asked for, this one has '8'; split the text"
    with pytest.raises(ModelError, match=said):
        model.encode(ids, mask)
    memory = model.encode(ids[:, :8], None)
    with pytest.raises(ModelError, match=said):
        model.decode(inputs.repeat(1, 2)[:, :9], memory, None)
    with pytest.raises(ModelError, match=said):
        model.start_cache(memory, None, beams=1, max_length=9)
