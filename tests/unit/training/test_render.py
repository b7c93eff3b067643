"""The renderer: depths that can be worked out by hand, and images that a seed reproduces."""

import math

import pytest
import torch

from training.render import Renderer
from training.render.camera import Cameras, pose
from training.render.catalogue import CLASSES
from training.render.raycast import FAR, Primitives, cast, invert
from training.render.shapes import Part, ball, basin, box, make_table, rod, tube
from training.render.tiles import Tiles, cast_tiles, wanted_by_camera

SIZE = (48, 64)


def camera(height: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Cameras:
    rotation = pose(torch.tensor([pitch]), torch.tensor([roll]))
    return Cameras(torch.tensor([[0.0, 0.0, height]]), rotation, torch.tensor([1.5]))


def one(part: Part, center: tuple[float, float, float]) -> Primitives:
    """A scene of one primitive, with the other kind far away."""
    table = make_table([[part]])
    axes, quadric = table.axes[:, :1], table.quadric[:, :1]
    place = torch.tensor([[center]])
    away, sphere = torch.full((1, 1, 3), -1e4), torch.tensor([[[1.0, 0.0, -1.0, 0.0]]])
    speck = 1e-3 * torch.eye(3)[None, None]
    pairs = ((axes, speck), (place, away), (quadric, sphere))
    ordered = [torch.cat(p if part.quadric is None else p[::-1], dim=1) for p in pairs]
    axes, place, quadric = ordered
    return Primitives(axes, place, quadric, boxes=1)


@pytest.mark.parametrize("pitch", [-0.4, 0.0])
def test_a_ground_plane_has_the_depth_of_the_horizon_formula(pitch: float) -> None:
    """z = height / (downward slope of the ray), the ray's part along the view axis being 1."""
    cameras = camera(height=1.6, pitch=pitch)
    rays = cameras.rays(*SIZE)
    ground = one(box((0, 0, 0), (1e3, 1e3, 0.5)), (0.0, 0.0, -0.5))
    depth, _ = cast(ground, cameras.origin[:, None], rays)
    down = -rays[..., 2]
    seen = down > 0.01
    torch.testing.assert_close(depth[seen], 1.6 / down[seen], rtol=1e-4, atol=0)
    assert (depth[down < -0.01] == FAR).all()


def test_a_sphere_is_nearest_at_its_front_by_its_radius() -> None:
    cameras = camera()
    rays = torch.tensor([[[0.0, 1.0, 0.0], [0.05, 1.0, 0.02], [1.0, 1.0, 0.0]]])
    depth, _ = cast(
        one(ball((0, 0, 0), (0.5, 0.5, 0.5)), (0.0, 4.0, 0.0)), cameras.origin[:, None], rays
    )
    a, b = 1 + 0.05**2 + 0.02**2, 4.0
    expected = (b - math.sqrt(b * b - a * (16 - 0.25))) / a
    torch.testing.assert_close(depth[0, :2], torch.tensor([3.5, expected]), rtol=1e-4, atol=0)
    assert depth[0, 2] == FAR


def test_a_cone_is_as_wide_as_its_height_says() -> None:
    cone = rod((0, 0, -1), (0, 0, 1), 1.0, top=0.0)
    rays = torch.tensor([[[0.0, 1.0, 0.0], [0.0, 1.0, 0.5 / 4]]])
    depth, _ = cast(one(cone, (0.0, 4.5, 0.0)), torch.zeros(1, 1, 3), rays)
    torch.testing.assert_close(depth[0, 0], torch.tensor(4.0), rtol=1e-4, atol=0)
    # On the second ray the surface is where the distance to the axis equals (1 - z) / 2.
    t = depth[0, 1]
    torch.testing.assert_close(4.5 - t, (1 - t * 0.125) / 2, rtol=1e-4, atol=0)


def test_one_looks_into_a_tube_and_a_basin() -> None:
    """A rod shows its lid; a tube of the same size the inside of its far wall."""
    down = torch.tensor([[[0.0, 0.25, -1.0], [0.0, 0.0, -1.0]]])
    above = torch.tensor([[[0.0, 0.0, 3.0]]])
    depths = [
        cast(one(part, (0.0, 0.0, 0.0)), above, down)[0][0]
        for part in (
            rod((0, 0, -1), (0, 0, 1), 1.0),
            tube((0, 0, -1), (0, 0, 1), 1.0),
            basin((0, 0, -1), 1.0, 2.0),
        )
    ]
    torch.testing.assert_close(depths[0], torch.tensor([2.0, 2.0]), rtol=1e-4, atol=0)
    # The slanted ray meets the wall y = 1 at its parameter 4, the bottom of the tube is open.
    torch.testing.assert_close(depths[1][0], torch.tensor(4.0), rtol=1e-4, atol=0)
    assert depths[1][1] == FAR
    # The basin is y^2 + ((z - 1) / 2)^2 = 1, below z = 1: its bottom is 4 below the eye.
    torch.testing.assert_close(depths[2][1], torch.tensor(4.0), rtol=1e-4, atol=0)
    t = depths[2][0]
    torch.testing.assert_close(
        (0.25 * t) ** 2 + ((3 - t - 1) / 2) ** 2, torch.tensor(1.0), rtol=1e-3, atol=0
    )


def test_rays_measure_depth_along_the_view_axis_whatever_the_pose() -> None:
    cameras = camera(pitch=-0.3, roll=0.2)
    forward = cameras.rays(*SIZE) @ cameras.rotation[0, :, 2]
    torch.testing.assert_close(forward, torch.ones_like(forward))


def test_tiles_change_nothing_while_they_hold_all_they_can_meet() -> None:
    generator = torch.Generator().manual_seed(0)
    axes = 0.3 * torch.randn(2, 30, 3, 3, generator=generator)
    center = 2 * torch.randn(2, 30, 3, generator=generator) + torch.tensor((0.0, 6.0, 0.0))
    prims = Primitives(axes, center, torch.tensor((1.0, 0.0, -1.0, 0.0)).expand(2, 30, 4), boxes=10)
    # Twenty boxes and eighteen rounds fit in a tile: 10 and 18 live ones are never cut.
    prims.center[:, 28:] = -1e3
    cameras = Cameras(torch.zeros(2, 3), pose(torch.zeros(2), torch.zeros(2)), torch.ones(2))
    rays, tiles = cameras.rays(*SIZE), Tiles(*SIZE)
    padded = Primitives(
        torch.cat((axes[:, :10], axes[:, :10] * 1e-3, axes[:, 10:]), 1),
        torch.cat((center[:, :10], torch.full((2, 10, 3), -1e3), prims.center[:, 10:]), 1),
        torch.tensor((1.0, 0.0, -1.0, 0.0)).expand(2, 40, 4),
        boxes=20,
    )
    whole, _ = cast(padded, cameras.origin[:, None], rays)
    wanted = wanted_by_camera(padded, cameras, tiles)
    tiled, _ = cast_tiles(padded, wanted, cameras.origin[:, None], rays, tiles)
    torch.testing.assert_close(tiled, whole, rtol=1e-5, atol=0)


def test_inverse_of_affine_maps() -> None:
    matrix = torch.randn(5, 7, 3, 3, generator=torch.Generator().manual_seed(1))
    identity = torch.eye(3).expand_as(matrix)
    torch.testing.assert_close(invert(matrix) @ matrix, identity, rtol=0, atol=1e-3)


def test_the_catalogue_fits_its_table() -> None:
    table = make_table([c.parts for c in CLASSES.values()])
    slots = torch.tensor([len(c.materials) for c in CLASSES.values()])
    used = torch.where(table.live, table.slot, 0).amax(1)
    assert (used < slots).all()


@pytest.mark.slow
def test_a_seed_reproduces_its_images_and_another_does_not() -> None:
    first, again, other = (Renderer(seed).render(2, *SIZE) for seed in (3, 3, 4))
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.inverse_depth, again.inverse_depth)
    assert not torch.equal(first.image, other.image)


@pytest.mark.slow
def test_images_are_finite_and_in_range() -> None:
    frames = Renderer(0).render(8, *SIZE)
    assert frames.image.shape == (8, 3, *SIZE)
    assert frames.image.isfinite().all()
    assert frames.inverse_depth.isfinite().all()
    assert frames.image.min() >= 0
    assert frames.image.max() <= 1
    assert frames.inverse_depth.min() >= 0
