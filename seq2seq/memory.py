"""How memory is taken and given back: what the C library does, and what can do it faster."""

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# mallopt's parameters, from <malloc.h> of glibc, and madvise's, from <sys/mman.h> of Linux.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
MADV_HUGEPAGE = 14
KEEP_BYTES = 1 << 30
HUGE_PAGE = 1 << 21

PRELOAD = "LD_PRELOAD"
# oneTBB gives larger tensors back to the system again and again, and takes them in pages of 4 KiB.
# Tokens a second in training with glibc's malloc / oneTBB's, on two cores of an EPYC with Zen 5, by
# the size of the largest features: 2 MiB (recipe demo) 40,000 to 43,000 / 45,000 to 51,000; 4 MiB
# (the benchmark's tiny in bf16) 40,400 / 35,900; 8 MiB (in fp32) 19,800 / 15,600; 16 MiB (small)
# 7,400 / 6,200.
LARGEST_BYTES_FOR_TBB = 1 << 21
# In this order: the second needs the first.
TBB_LIBRARIES = ("libtbbmalloc.so.2", "libtbbmalloc_proxy.so.2")
OUR_PROGRAMS = ("seq2seq", "seq2seq.__main__")  # the script, and what ``python -m`` runs


def keep_freed_memory() -> None:
    """Make glibc reuse freed memory instead of handing it back, and hold it in huge pages.

    Training frees and allocates the same tens of megabytes every update, decoding every step;
    returning them to the system costs a page fault for every 4 KiB of the next one. Pages of 2 MiB
    spare the processor most look-ups of addresses: 13,600 to 14,000 instead of 12,400 to 12,900
    tokens a second at the benchmark's size tiny on one core of an Intel Xeon. Only addresses are
    reserved here, memory is not used up. Does nothing outside Linux/glibc.

    Source:
        mallopt(3), sbrk(2), madvise(2); the gain is measured by ``scripts/bench``.
    """
    if sys.platform != "linux":
        return
    try:
        libc = ctypes.CDLL(None)
        mallopt, sbrk, madvise = libc.mallopt, libc.sbrk, libc.madvise
    except AttributeError:  # another C library
        return
    mallopt(M_MMAP_THRESHOLD, KEEP_BYTES)
    mallopt(M_TRIM_THRESHOLD, KEEP_BYTES)
    # The heap grows by this much at once, so that one call can ask for huge pages in all of it.
    mallopt(M_TOP_PAD, KEEP_BYTES)
    sbrk.restype = ctypes.c_void_p
    before = sbrk(0)
    libc.malloc.restype = ctypes.c_void_p
    libc.free(ctypes.c_void_p(libc.malloc(ctypes.c_size_t(KEEP_BYTES // 2))))
    start = -(-before // HUGE_PAGE) * HUGE_PAGE
    length = ctypes.c_size_t(max(0, sbrk(0) - start))
    madvise(ctypes.c_void_p(start), length, MADV_HUGEPAGE)  # a kernel without them says no


def give_back_freed_memory() -> None:
    """Make glibc hand back to the system what was freed, in the heaps of all threads.

    By itself it hands back the end of a heap alone. Large blocks of changing sizes leave ever more
    of it free between blocks that are in use: 1,000,000 captions through CTranslate2 took 140 MiB
    at most without this, and 129 with it. Does nothing outside Linux/glibc.

    Source:
        malloc_trim(3).
    """
    if sys.platform != "linux":
        return
    with suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))


def use_faster_malloc(largest_bytes: int | None) -> None:
    """Start the program of this process again with the malloc of oneTBB, where that is faster.

    glibc keeps large blocks that are free in lists by size, and walks along them whenever it takes
    or adds one: 8 % of the time of a small update was spent on that. An update makes hundreds of
    tensors, whose sizes follow the lengths of its sentences, so these lists are long. Only the
    dynamic linker can exchange malloc, before anything else is loaded: so this replaces the
    process, once, by the same command with LD_PRELOAD set, which the other processes of a run
    inherit.

    Returns, and nothing happens, where LD_PRELOAD is set already, where the package ``tbb`` is not
    installed, where tensors are too large, and where the process is not our command: another
    program would do twice what it did before.

    Args:
        largest_bytes: Size of the largest tensors that are made again and again; None where nobody
            knows yet.

    Source:
        ld.so(8); ``_int_malloc`` of glibc 2.36 (its large bins); oneTBB's dynamic memory interface
        replacement.
    """
    if sys.platform != "linux" or PRELOAD in os.environ or not _is_our_command():
        return
    if largest_bytes is None or largest_bytes > LARGEST_BYTES_FOR_TBB:
        return
    libraries = [str(library) for library in tbb_malloc()]
    if not libraries or any(" " in library or ":" in library for library in libraries):
        return  # a blank and a colon separate the libraries
    environment = os.environ | {PRELOAD: " ".join(libraries)}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def _is_our_command() -> bool:
    """Whether the script ``seq2seq`` or ``python -m seq2seq`` runs, with the words it was given."""
    program = sys.modules["__main__"]
    spec, file = getattr(program, "__spec__", None), getattr(program, "__file__", "")
    named = spec.name if spec else Path(file).name
    words = sys.argv[1:]
    return named in OUR_PROGRAMS and sys.orig_argv[len(sys.orig_argv) - len(words) :] == words


def tbb_malloc() -> list[Path]:
    """The libraries with oneTBB's malloc, in the order to load them; none if not installed."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        package = distribution("tbb")
    except PackageNotFoundError:
        return []
    files = {Path(file).name: Path(str(package.locate_file(file))) for file in package.files or ()}
    found = [files[name].resolve() for name in TBB_LIBRARIES if name in files]
    return found if len(found) == len(TBB_LIBRARIES) and all(map(Path.is_file, found)) else []


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Switch the garbage collector off while many objects are made that all stay.

    Loading a model takes a tenth less time so.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
