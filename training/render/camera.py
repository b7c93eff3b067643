"""A batch of pinhole cameras.

World: x right, y forward, z up, metres; the camera stands at ``(0, 0, height)`` and looks along y
before pitch (positive: up) and roll.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from training.render.rand import Rand


@dataclass
class Cameras:
    """Attributes: ``origin`` (B, 3), ``rotation`` (B, 3, 3) with columns right, down and forward in
    the world, ``focal`` (B,) in halves of the image's longer side."""

    origin: Tensor
    rotation: Tensor
    focal: Tensor

    def rays(self, height: int, width: int) -> Tensor:
        """``(B, H * W, 3)`` directions whose part along the view axis is 1: a ray's parameter *is*
        the z-depth of the point that it reaches."""
        device, half = self.origin.device, max(height, width) / 2
        v = (torch.arange(height, device=device) + 0.5 - height / 2) / half
        u = (torch.arange(width, device=device) + 0.5 - width / 2) / half
        v, u = torch.meshgrid(v, u, indexing="ij")
        plane = torch.stack((u.flatten(), v.flatten()), dim=-1) / self.focal[:, None, None]
        local = torch.cat((plane, torch.ones_like(plane[..., :1])), dim=-1)
        return local @ self.rotation.transpose(1, 2)


def pose(pitch: Tensor, roll: Tensor) -> Tensor:
    """Pitch and roll ``(B,)`` in radians -> ``(B, 3, 3)``, columns right, down, forward."""
    zero, one = torch.zeros_like(pitch), torch.ones_like(pitch)
    sp, cp, sr, cr = pitch.sin(), pitch.cos(), roll.sin(), roll.cos()
    forward = torch.stack((zero, cp, sp), dim=-1)
    up = torch.stack((zero, -sp, cp), dim=-1)
    right = torch.stack((one, zero, zero), dim=-1)
    turned_right = cr[:, None] * right + sr[:, None] * up
    turned_up = cr[:, None] * up - sr[:, None] * right
    return torch.stack((turned_right, -turned_up, forward), dim=-1)


def draw_focal(rand: Rand, count: int) -> Tensor:
    """Focal lengths for fields of view of 35 to 90 degrees across the longer side."""
    fov = rand.uniform(count, low=math.radians(35), high=math.radians(90))
    return 1 / torch.tan(fov / 2)
