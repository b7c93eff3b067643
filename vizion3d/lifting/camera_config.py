"""The camera of a depth estimation."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import (
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from vizion3d.core.limits import DEFAULT_MAX_PIXELS
from vizion3d.core.validation import Moderate, Positive, ValidatedModel
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry import cameras
from vizion3d.geometry.calibration import CalibratedCamera
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.undistortion import Undistortion
from vizion3d.lifting.intrinsics import INTRINSICS, Given, matrix_of, resolve
from vizion3d.media import images

if TYPE_CHECKING:
    from vizion3d.geometry.calibration_files import CalibrationInput


class CameraConfig(ValidatedModel, defer_build=True):
    """Camera intrinsics of one image; every field is optional.

    An intrinsic that is set is in pixels of the input image. One that is left out is the PrimeSense
    camera's, carried over from 640 x 480 pixels, for which the defaults are, to the image's size
    (see :meth:`intrinsics_for`). One focal length alone holds for both directions.

    Attributes:
        fx: Horizontal focal length, in pixels.
        fy: Vertical focal length, in pixels.
        cx: Column of the principal point, in pixels (0 = centre of the first column).
        cy: Row of the principal point, in pixels (0 = centre of the first row).
        width_px: With ``height_px``: the size of the images that ``fx``, ``fy``, ``cx`` and ``cy``
            are for; they are carried over to an image of another size. ``None``: the image's own.
        height_px: See ``width_px``.
        camera: Where intrinsics that are left out come from: the name of a preset
            (``vizion3d.geometry.cameras.PRESETS``), or ``"auto"``: the focal length in the photo's
            EXIF data where there is one, else PrimeSense's. ``None`` is PrimeSense's.
        fov: In place of ``camera``: the horizontal field of view, in degrees, between 0 and 180.

    Raises:
        InvalidConfigError: A value is NaN, infinite or out of range; also on assignment.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False)

    fx: Positive = 525.0
    fy: Positive = 525.0
    cx: Moderate = 319.5
    cy: Moderate = 239.5
    camera: str | None = Field(
        None,
        description="Where intrinsics that are left out come from: auto (the photo's EXIF data, "
        f"else {cameras.DEFAULT_PRESET}), {', '.join(cameras.PRESETS)}; {cameras.DEFAULT_PRESET} "
        "if neither this nor fov is given.",
    )
    fov: Annotated[float, Field(gt=0, lt=180)] | None = Field(
        None, description="Horizontal field of view in degrees, in place of camera."
    )
    width_px: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Width of the images that fx, fy, cx, cy are for, if another size."
    )
    height_px: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Height of those images; with width_px.", validate_default=True
    )

    # Field -> the value that was derived for it, and from what; the size it was derived for.
    _derived: dict[str, tuple[float, str]] = PrivateAttr(default_factory=dict)
    _size_px: tuple[int, int] | None = PrivateAttr(None)
    _calibration: CalibratedCamera | None = PrivateAttr(None)
    _undistortion: tuple[Any, Undistortion] | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_none(cls, data: Any) -> Any:
        """An intrinsic that is ``None`` is one that was left out, as in 1.5."""
        if not isinstance(data, Mapping):
            return data
        return {n: v for n, v in data.items() if v is not None or n not in INTRINSICS}

    @field_validator("camera")
    @classmethod
    def _is_known_camera(cls, value: str | None) -> str | None:
        if value not in (None, cameras.AUTO):
            cameras.preset(value)
        return value

    @field_validator("height_px")
    @classmethod
    def _is_whole_size(cls, value: int | None, info: ValidationInfo) -> int | None:
        if (value is None) != (info.data.get("width_px") is None):
            raise ValueError("width_px and height_px go together: give both or neither")
        return value

    @field_validator("fov")
    @classmethod
    def _either_camera_or_fov(cls, value: float | None, info: ValidationInfo) -> float | None:
        camera = info.data.get("camera")
        if value is not None and camera is not None:
            raise ValueError(f"give camera ({camera}) or fov ({value:g} degrees), not both")
        return value

    @classmethod
    def from_fov(cls, fov_deg: float, width_px: int, height_px: int, **fields: Any) -> Self:
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
    def preset(cls, name: str, width_px: int, height_px: int, **fields: Any) -> Self:
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
    ) -> Self:
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
    def from_calibration(
        cls, calibration: "CalibrationInput | CalibratedCamera", **fields: Any
    ) -> Self:
        """Intrinsics, and the lens's distortion, from a calibration file.

        They are carried over to images of another size. Distortion is undone before the depth is
        estimated; the result's ``rgb`` and ``intrinsics`` are of the undistorted photo.

        Args:
            calibration: Path or content, in a format of
                :func:`vizion3d.geometry.calibration_files.read_camera`.
            fields: Any other field of this class.

        Raises:
            InvalidConfigError: The file cannot be read or does not tell the camera.
        """
        from vizion3d.geometry.calibration_files import read_camera  # parsers of YAML and XML

        source = cameras.CALIBRATION
        if not isinstance(calibration, CalibratedCamera):
            if not isinstance(calibration, bytes):
                source = f"{cameras.CALIBRATION} {Path(calibration).name}"
            calibration = read_camera(calibration)
        told = dict(zip(INTRINSICS, calibration.intrinsics, strict=True))
        sides = {"width_px": calibration.width_px, "height_px": calibration.height_px}
        config = cls(**{**told, **sides, **fields})
        config._derived = {name: (value, source) for name, value in told.items()}
        config._calibration = calibration
        return config

    @classmethod
    def _centred(
        cls,
        focal_px: float,
        width_px: int,
        height_px: int,
        source: str,
        fields: Mapping[str, Any],
    ) -> Self:
        cx, cy = cameras.centre_of(width_px, height_px)
        derived = {"cx": cx, "cy": cy}
        if not {"fx", "fy"} & fields.keys():  # one that is given holds for both directions
            derived |= {"fx": focal_px, "fy": focal_px}
        config = cls(**{**derived, **fields})
        config._derived = {name: (value, source) for name, value in derived.items()}
        config._size_px = width_px, height_px
        return config

    def __eq__(self, other: object) -> bool:
        """Equal values, set by the same fields: one left out follows the image's size."""
        if not isinstance(other, CameraConfig):
            return NotImplemented
        ours, theirs = (
            (config.model_fields_set, lens and (lens.distortion.tolist(), lens.fisheye))
            for config in (self, other)
            for lens in (config._calibration,)
        )
        return self.model_dump() == other.model_dump() and ours == theirs

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
            exif_focal_px: By the image's EXIF data, in pixels, for ``camera="auto"``.
            estimated_fov_rad: Vertical and horizontal field of view that a network estimated.

        Raises:
            InvalidConfigError: The config was made for images of another size or shape.
        """
        size = width_px, height_px
        if self._size_px not in (None, size):
            raise InvalidConfigError(
                "the advanced config was made for {} x {} pixels, the image has {} x {}; make it "
                "for the image's size".format(*self._size_px, *size)
            )
        given = self._given_for(*size)
        return resolve(given, size, self.camera, self.fov, exif_focal_px, estimated_fov_rad)

    def _given_for(self, width_px: int, height_px: int) -> Given:
        """The intrinsics that are set, for an image of that size, and where each came from."""
        given = {}
        for name in self.model_fields_set.intersection(INTRINSICS):
            derived, source = self._derived.get(name, (None, ""))
            value = getattr(self, name)
            given[name] = value, source if derived == value else cameras.GIVEN
        if self._calibration is None and self.width_px is None:
            return given
        size = width_px, height_px
        camera = self.undistortion_for(*size) or self._camera_for(*size)
        used = dict(zip(INTRINSICS, camera.intrinsics, strict=True))
        return {name: (used[name], source) for name, (_, source) in given.items()}

    def undistortion_for(self, width_px: int, height_px: int) -> Undistortion | None:
        """What undoes the lens's distortion in an image of that size; ``None`` if it has none.

        Raises:
            InvalidConfigError: The calibration is for images of another shape.
        """
        if self._calibration is None or not self._calibration.distorted:
            return None
        key = width_px, height_px, self.model_dump()
        if self._undistortion is None or self._undistortion[0] != key:
            self._undistortion = key, Undistortion(self._camera_for(width_px, height_px))
        return self._undistortion[1]

    @property
    def calibration(self) -> CalibratedCamera | None:
        """What the config was made from, if it was made from a calibration."""
        return self._calibration

    def _camera_for(self, width_px: int, height_px: int) -> CalibratedCamera:
        """The camera that the fields and the calibration tell, for images of that size."""
        matrix = matrix_of(self.model_dump(include=self.model_fields_set), self.model_dump())
        camera = self._calibration or CalibratedCamera(matrix, np.zeros(0))
        told = replace(camera, matrix=matrix, width_px=self.width_px, height_px=self.height_px)
        return told.scaled(width_px, height_px)
