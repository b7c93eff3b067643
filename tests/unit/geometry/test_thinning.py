import numpy as np
import open3d as o3d
import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.thinning import Thinning

RNG = np.random.default_rng(0)
POINTS = RNG.uniform(0, 4, (5000, 3)).astype(np.float32)
COLORS = RNG.integers(0, 256, (5000, 3), np.uint8)


def test_no_more_points_than_asked_for_and_always_the_same() -> None:
    points, colors = Thinning(max_points=70).apply(POINTS, COLORS)
    again, _ = Thinning(max_points=70).apply(POINTS, COLORS)
    assert points.shape == colors.shape == (70, 3)
    np.testing.assert_array_equal(points, again)
    whole = {tuple(point) for point in POINTS.tolist()}
    assert all(tuple(point) in whole for point in points.tolist())
    # Evenly: every eighth of the cloud has its part.
    octants = ((points > 2) * (1, 2, 4)).sum(axis=1)
    assert np.bincount(octants, minlength=8).min() > 0
    assert Thinning(max_points=9000).apply(POINTS, COLORS)[0] is POINTS


def test_voxels_are_open3ds() -> None:
    voxel_m = 0.7
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(POINTS.astype(np.float64)))
    cloud.colors = o3d.utility.Vector3dVector(COLORS / 255)
    # Open3D's grid begins half a voxel below the least point, ours at it.
    bounds = POINTS.min(0).astype(np.float64), POINTS.max(0) + 1.0
    theirs, _, _ = cloud.voxel_down_sample_and_trace(voxel_m, *bounds)
    points, colors = Thinning(voxel_m=voxel_m).apply(POINTS, COLORS)
    assert len(points) == len(theirs.points)
    ours = points[np.lexsort(points.T)]
    expected = np.asarray(theirs.points)
    np.testing.assert_allclose(ours, expected[np.lexsort(expected.T)], rtol=1e-5)
    assert colors.mean() == pytest.approx(np.asarray(theirs.colors).mean() * 255, abs=1)


def test_voxels_that_are_too_small_for_the_cloud_are_refused() -> None:
    with pytest.raises(InvalidConfigError, match="too small for a cloud that spans 4 m"):
        Thinning(voxel_m=1e-6).apply(POINTS, COLORS)


def test_an_empty_cloud_stays_empty() -> None:
    empty = np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8)
    points, _ = Thinning(5, 0.1).apply(*empty)
    assert len(points) == 0
    assert not Thinning().is_asked_for
