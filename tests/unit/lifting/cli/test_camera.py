from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image

from vizion3d.errors import InvalidConfigError, InvalidImageError
from vizion3d.lifting.cli.camera import CameraOptions, parse_camera

NO_FIELDS: dict[str, Any] = {"fx": None, "depth_trunc": None}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (40, 30)).save(path, exif=exif)
    return path


def test_cameras_are_presets_or_auto() -> None:
    assert parse_camera("auto") == "auto"
    assert parse_camera("kinect-v2") == "kinect-v2"
    with pytest.raises(typer.BadParameter, match="'gopro'; choose from auto, primesense"):
        parse_camera("gopro")


@pytest.mark.parametrize(
    ("camera", "fov_deg", "fields", "source"),
    [
        ("auto", None, NO_FIELDS, "EXIF focal length"),
        ("kinect-v2", None, NO_FIELDS, "preset kinect-v2"),
        ("kinect-v2", 60.0, NO_FIELDS, "field of view 60°"),
        ("auto", 60.0, {"fx": 77.0}, "given"),
    ],
)
def test_what_is_given_goes_before_the_angle_before_the_camera(
    photo: Path, camera: str, fov_deg: float | None, fields: dict[str, Any], source: str
) -> None:
    config = CameraOptions(camera, fov_deg, fields).config_for(photo, 10_000)
    assert config.intrinsics_for(40, 30).sources["fx"] == source


def test_without_exif_it_is_primesense(tmp_path: Path) -> None:
    Image.new("RGB", (640, 480)).save(tmp_path / "photo.png")
    options = CameraOptions("auto", None, {"depth_trunc": 4.0})
    config = options.config_for(tmp_path / "photo.png", 1_000_000)
    assert config.intrinsics_for(640, 480).fx == 525
    assert config.depth_trunc == 4.0


def test_what_no_photo_makes_sensible_is_refused_without_one() -> None:
    CameraOptions("auto", 60.0, NO_FIELDS).check()
    with pytest.raises(InvalidConfigError, match="between 0 and 180"):
        CameraOptions("auto", 180.0, NO_FIELDS).check()
    with pytest.raises(InvalidConfigError, match="fx"):
        CameraOptions("auto", None, {"fx": -1.0}).check()


def test_the_pixel_limit_holds(photo: Path) -> None:
    with pytest.raises(InvalidImageError, match="more than the limit of 100"):
        CameraOptions("auto", None, NO_FIELDS).config_for(photo, 100)
