from typing import Any

import numpy as np
import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment import Knowledge, align

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"points": [(1, 2, NAN)]}, r"points\[0\] = \(1.0, 2.0, nan\) is not finite"),
        ({"points": [(1, 2, 3), (INF, 2, 3)]}, r"points\[1\].* is not finite"),
        ({"points": [(1, 2, -3)]}, "metres that are not positive"),
        ({"points": [(1, 2, 0)]}, "metres that are not positive"),
        ({"points": [(1, 2, 1e9)]}, "more than 1e\\+06 metres"),
        ({"points": [(1, 2, 3, -1)]}, "weight that is not positive"),
        ({"points": [(1, 2)]}, "rows of 3 numbers"),
        ({"points": [1, 2, 3]}, "rows of 3 numbers"),
        ({"points": "abc"}, "rows of 3 numbers"),
        ({"points": [(1, 2, 3), (1, 2)]}, "rows of 3 numbers"),
        ({"points": [(i, 0, -1) for i in range(9)]}, "and 6 more has metres"),
        ({"distances": [(1, 2, 3, 4, -1)]}, r"distances\[0\]"),
        ({"distances": [(1, 2, 3)]}, "rows of 5 numbers"),
        ({"planes": [(1, 2, 3, 4, NAN)]}, r"planes\[0\]"),
        ({"sparse_depth_m": np.full((2, 2), -1.0)}, "negative metres"),
        ({"sparse_depth_m": np.full((2, 2), 2e6)}, "must be in metres"),
        ({"sparse_depth_m": np.ones(4)}, r"shape \(H, W\)"),
        ({"sparse_depth_m": [[1.0]]}, r"shape \(H, W\)"),
        ({"sparse_depth_m": np.ones((2, 2), complex)}, "must be numbers"),
        ({"sparse_depth_m": np.ones((2, 2)), "sparse_mask": np.ones((2, 3), bool)}, "of the shape"),
        ({"sparse_depth_m": np.ones((2, 2)), "sparse_mask": np.ones((2, 2))}, "must be bool"),
        ({"sparse_mask": np.ones((2, 2), bool)}, "goes with sparse_depth_m"),
        ({"camera_height_m": -1.0}, "positive length, got -1.0"),
        ({"camera_height_m": NAN}, "positive length, got nan"),
        ({"camera_pitch_deg": 3.0}, "goes with camera_height_m"),
        ({"camera_height_m": 1.0, "camera_pitch_deg": 95.0}, "between -90 and 90"),
    ],
)
def test_what_cannot_be_known_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidConfigError, match=said):
        Knowledge(**fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"points": [(40, 2, 3)]}, r"points\[0\]: pixel \(40, 2\) is outside the image of 40 x 30"),
        ({"points": [(0, 0, 3), (4, -1, 3)]}, r"points\[1\]"),
        ({"distances": [(0, 0, 4, 30, 1)]}, r"distances\[0\]: pixel \(4, 30\)"),
        ({"planes": [(0, 0, 50, 20, 1)]}, r"planes\[0\]: pixel \(50, 20\)"),
        ({"sparse_depth_m": np.ones((40, 30))}, "has 30 x 40 pixels, the image 40 x 30"),
        ({"sparse_depth_m": np.zeros((30, 40))}, "no pixel above 0"),
        ({"sparse_depth_m": np.full((30, 40), NAN)}, "no pixel above 0"),
        ({"distances": [(0, 0, 4, 20, 1)]}, "need intrinsics"),
        ({"camera_height_m": 1.0}, "need intrinsics"),
        ({"planes": [(0, 0, 10, 10, 1)]}, "need intrinsics"),
    ],
)
def test_what_does_not_fit_the_image_is_refused(fields: dict[str, Any], said: str) -> None:
    raw = np.linspace(0, 1, 1200, dtype=np.float32).reshape(30, 40)
    with pytest.raises(InvalidConfigError, match=said):
        align(raw, Knowledge(**fields), "inverse_depth")


def test_half_a_pixel_around_the_image_belongs_to_it() -> None:
    Knowledge([(-0.5, 29.5, 1), (39.5, -0.5, 1)]).check_size(40, 30)


def test_values_between_pixels_are_interpolated() -> None:
    raw = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = align(raw, Knowledge([(0.5, 0.5, 5.0)]), "depth", with_shift=False)
    assert found.scale == pytest.approx(2.0)


def test_zero_nan_and_infinity_in_a_depth_image_are_unknown_and_the_mask_is_heeded() -> None:
    raw = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    sparse = np.array([[0, NAN, INF], [8.0, 10.0, 500.0]])
    mask = np.array([[True] * 3, [True, True, False]])
    known = Knowledge(sparse_depth_m=sparse, sparse_mask=mask)
    found = align(raw, known, "depth", with_shift=False)
    assert found.known == 2
    assert found.scale == pytest.approx(2.0)


def test_a_rectangle_without_area_is_no_plane() -> None:
    from vizion3d.geometry.cameras import CameraIntrinsics

    camera = CameraIntrinsics(30, 30, 20, 15, 40, 30)
    with pytest.raises(InvalidConfigError, match="has no area"):
        align(np.ones((30, 40)), Knowledge(planes=[(1, 1, 1, 9, 2)]), "depth", camera)


def test_a_million_points_are_taken() -> None:
    rng = np.random.default_rng(0)
    inverse = rng.uniform(0.1, 1, (300, 400))
    u, v = rng.integers(0, 400, 10**6), rng.integers(0, 300, 10**6)
    known = Knowledge(np.column_stack((u, v, 1 / inverse[v, u])))
    found = align(2 * inverse + 1, known, "inverse_depth")
    assert found.scale == pytest.approx(0.5)
    assert found.inliers == 10**6
