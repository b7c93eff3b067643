"""Which camera took a photo, by what the options say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from vizion3d.geometry.cameras import PRESETS, focal_from_fov
from vizion3d.lifting.models import DepthEstimationAdvanceConfig
from vizion3d.media import images

FLYING_PIXEL_THRESHOLD = 0.04
"""``edge_threshold`` of the command line: there, points in mid-air are of no use to anybody."""


def parse_camera(text: str) -> str:
    """``auto`` or the name of a preset; anything else is a usage error."""
    if text != "auto" and text not in PRESETS:
        raise typer.BadParameter(f"{text!r}; choose from auto, {', '.join(PRESETS)}")
    return text


@dataclass(frozen=True)
class CameraOptions:
    """What the options say of the camera and the range of depth.

    Attributes:
        camera: ``"auto"`` (the EXIF focal length where there is one, else PrimeSense's), or the
            name of a preset.
        fov_deg: Horizontal field of view, in degrees; it goes before the camera.
        fields: Of :class:`~vizion3d.lifting.DepthEstimationAdvanceConfig`; those that are given go
            before everything else, ``None`` is one that is not.
    """

    camera: str
    fov_deg: float | None
    fields: Mapping[str, Any]

    @property
    def _given(self) -> dict[str, Any]:
        return {name: value for name, value in self.fields.items() if value is not None}

    def check(self) -> None:
        """Refuse what no image could make sensible.

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
