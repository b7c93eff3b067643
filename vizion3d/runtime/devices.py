"""What the machine has, asked without importing a framework."""

import platform
from pathlib import Path


def may_have_gpu() -> bool:
    """Whether a GPU that torch could use may be here: Apple silicon, or an NVIDIA or AMD driver.

    Importing torch to ask it takes a second; on a machine with no driver there is nothing to ask.
    """
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    if platform.system() != "Linux":
        return True
    return any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg"))
