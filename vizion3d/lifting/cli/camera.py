"""The camera options of the command line."""

from typing import Any

import typer

from vizion3d.geometry.cameras import AUTO, PRESETS
from vizion3d.lifting.models import DepthEstimationAdvanceConfig


def parse_camera(text: str) -> str:
    """``auto`` or the name of a preset; anything else is a usage error."""
    if text != AUTO and text not in PRESETS:
        raise typer.BadParameter(f"{text!r}; choose from {AUTO}, {', '.join(PRESETS)}")
    return text


def configure(camera: str, fov_deg: float | None, **fields: Any) -> DepthEstimationAdvanceConfig:
    """The configuration that the options ask for; a field that is ``None`` is not set.

    Args:
        camera: ``"auto"``, which is what holds if nothing is asked for, or a preset's name.
        fov_deg: Horizontal field of view, in degrees, in place of ``camera``.
        fields: Fields of the configuration.

    Raises:
        InvalidConfigError: A value is out of range, or both a preset and an angle are given.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    if fov_deg is None:
        return DepthEstimationAdvanceConfig(camera=camera, **given)
    preset = None if camera == AUTO else camera
    return DepthEstimationAdvanceConfig(camera=preset, fov=fov_deg, **given)
