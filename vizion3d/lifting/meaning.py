"""From what a network answers to what a result says: units, sky, camera."""

from dataclasses import dataclass

import numpy as np

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import BoolArray, Float32Array
from vizion3d.errors import CheckpointError
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.depth import DepthKind
from vizion3d.lifting.config import DepthEstimationAdvanceConfig
from vizion3d.lifting.intrinsics import ASSUMED, outside
from vizion3d.networks.base import Meaning, Network, Output, Size
from vizion3d.runtime.base import Maps

SKY_THRESHOLD = 0.3
"""From which value on a network's sky output is sky (the official code's threshold)."""


@dataclass(frozen=True)
class Understood:
    """A depth and all that is known of it, as in a result.

    Attributes:
        depth: float32 ``(H, W)``.
        intrinsics: The camera.
        sky_depth: Value of the depth that marks sky.
        notes: What the numbers rest on.
        confidence: float32 ``(H, W)``, where the network tells it.
        focal_px: Focal length that metres are proportional to, where they are, in pixels.
    """

    depth: Float32Array
    intrinsics: CameraIntrinsics
    sky_depth: float | None
    notes: tuple[str, ...]
    confidence: Float32Array | None = None
    focal_px: float | None = None


def depth_of(checkpoint: Checkpoint) -> tuple[Output, DepthKind]:
    """The network's output that is a depth, and what its numbers are.

    Raises:
        CheckpointError: The network takes something else than one image, or gives no depth.
    """
    network = checkpoint.network
    if network.inputs != ("image",) or checkpoint.depth is None:
        raise CheckpointError(
            f"{checkpoint.path} is a {network.title} checkpoint, which does not estimate the depth "
            f"of one image: it makes {', '.join(o.meaning for o in network.outputs)} of "
            f"{', '.join(network.inputs)}"
        )
    return checkpoint.depth


def understand(
    maps: Maps,
    checkpoint: Checkpoint,
    config: DepthEstimationAdvanceConfig,
    size: Size,
    exif_focal_px: float | None = None,
) -> Understood:
    """Give one image's outputs their units, find the sky and the camera.

    Args:
        maps: What the network answered, at the image's size.
        checkpoint: The network.
        config: What is known of the camera.
        size: ``(height, width)`` at which the network saw the image, in pixels.
        exif_focal_px: Focal length by the image's EXIF data, if they contain one.
    """
    output, _ = depth_of(checkpoint)
    depth = maps[output.name]
    intrinsics = _camera(maps, checkpoint.network, config, depth.shape, exif_focal_px)
    far_off = outside(intrinsics)
    notes: tuple[str, ...] = () if far_off is None else (far_off,)
    focal_px = None
    if output.meaning is Meaning.METRES_PER_FOCAL_PX:
        focal_px = _focal_px(intrinsics, depth.shape, size)
        depth = depth * np.float32(focal_px)
        notes += _assumption(intrinsics)
    told = checkpoint.network.output(Meaning.CONFIDENCE)
    confidence = None if told is None else maps[told.name]
    sky = _sky(maps, checkpoint.network)
    if sky is None or not sky.any():
        return Understood(depth, intrinsics, None, notes, confidence, focal_px)
    depth = depth.copy()
    farthest = depth[~sky].max(initial=depth.min())
    sky_depth = np.nextafter(np.float32(farthest), np.float32(np.inf))
    depth[sky] = sky_depth
    return Understood(depth, intrinsics, float(sky_depth), notes, confidence, focal_px)


def _camera(
    maps: Maps,
    network: Network,
    config: DepthEstimationAdvanceConfig,
    shape: tuple[int, ...],
    exif_focal_px: float | None,
) -> CameraIntrinsics:
    height, width = shape
    estimate = network.output(Meaning.FIELD_OF_VIEW_RAD)
    if estimate is None:
        return config.intrinsics_for(width, height, exif_focal_px)
    # The network is free to say anything; what no lens sees becomes the nearest that one may.
    vertical, horizontal = np.clip(maps[estimate.name], *_FIELDS_OF_VIEW_RAD).tolist()
    return config.intrinsics_for(width, height, exif_focal_px, (vertical, horizontal))


_FIELDS_OF_VIEW_RAD = (0.01, 3.1)
"""Narrowest and widest that are believed."""


def _focal_px(intrinsics: CameraIntrinsics, shape: tuple[int, ...], size: Size) -> float:
    """The focal length that metres per pixel of focal length are multiplied by.

    The official code takes the mean of both focal lengths *of the resized image*. A runtime has
    brought its numbers to the original's pixels by the widths; what is left is that the two sides
    may be resized by slightly different factors.
    """
    height, width = shape
    aspect = (size[0] / height) / (size[1] / width)
    return (intrinsics.fx + intrinsics.fy * aspect) / 2


def _assumption(intrinsics: CameraIntrinsics) -> tuple[str, ...]:
    assumed = [n for n in ("fx", "fy") if intrinsics.sources.get(n, "").startswith(ASSUMED)]
    if not assumed:
        return ()
    values = ", ".join(f"{name} = {getattr(intrinsics, name):.1f} px" for name in assumed)
    return (
        f"the focal length was not given: {values} is assumed, and every distance is wrong in the "
        "same proportion as it; give fx and fy, the field of view, or a photo with EXIF data",
    )


def _sky(maps: Maps, network: Network) -> BoolArray | None:
    output = network.output(Meaning.SKY)
    return None if output is None else maps[output.name] >= SKY_THRESHOLD
