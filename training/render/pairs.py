"""Rectified stereo pairs of the renderer's scenes, with exact disparity."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from training.render import Renderer, develop
from training.render.camera import Cameras
from training.render.rand import Rand
from training.render.raycast import FAR, Primitives
from training.render.scenes import Scenes
from training.render.shade import Lights, draw_lights, see, shade
from training.render.tiles import Tiles, cast_tiles, wanted_by_camera

_COARSE = (48, 80)
_NEAREST = 0.97
"""Share of the image that is farther than what decides the baseline."""
_LONGEST_M = 1.5
_AGREEMENT_PX = 1.0


@dataclass
class Pairs:
    """A batch of pairs; the right camera is moved along the left one's x axis.

    Attributes:
        left, right: ``(B, 3, H, W)`` sRGB in [0, 1].
        disparity: ``(B, H, W)`` of the left image, pixels; 0 for the sky.
        seen: ``(B, H, W)``, whether the right camera sees what the left one does.
        known: ``(B, H, W)``, whether the two images show the same scene there: False where one of
            them left out what the other shows.
        inverse_left, inverse_right: ``(B, H, W)``, 1 / z of each camera, 1 / metres.
    """

    left: Tensor
    right: Tensor
    disparity: Tensor
    seen: Tensor
    known: Tensor
    inverse_left: Tensor
    inverse_right: Tensor


@torch.no_grad()
def render_pairs(
    renderer: Renderer,
    count: int,
    size: tuple[int, int],
    nearest_px: tuple[float, float],
    misalignment_px: float = 0.5,
) -> Pairs:
    """``count`` new pairs.

    Args:
        renderer: Whose scenes, and whose random numbers.
        size: Height and width, pixels, multiples of 8.
        nearest_px: Range of the disparity that the nearest things of a pair have.
        misalignment_px: Most rows by which the right camera is too high or too low, in every third
            pair.
    """
    rand, bank = renderer.rand, renderer.bank
    scenes = renderer.maker.draw(rand, count)
    cameras = scenes.layout.cameras
    lights = draw_lights(rand, scenes.layout)
    focal_px = cameras.focal * max(size) / 2
    wanted_px = rand.log_uniform(count, low=nearest_px[0], high=nearest_px[1])
    near = _nearest_inverse(scenes, cameras).clamp_min(1e-3)
    baseline_m = (wanted_px / (focal_px * near)).clamp_max(_LONGEST_M)
    both = _twice(scenes, baseline_m)
    rays = both.layout.cameras.rays(*size)
    rows = rand.uniform(count, low=-misalignment_px, high=misalignment_px)
    rows = rows * rand.chance(count, p=1 / 3) / focal_px
    down = cameras.rotation[..., 1] * rows[:, None]
    rays[count:] += down[:, None]
    lamps = Lights(**{name: torch.cat((x, x)) for name, x in vars(lights).items()})
    surface = see(both, bank, rays, size)
    color = shade(rand, both, bank, lamps, rays, surface, size, views=2)
    image = _develop_alike(rand, color).transpose(1, 2).unflatten(2, size)
    inverse = torch.where(surface.hit, 1 / surface.depth, 0.0).view(2 * count, *size)
    scale = (focal_px * baseline_m)[:, None, None]
    inverse_left, inverse_right = inverse[:count], inverse[count:]
    disparity = inverse_left * scale
    seen, known = compare(disparity, inverse_right * scale)
    return Pairs(image[:count], image[count:], disparity, seen, known, inverse_left, inverse_right)


def _nearest_inverse(scenes: Scenes, cameras: Cameras) -> Tensor:
    """``(B,)``, 1 / z of nearly the nearest thing in view, from a coarse image."""
    tiles, rays = Tiles(*_COARSE), cameras.rays(*_COARSE)
    wanted = wanted_by_camera(scenes.primitives, cameras, tiles)
    depth, _ = cast_tiles(scenes.primitives, wanted, cameras.origin[:, None], rays, tiles)
    inverse = torch.where(depth < FAR * 0.5, 1 / depth, 0.0).sort(dim=1).values
    return inverse[:, int(_NEAREST * inverse.shape[1])]


def _twice(scenes: Scenes, baseline_m: Tensor) -> Scenes:
    """Every scene seen by the left cameras, then all of them by the right ones."""
    cameras, prims = scenes.layout.cameras, scenes.primitives
    moved = cameras.origin + cameras.rotation[..., 0] * baseline_m[:, None]
    pair = Cameras(
        torch.cat((cameras.origin, moved)),
        torch.cat((cameras.rotation, cameras.rotation)),
        torch.cat((cameras.focal, cameras.focal)),
    )
    axes, center, quadric = (torch.cat((x, x)) for x in (prims.axes, prims.center, prims.quadric))
    return Scenes(
        replace(scenes.layout, cameras=pair),
        Primitives(axes, center, quadric, prims.boxes),
        torch.cat((scenes.materials, scenes.materials)),
    )


def _develop_alike(rand: Rand, color: Tensor) -> Tensor:
    """`develop`, with one exposure for both images of a pair."""
    rays = color.shape[1]
    whole = develop(rand, torch.cat(color.chunk(2), dim=1))
    return torch.cat((whole[:, :rays], whole[:, rays:]))


def compare(disparity: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Whether the right camera sees what the left one does, and whether the images agree.

    Args:
        disparity: ``(B, H, W)``, of the left image's pixels.
        other: Of the right image's.

    Returns:
        `Pairs.seen` and `Pairs.known`.
    """
    width = disparity.shape[2]
    partner = torch.arange(width, device=disparity.device) - disparity
    inside = partner >= 0
    low = partner.floor().long().clamp(0, width - 1)
    there = torch.stack((other.gather(2, low), other.gather(2, (low + 1).clamp_max(width - 1))))
    limit = _AGREEMENT_PX + 0.02 * disparity
    agreed = ((there - disparity).abs() < limit).any(0)
    hidden = (there > disparity + limit).any(0)
    return inside & agreed, ~inside | agreed | hidden
