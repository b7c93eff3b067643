"""Rendered scenes that a moving camera films: frames, exact depth and exact motion."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.render import Renderer, develop
from training.render.camera import Cameras
from training.render.rand import Rand
from training.render.scenes import Scenes
from training.render.shade import Surface, draw_lights, see, shade

Array = NDArray[np.float64]

NEAREST_INVERSE = 2.5
"""1 / metres: nothing comes closer to the camera than 0.4 m."""

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


class Set:
    """A scene of a seed, and the camera's way through it: forward, sideways, turning a little.

    Args:
        seed: Of everything.
        height, width: Of a frame, in pixels; multiples of 8.
        speed_m: Metres that the camera goes from frame to frame; 0 stands still.
    """

    def __init__(self, seed: int, height: int, width: int, speed_m: float) -> None:
        self._seed, self._size, self._speed_m = seed, (height, width), speed_m
        self._renderer = Renderer(seed)
        rand = self._renderer.rand
        self._scenes = self._renderer.maker.draw(rand, 1)
        self._lights = draw_lights(rand, self._scenes.layout)
        self._rng = np.random.default_rng(seed)
        self._heading, self._turn_rad = self._rng.uniform(-0.9, 0.9), self._rng.uniform(-3e-3, 3e-3)

    def passable(self, frames: int) -> bool:
        """Whether the camera goes through no object on its way, and does not see sky alone."""
        for number in np.linspace(0, frames - 1, 5).astype(int).tolist():
            _, inverse, _ = self._seen(number)
            if inverse.max() > NEAREST_INVERSE or np.mean(inverse > 1e-3) < 0.5:
                return False
        return True

    def film(self, frames: int) -> Iterator[View]:
        """So many frames."""
        view: View | None = None
        for number in range(frames):
            if view is None or self._speed_m:
                view = self._view(number)
            noisy = view.image + self._rng.normal(0, SENSOR_NOISE, view.image.shape)
            yield replace(view, image=np.clip(np.rint(noisy), 0, 255).astype(np.uint8))

    def _view(self, number: int) -> View:
        scene, inverse, seen = self._seen(number)
        cameras = scene.layout.cameras
        rays = cameras.rays(*self._size)
        with torch.no_grad():
            bank, noise = self._renderer.bank, Rand(number, "cpu")
            color = shade(noise, scene, bank, self._lights, rays, seen, self._size)
            image = develop(Rand(self._seed, "cpu"), color)[0].unflatten(0, self._size)
        return View(
            (image * 255).round().byte().numpy(),
            inverse,
            cameras.origin[0].double().numpy(),
            cameras.rotation[0].double().numpy(),
            float(cameras.focal[0]) * max(self._size) / 2,
        )

    @torch.no_grad()
    def _seen(self, number: int) -> tuple[Scenes, Array, Surface]:
        start = self._scenes.layout.cameras
        cameras = _moved(start, number, self._speed_m, self._heading, self._turn_rad)
        scene = replace(self._scenes, layout=replace(self._scenes.layout, cameras=cameras))
        seen = see(scene, self._renderer.bank, cameras.rays(*self._size), self._size)
        inverse = torch.where(seen.hit, 1 / seen.depth, 0.0)[0].view(self._size)
        return scene, inverse.double().numpy(), seen


def films(
    count: int, frames: int, height: int, width: int, speed_m: float, first_seed: int = 5000
) -> list[list[View]]:
    """Films of the first seeds in which the camera's way is free."""
    made: list[list[View]] = []
    for seed in itertools.count(first_seed):
        scene = Set(seed, height, width, speed_m)
        if scene.passable(frames):
            made.append(list(scene.film(frames)))
        if len(made) == count:
            break
    return made


def _moved(start: Cameras, number: int, speed_m: float, heading: float, turn_rad: float) -> Cameras:
    if speed_m == 0:
        return start
    rotation = start.rotation[0]
    right, forward = rotation[:, 0], rotation[:, 2]
    way = np.sin(heading) * right + np.cos(heading) * forward
    origin = start.origin + number * speed_m * way
    angle = torch.tensor(number * turn_rad)
    c, s, one, zero = angle.cos(), angle.sin(), torch.tensor(1.0), torch.tensor(0.0)
    about_z: Tensor = torch.stack((c, -s, zero, s, c, zero, zero, zero, one)).view(3, 3)
    return Cameras(origin, (about_z @ rotation)[None], start.focal)
