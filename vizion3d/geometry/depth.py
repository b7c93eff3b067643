"""Kinds of depth maps, and converting them to metres."""

from typing import Literal

import numpy as np

from vizion3d.core.arrays import FloatArray
from vizion3d.geometry.alignment import Space

DepthKind = Literal["relative", "up_to_scale", "metric"]
"""``"relative"``: inverse depth without scale and shift, higher = closer; ``"up_to_scale"``: depth
without a unit, higher = farther; ``"metric"``: metres, higher = farther."""

ModelKind = Literal["relative", "up_to_scale", "metric", "disparity"]
"""What a model estimates: a kind of depth of one photo, or ``"disparity"`` of a pair, in pixels."""

AFFINE_SPACES: dict[DepthKind, tuple[Space, bool]] = {
    "relative": ("inverse_depth", True),
    "up_to_scale": ("depth", False),
    "metric": ("depth", False),
}
"""Kind -> the space in which it is affine in metres, and whether a shift is missing too."""


def scale_inverse_depth(
    inverse_depth: FloatArray, limits: tuple[float, float] | None = None
) -> FloatArray:
    """Scale inverse depth to [0, 1] over the image: 0 the farthest pixel, 1 the closest.

    An image without any contrast has no relative depth: it becomes 1 everywhere, a plane at the
    near distance.

    Args:
        inverse_depth: ``(H, W)``, higher = closer, any unit.
        limits: What becomes 0 and 1, in place of the image's own range. What is farther becomes 0
            too; what is closer goes beyond 1.
    """
    values = inverse_depth.astype(np.result_type(inverse_depth, np.float32), copy=False)
    if limits is not None and limits[1] > limits[0]:
        low, high = (values.dtype.type(limit) for limit in limits)
        beyond: FloatArray = np.maximum((values - low) / (high - low), 0)
        return beyond
    low, high = values.min(), values.max()
    if not high > low:
        return np.ones_like(values)
    scaled: FloatArray = (values - low) / (high - low)
    return scaled


def inverse_depth_to_metres(
    inverse_depth: FloatArray,
    near_m: float,
    far_m: float,
    limits: tuple[float, float] | None = None,
) -> FloatArray:
    """Depth of each pixel, if the closest lies at ``near_m`` and the farthest at ``far_m``.

    1/z = 1/far + d (1/near - 1/far), with d the inverse depth scaled to [0, 1]. The reciprocal is a
    projective map: it keeps planes planar, whatever the unknown scale and shift of the inverse
    depth (Ranftl et al. 2022, *Towards Robust Monocular Depth Estimation*, arXiv:1907.01341), where
    a linear flip bends every one of them.

    Args:
        inverse_depth: ``(H, W)``, higher = closer, any unit.
        near_m: Distance of the closest pixel, in metres, positive.
        far_m: Distance of the farthest pixel, in metres, above ``near_m``.
        limits: Inverse depth that lies at ``far_m`` and at ``near_m``, in place of the farthest and
            the closest pixel's: that of a video's shot. What is farther comes to ``far_m`` too.

    Returns:
        ``(H, W)``, metres, positive, up to ``far_m``.
    """
    inverse_m = scale_inverse_depth(inverse_depth, limits)
    inverse_m *= 1 / near_m - 1 / far_m
    inverse_m += 1 / far_m
    return np.reciprocal(inverse_m, out=inverse_m)


def scale_depth_to_metres(depth: FloatArray, far_m: float) -> FloatArray:
    """Depth up to scale in metres, if the farthest pixel lies at ``far_m``.

    One factor for all pixels: what the network knows of proportions stays as it is, so there is no
    say in how near the closest pixel comes.

    Args:
        depth: ``(H, W)``, higher = farther, any unit, positive.
        far_m: Distance of the farthest pixel, in metres, positive.

    Returns:
        ``(H, W)``, metres, up to ``far_m``.
    """
    values = depth.astype(np.result_type(depth, np.float32), copy=False)
    highest = values.max()
    if not highest > 0:
        return np.zeros_like(values)
    scaled: FloatArray = values * values.dtype.type(far_m / float(highest))
    return scaled


def depth_to_metres(
    depth: FloatArray,
    kind: DepthKind,
    near_m: float,
    far_m: float,
    limits: tuple[float, float] | None = None,
) -> FloatArray:
    """A network's output as distances along the optical axis, in metres.

    Metric depth is taken as it is; depth up to scale goes through :func:`scale_depth_to_metres`,
    relative depth, with its ``limits``, through :func:`inverse_depth_to_metres`.
    """
    if kind == "metric":
        return depth
    if kind == "up_to_scale":
        return scale_depth_to_metres(depth, far_m)
    return inverse_depth_to_metres(depth, near_m, far_m, limits)
