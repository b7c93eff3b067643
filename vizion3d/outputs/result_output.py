"""The part of :class:`vizion3d.outputs.formats.Lifted` that the results of all tasks share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.frames import Frame
from vizion3d.geometry.thinning import Thinning
from vizion3d.outputs import open3d_objects
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP
from vizion3d.outputs.points import to_points

if TYPE_CHECKING:
    from open3d.geometry import PointCloud as O3dPointCloud


class PhotoResult(Protocol):
    """What is needed of a :class:`vizion3d.outputs.depth_result.DepthResult`."""

    depth_image: Any
    point_cloud: Any

    @property
    def rgb(self) -> UInt8Array | None:
        """The photo, ``(H, W, 3)``."""

    @property
    def intrinsics(self) -> CameraIntrinsics | None:
        """The camera."""


class CloudConfig(Protocol):
    """What is needed of a task's configuration."""

    @property
    def frame(self) -> Frame:
        """The axes of the points."""

    @property
    def max_points(self) -> int | None:
        """The most points."""

    @property
    def voxel(self) -> float | None:
        """Side of the cubes that become one point each, metres."""


R = TypeVar("R", bound=PhotoResult)
C = TypeVar("C", bound=CloudConfig)


@dataclass(frozen=True)
class ResultOutput(ABC, Generic[R, C]):
    """A result and how it was asked for; a task says which depth it shows.

    Attributes:
        result: Of a run; it has ``rgb`` and ``intrinsics``.
        config: How it was asked for.
        color_map: A name that the ``cmap`` catalogue knows.
    """

    result: R
    config: C
    color_map: str = DEFAULT_COLOR_MAP

    @property
    @abstractmethod
    def gray(self) -> NDArray[np.uint16]:
        """The depth over the full range of 16 bits."""

    @property
    @abstractmethod
    def shown_depth_m(self) -> Float32Array:
        """float32, metres; 0 where there is no point."""

    @property
    def rgb(self) -> UInt8Array:
        """The photo."""
        assert self.result.rgb is not None
        return self.result.rgb

    @property
    def intrinsics(self) -> CameraIntrinsics:
        """The camera that holds for the photo."""
        assert self.result.intrinsics is not None
        return self.result.intrinsics

    @property
    def frame(self) -> Frame:
        """The configuration's own."""
        return self.config.frame

    @property
    def max_points(self) -> int | None:
        """The configuration's own."""
        return self.config.max_points

    @property
    def thinning(self) -> Thinning:
        """How the cloud is made smaller."""
        return Thinning(self.config.max_points, self.config.voxel)

    @cached_property
    def points(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """The points, row by row, and their colours."""
        points, colors = to_points(self.shown_depth_m, self.rgb, self.intrinsics, self.frame)
        return self.thinning.apply(points, colors)

    def cloud(self) -> "O3dPointCloud":
        """The points as Open3D's."""
        if self.thinning.is_asked_for:
            return open3d_objects.cloud_of(*self.points)
        return open3d_objects.to_point_cloud(
            self.shown_depth_m, self.rgb, self.intrinsics, self.frame
        )


def with_objects(
    result: R, output: ResultOutput[Any, Any], depth_image: bool, point_cloud: bool
) -> R:
    """The result, with the Open3D objects that are asked for.

    Args:
        result: What gets them.
        output: What they are made of.
        depth_image: Whether an image is asked for.
        point_cloud: Whether a cloud is.

    Raises:
        MissingDependencyError: Open3D cannot be imported.
    """
    if depth_image:
        result.depth_image = open3d_objects.to_image(output.gray)
    if point_cloud:
        result.point_cloud = output.cloud()
    return result
