import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

PROGRAM = """
import ctypes, sys
from pathlib import Path
from vizion3d.ray.memory import give_large_memory_back

PAGES, PAGE_BYTES = 64, 4 << 20

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

libc = ctypes.CDLL(None)
libc.malloc.restype = libc.calloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
if sys.argv[1] == "given back":
    give_large_memory_back()
libc.free(libc.malloc(16 << 20))  # glibc takes this as the size of things now
begin = resident_mb()
held = [libc.calloc(1, PAGE_BYTES) for _ in range(PAGES)]
for address in held:
    ctypes.memset(address, 1, PAGE_BYTES)
for address in held[:-1]:
    libc.free(address)
print(resident_mb() - begin)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
@pytest.mark.parametrize(("how", "low", "high"), [("given back", 0, 20), ("as ever", 100, 400)])
def test_freed_memory_goes_back_to_the_system(how: str, low: int, high: int) -> None:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
    )
    assert low <= float(told.stdout) <= high
