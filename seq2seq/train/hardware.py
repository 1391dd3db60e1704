"""What the machine can do, measured: its matrix peak, its memory."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Rows of the matrices whose product is timed; a GPU would be done with the smaller ones too soon.
PEAK_SIZE, DEVICE_PEAK_SIZE = 2048, 4096
PEAK_SECONDS = 0.3


def matrix_peak(dtype: torch.dtype, device: torch.device, *, seconds: float) -> float:
    """Floating-point operations per second of a large matrix product on this machine.

    A GPU is waited for once in a row of products, not after each: its host would ask for the next
    one too late. Rows become twice as long until one takes the time wanted.

    Args:
        dtype: Number format of the product.
        device: Where it runs.
        seconds: How long to measure, at least.

    Returns:
        Operations per second, a multiplication and an addition counted as two.
    """
    size = PEAK_SIZE if device.type == "cpu" else DEVICE_PEAK_SIZE
    # Not all alike: a GPU takes less power for such, and then runs faster than at real work.
    left = torch.linspace(-1, 1, size**2, device=device).view(size, size).to(dtype)
    product = left @ left
    wait_for(device)
    count, took = 0, 0.0
    while took < seconds:
        count = max(1, 2 * count)
        start = time.perf_counter()
        for _ in range(count):
            torch.mm(left, left, out=product)
        wait_for(device)
        took = time.perf_counter() - start
    return 2 * size**3 * count / took


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; on a CPU torch has no class of its own for it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "can't allocate memory" in str(error) or "not enough memory" in str(error)


def peak_memory_bytes(device: torch.device) -> int:
    """Most memory in use so far: of the device's allocator, or of this process on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def forget_peak_memory(device: torch.device) -> None:
    """Begin the peak of a GPU's memory anew; that of a process on the CPU cannot be forgotten."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def wait_for(device: torch.device) -> None:
    """Let a GPU finish what was asked of it, so that a clock means something."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def threads_kept() -> Iterator[int]:
    """Give torch as many threads after the block as it has now; the block is told how many."""
    threads = torch.get_num_threads()
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


@contextmanager
def random_state_kept(device: torch.device) -> Iterator[None]:
    """Put the random generators of the CPU and of one device back after the block.

    Left to itself ``torch.random.fork_rng`` starts every GPU of the machine, also those that other
    processes work on.

    Args:
        device: The only one besides the CPU that the block uses.
    """
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices, device_type="cuda"):
        apple = torch.mps.get_rng_state() if device.type == "mps" else None
        try:
            yield
        finally:
            if apple is not None:
                torch.mps.set_rng_state(apple)
