"""Procedural scenes with exact depth, rendered in batches on torch tensors, on a CPU or a GPU."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.render.rand import Rand
from training.render.scenes import SceneMaker
from training.render.shade import draw_lights, see, shade
from training.render.textures import make_bank

BOXES, ROUNDS = 72, 80
"""Most primitives of each kind in one scene."""


@dataclass
class Frames:
    """Rendered images.

    Attributes:
        image: ``(B, 3, H, W)`` sRGB in [0, 1].
        inverse_depth: ``(B, H, W)``, 1 / z in 1 / metres along the optical axis; 0 for the sky.
        focus: ``(B,)``, inverse depth that a lens focused on the middle of the image would have.
    """

    image: Tensor
    inverse_depth: Tensor
    focus: Tensor


class Renderer:
    """Renders batches of random scenes.

    Args:
        seed: Same seed, same device, same sizes: same images.
        device: Where everything is drawn and rendered; nothing in `render` waits for it.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.rand = Rand(seed, device)
        self.maker = SceneMaker(self.rand.device, BOXES, ROUNDS)
        self.bank = make_bank(self.rand)

    @torch.no_grad()
    def render(self, count: int, height: int, width: int) -> Frames:
        """``count`` new images of ``height`` x ``width`` pixels."""
        rand, size = self.rand, (height, width)
        scenes = self.maker.draw(rand, count)
        cameras = scenes.layout.cameras
        lights = draw_lights(rand, scenes.layout)
        rays = cameras.rays(height, width)
        seen = see(scenes, self.bank, rays, size)
        color = shade(rand, scenes, self.bank, lights, rays, seen, size)
        image = develop(rand, color).transpose(1, 2).unflatten(2, size)
        inverse = torch.where(seen.hit, 1 / seen.depth, 0.0).view(count, *size)
        middle = inverse[:, height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5]
        return Frames(image, inverse, middle.mean((1, 2)))


def develop(rand: Rand, color: Tensor) -> Tensor:
    """Radiance ``(B, N, 3)`` -> sRGB in [0, 1]: automatic exposure and a film-like curve."""
    light = color.mean(-1)
    # Half-way between the mean and the geometric mean: a bright window does not darken a room.
    typical = 0.5 * light.mean(1) + 0.5 * (light + 1e-3).log().mean(1).exp()
    target = rand.log_uniform(len(color), low=0.2, high=0.7)
    blown = rand.log_uniform(len(color), low=0.7, high=2.0)
    target = torch.where(rand.chance(len(color), p=0.2), blown, target)
    exposed = color * (target / typical)[:, None, None]
    exposed = exposed**1.15
    # Some cameras clip early, some late.
    white = rand.log_uniform(len(color), low=1.5, high=6.0)[:, None, None]
    film = exposed * (1 + exposed / white.square()) / (1 + exposed)
    return film.clamp(0, 1) ** (1 / 2.2)
