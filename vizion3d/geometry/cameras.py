"""Pinhole cameras, and intrinsics from camera presets, a field of view or EXIF data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vizion3d.errors import InvalidConfigError

if TYPE_CHECKING:
    from PIL.Image import Exif

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
"""Diagonal to which a "35 mm equivalent" focal length refers (Exif 2.32, CIPA DC-008)."""

_FOCAL_LENGTH, _FOCAL_LENGTH_35MM = 0x920A, 0xA405
_PLANE_X_RESOLUTION, _PLANE_RESOLUTION_UNIT = 0xA20E, 0xA210
_PIXEL_X_DIMENSION, _PIXEL_Y_DIMENSION = 0xA002, 0xA003
EXIF_IFD = 0x8769

GIVEN = "given"
"""Source of an intrinsic that the user states."""

CALIBRATION = "calibration"
"""How the source of an intrinsic begins that a calibration file tells."""

FROM_EXIF = "EXIF focal length"
"""Source of a focal length that the photo's EXIF data tell."""

AUTO = "auto"
"""In place of a preset's name: by the photo's EXIF data, else the default preset."""

DEFAULT_PRESET = "primesense"

_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0}


@dataclass(frozen=True)
class CameraIntrinsics:
    """A pinhole camera without distortion, for images of one size.

    Attributes:
        fx: Horizontal focal length, in pixels.
        fy: Vertical focal length, in pixels.
        cx: Column of the principal point, in pixels; the first column's centre is 0.
        cy: Row of the principal point, in pixels; the first row's centre is 0.
        width_px: Width of the image.
        height_px: Height of the image.
        sources: Where each of ``fx``, ``fy``, ``cx``, ``cy`` came from, in words.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width_px: int
    height_px: int
    sources: Mapping[str, str] = field(default_factory=dict)

    def matrix(self) -> NDArray[np.float64]:
        """The 3 x 3 camera matrix K."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])


@dataclass(frozen=True)
class Camera:
    """Nominal intrinsics of a camera at the size that its maker states them for.

    Attributes:
        width_px: Width of that size, the longer side.
        height_px: Height of that size.
        focal_px: Focal length in pixels (square pixels, principal point in the centre).
    """

    width_px: int
    height_px: int
    focal_px: float

    def focal_for(self, width_px: int, height_px: int) -> float:
        """Focal length in pixels for an image of another size or shape.

        The image is taken to be the largest centred crop of the sensor that has its shape; a
        portrait image, one taken with the camera turned upright. At the camera's own shape this
        keeps the field of view.
        """
        long_px, short_px = max(width_px, height_px), min(width_px, height_px)
        return self.focal_px * max(long_px / self.width_px, short_px / self.height_px)


def _from_field_of_view(width_px: int, height_px: int, horizontal_deg: float) -> Camera:
    return Camera(width_px, height_px, focal_from_fov(horizontal_deg, width_px))


def focal_from_fov(fov_deg: float, length_px: int) -> float:
    """Focal length in pixels of a camera that sees ``fov_deg`` across ``length_px`` pixels.

    Raises:
        InvalidConfigError: The angle is not between 0 and 180 degrees.
    """
    if not 0 < fov_deg < 180:
        raise InvalidConfigError(f"a field of view is between 0 and 180 degrees, got {fov_deg}")
    return length_px / (2 * math.tan(math.radians(fov_deg) / 2))


PRESETS: dict[str, Camera] = {
    # Open3D's PinholeCameraIntrinsicParameters.PrimeSenseDefault.
    "primesense": Camera(640, 480, 525.0),
    # Nominal horizontal fields of view of the colour cameras, from their makers' data sheets.
    "realsense-d415": _from_field_of_view(1920, 1080, 69.0),
    "realsense-d435": _from_field_of_view(1920, 1080, 69.0),
    "realsense-d455": _from_field_of_view(1280, 800, 90.0),
    "azure-kinect": _from_field_of_view(3840, 2160, 90.0),
    "kinect-v2": _from_field_of_view(1920, 1080, 84.1),
}


def preset(name: str) -> Camera:
    """The camera of that name.

    Raises:
        InvalidConfigError: There is none; the message lists those there are.
    """
    try:
        return PRESETS[name]
    except KeyError:
        raise InvalidConfigError(
            f"no camera preset {name!r}; there are {', '.join(PRESETS)}"
        ) from None


def centre_of(width_px: int, height_px: int) -> tuple[float, float]:
    """The image's centre ``(cx, cy)``, pixel centres being at integer coordinates."""
    return (width_px - 1) / 2, (height_px - 1) / 2


def focal_from_exif(exif: "Exif", width_px: int, height_px: int) -> float | None:
    """Focal length in pixels by an image's EXIF data, ``None`` if they contain none.

    The 35 mm equivalent is preferred; else the focal length and the focal plane's resolution.

    Args:
        exif: The image's EXIF data.
        width_px: Width of the stored image, before its orientation is applied, in pixels.
        height_px: Height of the stored image, likewise.
    """
    tags = exif.get_ifd(EXIF_IFD)
    equivalent_mm = _positive(tags.get(_FOCAL_LENGTH_35MM))
    if equivalent_mm:
        return equivalent_mm / FULL_FRAME_DIAGONAL_MM * math.hypot(width_px, height_px)
    focal_mm = _positive(tags.get(_FOCAL_LENGTH))
    per_unit = _positive(tags.get(_PLANE_X_RESOLUTION))
    unit_mm = _UNIT_MM.get(tags.get(_PLANE_RESOLUTION_UNIT, 2))
    if not (focal_mm and per_unit and unit_mm):
        return None
    return focal_mm * per_unit / unit_mm * _scale_since_taken(tags, width_px, height_px)


def _scale_since_taken(tags: Mapping[int, object], width_px: int, height_px: int) -> float:
    """Size of the image relative to the one that was taken, which the plane's resolution is for.

    Longer sides are compared where both are known, as some programs turn the pixels and leave the
    tags as they were; else the widths, both as stored.
    """
    taken_width_px = _positive(tags.get(_PIXEL_X_DIMENSION))
    taken_height_px = _positive(tags.get(_PIXEL_Y_DIMENSION))
    if taken_width_px and taken_height_px:
        return max(width_px, height_px) / max(taken_width_px, taken_height_px)
    return width_px / taken_width_px if taken_width_px else 1.0


def _positive(value: object) -> float | None:
    try:
        # EXIF values can be of any type; float() rejects what is no number.
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
