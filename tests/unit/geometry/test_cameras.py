import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.cameras import (
    PRESETS,
    Camera,
    centre_of,
    focal_from_exif,
    focal_from_fov,
    preset,
)


def exif_with(**tags: float) -> Image.Exif:
    numbers = {
        "focal_mm": 0x920A,
        "focal_35mm": 0xA405,
        "plane_x": 0xA20E,
        "plane_unit": 0xA210,
        "width": 0xA002,
        "height": 0xA003,
    }
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({numbers[name]: value for name, value in tags.items()})
    return exif


@given(st.floats(1, 179), st.integers(1, 10_000))
def test_focal_length_and_field_of_view_agree(fov_deg: float, width: int) -> None:
    focal = focal_from_fov(fov_deg, width)
    assert 2 * math.degrees(math.atan(width / 2 / focal)) == pytest.approx(fov_deg)


@pytest.mark.parametrize("fov_deg", [0, 180, -1, math.nan, math.inf])
def test_an_impossible_field_of_view_is_refused(fov_deg: float) -> None:
    with pytest.raises(InvalidConfigError, match=f"between 0 and 180 degrees, got {fov_deg}"):
        focal_from_fov(fov_deg, 640)


@pytest.mark.parametrize(
    ("size", "focal"),
    [
        ((640, 480), 525),
        ((320, 240), 262.5),
        ((1280, 960), 1050),
        ((480, 640), 525),  # the camera held upright
        ((1920, 1080), 1575),  # cropped above and below: 1920 / 640
        ((480, 480), 525),  # cropped at the sides: 480 / 480
    ],
)
def test_primesense_at_other_sizes(size: tuple[int, int], focal: float) -> None:
    assert PRESETS["primesense"].focal_for(*size) == pytest.approx(focal)


@given(st.integers(1, 50))
def test_scaling_keeps_the_field_of_view(factor: int) -> None:
    camera = Camera(64, 48, 50.0)
    assert camera.focal_for(64 * factor, 48 * factor) / (64 * factor) == pytest.approx(50 / 64)


def test_presets_see_what_their_data_sheets_say() -> None:
    for name, fov_deg in {"realsense-d435": 69, "realsense-d455": 90, "azure-kinect": 90}.items():
        camera = PRESETS[name]
        seen = 2 * math.degrees(math.atan(camera.width_px / 2 / camera.focal_px))
        assert seen == pytest.approx(fov_deg)


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidConfigError, match=r"no camera preset 'gopro'; there are primesense"):
        preset("gopro")


def test_the_centre_of_the_primesense_image_is_its_principal_point() -> None:
    assert centre_of(640, 480) == (319.5, 239.5)


def test_the_35_mm_equivalent_refers_to_the_diagonal() -> None:
    focal = focal_from_exif(exif_with(focal_35mm=43.2666), 4000, 3000)
    assert focal == pytest.approx(5000, rel=1e-5)
    assert focal == focal_from_exif(exif_with(focal_35mm=43.2666), 3000, 4000)


@pytest.mark.parametrize(("unit", "per_mm"), [(2, 1 / 25.4), (3, 1 / 10), (4, 1.0)])
def test_the_focal_plane_resolution(unit: int, per_mm: float) -> None:
    exif = exif_with(focal_mm=5.0, plane_x=8000.0, plane_unit=unit)
    assert focal_from_exif(exif, 4000, 3000) == pytest.approx(5 * 8000 * per_mm)


def test_the_focal_plane_resolution_follows_a_scaled_photo() -> None:
    exif = exif_with(focal_mm=5.0, plane_x=8000.0, plane_unit=3, width=4000)
    assert focal_from_exif(exif, 1000, 750) == pytest.approx(5 * 800 / 4)


@pytest.mark.parametrize(
    ("taken", "stored"),
    [
        ({"width": 4000, "height": 3000}, (4000, 3000)),
        ({"width": 3000, "height": 4000}, (3000, 4000)),  # pixels in portrait
        ({"width": 4000, "height": 3000}, (3000, 4000)),  # turned since, the tags were left
        ({"width": 4000}, (4000, 3000)),
        ({"width": 3000}, (3000, 4000)),
    ],
)
def test_the_size_that_was_taken_is_compared_with_the_same_side(
    taken: dict[str, float], stored: tuple[int, int]
) -> None:
    exif = exif_with(focal_mm=5.0, plane_x=8000.0, plane_unit=3, **taken)
    assert focal_from_exif(exif, *stored) == pytest.approx(4000)
    halved = [side // 2 for side in stored]
    assert focal_from_exif(exif, *halved) == pytest.approx(2000)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"focal_mm": 5.0},
        {"focal_35mm": 0},
        {"focal_35mm": math.nan},
        {"focal_mm": 5.0, "plane_x": 8000.0, "plane_unit": 99},
        {"focal_mm": 0.0, "plane_x": 8000.0},
    ],
)
def test_exif_without_a_usable_focal_length(tags: dict[str, float]) -> None:
    assert focal_from_exif(exif_with(**tags), 400, 300) is None
