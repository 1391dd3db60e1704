import pytest
import torch
import transformers as hf
from torch import nn

from seq2seq.errors import ModelError
from seq2seq.probe.model.interventions import BlockedEdges, Patch
from seq2seq.probe.model.reading import Inputs
from seq2seq.probe.model.stock_model import StockModel
from tests.probe.stock_models import (
    DECODERS,
    ENCODER_DECODERS,
    ENCODERS,
    FAMILIES,
    IMAGE_SIZE,
    PATCH,
    VIT,
    build,
    lines,
    scatter,
)

SOURCES, TARGETS = lines(9, 5, 7), lines(4, 6, 3, start=2, seed=1)


def opened(family: str) -> StockModel:
    return StockModel(build(family), None, name=family)


def batch(model: StockModel, sources=SOURCES, targets=TARGETS) -> Inputs:
    return model.inputs(sources, targets if model.kind == "encoder-decoder" else None)


def largest(difference: torch.Tensor) -> float:
    return difference.abs().max().item()


def stock_answer(family: str, inputs: Inputs):
    """What a fresh stock model says under the library's own 'eager' attention, maps included."""
    model = build(family)
    model.set_attn_implementation("eager")
    arguments = {"input_ids": inputs.source_ids, "attention_mask": inputs.source_mask.long()}
    if inputs.target_ids is not None:
        arguments["decoder_input_ids"] = inputs.target_ids
        arguments["decoder_attention_mask"] = inputs.target_mask.long()
    with torch.no_grad():
        answer = model(**arguments, output_attentions=True, output_hidden_states=True)
    if family in ENCODER_DECODERS:
        maps = {
            "encoder": answer.encoder_attentions,
            "decoder": answer.decoder_attentions,
            "cross": answer.cross_attentions,
        }
    else:
        maps = {"encoder" if family in ENCODERS else "decoder": answer.attentions}
    return answer, {stack: torch.stack(list(layers)) for stack, layers in maps.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_and_maps_equal_those_of_the_stock_class_under_eager(family):
    model = opened(family)
    inputs = batch(model)
    reading = model.read(inputs)
    answer, maps = stock_answer(family, inputs)
    assert reading.maps.keys() == maps.keys()
    for stack, expected in maps.items():
        assert reading.maps[stack].shape == expected.shape
        assert largest(reading.maps[stack] - expected) <= 1e-5
        assert largest(expected - expected.mean(-1, keepdim=True)) > 0.05  # something to compare
    if family in ENCODERS:
        assert reading.logits is None
    else:
        assert largest(reading.logits - answer.logits) <= 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_sum_to_one_and_nothing_falls_on_padding_or_the_future(family):
    model = opened(family)
    inputs = batch(model)
    reading = model.read(inputs)
    for stack, maps in reading.maps.items():
        assert largest(maps.sum(-1) - 1) <= 1e-5
        source = stack != "decoder" or model.kind == "decoder"
        real = inputs.source_mask if source else inputs.target_mask
        assert (~real).any()
        assert (maps.masked_select(~real[None, :, None, None]) == 0).all()
        if stack == "decoder":
            assert (maps.triu(1) == 0).all()
        else:
            assert (maps.masked_select(real[None, :, None, None]) > 0).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_line_reads_the_same_alone_as_beside_longer_ones(family):
    model = opened(family)
    together = model.read(batch(model), values=True)
    for row, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        alone = model.read(batch(model, [source], [target]), values=True)
        for stack, maps in alone.maps.items():
            _, _, _, queries, keys = maps.shape
            beside = together.maps[stack][:, row : row + 1, :, :queries, :keys]
            assert largest(maps - beside) <= 1e-5
            values = together.values[stack][:, row : row + 1, :, :keys]
            assert largest(alone.values[stack] - values) <= 1e-4
        if alone.logits is not None:
            length = alone.logits.shape[1]
            assert largest(alone.logits - together.logits[row : row + 1, :length]) <= 1e-4


def test_stacks_of_unequal_depth_and_width_are_told_apart():
    model = opened("marian")
    assert model.kind == "encoder-decoder"
    assert model.depth == {"encoder": 3, "decoder": 2, "cross": 2}
    assert model.heads == {"encoder": 4, "decoder": 2, "cross": 2}
    assert (model.start_id, model.pad_id) == (2, 1)
    maps = model.read(batch(model)).maps
    assert {stack: tuple(each.shape) for stack, each in maps.items()} == {
        "encoder": (3, 3, 4, 9, 9),
        "decoder": (2, 3, 2, 6, 6),
        "cross": (2, 3, 2, 6, 9),
    }


def test_layers_that_share_their_weights_are_counted_apart():
    assert opened("albert").depth == {"encoder": 3}


def test_only_the_stacks_asked_for_are_kept():
    model = opened("bart")
    assert model.read(batch(model), stacks=["cross"]).maps.keys() == {"cross"}
    reading = model.read(batch(model), stacks=[])
    assert (reading.maps, reading.values, reading.outputs, reading.gradients) == ({}, {}, {}, {})
    assert reading.logits is not None


@pytest.mark.parametrize("contributions", [False, True])
@pytest.mark.parametrize("family", ["marian", "t5", "bert", "gpt2", "llama"])
def test_a_pass_that_ends_early_reads_the_same_of_what_it_has_run(family, contributions):
    model = opened(family)
    stack = next(iter(model.depth))
    asked = {"values": True, "contributions": contributions}
    ran = []
    hook = nn.modules.module.register_module_forward_hook(lambda *given: ran.append(given[0]))
    try:
        whole = model.read(batch(model), **asked)
        all_modules = len(ran)
        part = model.read(batch(model), layers=1, **asked)
    finally:
        hook.remove()
    assert len(ran) - all_modules < all_modules / 2
    assert part.logits is None
    for kind in ("maps", "values", *["contributions"] * contributions):
        found = getattr(part, kind)
        assert list(found) == [stack]
        assert torch.equal(found[stack], getattr(whole, kind)[stack][:1])


@pytest.mark.parametrize("family", FAMILIES)
def test_what_heads_say_times_the_output_projection_is_what_the_layer_says(family):
    """The norms of values and the outputs of heads fit together: with all weight on one column, the
    projected output of a head is as long as its value there."""
    model = opened(family)
    stack = "decoder" if family in DECODERS else "encoder"
    inputs = model.inputs([[7]], [[2]] if model.kind == "encoder-decoder" else None)
    reading = model.read(inputs, stacks=[stack], values=True, outputs=True)
    attending = [module for module, of in model._anatomy.stack_of.items() if of == stack]
    attending *= model.depth[stack] // len(attending)
    for layer, module in enumerate(attending):
        projection = model._anatomy.projection_of[module]
        said = reading.outputs[stack][layer, 0, :, 0]
        bias = 0 if projection.bias is None else projection.bias
        for head in range(model.heads[stack]):
            only = torch.zeros_like(said)
            only[head] = said[head]
            long = (projection(only.reshape(1, -1)) - bias).norm()
            assert abs(long - reading.values[stack][layer, 0, head, 0]) <= 1e-5


def test_values_are_refused_where_the_output_projection_is_not_known():
    model = opened("bert")
    model._anatomy.projection_of.clear()
    with pytest.raises(ModelError, match="BertSelfAttention: its output projection was not found"):
        model.read(batch(model), values=True)
    assert model.read(batch(model)).values == {}


@pytest.mark.parametrize("family", ["marian", "t5", "gpt2", "llama"])
def test_gradients_of_maps_agree_with_finite_differences(family):
    """To scale all weights of a row by 1 + e is to scale what the head says in it, which `Patch`
    can do; the objective changes by e times the sum of weight times gradient."""
    model = opened(family)
    model.model.double()
    inputs = batch(model, [lines(5)[0]], [TARGETS[1]])
    stack = "decoder" if model.kind == "decoder" else "cross"

    def objective(logits):
        return (logits[:, 2, 7] - logits[:, 2, 9]).sum()

    reading = model.read(inputs, objective=objective)
    layer, head, row = model.depth[stack] - 1, 1, 2
    plain = model.read(inputs, stacks=[stack], outputs=True)
    assert torch.equal(plain.maps[stack], reading.maps[stack])
    expected = (reading.gradients[stack] * reading.maps[stack])[layer, 0, head, row].sum()
    rows = torch.zeros(1, plain.maps[stack].shape[3], dtype=torch.bool)
    rows[0, row] = True
    ends = []
    for scale in (1 + 1e-2, 1 - 1e-2):
        said = plain.outputs[stack][layer, :, head] * scale
        patch = Patch(stack, layer, head, rows, said)
        ends.append(objective(model.read(inputs, stacks=[], interventions=[patch]).logits))
    assert expected.abs() > 1e-2
    assert torch.isclose((ends[0] - ends[1]) / 2e-2, expected, rtol=1e-3)
    assert not any(maps.requires_grad for maps in reading.maps.values())
    assert reading.gradients.keys() == model.depth.keys()


def test_gradients_do_not_need_trainable_weights_but_logits():
    model = opened("marian")
    inputs = batch(model)
    expected = model.read(inputs, objective=lambda logits: logits[:, 0, 5].sum())
    model.model.requires_grad_(False)
    frozen = model.read(inputs, objective=lambda logits: logits[:, 0, 5].sum())
    for stack, gradients in expected.gradients.items():
        assert torch.equal(frozen.gradients[stack], gradients)
    assert all(weight.grad is None for weight in model.model.parameters())
    encoder = opened("bert")
    with pytest.raises(ModelError, match="bert: an encoder has no logits to take gradients of"):
        encoder.read(batch(encoder), objective=lambda logits: logits.sum())


def test_a_gradient_lies_only_where_the_objective_could_see():
    model = opened("gpt2")
    inputs = batch(model)
    reading = model.read(inputs, objective=lambda logits: logits[1, 2, 5].sum())
    gradients = reading.gradients["decoder"]
    assert (gradients[:, [0, 2]] == 0).all()
    assert (gradients[:, 1, :, 3:] == 0).all()
    assert (gradients[:, 1, :, 2, :3] != 0).any()


def test_a_random_twin_has_the_shape_of_the_model_and_other_weights():
    model = opened("marian")
    before = torch.get_rng_state()
    twin, again, other = (model.random_twin(seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert twin.depth == model.depth
    assert twin.heads == model.heads
    assert (twin.start_id, twin.tokenizer) == (model.start_id, model.tokenizer)
    inputs = batch(model)
    maps = [each.read(inputs).maps["cross"] for each in (twin, again, other, model)]
    assert torch.equal(maps[0], maps[1])
    assert largest(maps[0] - maps[2]) > 1e-4
    assert largest(maps[0] - maps[3]) > 1e-2
    tables = [each.model.model.encoder.embed_positions.weight for each in (twin, model)]
    assert torch.equal(*tables)  # they are computed, not learnt
    assert twin.name == "marian with random weights 3"


def test_inputs_that_do_not_suit_the_model_are_refused():
    both, encoder = opened("bart"), opened("bert")
    with pytest.raises(ModelError, match="bart: no target for a model of kind 'encoder-decoder'"):
        both.read(both.inputs(SOURCES))
    with pytest.raises(ModelError, match="inputs: a target without its mask, or a mask alone"):
        Inputs(torch.ones(1, 2).long(), torch.ones(1, 2).bool(), torch.ones(1, 2).long())
    with pytest.raises(ModelError, match="bert: a target for a model of kind 'encoder'"):
        encoder.read(encoder.inputs(SOURCES, TARGETS))
    with pytest.raises(ModelError, match="bert: no cross, decoder attention in it; it has encoder"):
        encoder.read(encoder.inputs(SOURCES), stacks=["cross", "decoder"])
    with pytest.raises(ModelError, match="bert: reads text, not images"):
        encoder.read_image(torch.zeros(1, 3, 8, 8))
    with pytest.raises(ModelError, match=r"bert: cannot read lines of 50 pieces"):
        encoder.read(encoder.inputs(lines(50)))
    with pytest.raises(ModelError, match=r"bert: cannot read .*: index out of range"):
        encoder.read(encoder.inputs([[99]]))


def test_a_vision_transformer_reads_images():
    stock = scatter(hf.ViTModel(VIT))
    model = StockModel(stock, None, name="vit")
    pixels = torch.randn(2, 3, IMAGE_SIZE, IMAGE_SIZE)
    reading = model.read_image(pixels)
    stock.set_attn_implementation("eager")
    with torch.no_grad():
        expected = torch.stack(stock(pixel_values=pixels, output_attentions=True).attentions)
    columns = 1 + (IMAGE_SIZE // PATCH) ** 2
    assert reading.maps["encoder"].shape == (2, 2, 4, columns, columns)
    assert largest(reading.maps["encoder"] - expected) <= 1e-5
    assert reading.logits is None
    with pytest.raises(ModelError, match="vit: reads images, not text; use read_image"):
        model.read(model.inputs(SOURCES))


@pytest.mark.parametrize("family", ENCODER_DECODERS)
def test_a_source_that_is_encoded_once_reads_as_if_it_were_read_again(family):
    model = opened(family)
    inputs = batch(model)
    encoded = model.encode(inputs)
    again = model.read(inputs, stacks=("decoder", "cross"), encoded=encoded)
    whole = model.read(inputs)
    assert largest(again.logits - whole.logits) <= 1e-5
    for stack in ("decoder", "cross"):
        assert largest(again.maps[stack] - whole.maps[stack]) <= 1e-5


@pytest.mark.parametrize("family", ENCODER_DECODERS)
def test_a_knock_out_while_encoding_is_that_of_a_whole_pass(family):
    model = opened(family)
    inputs = batch(model)
    edges = torch.zeros(3, 9, 9, dtype=torch.bool)
    edges[:, 2, 1] = True
    cut = BlockedEdges("encoder", edges)
    whole = model.read(inputs, stacks=(), interventions=[cut])
    encoded = model.encode(inputs, interventions=[cut])
    again = model.read(inputs, stacks=(), encoded=encoded)
    assert largest(again.logits - whole.logits) <= 1e-5
    assert largest(model.read(inputs, stacks=()).logits - whole.logits) > 1e-4


def test_what_would_have_no_effect_on_an_encoding_is_refused():
    model = opened("marian")
    inputs = batch(model)
    encoded = model.encode(inputs)
    cut = BlockedEdges("encoder", torch.zeros(3, 9, 9, dtype=torch.bool))
    with pytest.raises(ModelError, match="interventions in, an encoder that is not run again"):
        model.read(inputs, stacks=(), encoded=encoded, interventions=[cut])
    with pytest.raises(ModelError, match="an encoder that is not run again"):
        model.read(inputs, encoded=encoded)
    later = BlockedEdges("cross", torch.zeros(3, 6, 9, dtype=torch.bool))
    with pytest.raises(ModelError, match="cross attention while the encoder runs alone"):
        model.encode(inputs, interventions=[later])
    with pytest.raises(ModelError, match="needed an encoder-decoder"):
        opened("bert").encode(batch(opened("bert")))


@pytest.mark.parametrize("family", ENCODER_DECODERS | DECODERS)
def test_logits_of_one_row_are_those_of_all_rows(family):
    model = opened(family)
    inputs = batch(model)
    rows = [3, 1, 2]
    one = model.read(inputs, stacks=(), rows=rows).logits
    whole = model.read(inputs, stacks=()).logits
    assert one.shape[:2] == (3, 1)
    assert largest(one[:, 0] - whole[torch.arange(3), torch.tensor(rows)]) <= 1e-5
    assert largest(model.read(inputs, stacks=()).logits - whole) == 0  # nothing is left behind
