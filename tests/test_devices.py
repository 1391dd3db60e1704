"""A device is what its name says, or a mistake that tells what is here."""

import pytest
import torch

from seq2seq.devices import resolve_device
from seq2seq.errors import DeviceError


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them, as far as torch says."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but a processor, whatever this machine has."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_auto_is_the_best_that_is_here(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_device() == resolve_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == resolve_device("mps") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")


def test_a_numbered_gpu_is_one_of_those_that_are_here(gpus: None) -> None:
    assert resolve_device("cuda") == torch.device("cuda")
    assert resolve_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(DeviceError, match=r"cuda:2: no such device here, .* cuda:0 to cuda:1"):
        resolve_device("cuda:2")


@pytest.mark.parametrize(
    ("version", "said"), [(None, "is built without it"), ("12.8", "built for 12.8, finds no GPU")]
)
def test_a_gpu_that_is_not_here_is_refused_with_what_torch_knows(
    bare: None, monkeypatch: pytest.MonkeyPatch, version: str | None, said: str
) -> None:
    monkeypatch.setattr(torch.version, "cuda", version)
    monkeypatch.setattr(torch.version, "hip", None)
    found = rf"cuda: no CUDA device here \(torch .* {said}.*\); this machine has 'cpu'"
    with pytest.raises(DeviceError, match=found):
        resolve_device("cuda")
    with pytest.raises(DeviceError, match=r"mps: no such device here \(torch .*\); this machine"):
        resolve_device("mps")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:one", "cuda:-1", "cpu:0", "", "CUDA"])
def test_what_is_no_device_is_refused(name: str, gpus: None) -> None:
    with pytest.raises(DeviceError, match="is no device, needed auto, cpu, cuda, cuda:N or mps"):
        resolve_device(name)
