"""Knowledge as equations: values of the network beside the metres that they stand for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import FloatArray
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment.ground import find_ground
from vizion3d.geometry.alignment.knowledge import Knowledge
from vizion3d.geometry.alignment.model import Space
from vizion3d.geometry.cameras import CameraIntrinsics

Array = NDArray[np.float64]
ToDepth = Callable[[Array], Array]

_PLANE_PIXELS = 512
"""Pixels of a plane that are looked at, at most."""

_GROUND_WEIGHT = 3.0
"""What a ground of known height and pitch counts, in measured points: it fixes a whole plane."""


class Lengths(Protocol):
    """Known lengths that do not depend on one pixel's depth alone."""

    @property
    def values(self) -> Array:
        """Values of the network that they depend on."""
        ...

    @property
    def known_m(self) -> Array:
        """``(N,)``."""
        ...

    @property
    def weights(self) -> Array:
        """``(N,)``."""
        ...

    def predict(self, to_depth: ToDepth) -> Array:
        """The lengths, if ``to_depth`` turns the network's values into depths."""
        ...


@dataclass(frozen=True)
class Distances:
    """Distances between the points of pairs of pixels.

    Attributes:
        values: Of the network, ``(N, 2)``.
        rays: ``(N, 2, 3)``, with z = 1.
    """

    values: Array
    rays: Array
    known_m: Array
    weights: Array

    def predict(self, to_depth: ToDepth) -> Array:
        """Distances in metres, ``(N,)``, between the points that the depths put the pixels at."""
        points = to_depth(self.values)[..., None] * self.rays
        lengths: Array = np.linalg.norm(points[:, 0] - points[:, 1], axis=-1)
        return lengths


@dataclass(frozen=True)
class Plane:
    """The camera's distance from a plane.

    A plane n X = D is linear in inverse depth: 1/z = (n ray) / D. So n / D is what solves
    ``rays q = 1/z`` best, and D = 1 / |q|.

    Attributes:
        values: Of the network at pixels of the plane, ``(M,)``.
        solve: Pseudo-inverse of the pixels' rays, ``(3, M)``.
    """

    values: Array
    solve: Array
    known_m: Array
    weights: Array

    def predict(self, to_depth: ToDepth) -> Array:
        """The camera's distance from the plane in metres, ``(1,)``."""
        normal = self.solve @ (1 / to_depth(self.values))
        return np.array([1 / np.linalg.norm(normal)])


@dataclass(frozen=True)
class Observations:
    """All that is known, for the fit.

    Attributes:
        values: The network's, ``(N,)``, where the depth is known.
        depth_m: The known depth, ``(N,)``.
        weights: What each counts, ``(N,)``.
        lengths: What else is known.
    """

    values: Array
    depth_m: Array
    weights: Array
    lengths: tuple[Lengths, ...]

    @property
    def count(self) -> int:
        """How many equations there are: known depths, and known lengths."""
        return len(self.depth_m) + sum(len(each.known_m) for each in self.lengths)


def observe(
    raw_depth: FloatArray, knowledge: Knowledge, space: Space, intrinsics: CameraIntrinsics | None
) -> Observations:
    """Look up the network's values where something is known.

    Raises:
        InvalidConfigError: A pixel is outside the image, what is known needs intrinsics that are
            not there, or there is no ground to be seen.
    """
    height, width = raw_depth.shape
    knowledge.check_size(width, height)
    groups = [_points(raw_depth, knowledge)]
    lengths: list[Lengths] = []
    distances, planes = np.asarray(knowledge.distances), np.asarray(knowledge.planes)
    if knowledge.sparse_depth_m is not None:
        groups.append(_sparse(raw_depth, knowledge))
    if len(distances):
        k = _required(intrinsics)
        ends = distances[:, :4].reshape(-1, 2, 2)
        values = sample(raw_depth, ends[..., 0], ends[..., 1])
        lengths.append(Distances(values, rays(ends, k), distances[:, 4], distances[:, 5]))
    for u1, v1, u2, v2, metres, weight in planes:
        pixels = _rectangle(u1, v1, u2, v2)
        lengths.append(_plane(raw_depth, pixels, metres, weight, _required(intrinsics)))
    if knowledge.camera_height_m is not None:
        k = _required(intrinsics)
        pixels = find_ground(raw_depth, space, k)
        if knowledge.camera_pitch_deg is None:
            lengths.append(_plane(raw_depth, pixels, knowledge.camera_height_m, 1.0, k))
        else:
            groups.append(_ground_points(raw_depth, pixels, knowledge, k))
    values, depth_m, weights = (np.concatenate(parts) for parts in zip(*groups, strict=True))
    return Observations(values, depth_m, weights, tuple(lengths))


def sample(image: FloatArray, u: Array, v: Array) -> Array:
    """Values of ``image`` at pixels that need not be whole, between the four around them."""
    height, width = image.shape
    u, v = np.clip(u, 0, width - 1), np.clip(v, 0, height - 1)
    left, top = np.floor(u).astype(np.intp), np.floor(v).astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = u - left, v - top
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    values: Array = upper * (1 - down) + lower * down
    return values


def rays(pixels: Array, k: CameraIntrinsics) -> Array:
    """Directions ``(..., 3)`` with z = 1 of pixels ``(..., 2)``."""
    x = (pixels[..., 0] - k.cx) / k.fx
    y = (pixels[..., 1] - k.cy) / k.fy
    return np.stack((x, y, np.ones_like(x)), axis=-1)


def _points(raw_depth: FloatArray, knowledge: Knowledge) -> tuple[Array, Array, Array]:
    u, v, metres, weights = np.asarray(knowledge.points).T
    return sample(raw_depth, u, v), metres, weights


def _sparse(raw_depth: FloatArray, knowledge: Knowledge) -> tuple[Array, Array, Array]:
    depth = knowledge.sparse_depth_m
    assert depth is not None
    known = depth > 0
    metres = depth[known].astype(np.float64)
    if not len(metres):
        raise InvalidConfigError("sparse_depth_m has no pixel above 0 where sparse_mask allows one")
    return raw_depth[known].astype(np.float64), metres, np.ones_like(metres)


def _rectangle(u1: float, v1: float, u2: float, v2: float) -> Array:
    """Pixels spread evenly over a rectangle, ``(M, 2)``."""
    (left, right), (top, bottom) = sorted((u1, u2)), sorted((v1, v2))
    if right - left < 1 or bottom - top < 1:
        raise InvalidConfigError(
            f"the rectangle ({u1:g}, {v1:g}) to ({u2:g}, {v2:g}) has no area; give two opposite "
            "corners of a part of the plane"
        )
    side = round(_PLANE_PIXELS**0.5)
    u, v = np.meshgrid(np.linspace(left, right, side), np.linspace(top, bottom, side))
    return np.stack((u.ravel(), v.ravel()), axis=-1)


def _plane(
    raw_depth: FloatArray, pixels: Array, metres: float, weight: float, k: CameraIntrinsics
) -> Plane:
    values = sample(raw_depth, pixels[:, 0], pixels[:, 1])
    solve = np.asarray(np.linalg.pinv(rays(pixels, k)), np.float64)
    return Plane(values, solve, np.array([metres]), np.array([weight]))


def _ground_points(
    raw_depth: FloatArray, pixels: Array, knowledge: Knowledge, k: CameraIntrinsics
) -> tuple[Array, Array, Array]:
    """The ground's depth at each pixel: height / (down ray), by a camera that is not rolled."""
    assert knowledge.camera_height_m is not None
    assert knowledge.camera_pitch_deg is not None
    pitch = np.radians(knowledge.camera_pitch_deg)
    fall = rays(pixels, k) @ np.array([0, np.cos(pitch), -np.sin(pitch)])
    below = fall > 1e-3
    if not below.any():
        raise InvalidConfigError(
            f"with camera_pitch_deg {knowledge.camera_pitch_deg:g} no ground is in the image; "
            "negative looks down"
        )
    metres = knowledge.camera_height_m / fall[below]
    seen = pixels[below]
    weights = np.full(len(metres), _GROUND_WEIGHT / len(metres))
    return sample(raw_depth, seen[:, 0], seen[:, 1]), metres, weights


def _required(intrinsics: CameraIntrinsics | None) -> CameraIntrinsics:
    if intrinsics is None:
        raise InvalidConfigError(
            "distances, planes and the camera's height need intrinsics, and the result has none"
        )
    return intrinsics
