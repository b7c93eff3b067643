"""The official code (github.com/DepthAnything/Depth-Anything-V2) as a contestant.

It is no package: ``DEPTH_ANYTHING_V2`` names the folder of a checkout. Without it the benchmarks
leave the contestant out.
"""

import os
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

VARIABLE = "DEPTH_ANYTHING_V2"
_SIZES: dict[str, dict[str, Any]] = {
    "vits": {"features": 64, "out_channels": [48, 96, 192, 384]},
    "vitb": {"features": 128, "out_channels": [96, 192, 384, 768]},
}


def is_here() -> bool:
    """Whether a checkout is named.

    Raises:
        FileNotFoundError: It is, but the package is not in it.
    """
    return _checkout() is not None


def _checkout() -> Path | None:
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder = Path(named)
    if not (folder.is_absolute() and (folder / "depth_anything_v2" / "dpt.py").is_file()):
        raise FileNotFoundError(
            f"{VARIABLE}={named} is not the absolute path of a checkout: there is no "
            "depth_anything_v2/dpt.py in it"
        )
    return folder


def load(checkpoint: Path) -> Callable[[Any], Any]:
    """Its ``infer_image``: BGR uint8 ``(H, W, 3)`` -> depth float32 ``(H, W)``.

    Args:
        checkpoint: Its name ends with the encoder's: ``depth_anything_v2_vits.pth``.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # its input would go there, and its network not
    import torch

    sys.path.insert(0, str(_checkout()))
    if find_spec("torchvision") is None:
        _stand_in_for_torchvision()
    from depth_anything_v2.dpt import DepthAnythingV2

    encoder = checkpoint.stem.rpartition("_")[2]
    network = DepthAnythingV2(encoder=encoder, **_SIZES[encoder])
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    infer_image: Callable[[Any], Any] = network.eval().infer_image
    return infer_image


def knows(checkpoint: Path) -> bool:
    """Whether it has the checkpoint's network."""
    return checkpoint.stem.rpartition("_")[2] in _SIZES


def png(depth: Any) -> Any:
    """The 8-bit image that ``run.py`` writes."""
    import numpy as np

    low, high = depth.min(), depth.max()
    return ((depth - low) / (high - low) * 255).astype(np.uint8)


def _stand_in_for_torchvision() -> None:
    """The code uses ``Compose`` of it, and nothing else."""
    name = "torchvision"
    torchvision, transforms = (
        module_from_spec(ModuleSpec(n, None)) for n in (name, f"{name}.transforms")
    )

    class Compose:
        def __init__(self, steps: list[Callable[[Any], Any]]) -> None:
            self.steps = steps

        def __call__(self, value: Any) -> Any:
            for step in self.steps:
                value = step(value)
            return value

    vars(transforms)["Compose"] = Compose
    vars(torchvision)["transforms"] = transforms
    sys.modules |= {name: torchvision, f"{name}.transforms": transforms}
