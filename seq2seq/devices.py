"""Where a model computes: the name that a user gives becomes a device of torch, or is refused."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seq2seq.errors import DeviceError
from seq2seq.normalization import is_whole_number

if TYPE_CHECKING:  # asking for help must not load it
    import torch

NEEDED = "auto, cpu, cuda, cuda:N or mps"


def resolve_device(name: str = "auto") -> "torch.device":
    """Find the device that a name means, and make sure that it is there.

    Args:
        name: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``. ``auto`` is CUDA where there is a
            GPU for it (or for ROCm, which torch calls the same), else the GPU of an Apple machine,
            else the CPU.

    Returns:
        The device.

    Raises:
        DeviceError: The name is none of these, or this machine has no such device.
    """
    import torch

    kind, _, number = name.partition(":")
    if name == "auto":
        found = "cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu"
        return torch.device(found)
    if name == "cpu":
        return torch.device(name)
    if name == "mps":
        if not _has_mps():
            built = torch.backends.mps.is_built()
            why = "finds no Apple GPU" if built else "is built without it"
            raise DeviceError(
                f"mps: no such device here (torch {torch.__version__} {why}); {_here()}"
            )
        return torch.device(name)
    if kind == "cuda" and (name == kind or is_whole_number(number)):
        _check_cuda(name, int(number or 0))
        return torch.device(name)
    raise DeviceError(f"device: '{name}' is no device, needed {NEEDED}")


def _check_cuda(name: str, number: int) -> None:
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        built = torch.version.cuda or torch.version.hip
        why = f"built for {built}, finds no GPU or no driver" if built else "is built without it"
        raise DeviceError(
            f"{name}: no CUDA device here (torch {torch.__version__} {why}); {_here()}"
        )
    if number >= count:
        there = "cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
        raise DeviceError(f"{name}: no such device here, needed one of those found: {there}")


def _has_mps() -> bool:
    import torch

    return torch.backends.mps.is_available()


def _here() -> str:
    """What may be asked for instead."""
    return f"this machine has '{resolve_device()}'; leave the device out"


def processor_threads() -> int:
    """How many threads torch has, or would have, for its work on the CPU; it is not loaded for it.

    That is what a program has told torch, else ``OMP_NUM_THREADS``, else one for each processor
    that this process may use.
    """
    if "torch" in sys.modules:
        return int(sys.modules["torch"].get_num_threads())
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if is_whole_number(asked) and int(asked):
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def torch_threads_kept() -> Iterator[None]:
    """Give torch its number of threads back where it was loaded before the block.

    CTranslate2 shares OpenMP with it then, and sets the number for its own.
    """
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else 0
    try:
        yield
    finally:
        if torch:
            torch.set_num_threads(threads)
