"""The intrinsics of an image: of what is set, of the camera that is named, or assumed."""

import math
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vizion3d.geometry import cameras
from vizion3d.geometry.cameras import CameraIntrinsics

INTRINSICS = ("fx", "fy", "cx", "cy")

ASSUMED, ESTIMATED = "primesense", "estimated by the network"
"""How ``sources`` begins for intrinsics that nobody gave."""

Given: TypeAlias = Mapping[str, tuple[float, str]]
"""Intrinsic -> its value in pixels, and where it came from."""


def matrix_of(given: Mapping[str, float], default: Mapping[str, float]) -> NDArray[np.float64]:
    """``(3, 3)``, the camera matrix of the intrinsics that are given; one focal length is both.

    Args:
        given: Intrinsics that are set, in pixels.
        default: All four.
    """
    values = {name: given.get(name, default[name]) for name in INTRINSICS}
    fx = values["fx"] if "fx" in given else values["fy"]
    fy = values["fy"] if "fy" in given else fx
    return np.array([[fx, 0, values["cx"]], [0, fy, values["cy"]], [0, 0, 1]], np.float64)


def resolve(
    given: Given,
    size: tuple[int, int],
    camera: str | None,
    fov_deg: float | None,
    exif_focal_px: float | None = None,
    estimated_fov_rad: tuple[float, float] | None = None,
) -> CameraIntrinsics:
    """The intrinsics of an image, and where each came from.

    Args:
        given: Those that are set. Of ``fx`` and ``fy``, one alone holds for both.
        size: ``(width, height)`` of the image, in pixels.
        camera: Name of a preset, ``"auto"``, or ``None``, for those that are not set.
        fov_deg: Horizontal field of view in place of ``camera``.
        exif_focal_px: Focal length by the image's EXIF data, for ``"auto"``.
        estimated_fov_rad: Vertical and horizontal field of view that a network estimated.
    """
    width_px, height_px = size
    focal_px, source = _focal_for(size, camera, fov_deg, exif_focal_px)
    cx, cy = cameras.centre_of(width_px, height_px)
    values = {"fx": focal_px, "fy": focal_px, "cx": cx, "cy": cy}
    sources = dict.fromkeys(INTRINSICS, source)
    if estimated_fov_rad is not None and source.startswith(ASSUMED):
        vertical_deg, horizontal_deg = map(math.degrees, estimated_fov_rad)
        values["fx"] = cameras.focal_from_fov(horizontal_deg, width_px)
        values["fy"] = cameras.focal_from_fov(vertical_deg, height_px)
        sources |= {"fx": ESTIMATED, "fy": ESTIMATED}
    for name, (value, where) in given.items():
        values[name], sources[name] = value, where
    for name, other in (("fx", "fy"), ("fy", "fx")):
        if name in given and other not in given:
            values[other], sources[other] = values[name], f"equal to {name}"
    return CameraIntrinsics(**values, width_px=width_px, height_px=height_px, sources=sources)


def outside(intrinsics: CameraIntrinsics) -> str | None:
    """What to do about a principal point outside the image; ``None``: it is inside.

    It is that of a crop, or of another size by mistake.
    """
    width_px, height_px = intrinsics.width_px, intrinsics.height_px
    told = [
        f"{name} = {value:g}"
        for name, value, side_px in (
            ("cx", intrinsics.cx, width_px),
            ("cy", intrinsics.cy, height_px),
        )
        if not -0.5 <= value <= side_px - 0.5
    ]
    if not told:
        return None
    return (
        f"the principal point ({', '.join(told)}) lies outside the image of {width_px} x "
        f"{height_px} pixels. If fx, fy, cx and cy are for images of another size, say which: "
        "width_px and height_px (--width-px, --height-px); they are then scaled"
    )


def _focal_for(
    size: tuple[int, int],
    camera: str | None,
    fov_deg: float | None,
    exif_focal_px: float | None,
) -> tuple[float, str]:
    """Focal length in pixels where none is set, and where it came from."""
    width_px, height_px = size
    if fov_deg is not None:
        return cameras.focal_from_fov(fov_deg, width_px), f"field of view {fov_deg:g}°"
    if camera == cameras.AUTO and exif_focal_px is not None:
        return exif_focal_px, cameras.FROM_EXIF
    if camera in (None, cameras.AUTO):
        name, source = cameras.DEFAULT_PRESET, f"{ASSUMED} scaled to {width_px}x{height_px}"
    else:
        name, source = camera, f"preset {camera}"
    return cameras.preset(name).focal_for(width_px, height_px), source
