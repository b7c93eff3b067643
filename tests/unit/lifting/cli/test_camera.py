from pathlib import Path
from typing import Any

import pytest
import typer

from vizion3d.errors import InvalidConfigError
from vizion3d.lifting.cli.camera import camera_fields, parse_camera


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
    intrinsics = camera_fields(camera, fov_deg, None, **fields).intrinsics_for(
        40, 30, exif_focal_px=28.0
    )
    assert intrinsics.sources["fx"] == source


def test_a_preset_and_an_angle_contradict_each_other() -> None:
    with pytest.raises(InvalidConfigError, match=r"give camera .* or fov"):
        camera_fields("kinect-v2", 60.0, None)


def test_what_no_photo_makes_sensible_is_refused_without_one() -> None:
    with pytest.raises(InvalidConfigError, match="fov: less than 180, got 180"):
        camera_fields("auto", 180.0, None)
    with pytest.raises(InvalidConfigError, match="fx"):
        camera_fields("auto", None, None, fx=-1.0)


def test_a_calibration_takes_the_place_of_the_others(tmp_path: Path) -> None:
    file = tmp_path / "k.txt"
    file.write_text("500 0 20 0 510 15 0 0 1")
    used = camera_fields("auto", None, file, cx=None).intrinsics_for(40, 30)
    assert (used.fx, used.fy, used.sources["fx"]) == (500, 510, "calibration k.txt")
    for camera, fov_deg in (("kinect-v2", None), ("auto", 60.0)):
        with pytest.raises(InvalidConfigError, match="not two of them"):
            camera_fields(camera, fov_deg, file)
