import pytest
import torch

from seq2seq.model.dropout import Dropout, bits_for, dropout, keep_mask

MANY = 2_000_003  # not a multiple of 4: the last 64 random bits are used in part


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize(
    ("share", "rounded"),
    [
        (0.003, 197 / 65536),
        (0.1, 26 / 256),
        (0.3, 77 / 256),
        (0.9, 230 / 256),
        (0.999, 65470 / 65536),
    ],
)
def test_the_wanted_share_is_dropped_and_the_mean_stays(share, rounded, dtype):
    dropped = dropout(torch.ones(MANY, dtype=dtype), share)
    share = rounded
    # Five standard deviations of a fair coin thrown this often.
    noise = 5 * (share * (1 - share) / MANY) ** 0.5
    assert (dropped == 0).float().mean().item() == pytest.approx(share, abs=noise)
    # One rounding of the scale to bf16 is the same for all numbers here; it is at most 1 in 256.
    rounding = 2**-8 if dtype == torch.bfloat16 else 0
    mean = dropped.double().mean().item()
    assert mean == pytest.approx(1, abs=noise / (1 - share) + rounding + 2**-16)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05, 0.1, 0.15, 0.2, 0.5, 0.98, 0.999])
def test_a_share_is_changed_by_at_most_two_per_cent(share):
    levels = 2 ** bits_for(share)
    rounded = round(share * levels) / levels
    assert rounded == pytest.approx(share, rel=0.02)
    assert 1 - rounded == pytest.approx(1 - share, rel=0.02)


@pytest.mark.parametrize("bits", [8, 16])
def test_each_of_the_numbers_in_64_random_bits_is_fair(bits):
    numbers = 64 // bits
    shape = torch.Size([numbers * 1_000_000])
    kept = keep_mask(shape, 2 ** (bits - 1), bits=bits, dtype=torch.float32)
    assert kept.view(-1, numbers).mean(0).tolist() == pytest.approx([0.5] * numbers, abs=0.0025)


@pytest.mark.parametrize(("bits", "dropped"), [(8, 77), (16, 19661)])
def test_neighbours_in_every_distance_are_independent(bits, dropped):
    kept = keep_mask(torch.Size([MANY]), dropped, bits=bits, dtype=torch.float32)
    centred = kept - kept.mean()
    for distance in (1, 2, 3, 4, 5, 7, 8, 9, 64, 128, 512):
        product = (centred[:-distance] * centred[distance:]).mean() / centred.square().mean()
        assert abs(product.item()) < 5 / MANY**0.5, distance


def test_the_gradient_passes_where_the_feature_passed():
    x = torch.randn(64, 33, requires_grad=True)
    dropped = dropout(x, 0.3)
    dropped.backward(torch.ones_like(x))
    assert torch.allclose(dropped, x * x.grad)
    assert x.grad.unique().tolist() == [0.0, pytest.approx(1 / 0.7, rel=2e-3)]


def test_numbers_that_do_not_lie_in_order_are_dropped_alike():
    x = torch.randn(6, 10).t()
    torch.manual_seed(3)
    expected = dropout(x.contiguous(), 0.5)
    torch.manual_seed(3)
    assert torch.equal(dropout(x, 0.5), expected)


def test_the_state_of_the_global_generator_brings_the_same_mask_back():
    x = torch.ones(1000)
    state = torch.get_rng_state()
    first, second = dropout(x, 0.5), dropout(x, 0.5)
    assert not torch.equal(first, second)
    torch.set_rng_state(state)
    assert torch.equal(dropout(x, 0.5), first)


def test_nothing_is_dropped_in_evaluation_or_at_share_zero():
    x = torch.randn(10)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0).train()(x) is x
    assert not torch.equal(Dropout(0.5).train()(x), x)
    assert repr(Dropout(0.5)) == "Dropout(share=0.5)"
