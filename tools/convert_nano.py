"""Convert ``nano`` for OpenVINO, into the package: it then runs without torch.

``make nano`` does it. ``tests/unit/runtime/test_ready.py`` fails where the network in the package
is not that of the weights beside it.
"""

from pathlib import Path

from vizion3d.checkpoints.catalogue import BY_NAME
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.runtime.conversions import convert
from vizion3d.runtime.ready import write_ready


def main() -> None:
    checkpoint = CheckpointStore(Path()).resolve(str(BY_NAME["nano"].source))
    model, constants = convert(checkpoint)
    assert not constants, "the network's inputs are its images alone"
    written = write_ready(model, checkpoint)
    for path in (written, written.with_suffix(".bin")):
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
