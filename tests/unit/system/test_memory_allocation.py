"""Large buffers are mapped by themselves, also after one was freed."""

import subprocess
import sys
from typing import Final

import pytest

pytestmark = pytest.mark.slow

CODE: Final = """
import ctypes, sys
from probe.system.memory_allocation import map_large_buffers
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
if sys.argv[1] == "kept":
    map_large_buffers()
libc.free(libc.malloc(1 << 20))
again = libc.malloc(1 << 19)
heap = next(line for line in open("/proc/self/maps") if "[heap]" in line).split()[0].split("-")
print(int(heap[0], 16) <= again < int(heap[1], 16))
"""


def is_on_the_heap(*arguments: str) -> bool:
    """Return whether a second large buffer comes from the heap, once a first one was freed."""
    ended = subprocess.run(
        [sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=True
    )
    return ended.stdout.split()[-1] == "True"


def test_a_large_buffer_is_mapped_after_another_was_freed() -> None:
    """Without it, glibc takes the second one from the heap."""
    assert is_on_the_heap("as it is")
    assert not is_on_the_heap("kept")
