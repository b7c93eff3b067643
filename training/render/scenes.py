"""From a layout of objects to the primitives that are cast: placing, culling, materials."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.render.camera import Cameras
from training.render.catalogue import CLASSES
from training.render.families import FAMILY
from training.render.layout import NONE, STRUCTURE, Layout, Planner
from training.render.materials import Palette
from training.render.rand import Rand
from training.render.raycast import Primitives, pick
from training.render.shapes import make_table

_SLOTS = 4


@dataclass
class Scenes:
    """A batch ready to be rendered.

    Attributes:
        layout: Where everything stands.
        primitives: At most ``P`` of them per scene, the most visible ones.
        materials: ``(B, P, 10)``, see `training.render.materials.Materials.table`.
    """

    layout: Layout
    primitives: Primitives
    materials: Tensor


class SceneMaker:
    """Draws scenes; keeps the catalogue on one device."""

    def __init__(self, device: torch.device, boxes: int, rounds: int) -> None:
        self.planner = Planner(device)
        self.palette = Palette(device)
        self.table = make_table([c.parts for c in CLASSES.values()]).to(device)
        names = [(*c.materials, *c.materials[:1] * _SLOTS)[:_SLOTS] for c in CLASSES.values()]
        self.families = torch.tensor([[FAMILY[n] for n in row] for row in names], device=device)
        self.boxes, self.rounds = boxes, rounds

    def draw(self, rand: Rand, count: int) -> Scenes:
        layout = self.planner.draw(rand, count)
        kind = layout.objects.kind.clamp_min(0)
        axes, center = self._place(layout, kind)
        live = self.table.live[kind] & (layout.objects.kind != NONE)[..., None]
        score = _importance(axes, center, layout.cameras) * live
        score[:, :STRUCTURE] = live[:, :STRUCTURE] * 1e6
        is_box = self.table.is_box[kind]
        chosen = torch.cat(
            (
                (score * is_box).flatten(1).topk(self.boxes).indices,
                (score * ~is_box).flatten(1).topk(self.rounds).indices,
            ),
            dim=1,
        )
        kept = pick(score.flatten(1), chosen) > 0
        # A primitive that is not wanted shrinks to nothing, far below the ground.
        axes = torch.where(kept[..., None, None], pick(axes.flatten(1, 2), chosen), _speck(axes))
        center = torch.where(kept[..., None], pick(center.flatten(1, 2), chosen), -1e3)
        quadric = pick(self.table.quadric[kind].flatten(1, 2), chosen)
        materials = self._materials(rand, layout, kind, chosen)
        return Scenes(layout, Primitives(axes, center, quadric, self.boxes), materials)

    def _place(self, layout: Layout, kind: Tensor) -> tuple[Tensor, Tensor]:
        """All parts of all objects in the world: ``(B, M, K, 3, 3)`` axes, ``(B, M, K, 3)``."""
        objects = layout.objects
        c, s = objects.yaw.cos(), objects.yaw.sin()
        zero, one = torch.zeros_like(c), torch.ones_like(c)
        turn = torch.stack((c, -s, zero, s, c, zero, zero, zero, one), -1).unflatten(-1, (3, 3))
        frame = (turn * objects.size[..., None, :])[:, :, None]
        center = (frame @ self.table.center[kind][..., None]).squeeze(-1)
        return frame @ self.table.axes[kind], center + objects.position[:, :, None]

    def _materials(self, rand: Rand, layout: Layout, kind: Tensor, chosen: Tensor) -> Tensor:
        table = self.palette.draw(rand, self.families[kind]).table()  # (B, M, slots, 10)
        # The four walls of a room are alike, but now and then one of them.
        same = torch.where(rand.chance(len(table), 3, 1, 1, p=0.9), table[:, 1:2], table[:, 2:5])
        indoor = layout.indoor[:, None, None, None]
        table = torch.cat((table[:, :2], torch.where(indoor, same, table[:, 2:5]), table[:, 5:]), 1)
        parts = self.table.live.shape[1]
        slot = pick(self.table.slot[kind].flatten(1), chosen)
        return pick(table.flatten(1, 2), (chosen // parts) * _SLOTS + slot)


def _speck(axes: Tensor) -> Tensor:
    return 1e-3 * torch.eye(3, device=axes.device)


def _importance(axes: Tensor, center: Tensor, cameras: Cameras) -> Tensor:
    """Apparent size ``(B, M, K)`` of every part; 0 outside the field of view."""
    radius = axes.square().sum((-1, -2)).sqrt()
    offset = center - cameras.origin[:, None, None]
    x, y, z = (offset @ cameras.rotation[:, None]).unbind(-1)
    focal = cameras.focal[:, None, None]
    # Side planes of the (square) field of view, with unit normals.
    slack = radius * (1 + focal**2).sqrt()
    inside = (x.abs() * focal < z + slack) & (y.abs() * focal < z + slack) & (z > -radius)
    return inside * radius / (z.clamp_min(0) + 0.3 * radius + 0.1)
