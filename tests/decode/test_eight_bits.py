"""Our own program with matrices of 8 bits."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from seq2seq.decode.options import DecodeOptions
from seq2seq.engines.load import load_eight_bits
from seq2seq.engines.native import EightBitEngine, NativeEngine
from seq2seq.errors import DeviceError
from seq2seq.model.eight_bits import EightBitLinear, in_eight_bits
from seq2seq.model.stock import save_model

BEAMS = DecodeOptions(beams=3)

needs_vnni = pytest.mark.skipif(
    not torch.cpu._is_vnni_supported(), reason="the processor has no products of 8 bits"
)


@needs_vnni
def test_a_product_is_that_of_the_rounded_numbers() -> None:
    torch.manual_seed(1)
    weight, bias, x = torch.randn(24, 16), torch.randn(24), torch.randn(2, 5, 16) * 3
    w_scale, x_scale = weight.abs().amax(1) / 127, x.abs().amax(-1, keepdim=True) / 127
    products = (x / x_scale).round().double() @ (weight / w_scale[:, None]).round().double().T
    worked_out = products * x_scale * w_scale + bias
    with torch.inference_mode():
        found = EightBitLinear(weight, bias)(x)
    assert_close(found, worked_out.float())
    assert not torch.allclose(found, x @ weight.T + bias, atol=1e-4)  # it was rounded


@needs_vnni
def test_a_position_gets_the_same_numbers_beside_any_others() -> None:
    torch.manual_seed(1)
    rounded = EightBitLinear(torch.randn(24, 16), None)
    x = torch.randn(7, 16)
    with torch.inference_mode():
        together = rounded(x)
        beside = rounded(torch.cat([x[2:3], 1000 * x[:1]]))
        alone = rounded(x[2:3])
        nothing = rounded(torch.zeros(1, 16))
    assert torch.equal(beside[0], together[2])
    assert torch.equal(alone, together[2:3])
    assert not nothing.any()


@needs_vnni
@pytest.mark.parametrize("rows", [1, 2, 64])
def test_the_processors_own_instructions_multiply(rows: int) -> None:
    """Plain loops find the same numbers, in a thousand times the time."""
    program = (
        "import torch; from seq2seq.model.eight_bits import EightBitLinear\n"
        "with torch.inference_mode():\n"
        f"    EightBitLinear(torch.randn(96, 64), None)(torch.randn({rows}, 64))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "ONEDNN_VERBOSE": "1"},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    kernels = [line for line in told.splitlines() if ",matmul," in line and "exec" in line]
    assert kernels
    assert not [line for line in kernels if ",ref" in line]


@needs_vnni
def test_outputs_are_nearly_those_of_32_bits_and_the_difference_is_said_once(
    trained: Any,
) -> None:
    said: list[str] = []
    before = {name: one.clone() for name, one in trained.ours.state_dict().items()}
    engine = EightBitEngine(trained.ours, say=said.append)
    found = engine.search(trained.sources, BEAMS)
    exact = NativeEngine(trained.ours).search(trained.sources, BEAMS)
    equal = sum(one[0].ids == two[0].ids for one, two in zip(found, exact, strict=True))
    assert len(trained.sources) * 3 // 4 <= equal
    assert any(one[0].score != two[0].score for one, two in zip(found, exact, strict=True))
    distinct = len(set(map(tuple, trained.sources)))
    engine.search(trained.sources[:3], BEAMS)
    (line,) = said
    assert line.startswith("8 bits: ")
    assert f" of {distinct} outputs as with 32 bits" in line
    for name, one in trained.ours.state_dict().items():
        assert torch.equal(one, before[name])


@needs_vnni
def test_every_product_is_rounded_and_what_is_not_is_shared(trained: Any) -> None:
    rounded = in_eight_bits(trained.ours)
    left = [one for one in rounded.modules() if isinstance(one, torch.nn.Linear)]
    assert left == []
    assert isinstance(rounded.rounded_output, EightBitLinear)
    assert rounded.embedding.weight is trained.ours.embedding.weight


def test_a_processor_without_such_products_is_told_what_to_do(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    with pytest.raises(DeviceError, match=r"no AVX512-VNNI.*needed.*use --engine auto"):
        in_eight_bits(trained.ours)


def test_another_device_is_refused(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(trained.ours, tmp_path)
    monkeypatch.setattr("seq2seq.engines.load.resolve_device", lambda name: torch.device("cuda", 0))
    with pytest.raises(DeviceError, match="device 'cuda:0', needed a CPU"):
        load_eight_bits(tmp_path, device="auto", say=print)
