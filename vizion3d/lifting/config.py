"""The camera and the depth range of a depth estimation."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from vizion3d.core.validation import Positive
from vizion3d.geometry.frames import Frame
from vizion3d.lifting.camera_config import CameraConfig
from vizion3d.lifting.limit import DepthLimit


class DepthEstimationAdvanceConfig(CameraConfig, defer_build=False):
    """Camera intrinsics and depth range of one image.

    Every field is optional. What is said of the camera is that of
    :class:`~vizion3d.lifting.camera_config.CameraConfig`.

    Attributes:
        depth_scale: Units per metre of uint16 depth images in metres; 1000 = millimetres.
        depth_trunc: Distance in metres at and beyond which points are discarded. For a relative
            checkpoint it is also the distance given to the farthest pixel. A metric checkpoint's
            own range takes its place where it is not set.
        depth_near: Distance in metres given to the closest pixel of a relative checkpoint.
        frame: Axes of the point cloud: ``"opencv"`` (x right, y down, z forward; Open3D's camera
            frame) or ``"opengl"`` (x right, y up, z backward).
        edge_threshold: Discard points where depth jumps by more than this share of itself ("flying
            pixels" between an object and what is behind it); 0.04 is a good value. ``None`` keeps
            them.
        max_points: The most points of a cloud, chosen evenly, and of vertices of a mesh.
        voxel: One point for each cube of that side, in metres: the mean of those in it.

    Raises:
        InvalidConfigError: A value is NaN, infinite or out of range; also on assignment.
    """

    depth_scale: Positive = 1000.0
    depth_trunc: Positive = 10.0
    depth_near: Positive = Field(0.5, validate_default=True)
    frame: Frame = Field("opencv", description="Axes of the point cloud.")
    edge_threshold: Positive | None = None
    max_points: Annotated[int, Field(gt=0)] | None = Field(
        None, description="The most points of a cloud, and vertices of a mesh."
    )
    voxel: Positive | None = Field(
        None, description="One point for each cube of that side, metres."
    )

    @field_validator("depth_trunc", "depth_near")
    @classmethod
    def _near_before_far(cls, value: float, info: ValidationInfo) -> float:
        given = {**info.data, str(info.field_name): value}
        near, far = given.get("depth_near", -math.inf), given.get("depth_trunc", math.inf)
        if near >= far:
            raise ValueError(
                f"depth_near ({near} m) must be less than depth_trunc ({far} m); set both"
            )
        return value

    def limit_for(self, range_m: float | None) -> DepthLimit:
        """Where the point cloud ends.

        Args:
            range_m: Range of a metric checkpoint; ``None`` for others.
        """
        if "depth_trunc" in self.model_fields_set:
            return DepthLimit(self.depth_trunc, "given")
        if range_m is not None:
            return DepthLimit(range_m, "range of the checkpoint")
        return DepthLimit(self.depth_trunc, "default")


def configure(
    calibration: bytes | Path | None, fields: Mapping[str, Any]
) -> DepthEstimationAdvanceConfig:
    """The configuration of what a request or a command line says.

    Args:
        calibration: A calibration file, or its content; empty or ``None``: there is none.
        fields: Fields that are set; they go before the calibration's.

    Raises:
        InvalidConfigError: They make no sense.
    """
    if not calibration:
        return DepthEstimationAdvanceConfig(**fields)
    return DepthEstimationAdvanceConfig.from_calibration(calibration, **fields)
