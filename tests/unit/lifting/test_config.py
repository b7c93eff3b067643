import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.calibration import CalibratedCamera
from vizion3d.geometry.calibration_files import write_camera
from vizion3d.lifting import (
    DepthEstimationAdvanceConfig,
)
from vizion3d.lifting.intrinsics import outside


def photo(width: int, height: int, focal_35mm: float | None = None) -> bytes:
    exif = Image.Exif()
    if focal_35mm:
        exif.get_ifd(0x8769)[0xA405] = focal_35mm
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_the_defaults_are_the_documented_ones() -> None:
    assert DepthEstimationAdvanceConfig().model_dump() == {
        "fx": 525.0,
        "fy": 525.0,
        "cx": 319.5,
        "cy": 239.5,
        "camera": None,
        "fov": None,
        "width_px": None,
        "height_px": None,
        "depth_scale": 1000.0,
        "depth_trunc": 10.0,
        "depth_near": 0.5,
        "frame": "opencv",
        "edge_threshold": None,
        "max_points": None,
        "voxel": None,
    }


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"fx": math.nan}, "fx: a finite number, got nan"),
        ({"fy": math.inf}, "fy: a finite number, got inf"),
        ({"fx": 0}, "fx: greater than 0.000001, got 0"),
        ({"fy": -525.0}, "fy: greater than 0.000001, got -525.0"),
        ({"cx": math.nan}, "cx: a finite number, got nan"),
        ({"cy": "left"}, "cy: .*, got 'left'"),
        ({"depth_scale": 0}, "depth_scale: greater than 0.000001, got 0"),
        ({"depth_trunc": -1}, "depth_trunc: greater than 0.000001, got -1"),
        ({"depth_near": 0}, "depth_near: greater than 0.000001, got 0"),
        ({"depth_near": 10}, r"depth_near \(10.0 m\) must be less than depth_trunc \(10.0 m\)"),
        ({"depth_trunc": 0.4}, r"depth_near \(0.5 m\) must be less than depth_trunc \(0.4 m\)"),
        ({"fx": 1e-320}, "fx: greater than 0.000001, got 1e-320"),
        ({"cx": -1e308}, r"cx: greater than or equal to -1000000000, got -1e\+308"),
        ({"depth_trunc": 1e308}, r"depth_trunc: less than or equal to 1000000000, got 1e\+308"),
        ({"frame": "ros"}, "frame: .*'opencv' or 'opengl', got 'ros'"),
        ({"edge_threshold": 0}, "edge_threshold: greater than 0.000001, got 0"),
        ({"fX": 500}, "fX: .*, got 500"),
    ],
)
def test_senseless_values_are_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidConfigError, match=told):
        DepthEstimationAdvanceConfig(**fields)
    with pytest.raises(InvalidConfigError, match=told):
        DepthEstimationAdvanceConfig.model_validate(fields)


@pytest.mark.parametrize(
    ("field", "value"), [("fx", -1.0), ("cx", math.nan), ("depth_trunc", 0.1), ("depth_near", 11)]
)
def test_a_refused_assignment_changes_nothing(field: str, value: float) -> None:
    config = DepthEstimationAdvanceConfig()
    before = config.model_dump()
    with pytest.raises(InvalidConfigError, match=field):
        setattr(config, field, value)
    assert config.model_dump() == before


def test_unset_intrinsics_are_primesense_at_the_images_size() -> None:
    used = DepthEstimationAdvanceConfig().intrinsics_for(640, 480)
    assert (used.fx, used.fy, used.cx, used.cy) == (525.0, 525.0, 319.5, 239.5)
    used = DepthEstimationAdvanceConfig().intrinsics_for(1280, 960)
    assert (used.fx, used.fy, used.cx, used.cy) == (1050.0, 1050.0, 639.5, 479.5)
    assert set(used.sources.values()) == {"primesense scaled to 1280x960"}


def test_a_set_intrinsic_is_in_pixels_of_the_image_even_at_its_default_value() -> None:
    used = DepthEstimationAdvanceConfig(fx=525.0, fy=500.0, cx=10).intrinsics_for(1280, 960)
    assert (used.fx, used.fy, used.cx, used.cy) == (525.0, 500.0, 10.0, 479.5)
    assert used.sources == {
        "fx": "given",
        "fy": "given",
        "cx": "given",
        "cy": "primesense scaled to 1280x960",
    }


@pytest.mark.parametrize(("one", "other"), [("fx", "fy"), ("fy", "fx")])
def test_one_focal_length_holds_for_both_directions(one: str, other: str) -> None:
    for config in (
        DepthEstimationAdvanceConfig(**{one: 800.0}),
        DepthEstimationAdvanceConfig(**{one: 800.0}, fov=60),
        DepthEstimationAdvanceConfig.from_fov(60, 300, 200, **{one: 800.0}),
    ):
        used = config.intrinsics_for(300, 200)
        assert (used.fx, used.fy) == (800.0, 800.0)
        assert (used.sources[one], used.sources[other]) == ("given", f"equal to {one}")


@pytest.mark.parametrize(
    ("fields", "focal_px", "source"),
    [
        ({"camera": "auto"}, 400.0, "EXIF focal length"),
        (
            {"camera": "kinect-v2"},
            1200 / (2 * math.tan(math.radians(84.1) / 2)),
            "preset kinect-v2",
        ),
        ({"fov": 90.0}, 600.0, "field of view 90°"),
        ({}, 984.375, "primesense scaled to 1200x675"),
    ],
)
def test_the_camera_or_the_angle_stand_in_for_intrinsics(
    fields: dict[str, Any], focal_px: float, source: str
) -> None:
    used = DepthEstimationAdvanceConfig(**fields).intrinsics_for(1200, 675, exif_focal_px=400.0)
    assert (used.fx, used.fy) == pytest.approx((focal_px, focal_px))
    assert (used.cx, used.cy) == (599.5, 337.0)
    assert set(used.sources.values()) == {source}


def test_auto_without_exif_data_is_primesense() -> None:
    used = DepthEstimationAdvanceConfig(camera="auto").intrinsics_for(640, 480)
    assert (used.fx, used.sources["fx"]) == (525.0, "primesense scaled to 640x480")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"camera": "gopro"}, "no camera preset 'gopro'; there are primesense"),
        ({"camera": "auto", "fov": 60}, "give camera .auto. or fov .60 degrees., not both"),
        ({"fov": 180}, "fov: less than 180, got 180"),
    ],
)
def test_a_camera_that_makes_no_sense_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidConfigError, match=told):
        DepthEstimationAdvanceConfig(**fields)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cx": 960.0, "cy": 100.0}, "(cx = 960) lies outside the image of 300 x 200 pixels"),
        ({"cx": 960.0, "cy": 540.0}, "(cx = 960, cy = 540) lies outside"),
        ({"cx": -0.6}, "(cx = -0.6) lies outside"),
    ],
)
def test_a_principal_point_outside_the_image_is_told(fields: dict[str, Any], told: str) -> None:
    used = DepthEstimationAdvanceConfig(**fields).intrinsics_for(300, 200)
    assert told in str(outside(used))
    assert "width_px and height_px" in str(outside(used))
    assert {name: getattr(used, name) for name in fields} == fields


def test_from_fov() -> None:
    config = DepthEstimationAdvanceConfig.from_fov(90, 200, 100, depth_trunc=3, cy=40)
    used = config.intrinsics_for(200, 100)
    assert (used.fx, used.fy, used.cx, used.cy) == pytest.approx((100, 100, 99.5, 40))
    assert config.depth_trunc == 3
    assert used.sources == {
        "fx": "field of view 90°",
        "fy": "field of view 90°",
        "cx": "field of view 90°",
        "cy": "given",
    }


def test_preset() -> None:
    config = DepthEstimationAdvanceConfig.preset("primesense", 320, 240, frame="opengl")
    used = config.intrinsics_for(320, 240)
    assert (used.fx, used.fy, used.cx, used.cy) == (262.5, 262.5, 159.5, 119.5)
    assert used.sources["fx"] == "preset primesense"
    assert config.frame == "opengl"
    config.fx = 300
    assert config.intrinsics_for(320, 240).sources["fx"] == "given"


def test_from_exif() -> None:
    config = DepthEstimationAdvanceConfig.from_exif(photo(400, 300, 43.2666), depth_near=1)
    used = config.intrinsics_for(400, 300)
    assert (used.fx, used.fy) == pytest.approx((500, 500), rel=1e-5)
    assert used.sources["fx"] == "EXIF focal length"
    assert config.depth_near == 1
    with pytest.raises(InvalidConfigError, match="contain no focal length"):
        DepthEstimationAdvanceConfig.from_exif(photo(400, 300))


def test_a_config_made_for_one_size_is_refused_for_another() -> None:
    config = DepthEstimationAdvanceConfig.from_fov(90, 200, 100)
    with pytest.raises(InvalidConfigError, match="made for 200 x 100 pixels, the image has 400 x"):
        config.intrinsics_for(400, 200)


def test_configs_are_equal_if_they_mean_the_same() -> None:
    config = DepthEstimationAdvanceConfig
    assert config(fx=600) == config(fx=600)
    assert config() != config(fx=525.0), "at another size than 640 x 480 they differ"
    assert config.from_fov(90, 200, 100) != config.from_fov(90, 400, 200)


def test_intrinsics_for_another_size_are_carried_over() -> None:
    config = DepthEstimationAdvanceConfig(
        fx=900.0, fy=910.0, cx=959.5, cy=539.5, width_px=1920, height_px=1080
    )
    used = config.intrinsics_for(960, 540)
    assert (used.fx, used.fy, used.cx, used.cy) == (450, 455, 479.5, 269.5)
    assert outside(used) is None
    assert set(used.sources.values()) == {"given"}
    alone = DepthEstimationAdvanceConfig(fx=900.0, width_px=1920, height_px=1080)
    used = alone.intrinsics_for(960, 540)
    assert (used.fx, used.fy, used.cx) == (450, 450, 479.5)
    with pytest.raises(InvalidConfigError, match="another shape"):
        config.intrinsics_for(300, 300)
    with pytest.raises(InvalidConfigError, match="go together"):
        DepthEstimationAdvanceConfig(width_px=1920)


MATRIX = np.array([[400.0, 0, 150], [0, 410, 100], [0, 0, 1]])
OPENCV = write_camera(CalibratedCamera(MATRIX, np.zeros(5), False, 300, 200))
BENT = CalibratedCamera(MATRIX, np.array([-0.2, 0.05, 0.001, 0.0, 0.0]), False, 300, 200)
ROS = b"""image_width: 300
image_height: 200
camera_matrix: {rows: 3, cols: 3, data: [400, 0, 150, 0, 410, 100, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0, 0, 0, 0, 0]}
"""
KALIBR = b"""cam0:
  camera_model: pinhole
  intrinsics: [400, 410, 150, 100]
  distortion_model: radtan
  distortion_coeffs: [0, 0, 0, 0]
  resolution: [300, 200]
"""
XML = b"""<?xml version="1.0"?>
<opencv_storage>
<image_width>300</image_width><image_height>200</image_height>
<camera_matrix type_id="opencv-matrix"><rows>3</rows><cols>3</cols><dt>d</dt>
<data>400 0 150 0 410 100 0 0 1</data></camera_matrix>
</opencv_storage>
"""


@pytest.mark.parametrize("content", [OPENCV, ROS, KALIBR, XML])
def test_a_calibration_is_read_and_carried_over(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "cam.yaml"
    file.write_bytes(content)
    config = DepthEstimationAdvanceConfig.from_calibration(file, depth_trunc=3.0)
    used = config.intrinsics_for(600, 400)
    assert (used.fx, used.fy, used.cx, used.cy) == (800, 820, 300.5, 200.5)
    assert set(used.sources.values()) == {"calibration cam.yaml"}
    assert config.depth_trunc == 3.0
    assert config.undistortion_for(600, 400) is None
    with pytest.raises(InvalidConfigError, match="another shape"):
        config.intrinsics_for(400, 400)


def test_nine_numbers_are_for_whatever_size() -> None:
    used = DepthEstimationAdvanceConfig.from_calibration(b"400 0 150 0 410 100 0 0 1")
    assert used.intrinsics_for(123, 77).fx == 400


def test_a_field_that_is_given_goes_before_the_calibrations() -> None:
    config = DepthEstimationAdvanceConfig.from_calibration(OPENCV, fx=500.0)
    used = config.intrinsics_for(300, 200)
    assert (used.fx, used.fy) == (500, 410)
    assert used.sources["fx"] == "given"


def test_distortion_is_undone_with_the_intrinsics_of_the_undone_image() -> None:
    config = DepthEstimationAdvanceConfig.from_calibration(BENT)
    lens = config.undistortion_for(600, 400)
    assert lens is not None
    assert config.undistortion_for(600, 400) is lens, "made once for a size"
    used = config.intrinsics_for(600, 400)
    assert (used.fx, used.fy, used.cx, used.cy) == pytest.approx(lens.intrinsics)
    assert used.fx != pytest.approx(800)
    assert DepthEstimationAdvanceConfig.from_calibration(OPENCV) != config
    assert DepthEstimationAdvanceConfig.from_calibration(BENT) == config
