"""What the machine has, asked without importing a framework."""

import platform
from importlib.util import find_spec
from pathlib import Path

from vizion3d.errors import MissingDependencyError


def may_have_gpu() -> bool:
    """Whether a GPU that torch could use may be here: Apple silicon, or an NVIDIA or AMD driver.

    Importing torch to ask it takes a second; on a machine with no driver there is nothing to ask.
    """
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    if platform.system() != "Linux":
        return True
    return any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg"))


def require_torch(path: Path) -> None:
    """Make sure that a checkpoint can be read.

    Args:
        path: The checkpoint.

    Raises:
        MissingDependencyError: PyTorch is not installed; the message says what to do.
    """
    if find_spec("torch") is None:
        raise MissingDependencyError(
            f"{path.name} is not converted for this machine yet, and converting it takes torch, "
            "which is not installed: pip install torch; or use --model nano, which comes converted"
        )
