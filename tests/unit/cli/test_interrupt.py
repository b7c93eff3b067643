import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

# A job that a shell runs in the background ignores Ctrl-C, and so do the children of its tests.
PROGRAM = """
import signal
import threading
from vizion3d.cli.interrupt import interruptible

signal.signal(signal.SIGINT, signal.{disposition})
with interruptible():
    try:
        print("ready", flush=True)
        threading.Event().wait()
    finally:
        print("cleaning", flush=True)
        {cleaning}
"""


@pytest.mark.parametrize(
    ("cleaning", "code"),
    [("pass", -signal.SIGINT), ("threading.Event().wait()", 130)],
    ids=["what ends by itself", "what never ends"],
)
def test_ctrl_c_ends(cleaning: str, code: int) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROGRAM.format(disposition="default_int_handler", cleaning=cleaning),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    told, errors = process.communicate(timeout=30)
    assert told == "cleaning\n"
    assert process.returncode == code
    assert ("KeyboardInterrupt" in errors) == (code != 130)


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    program = PROGRAM.replace(
        "threading.Event().wait()", "signal.raise_signal(signal.SIGINT)", 1
    ).format(disposition="SIG_IGN", cleaning="pass")
    ended = subprocess.run([sys.executable, "-c", program], timeout=30, check=False)
    assert ended.returncode == 0
