from typing import Any

import pytest
import typer

from vizion3d.errors import InvalidConfigError
from vizion3d.lifting.cli.camera import configure, parse_camera


def test_cameras_are_presets_or_auto() -> None:
    assert parse_camera("auto") == "auto"
    assert parse_camera("kinect-v2") == "kinect-v2"
    with pytest.raises(typer.BadParameter, match="'gopro'; choose from auto, primesense"):
        parse_camera("gopro")


@pytest.mark.parametrize(
    ("camera", "fov_deg", "fields", "source"),
    [
        ("auto", None, {"fx": None}, "EXIF focal length"),
        ("kinect-v2", None, {}, "preset kinect-v2"),
        ("auto", 60.0, {}, "field of view 60°"),
        ("auto", 60.0, {"fx": 77.0}, "given"),
    ],
)
def test_what_is_given_goes_before_the_angle_before_the_camera(
    camera: str, fov_deg: float | None, fields: dict[str, Any], source: str
) -> None:
    intrinsics = configure(camera, fov_deg, **fields).intrinsics_for(40, 30, exif_focal_px=28.0)
    assert intrinsics.sources["fx"] == source


def test_a_preset_and_an_angle_contradict_each_other() -> None:
    with pytest.raises(InvalidConfigError, match=r"give camera .* or fov"):
        configure("kinect-v2", 60.0)


def test_what_no_photo_makes_sensible_is_refused_without_one() -> None:
    with pytest.raises(InvalidConfigError, match="fov: less than 180, got 180"):
        configure("auto", 180.0)
    with pytest.raises(InvalidConfigError, match="fx"):
        configure("auto", None, fx=-1.0)
