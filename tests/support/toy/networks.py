"""Two families of networks that the library does not know: what a new folder would bring.

Between them they use what Depth Anything V2 does not: several outputs, a vector, two images in,
sizes of their own, resizing on the host, a part that stays in float32.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.networks.base import Header, Meaning, MismatchError, Network, Output, Recipe, Size
from vizion3d.networks.strict import fill


def nearest(images: UInt8Array, size: Size) -> UInt8Array:
    """Resizes to the nearest pixel."""
    rows, columns = (
        (np.arange(new) * old) // new for new, old in zip(size, images.shape[1:3], strict=True)
    )
    return np.ascontiguousarray(images[:, rows][:, :, columns])


class Sunset(nn.Module):
    """Depth that is farther towards the lower border, sky, and a field of view."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, channels, 1)
        self.head = nn.Conv2d(channels, 2, 1)
        self.slope = nn.Parameter(torch.zeros(1))

    def forward(self, image: Tensor, ramp: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(N, 3, h, w)``, ``(1, h, 1)`` -> depth and sky ``(N, h, w)``, angles ``(N, 2)``."""
        features = torch.relu(self.mix(image))
        depth, sky = self.head(features.float()).unbind(1)
        return torch.relu(depth) + ramp, torch.sigmoid(sky), image.mean((2, 3))[:, :2]


@dataclass(frozen=True)
class SunsetNetwork(Network):
    """See :class:`Sunset`; the slope of the ramp is the one thing that depends on the size."""

    channels: int

    family: ClassVar = "sunset"
    title: ClassVar = "Sunset"

    @property
    def variant(self) -> str:
        return f"sunset-{self.channels}"

    @property
    def recipe(self) -> Recipe:
        half, quarter = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
        return Recipe(64, 32, "longer", half, quarter, align_corners=False, host_resize=nearest)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (
            Output("metres", Meaning.METRES),
            Output("sky", Meaning.SKY),
            Output("angles", Meaning.FIELD_OF_VIEW_RAD),
        )

    @property
    def float32_parts(self) -> tuple[str, ...]:
        return ("head",)

    def build(self, tensors: Mapping[str, Tensor]) -> Sunset:
        return fill(lambda: Sunset(self.channels), tensors)

    def constants(self, tensors: Mapping[str, Tensor]) -> dict[str, Float32Array]:
        return {"slope": tensors["slope"].float().numpy().copy()}

    def extras(self, constants: Mapping[str, Float32Array], size: Size) -> tuple[Float32Array, ...]:
        rows = np.linspace(0, 1, size[0], dtype=np.float32)
        return ((constants["slope"] * rows)[None, :, None],)


class SunsetFamily:
    """Knows its checkpoints by the tensor ``mix.weight``."""

    title = "Sunset"
    input_size = None

    def recognise(self, header: Header) -> SunsetNetwork:
        if "mix.weight" not in header.shapes:
            raise MismatchError("lacks the tensor mix.weight")
        return SunsetNetwork(header.shapes["mix.weight"][0])


class Contrast(nn.Module):
    """A disparity that is the difference of two images."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(1))

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """``(N, 3, h, w)`` twice -> ``(N, h, w)``."""
        return self.gain * (left - right).mean(1)


@dataclass(frozen=True)
class ContrastNetwork(Network):
    """See :class:`Contrast`."""

    family: ClassVar = "contrast"
    title: ClassVar = "Contrast"
    inputs: ClassVar = ("left", "right")

    @property
    def variant(self) -> str:
        return "contrast"

    @property
    def recipe(self) -> Recipe:
        return Recipe(input_size=64, multiple=32, align_corners=False)

    @property
    def outputs(self) -> tuple[Output, ...]:
        return (Output("disparity", Meaning.DISPARITY_PX),)

    def build(self, tensors: Mapping[str, Tensor]) -> Contrast:
        return fill(Contrast, tensors)


class ContrastFamily:
    """Knows its checkpoints by the tensor ``gain``."""

    title = "Contrast"
    input_size = None

    def recognise(self, header: Header) -> ContrastNetwork:
        if "gain" not in header.shapes:
            raise MismatchError("lacks the tensor gain")
        return ContrastNetwork()


def save_sunset(path: Path) -> Path:
    """A checkpoint with seeded weights."""
    generator = torch.Generator().manual_seed(0)
    module = Sunset(5)
    tensors = {n: torch.randn(p.shape, generator=generator) for n, p in module.named_parameters()}
    save_file(tensors, path)
    return path


def save_contrast(path: Path) -> Path:
    """A checkpoint whose gain is 3."""
    save_file({"gain": torch.full((1,), 3.0)}, path)
    return path
