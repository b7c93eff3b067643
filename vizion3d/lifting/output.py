"""A depth estimation as the encoders of :mod:`vizion3d.outputs.formats` see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from vizion3d.core.arrays import BoolArray, Float32Array, UInt8Array
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.cut import Cut
from vizion3d.geometry.depth import DepthKind, depth_to_metres
from vizion3d.geometry.frames import Frame
from vizion3d.geometry.projection import visible
from vizion3d.geometry.thinning import Thinning
from vizion3d.lifting.config import DepthEstimationAdvanceConfig
from vizion3d.lifting.limit import DepthLimit
from vizion3d.outputs import open3d_objects
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP, colorize, to_uint16
from vizion3d.outputs.facts import values_of
from vizion3d.outputs.points import to_points

if TYPE_CHECKING:
    from open3d.geometry import PointCloud as O3dPointCloud


class Estimate(Protocol):
    """What is needed of a :class:`vizion3d.lifting.models.DepthEstimationResult`."""

    depth_image: Any
    point_cloud: Any

    @property
    def raw_depth(self) -> Float32Array:
        """The depth, ``(H, W)``."""

    @property
    def rgb(self) -> UInt8Array | None:
        """The photo, ``(H, W, 3)``."""

    @property
    def depth_kind(self) -> DepthKind:
        """What the numbers are."""

    @property
    def intrinsics(self) -> CameraIntrinsics | None:
        """The camera."""

    @property
    def sky_depth(self) -> float | None:
        """Value of the depth that marks sky."""

    @property
    def sky(self) -> BoolArray:
        """Which pixels show sky."""

    @property
    def confidence(self) -> Float32Array | None:
        """How certain the network is."""

    @property
    def depth_limit(self) -> DepthLimit | None:
        """Where the cloud ends."""


R = TypeVar("R", bound=Estimate)


@dataclass(frozen=True)
class DepthOutput:
    """A result and how it was asked for: a :class:`vizion3d.outputs.formats.Lifted`.

    Attributes:
        result: Of a run; it has ``rgb`` and ``intrinsics``.
        config: The range of depth, the frame and the edge threshold.
        color_map: A name that the ``cmap`` catalogue knows.
    """

    result: Estimate
    config: DepthEstimationAdvanceConfig
    color_map: str = DEFAULT_COLOR_MAP

    @property
    def depth(self) -> Float32Array:
        """``raw_depth`` as it is."""
        return self.result.raw_depth

    @property
    def gray(self) -> NDArray[np.uint16]:
        """0 to 65535 over the range of ``raw_depth``."""
        return to_uint16(self.result.raw_depth)

    @property
    def colored(self) -> UInt8Array:
        """The range of ``raw_depth`` stretched over the colour map."""
        return colorize(self.result.raw_depth, self.color_map)

    @cached_property
    def depth_m(self) -> Float32Array:
        """Metres of every pixel; where the network knows no scale, by the range in ``config``."""
        near_m = self.config.depth_near
        return np.asarray(
            depth_to_metres(self.result.raw_depth, self.result.depth_kind, near_m, self.far_m),
            np.float32,
        )

    @property
    def far_m(self) -> float:
        """Where the cloud ends: as the configuration says, else as the result does."""
        limit = self.result.depth_limit
        return self.config.limit_for(limit.metres if limit else None).metres

    def why_cut(self) -> str | None:
        """Why less than half of the pixels become points; ``None`` if more do."""
        if self.config.edge_threshold is None and self.result.depth_kind != "metric":
            return None  # such a depth is made to fit the range
        cut = Cut(self.far_m, "depth_trunc", "--depth-trunc", self.config.edge_threshold)
        return cut.explain(self.depth_m, self.result.sky)

    @property
    def shown_depth_m(self) -> Float32Array:
        """Metres, 0 where there is no point: sky, beyond :attr:`far_m`, or on an edge."""
        shown = visible(self.depth_m, self.far_m, self.config.edge_threshold)
        if self.result.sky_depth is not None:
            shown &= ~self.result.sky
        return np.where(shown, self.depth_m, np.float32(0))

    @property
    def depth_scale(self) -> float:
        """The configuration's own."""
        return self.config.depth_scale

    @property
    def rgb(self) -> UInt8Array:
        """The photo."""
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
            return open3d_objects.cloud_of(*self.points)
        return open3d_objects.to_point_cloud(
            self.shown_depth_m, self.rgb, self.intrinsics, self.frame
        )

    @property
    def frame(self) -> Frame:
        """The configuration's own."""
        return self.config.frame

    @property
    def intrinsics(self) -> CameraIntrinsics:
        """The camera that holds for the photo."""
        assert self.result.intrinsics is not None
        return self.result.intrinsics

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """``depth`` as it is, ``intrinsics``, the 3 x 3 camera matrix, and ``sky`` and
        ``confidence``, where they are told."""
        arrays: dict[str, NDArray[Any]] = {
            "depth": self.result.raw_depth,
            "intrinsics": self.intrinsics.matrix(),
        }
        if self.result.sky_depth is not None:
            arrays["sky"] = self.result.sky
        if self.result.confidence is not None:
            arrays["confidence"] = self.result.confidence
        return arrays

    @property
    def facts(self) -> Mapping[str, Any]:
        """The result's facts, and the range of depth that was assumed."""
        return {
            **values_of(cast(BaseModel, self.result)),
            "depth_range": {
                **self.config.model_dump(exclude={"fx", "fy", "cx", "cy"}),
                "depth_trunc": self.far_m,
            },
        }


def with_objects(
    result: R, config: DepthEstimationAdvanceConfig, depth_image: bool, point_cloud: bool
) -> R:
    """The result, with the Open3D objects that are asked for made of it.

    Raises:
        MissingDependencyError: Open3D cannot be imported.
    """
    if depth_image or point_cloud:
        output = DepthOutput(result, config)
        if depth_image:
            result.depth_image = open3d_objects.to_image(output.gray)
        if point_cloud:
            result.point_cloud = output.cloud()
    return result
