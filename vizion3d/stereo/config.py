"""The pair of cameras of a stereo depth, and what counts as a match."""

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import (
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from vizion3d.core.arrays import BoolArray, Float32Array
from vizion3d.core.validation import Moderate, Positive, ValidatedModel
from vizion3d.geometry import cameras
from vizion3d.geometry.calibration import StereoCalibration
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.frames import Frame

if TYPE_CHECKING:
    from vizion3d.geometry.calibration_files import CalibrationInput

Rectify = Literal["calibration", "auto", "off"]

DEFAULT_SIZE = (1280, 720)
"""Width and height of the images that the default intrinsics are for."""

_Share = Annotated[float, Field(ge=0, le=1)]


class StereoDepthAdvancedConfig(ValidatedModel):
    """The pair of cameras, and what counts as a match.

    Depth is ``baseline * focal_length / (disparity + doffs)``: without the camera's own focal
    length and baseline the numbers are no metres of this scene. :meth:`from_calibration` takes both
    from a calibration file.

    Attributes:
        focal_length: Focal length of both (rectified) cameras, in pixels.
        cx: Column of the left camera's principal point, in pixels. If it is not set and the image
            is not of 1280 x 720 pixels: the image's centre.
        cy: Row of it, likewise.
        baseline: Distance between the two cameras, in **millimetres**.
        doffs: Column of the right principal point less that of the left one, in pixels; 0 for pairs
            that were rectified alike.
        z_far: Distance in metres at and beyond which the cloud has no points.
        conf_threshold: Least confidence of a point in the cloud, 0 to 1.
        occ_threshold: Least visibility of a pixel that counts as seen by both cameras, 0 to 1; what
            is below is marked as occluded.
        scale_factor: Size at which the images are matched, relative to theirs, up to 1. ``None``:
            as large as keeps large images quick (1 for most).
        frame: Axes of the cloud: ``"opengl"`` (x right, y up, z backward), as vizion3d 1.5.6 had
            it, or ``"opencv"`` (x right, y down, z forward; Open3D's camera frame).
        rectify: ``"calibration"`` rectifies if the config was made from a calibration with lens
            distortion or turned cameras, and otherwise measures how far the rows disagree and tells
            it; ``"auto"`` makes the rows agree by the images' content where they do not (metres
            then hold only roughly); ``"off"`` takes the images as rectified.
        min_depth_m: Distance of the closest thing that is looked for, in metres; ``None``: seen
            from the images.
        fill: Give pixels without a match a depth as well, from their surroundings; they are marked
            in the result's ``filled``.
        edge_threshold: Leave out points where depth jumps by more than this share of itself; 0.04
            is a good value. ``None`` keeps them.
        max_points: The most points of a cloud, chosen evenly, and of vertices of a mesh.
        voxel: One point for each cube of that side, in metres: the mean of those in it.

    Raises:
        InvalidConfigError: A value is NaN, infinite or out of range; also on assignment.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False)

    focal_length: Positive = 1000.0
    cx: Moderate = 640.0
    cy: Moderate = 360.0
    baseline: Positive = 100.0
    doffs: Moderate = 0.0
    z_far: Positive = 50.0
    conf_threshold: _Share = 0.1
    occ_threshold: _Share = 0.5
    scale_factor: Annotated[float, Field(gt=0.01, le=1)] | None = None
    frame: Frame = "opengl"
    rectify: Rectify = "calibration"
    min_depth_m: Positive | None = None
    fill: bool = False
    edge_threshold: Positive | None = None
    max_points: Annotated[int, Field(gt=0)] | None = Field(
        None, description="The most points of a cloud, and vertices of a mesh."
    )
    voxel: Positive | None = Field(
        None, description="One point for each cube of that side, metres."
    )

    _calibration: StereoCalibration | None = PrivateAttr(None)

    @field_validator("z_far", "min_depth_m")
    @classmethod
    def _near_before_far(cls, value: float | None, info: ValidationInfo) -> float | None:
        given = {**info.data, str(info.field_name): value}
        near, far = given.get("min_depth_m"), given.get("z_far", math.inf)
        if near is not None and near >= far:
            raise ValueError(f"min_depth_m ({near} m) must be less than z_far ({far} m); set both")
        return value

    @classmethod
    def from_calibration(
        cls,
        calibration: "CalibrationInput | StereoCalibration",
        right: "CalibrationInput | None" = None,
        unit: str | None = None,
        **fields: Any,
    ) -> "StereoDepthAdvancedConfig":
        """The config that a calibration file tells.

        Args:
            calibration: Path or content: Middlebury ``calib.txt``, OpenCV YAML or XML of
                ``stereoCalibrate`` or ``stereoRectify``, Kalibr YAML, a camera matrix with a line
                that tells the baseline, or the left camera's ROS ``camera_info``; see
                :func:`vizion3d.geometry.calibration_files.read_stereo`.
            right: The right camera's ROS ``camera_info``.
            unit: Of its lengths, ``"mm"``, ``"cm"`` or ``"m"``, where the file leaves it open.
            fields: Any other field of this class.

        Raises:
            InvalidConfigError: The file cannot be read or does not tell the pair.
        """
        from vizion3d.geometry.calibration_files import read_stereo

        if not isinstance(calibration, StereoCalibration):
            calibration = read_stereo(calibration, right, unit)
        config = cls(**{**told_by(calibration), **fields})
        config._calibration = calibration
        return config

    @property
    def calibration(self) -> StereoCalibration | None:
        """What the config was made from, if it was made from a calibration."""
        return self._calibration

    def __eq__(self, other: object) -> bool:
        """Equal values, set by the same fields: one left out may follow the image's size."""
        if not isinstance(other, StereoDepthAdvancedConfig):
            return NotImplemented
        ours, theirs = (
            (config.model_fields_set, c and c.fingerprint())
            for config in (self, other)
            for c in (config._calibration,)
        )
        return self.model_dump() == other.model_dump() and ours == theirs

    __hash__ = None  # type: ignore[assignment]  # it may change, so it has no hash

    def for_size(self, width_px: int, height_px: int) -> "StereoDepthAdvancedConfig":
        """The same for images of that size: what came from a calibration is scaled to it.

        Raises:
            InvalidConfigError: The calibration is for images of another shape.
        """
        if self._calibration is None:
            return self
        scaled = self._calibration.scaled(width_px, height_px)
        if scaled.fingerprint() == self._calibration.fingerprint():
            return self
        before, after = told_by(self._calibration), told_by(scaled)
        config = self.model_copy()
        for name, value in after.items():
            if getattr(self, name) == before[name]:  # set by hand, it is meant for this size
                setattr(config, name, value)
        config._calibration = scaled
        return config

    def intrinsics_for(self, width_px: int, height_px: int) -> CameraIntrinsics:
        """The left camera's intrinsics for an image of that size, and where each came from."""
        config = self.for_size(width_px, height_px)
        source = config._calibration.source if config._calibration else "given"
        told = told_by(config._calibration) if config._calibration else {}
        at_default_size = (width_px, height_px) == DEFAULT_SIZE
        centre = dict(zip(("cx", "cy"), cameras.centre_of(width_px, height_px), strict=True))
        values, sources = {}, {}
        for field, names in (("focal_length", ("fx", "fy")), ("cx", ("cx",)), ("cy", ("cy",))):
            value = getattr(config, field)
            if field in config.model_fields_set:
                where = source if told.get(field, value) == value else "given"
            elif field in centre and not at_default_size:
                value, where = centre[field], "the image's centre"
            else:
                where = "default"
            for name in names:
                values[name], sources[name] = value, where
        return CameraIntrinsics(**values, width_px=width_px, height_px=height_px, sources=sources)

    def depth_m(self, disparity: Float32Array, valid: BoolArray) -> Float32Array:
        """Metres along the optical axis: ``baseline f / (disparity + doffs)``; 0 where not valid.

        Args:
            disparity: ``(H, W)``, pixels.
            valid: Which of them count.
        """
        shift = disparity + np.float32(self.doffs)
        seen = valid & (shift > 0)
        depth = np.zeros_like(disparity)
        np.divide(np.float32(self.baseline * self.focal_length / 1000), shift, depth, where=seen)
        return depth

    def disparity_px(self, depth_m: float) -> float:
        """Disparity of a point at that distance."""
        return self.baseline * self.focal_length / (1000 * depth_m) - self.doffs


def told_by(calibration: StereoCalibration) -> dict[str, float]:
    """The fields of a config that a calibration tells."""
    cx, cy = calibration.centre_px
    return {
        "focal_length": calibration.focal_px,
        "cx": cx,
        "cy": cy,
        "baseline": calibration.baseline_mm,
        "doffs": calibration.doffs_px,
    }
