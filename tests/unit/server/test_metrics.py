import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
from vizion3d.server.metrics import Metrics, forget_process
metrics = Metrics()
if sys.argv[2] == "work":
    metrics.in_flight(3)
    metrics.request("/a", "200", 0.1)
    print(os.getpid())
else:
    forget_process(int(sys.argv[3]))
    print(metrics.render().decode())
"""


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.process
def test_gauges_of_a_dead_process_are_gone_and_its_counts_stay(tmp_path: Path) -> None:
    dead = run(str(tmp_path), "work").strip()
    told = run(str(tmp_path), "render", dead)
    assert "vizion3d_requests_in_flight 3.0" not in told
    assert 'vizion3d_requests_total{outcome="200",route="/a"} 1.0' in told
