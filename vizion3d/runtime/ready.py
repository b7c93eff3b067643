"""Networks that come ready converted: an OpenVINO file beside the checkpoint, made of it before.

Reading it takes no torch, and a tenth of the time that converting takes. It names the content that
it was made of: beside another checkpoint it counts for nothing.
"""

import hashlib
from pathlib import Path
from typing import Any

from vizion3d.checkpoints.store import Checkpoint

_ENDING = ".openvino.xml"
_ORIGIN = ["vizion3d", "origin"]


def place_of(checkpoint: Checkpoint) -> Path:
    """Where the ready network is, or would be: ``.openvino.xml``, with its ``.bin`` beside it."""
    return checkpoint.path.with_suffix(_ENDING)


def write_ready(model: Any, checkpoint: Checkpoint) -> Path:
    """Put a converted network beside its checkpoint, its weights in fp16.

    Args:
        model: ``openvino.Model``; its inputs are the network's images alone.
        checkpoint: What it was made of.

    Returns:
        The file; the weights are beside it.
    """
    from vizion3d.runtime.openvino_library import ov

    model.set_rt_info(_origin(checkpoint), _ORIGIN)
    path = place_of(checkpoint)
    ov.save_model(model, str(path), compress_to_fp16=True)
    return path


def read_ready(checkpoint: Checkpoint) -> Any:
    """The network, ``openvino.Model``; ``None`` if there is none of this checkpoint's content."""
    from vizion3d.runtime.openvino_library import core

    path = place_of(checkpoint)
    if not path.is_file():
        return None
    model = core.read_model(str(path))
    if not model.has_rt_info(_ORIGIN):
        return None
    return model if model.get_rt_info(_ORIGIN).value == _origin(checkpoint) else None


def _origin(checkpoint: Checkpoint) -> str:
    with checkpoint.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{digest} {checkpoint.network.key}"
