"""The camera and the depth range of a depth estimation."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from vizion3d.core.limits import DEFAULT_MAX_PIXELS
from vizion3d.core.validation import ValidatedModel
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry import cameras
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.frames import Frame
from vizion3d.media import images

logger = logging.getLogger(__name__)

_INTRINSICS = ("fx", "fy", "cx", "cy")

ASSUMED, ESTIMATED = "primesense", "estimated by the network"
"""How ``sources`` begins for intrinsics that nobody gave."""

TINIEST, LARGEST = 1e-6, 1e9
"""Bounds of the numbers of a configuration, so that points stay within float32."""

_Positive = Annotated[float, Field(gt=TINIEST, le=LARGEST)]
_Moderate = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]


@dataclass(frozen=True)
class DepthLimit:
    """Where a point cloud ends.

    Attributes:
        metres: Points at or beyond this distance are left out.
        source: Who says so: ``"given"``, ``"range of the checkpoint"``, or ``"default"``.
    """

    metres: float
    source: str


class DepthEstimationAdvanceConfig(ValidatedModel):
    """Camera intrinsics and depth range of one image.

    Every field is optional. An intrinsic that is set is in pixels of the input image. One that is
    left out is the PrimeSense camera's, carried over from its 640 x 480 pixels to the image's size
    (see :meth:`intrinsics_for`); at 640 x 480 that is the default shown. One focal length alone
    holds for both directions: pixels are square.

    Attributes:
        fx: Horizontal focal length, in pixels.
        fy: Vertical focal length, in pixels.
        cx: Column of the principal point, in pixels (0 = centre of the first column).
        cy: Row of the principal point, in pixels (0 = centre of the first row).
        camera: Where intrinsics that are left out come from: the name of a preset
            (``vizion3d.geometry.cameras.PRESETS``), or ``"auto"``: the focal length in the photo's
            EXIF data where there is one, else PrimeSense's. ``None`` is PrimeSense's.
        fov: In place of ``camera``: the horizontal field of view, in degrees, between 0 and 180.
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

    Raises:
        InvalidConfigError: A value is NaN, infinite or out of range; also on assignment.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False)

    fx: _Positive = 525.0
    fy: _Positive = 525.0
    cx: _Moderate = 319.5
    cy: _Moderate = 239.5
    camera: str | None = Field(
        None,
        description="Where intrinsics that are left out come from: auto (the photo's EXIF data, "
        f"else {cameras.DEFAULT_PRESET}), {', '.join(cameras.PRESETS)}; {cameras.DEFAULT_PRESET} "
        "if neither this nor fov is given.",
    )
    fov: Annotated[float, Field(gt=0, lt=180)] | None = Field(
        None, description="Horizontal field of view in degrees, in place of camera."
    )
    depth_scale: _Positive = 1000.0
    depth_trunc: _Positive = 10.0
    depth_near: _Positive = Field(0.5, validate_default=True)
    frame: Frame = Field("opencv", description="Axes of the point cloud.")
    edge_threshold: _Positive | None = None

    # Field -> the value that was derived for it, and from what; the size it was derived for.
    _derived: dict[str, tuple[float, str]] = PrivateAttr(default_factory=dict)
    _size_px: tuple[int, int] | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_none(cls, data: Any) -> Any:
        """An intrinsic that is ``None`` is one that was left out, as in 1.5."""
        if not isinstance(data, Mapping):
            return data
        return {n: v for n, v in data.items() if v is not None or n not in _INTRINSICS}

    @field_validator("camera")
    @classmethod
    def _is_known_camera(cls, value: str | None) -> str | None:
        if value not in (None, cameras.AUTO):
            cameras.preset(value)
        return value

    @field_validator("fov")
    @classmethod
    def _either_camera_or_fov(cls, value: float | None, info: ValidationInfo) -> float | None:
        camera = info.data.get("camera")
        if value is not None and camera is not None:
            raise ValueError(f"give camera ({camera}) or fov ({value:g} degrees), not both")
        return value

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

    @classmethod
    def from_fov(
        cls, fov_deg: float, width_px: int, height_px: int, **fields: Any
    ) -> "DepthEstimationAdvanceConfig":
        """Intrinsics of a camera with that *horizontal* field of view, for images of that size.

        Args:
            fov_deg: Angle across the image's width, in degrees, above 0 and below 180.
            width_px: Width of the image.
            height_px: Height of the image.
            fields: Any other field of this class.
        """
        focal_px = cameras.focal_from_fov(fov_deg, width_px)
        return cls._centred(focal_px, width_px, height_px, f"field of view {fov_deg:g}°", fields)

    @classmethod
    def preset(
        cls, name: str, width_px: int, height_px: int, **fields: Any
    ) -> "DepthEstimationAdvanceConfig":
        """Nominal intrinsics of a known camera, for images of that size.

        Args:
            name: One of ``vizion3d.geometry.cameras.PRESETS``.
            width_px: Width of the image.
            height_px: Height of the image.
            fields: Any other field of this class.
        """
        focal_px = cameras.preset(name).focal_for(width_px, height_px)
        return cls._centred(focal_px, width_px, height_px, f"preset {name}", fields)

    @classmethod
    def from_exif(
        cls,
        image: "images.ImageInput",
        max_pixels: int = DEFAULT_MAX_PIXELS,
        **fields: Any,
    ) -> "DepthEstimationAdvanceConfig":
        """Intrinsics from the focal length in a photo's EXIF data.

        Args:
            image: The photo: path, bytes or PIL image. Only its header is read.
            max_pixels: Refuse larger photos.
            fields: Any other field of this class.

        Raises:
            InvalidConfigError: The EXIF data contain no focal length.
            InvalidImageError: The input is not an image.
        """
        header = images.read_header(image, max_pixels)
        if header.exif_focal_px is None:
            raise InvalidConfigError(
                "the photo's EXIF data contain no focal length; use from_fov(...) or preset(...)"
            )
        return cls._centred(
            header.exif_focal_px, header.width_px, header.height_px, cameras.FROM_EXIF, fields
        )

    @classmethod
    def _centred(
        cls,
        focal_px: float,
        width_px: int,
        height_px: int,
        source: str,
        fields: Mapping[str, Any],
    ) -> "DepthEstimationAdvanceConfig":
        cx, cy = cameras.centre_of(width_px, height_px)
        derived = {"cx": cx, "cy": cy}
        if not {"fx", "fy"} & fields.keys():  # one that is given holds for both directions
            derived |= {"fx": focal_px, "fy": focal_px}
        config = cls(**{**derived, **fields})
        config._derived = {name: (value, source) for name, value in derived.items()}
        config._size_px = width_px, height_px
        return config

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

    def __eq__(self, other: object) -> bool:
        """Equal values, set by the same fields: one left out follows the image's size."""
        return super().__eq__(other) and self.model_fields_set == getattr(
            other, "model_fields_set", None
        )

    __hash__ = None  # type: ignore[assignment]  # it may change, so it has no hash

    def intrinsics_for(
        self,
        width_px: int,
        height_px: int,
        exif_focal_px: float | None = None,
        estimated_fov_rad: tuple[float, float] | None = None,
    ) -> CameraIntrinsics:
        """The intrinsics for an image of that size, and where each came from.

        A field that is not set follows ``fov`` or ``camera``; without these what the network
        estimates; without that it is the PrimeSense camera's: its focal length scaled as
        :meth:`vizion3d.geometry.cameras.Camera.focal_for` has it, its principal point in the
        image's centre. Of ``fx`` and ``fy``, one that is set alone holds for both.

        Args:
            width_px: Width of the image.
            height_px: Height of the image.
            exif_focal_px: Focal length by the image's EXIF data, in pixels of this size, for
                ``camera="auto"``; ``None`` if they contain none.
            estimated_fov_rad: Vertical and horizontal field of view that a network estimated.

        Raises:
            InvalidConfigError: The config was made by ``from_fov``, ``preset`` or ``from_exif`` for
                another size.
        """
        if self._size_px not in (None, (width_px, height_px)):
            made_for = "{} x {}".format(*self._size_px)
            raise InvalidConfigError(
                f"the advanced config was made for {made_for} pixels, the image has "
                f"{width_px} x {height_px}; make it for the image's size"
            )
        focal_px, source = self._focal_for(width_px, height_px, exif_focal_px)
        cx, cy = cameras.centre_of(width_px, height_px)
        values = {"fx": focal_px, "fy": focal_px, "cx": cx, "cy": cy}
        sources = dict.fromkeys(_INTRINSICS, source)
        if estimated_fov_rad is not None and source.startswith(ASSUMED):
            vertical_deg, horizontal_deg = map(math.degrees, estimated_fov_rad)
            values["fx"] = cameras.focal_from_fov(horizontal_deg, width_px)
            values["fy"] = cameras.focal_from_fov(vertical_deg, height_px)
            sources |= {"fx": ESTIMATED, "fy": ESTIMATED}
        given = self.model_fields_set.intersection(_INTRINSICS)
        for name in given:
            values[name] = getattr(self, name)
            derived, derived_from = self._derived.get(name, (None, ""))
            sources[name] = derived_from if derived == values[name] else cameras.GIVEN
        for name, other in (("fx", "fy"), ("fy", "fx")):
            if name in given and other not in given:
                values[other], sources[other] = values[name], f"equal to {name}"
        _warn_if_outside(values["cx"], values["cy"], width_px, height_px)
        return CameraIntrinsics(**values, width_px=width_px, height_px=height_px, sources=sources)

    def _focal_for(
        self, width_px: int, height_px: int, exif_focal_px: float | None
    ) -> tuple[float, str]:
        """Focal length in pixels where none is set, and where it came from."""
        if self.fov is not None:
            return cameras.focal_from_fov(self.fov, width_px), f"field of view {self.fov:g}°"
        if self.camera == cameras.AUTO and exif_focal_px is not None:
            return exif_focal_px, cameras.FROM_EXIF
        if self.camera in (None, cameras.AUTO):
            name, source = cameras.DEFAULT_PRESET, f"{ASSUMED} scaled to {width_px}x{height_px}"
        else:
            name, source = self.camera, f"preset {self.camera}"
        return cameras.preset(name).focal_for(width_px, height_px), source


def _warn_if_outside(cx: float, cy: float, width_px: int, height_px: int) -> None:
    """A principal point outside the image is that of a crop, or of another size by mistake."""
    for name, value, side_px in (("cx", cx, width_px), ("cy", cy, height_px)):
        if not -0.5 <= value <= side_px - 0.5:
            logger.warning(
                "%s = %g lies outside the image of %d x %d pixels. Intrinsics are in pixels of "
                "this image: scale those of a calibration at another size by the ratio of the "
                "sizes",
                name,
                value,
                width_px,
                height_px,
            )
