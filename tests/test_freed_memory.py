"""What was freed between blocks in use goes back to the system when it is asked for."""

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes
from seq2seq.memory import give_back_freed_memory

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
BYTES = 100_000  # less than what glibc asks the system for by itself

def resident_mib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

def block():
    address = libc.malloc(ctypes.c_size_t(BYTES))
    ctypes.memset(address, 1, BYTES)
    return address

blocks = [block() for _ in range(1000)]
for address in blocks[::2]:
    libc.free(ctypes.c_void_p(address))
before = resident_mib()
give_back_freed_memory()
print(before - resident_mib())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="what glibc does")
def test_memory_that_was_freed_between_blocks_in_use_is_given_back() -> None:
    command = [sys.executable, "-c", PROGRAM]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(found.stdout) > 40  # of the 48 MiB that are free
