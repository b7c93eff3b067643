"""The camera options of the command line, applied to one photo."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from vizion3d.geometry.cameras import PRESETS, focal_from_fov
from vizion3d.lifting.models import DepthEstimationAdvanceConfig
from vizion3d.media import images

FLYING_PIXEL_THRESHOLD = 0.04
"""Default ``edge_threshold`` of the command line, where flying pixels are removed."""


def parse_camera(text: str) -> str:
    """``auto`` or the name of a preset; anything else is a usage error."""
    if text != "auto" and text not in PRESETS:
        raise typer.BadParameter(f"{text!r}; choose from auto, {', '.join(PRESETS)}")
    return text


@dataclass(frozen=True)
class CameraOptions:
    """The options about the camera and the depth range.

    Attributes:
        camera: ``"auto"`` (the EXIF focal length where there is one, else PrimeSense's), or the
            name of a preset.
        fov_deg: Horizontal field of view, in degrees; takes precedence over ``camera``.
        fields: Fields of :class:`~vizion3d.lifting.DepthEstimationAdvanceConfig`, which take
            precedence over both; ``None`` is not set.
    """

    camera: str
    fov_deg: float | None
    fields: Mapping[str, Any]

    @property
    def _given(self) -> dict[str, Any]:
        return {name: value for name, value in self.fields.items() if value is not None}

    def check(self) -> None:
        """Check what can be checked without an image.

        Raises:
            InvalidConfigError: A value is out of range; the message names it.
        """
        DepthEstimationAdvanceConfig(**self._given)
        if self.fov_deg is not None:
            focal_from_fov(self.fov_deg, 1)

    def config_for(self, image: Path, max_pixels: int) -> DepthEstimationAdvanceConfig:
        """The configuration for one image, of which the header is read.

        Raises:
            InvalidImageError: The image cannot be read, or has more than ``max_pixels``.
            InvalidConfigError: A value is out of range.
        """
        config = DepthEstimationAdvanceConfig
        header = images.read_header(image, max_pixels)
        size = header.width_px, header.height_px
        if self.fov_deg is not None:
            return config.from_fov(self.fov_deg, *size, **self._given)
        if self.camera != "auto":
            return config.preset(self.camera, *size, **self._given)
        if header.exif_focal_px is None:
            return config(**self._given)
        return config.from_exif(image, max_pixels, **self._given)
