import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

PROGRAM = """
import os, sys
from pathlib import Path
from vizion3d.ray.cores import take_cores

print(take_cores(int(sys.argv[1]), Path(sys.argv[2])), sorted(os.sched_getaffinity(0)), flush=True)
input()
"""


def start(count: int, folder: Path) -> subprocess.Popen[str]:
    command = (sys.executable, "-c", PROGRAM, str(count), str(folder))
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_no_core_is_taken_twice_and_a_killed_process_gives_its_own_back(tmp_path: Path) -> None:
    cores = sorted(os.sched_getaffinity(0))
    with start(len(cores), tmp_path) as first:
        assert told(first) == f"{cores} {cores}"
        with start(1, tmp_path) as second:
            assert told(second) == f"[] {cores}"
            second.kill()
        first.kill()
    with start(1, tmp_path) as third:
        assert told(third) == f"{cores[:1]} {cores[:1]}"
        third.kill()
