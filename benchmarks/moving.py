"""Rendered scenes that a moving camera films: frames, exact depth and exact motion."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.render import Renderer, develop
from training.render.camera import Cameras
from training.render.rand import Rand
from training.render.shade import draw_lights, see, shade

Array = NDArray[np.float64]

SENSOR_NOISE = 2.0
"""Standard deviation of a pixel's noise, of 255."""


@dataclass(frozen=True)
class View:
    """One frame.

    Attributes:
        image: RGB uint8 ``(H, W, 3)``.
        inverse_m: True inverse depth, 1/m, ``(H, W)``; 0 for the sky.
        origin: Where the camera is, in metres, ``(3,)``.
        rotation: Its axes right, down, forward in the world, as columns, ``(3, 3)``.
        focal_px: Its focal length.
    """

    image: NDArray[np.uint8]
    inverse_m: Array
    origin: Array
    rotation: Array
    focal_px: float

    def into(self, other: "View") -> tuple[Array, Array]:
        """Pixels ``(H, W, 2)`` of ``other`` where this frame's points are, and their 1/z there."""
        height, width = self.inverse_m.shape
        u, v = np.meshgrid(np.arange(width), np.arange(height))
        plane = np.stack((u - (width - 1) / 2, v - (height - 1) / 2), -1) / self.focal_px
        local = np.concatenate((plane, np.ones_like(plane[..., :1])), -1)
        depth = 1 / np.maximum(self.inverse_m, 1e-9)
        world = (local * depth[..., None]) @ self.rotation.T + self.origin
        x, y, z = np.moveaxis((world - other.origin) @ other.rotation, -1, 0)
        z = np.maximum(z, 1e-6)
        at = np.stack((x / z, y / z), -1) * other.focal_px
        return at + np.array(((width - 1) / 2, (height - 1) / 2)), 1 / z


def film(seed: int, frames: int, height: int, width: int, speed_m: float) -> Iterator[View]:
    """A scene of that seed, through which the camera goes by ``speed_m`` metres a frame.

    It goes forward and sideways, and turns a little. ``speed_m`` 0 is a camera that stands still.
    """
    renderer = Renderer(seed)
    scenes = renderer.maker.draw(renderer.rand, 1)
    lights = draw_lights(renderer.rand, scenes.layout)
    start = scenes.layout.cameras
    rng = np.random.default_rng(seed)
    heading, turn_rad = rng.uniform(-0.9, 0.9), rng.uniform(-0.003, 0.003)
    view: View | None = None
    for number in range(frames):
        if view is None or speed_m:
            cameras = _moved(start, number, speed_m, heading, turn_rad)
            scene = replace(scenes, layout=replace(scenes.layout, cameras=cameras))
            size, rays = (height, width), cameras.rays(height, width)
            with torch.no_grad():
                seen = see(scene, renderer.bank, rays, size)
                color = shade(Rand(number, "cpu"), scene, renderer.bank, lights, rays, seen, size)
                image = develop(Rand(seed, "cpu"), color)[0].unflatten(0, size)
            inverse = torch.where(seen.hit, 1 / seen.depth, 0.0)[0].view(size)
            view = View(
                (image * 255).round().byte().numpy(),
                inverse.double().numpy(),
                cameras.origin[0].double().numpy(),
                cameras.rotation[0].double().numpy(),
                float(start.focal[0]) * max(height, width) / 2,
            )
        noisy = view.image + rng.normal(0, SENSOR_NOISE, view.image.shape)
        yield replace(view, image=np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def _moved(start: Cameras, number: int, speed_m: float, heading: float, turn_rad: float) -> Cameras:
    rotation = start.rotation[0]
    right, forward = rotation[:, 0], rotation[:, 2]
    way = np.sin(heading) * right + np.cos(heading) * forward
    origin = start.origin + number * speed_m * way
    angle = torch.tensor(number * turn_rad)
    c, s, one, zero = angle.cos(), angle.sin(), torch.tensor(1.0), torch.tensor(0.0)
    about_z: Tensor = torch.stack((c, -s, zero, s, c, zero, zero, zero, one)).view(3, 3)
    return Cameras(origin, (about_z @ rotation)[None], start.focal)
