"""A stereo depth as the encoders of :mod:`vizion3d.outputs.formats` see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.cut import Cut
from vizion3d.geometry.frames import Frame
from vizion3d.geometry.thinning import Thinning
from vizion3d.outputs import depth_files, formats
from vizion3d.outputs.facts import values_of
from vizion3d.outputs.formats import Format
from vizion3d.outputs.open3d_objects import cloud_of, to_point_cloud
from vizion3d.outputs.points import to_points
from vizion3d.stereo.models import StereoDepthAdvancedConfig, StereoDepthResult

if TYPE_CHECKING:
    from open3d.geometry import PointCloud as O3dPointCloud

NO_DEPTH = (24, 24, 28)
"""Colour of pixels without a depth."""


@dataclass(frozen=True)
class StereoOutput:
    """A result and how it was asked for: a :class:`vizion3d.outputs.formats.Lifted`.

    Attributes:
        result: Of a run; it has ``rgb`` and ``intrinsics``.
        config: Where the cloud ends, what it needs of a point, and its frame.
        color_map: A name that the ``cmap`` catalogue knows.
    """

    result: StereoDepthResult
    config: StereoDepthAdvancedConfig
    color_map: str = depth_files.DEFAULT_COLOR_MAP

    @property
    def depth(self) -> Float32Array:
        """Metres, 0 where there is no match."""
        return self.result.depth_m

    @property
    def gray(self) -> NDArray[np.uint16]:
        """65535 the closest, 0 the farthest and where there is no depth."""
        depth_m = self.result.depth_m
        seen = depth_m > 0
        if not seen.any():
            return np.zeros(depth_m.shape, np.uint16)
        near, far = depth_m[seen].min(), depth_m.max()
        if not far > near:
            return np.where(seen, np.uint16(depth_files.UINT16_MAX), np.uint16(0))
        closeness = (far - depth_m) / (far - near) * depth_files.UINT16_MAX
        return np.asarray(np.rint(np.where(seen, closeness, 0)), np.uint16)

    @property
    def colored(self) -> UInt8Array:
        """The range of disparity stretched over the colour map; what has none is dark."""
        seen = self.result.depth_m > 0
        shift = np.where(seen, self.result.disparity, np.float32(np.inf))
        if not seen.any():
            return np.full((*seen.shape, 3), NO_DEPTH, np.uint8)
        lowest = shift.min()
        colours = depth_files.colorize(
            np.where(seen, self.result.disparity, lowest), self.color_map
        )
        colours[~seen] = NO_DEPTH
        return colours

    @property
    def depth_m(self) -> Float32Array:
        """The same as :attr:`depth`: it is in metres."""
        return self.result.depth_m

    @property
    def shown_depth_m(self) -> Float32Array:
        """Metres, 0 where there is no point; see :meth:`StereoDepthResult.shown`."""
        return np.where(self.result.shown(self.config), self.result.depth_m, np.float32(0))

    def why_cut(self) -> str | None:
        """Why less than half of the pixels become points; ``None`` if more do."""
        cut = Cut(self.config.z_far, "z_far", "--z-far", self.config.edge_threshold)
        untrusted = ~self.result.trusted(self.config)
        return cut.explain(self.result.depth_m, untrusted)

    @property
    def depth_scale(self) -> float:
        """Millimetres."""
        return 1000.0

    @property
    def rgb(self) -> UInt8Array:
        """The left image, rectified if that was done."""
        assert self.result.rgb is not None
        return self.result.rgb

    @cached_property
    def points(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """The points, row by row, and their colours."""
        points, colors = to_points(self.shown_depth_m, self.rgb, self.intrinsics, self.frame)
        return self.thinning.apply(points, colors)

    @property
    def thinning(self) -> Thinning:
        """How the cloud is made smaller."""
        return Thinning(self.config.max_points, self.config.voxel)

    @property
    def max_points(self) -> int | None:
        """The configuration's own."""
        return self.config.max_points

    def cloud(self) -> "O3dPointCloud":
        """The points as Open3D's."""
        if self.thinning.is_asked_for:
            return cloud_of(*self.points)
        return to_point_cloud(self.shown_depth_m, self.rgb, self.intrinsics, self.frame)

    @property
    def frame(self) -> Frame:
        """The configuration's own."""
        return self.config.frame

    @property
    def intrinsics(self) -> CameraIntrinsics:
        """The left camera."""
        assert self.result.intrinsics is not None
        return self.result.intrinsics

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Every map, and ``intrinsics``, the left camera's 3 x 3 matrix."""
        result = self.result
        maps = {
            "depth": result.depth_m,
            "disparity": result.disparity,
            "valid": result.valid,
            "confidence": result.confidence,
            "occluded": result.occluded,
            "filled": result.filled,
        }
        told = {name: array for name, array in maps.items() if array is not None}
        return {**told, "intrinsics": self.intrinsics.matrix()}

    @property
    def facts(self) -> Mapping[str, Any]:
        """The result's facts, and what the metres follow from."""
        shares = {
            "valid_share": self.result.valid,
            "occluded_share": self.result.occluded,
            "filled_share": self.result.filled,
        }
        told = {name: float(mask.mean()) for name, mask in shares.items() if mask is not None}
        return {**values_of(self.result), **told, "stereo": self.config.model_dump(mode="json")}


def _disparity(output: StereoOutput) -> bytes:
    return depth_files.encode_npy(output.result.disparity)


def _left(output: StereoOutput) -> bytes:
    return depth_files.encode_jpeg(output.rgb)


FORMATS: tuple[Format[Any], ...] = (
    *formats.FORMATS,
    Format("disparity", ".disparity.npy", "float32 disparity, pixels", _disparity),
    Format(
        "left",
        ".left.jpg",
        "The left photo as it was matched, rectified if that was done",
        _left,
        ("image/jpeg",),
        "left.jpg",
    ),
)
"""What can be written of a stereo depth."""
