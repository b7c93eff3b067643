"""Checked against projection by hand: points of a scene, seen by a camera that moved."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vizion3d.geometry.egomotion import CameraFollower

Array = NDArray[np.float64]

HEIGHT, WIDTH = 90, 120
FOCAL = float(WIDTH)


def scene(seed: int) -> Array:
    """Depth in metres: columns of walls and a ground."""
    rng = np.random.default_rng(seed)
    walls = np.repeat(rng.uniform(1.5, 8, 12), WIDTH // 12)
    v = np.arange(HEIGHT)[:, None] - (HEIGHT - 1) / 2
    ground = 1.4 * FOCAL / np.maximum(v, 1e-6)
    return np.asarray(np.minimum(np.broadcast_to(walls, (HEIGHT, WIDTH)), ground))


def seen_before(depth_m: Array, t: Array, w: Array) -> tuple[Array, Array]:
    """For the points of this frame: flow to where they were in the frame before, and 1/z there.

    From then to now the camera went by ``t`` and turned by ``w``: X_now = X_then - w x X_then - t.
    """
    u, v = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    x = (u - (WIDTH - 1) / 2) / FOCAL
    y = (v - (HEIGHT - 1) / 2) / FOCAL
    now = np.stack((x, y, np.ones_like(x)), -1) * depth_m[..., None]
    turn = np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])
    then = (now + t) @ np.linalg.inv(np.eye(3) - turn).T
    at_u = then[..., 0] / then[..., 2] * FOCAL + (WIDTH - 1) / 2
    at_v = then[..., 1] / then[..., 2] * FOCAL + (HEIGHT - 1) / 2
    return np.stack((at_u - u, at_v - v), -1), 1 / then[..., 2]


MOTIONS = {
    "forward": ([0, 0, 0.06], [0, 0, 0]),
    "backward": ([0, 0, -0.06], [0, 0, 0]),
    "sideways": ([0.05, 0.01, 0], [0, 0, 0]),
    "all": ([0.03, -0.02, 0.05], [0.004, -0.006, 0.003]),
}


@pytest.mark.parametrize("name", MOTIONS)
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (3.0, 0.3)])
def test_still_points_come_closer_as_geometry_says(name: str, scale: float, shift: float) -> None:
    t, w = (np.array(part, float) for part in MOTIONS[name])
    depth_m = scene(0)
    flow, inverse_then = seen_before(depth_m, t, w)
    follower = CameraFollower((scale * inverse_then + shift).astype(np.float32))
    usable = np.ones(depth_m.shape, bool)
    for _ in range(5):
        now, still = follower.follow(
            (scale * inverse_then + shift).astype(np.float32), flow.astype(np.float32), usable
        )
    expected = scale / depth_m + shift
    without = np.abs(scale * inverse_then + shift - expected).mean()
    assert np.abs(now - expected).mean() < max(0.25 * without, 2e-3 * scale)
    assert still.mean() > 0.95


def test_what_moves_by_itself_is_told() -> None:
    depth_m = scene(1)
    flow, inverse_then = seen_before(depth_m, np.array([0.05, 0, 0.02]), np.zeros(3))
    flow[20:50, 30:60] += (4, -3)
    follower = CameraFollower(inverse_then.astype(np.float32))
    _, still = follower.follow(
        inverse_then.astype(np.float32), flow.astype(np.float32), np.ones(depth_m.shape, bool)
    )
    assert not still[20:50, 30:60].any()
    still[20:50, 30:60] = True
    assert still.mean() > 0.95


def test_a_camera_that_stands_changes_nothing() -> None:
    inverse = (1 / scene(2)).astype(np.float32)
    flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    flow[:10, :10] = 3
    now, still = CameraFollower(inverse).follow(inverse, flow, np.ones((HEIGHT, WIDTH), bool))
    assert np.array_equal(now, inverse)
    assert not still[:10, :10].any()
    assert still[10:, 10:].all()
