"""Where things stand: the random layout of a batch of scenes.

A scene is a list of objects in fixed slots (structure, background, standing, leaning on a wall,
hanging on it, clutter on top of others), so that a whole batch is laid out at once.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from training.render.camera import Cameras, draw_focal, pose
from training.render.catalogue import CLASSES, NAMES
from training.render.mixes import MIXES, weights
from training.render.rand import Rand, constant

ROOM, TABLETOP, PORTRAIT, STREET, NATURE, OPEN = range(6)
"""Kinds of scene: a room, a close look at a table top, a person or thing close up, a street, a
landscape, one big thing in the open."""

KIND_WEIGHTS = (0.36, 0.17, 0.15, 0.13, 0.1, 0.09)
STRUCTURE, BACKGROUND, STANDING, LEANING, HANGING, CLUTTER = 6, 6, 11, 8, 5, 20
NONE = -1


@dataclass
class Objects:
    """Objects of a batch, ``(B, M, ...)``: ``kind`` is the class or `NONE`; ``size`` is half width,
    half depth, height; ``position`` the middle of the base; ``yaw`` in radians."""

    kind: Tensor
    size: Tensor
    position: Tensor
    yaw: Tensor


@dataclass
class Layout:
    """A laid-out batch: ``scene`` (B,) kinds, ``indoor`` (B,) bool, the cameras and the objects;
    ``room`` (B, 5): centre x, y, half extents x, y and height (meaningful indoors); ``turn`` (B,)
    its rotation."""

    scene: Tensor
    indoor: Tensor
    cameras: Cameras
    objects: Objects
    room: Tensor
    turn: Tensor


class Planner:
    """Draws layouts; holds the catalogue's numbers as tensors on one device."""

    def __init__(self, device: torch.device) -> None:
        classes = CLASSES.values()
        sizes = [(c.width, c.depth, c.height) for c in classes]
        self.sizes = torch.tensor(sizes, device=device)  # (classes, 3, 2)
        self.tops = torch.tensor([c.top for c in classes], device=device)
        self.weights = {
            name: torch.tensor([weights(row) for row in rows], device=device)
            for name, rows in MIXES.items()
        }
        self.scene_weights = torch.tensor(KIND_WEIGHTS, device=device)

    def draw(self, rand: Rand, count: int) -> Layout:
        scene = rand.pick(self.scene_weights.expand(count, -1))
        indoor = (scene <= TABLETOP) | ((scene == PORTRAIT) & rand.chance(count, p=0.6))
        cameras = _draw_cameras(rand, scene)
        room, turn = _draw_room(rand, scene)
        structure = self._structure(rand, indoor, room, turn)
        hero = self._hero(rand, scene, cameras)
        standing = self._standing(rand, scene, indoor, room, turn)
        leaning = self._along_walls(rand, scene, indoor, room, turn, "leaning", LEANING)
        hanging = self._along_walls(rand, scene, indoor, room, turn, "hanging", HANGING)
        background = self._background(rand, scene, indoor)
        carriers = _join(hero, standing, leaning)
        clutter = self._clutter(rand, scene, carriers)
        objects = _join(structure, hero, standing, leaning, hanging, background, clutter)
        return Layout(scene, indoor, cameras, objects, room, turn)

    def _sizes(self, rand: Rand, kind: Tensor) -> Tensor:
        """Sizes ``(B, M, 3)`` within the classes' ranges; the three sides vary together in part."""
        low, high = self.sizes[kind.clamp_min(0)].unbind(-1)
        share = 0.6 * rand.uniform(*kind.shape, 1) + 0.4 * rand.uniform(*kind.shape, 3)
        return low + (high - low) * share

    def _pick(self, rand: Rand, name: str, scene: Tensor, count: int) -> Tensor:
        return rand.pick(self.weights[name][scene][:, None].expand(-1, count, -1))

    def _structure(self, rand: Rand, indoor: Tensor, room: Tensor, turn: Tensor) -> Objects:
        """Ground or floor, four walls and a ceiling."""
        b = len(indoor)
        hx, hy, high = room[:, 2:].unbind(-1)
        names = ("wall", "window_wall", "two_windows", "door_wall")
        walls = constant(tuple(NAMES.index(n) for n in names), rand.device)
        shares = constant((0.66, 0.12, 0.1, 0.12), rand.device)
        wall = walls[rand.pick(shares.expand(b, 4, -1))]
        floor = torch.where(indoor, NAMES.index("floor"), NAMES.index("ground"))
        ceiling = torch.full_like(floor, NAMES.index("ceiling"))
        kind = torch.cat((floor[:, None], wall, ceiling[:, None]), dim=1)
        kind[:, 1:] = torch.where(indoor[:, None], kind[:, 1:], NONE)
        size = self._sizes(rand, kind)
        zero = torch.zeros_like(hx)
        thick = size[:, 1:5, 1]
        size[:, 1:5, 0] = torch.stack((hx, hx, hy, hy), dim=1)
        size[:, 1:5, 2] = high[:, None]
        flat = torch.stack((hx + 0.3, hy + 0.3, torch.full_like(hx, 0.2)), dim=-1)
        size[:, 0] = torch.where(indoor[:, None], flat, size[:, 0])
        size[:, 5] = flat
        # Slots 1 to 4: the walls ahead, behind, right and left in the room's own frame, inner faces
        # (their -y side) to the middle.
        side = torch.stack(
            (
                torch.stack((zero, hy + thick[:, 0]), -1),
                torch.stack((zero, -hy - thick[:, 1]), -1),
                torch.stack((hx + thick[:, 2], zero), -1),
                torch.stack((-hx - thick[:, 3], zero), -1),
            ),
            dim=1,
        )
        place = to_world(side, room, turn)
        position = torch.zeros(b, 6, 3, device=rand.device)
        position[:, 1:5, :2] = place
        position[:, 0, :2] = position[:, 5, :2] = room[:, :2] * indoor[:, None]
        position[:, 0, 2] = -size[:, 0, 2]
        position[:, 5, 2] = high
        angle = constant((0.0, 0.0, math.pi, -math.pi / 2, math.pi / 2, 0.0), rand.device)
        return Objects(kind, size, position, turn[:, None] * indoor[:, None] + angle)

    def _hero(self, rand: Rand, scene: Tensor, cameras: Cameras) -> Objects:
        """The table of a table-top scene, the subject of a portrait, the big thing in the open."""
        b = len(scene)
        kind = self._pick(rand, "portrait", scene, 1)[:, 0]
        tables = constant(
            tuple(NAMES.index(n) for n in ("table", "round_table", "workplace")), rand.device
        )
        table = tables[rand.pick(constant((0.6, 0.2, 0.2), rand.device).expand(b, -1))]
        kind = torch.where(scene == TABLETOP, table, kind)
        kind = torch.where(scene == OPEN, self._pick(rand, "big", scene, 1)[:, 0], kind)
        kind = torch.where((scene == TABLETOP) | (scene == PORTRAIT) | (scene == OPEN), kind, NONE)
        size = self._sizes(rand, kind[:, None])
        wide = rand.uniform(b, 2, low=0.35, high=0.95)
        camera = cameras.origin[:, 2]
        close = torch.stack(
            (wide[:, 0], wide[:, 1], camera - rand.uniform(b, low=0.2, high=0.6)), -1
        )
        size[:, 0] = torch.where((scene == TABLETOP)[:, None], close, size[:, 0])
        reach = size[:, 0, :2].amax(-1)
        away = reach * rand.uniform(b, low=0.3, high=1.0)
        near = reach + rand.log_uniform(b, low=0.35, high=1.6)
        far = reach * rand.uniform(b, low=1.6, high=4.0) + size[:, 0, 2] * rand.uniform(
            b, low=0.2, high=1.2
        )
        distance = torch.where(scene == TABLETOP, away, torch.where(scene == PORTRAIT, near, far))
        # Now and then it is cut off by the border.
        spread = torch.where(rand.chance(b, p=0.4), 0.45, 0.12)
        aside = rand.normal(b) * spread * distance
        # A subject seen from close by stands so that its upper part is at the camera's height.
        lift = (camera - size[:, 0, 2] * rand.uniform(b, low=0.55, high=0.95)).clamp_min(0)
        lift = torch.where((scene == PORTRAIT) & (kind == NAMES.index("bust")), lift, 0.0)
        position = torch.stack((aside, distance, lift), dim=-1)[:, None]
        yaw = torch.where(
            scene == TABLETOP, rand.normal(b, std=0.8), rand.uniform(b, low=-3.14, high=3.14)
        )
        facing = torch.where(kind == NAMES.index("bust"), rand.normal(b, std=0.5), yaw)
        return Objects(kind[:, None], size, position, facing[:, None])

    def _standing(
        self, rand: Rand, scene: Tensor, indoor: Tensor, room: Tensor, turn: Tensor
    ) -> Objects:
        """Things on the floor or ground, spread over the field of view and over distances."""
        b, m = len(scene), STANDING
        kind = self._pick(rand, "standing", scene, m)
        used = rand.uniform(b, 1, low=0.3, high=1.0)
        kind = torch.where(rand.uniform(b, m) < used, kind, NONE)
        size = self._sizes(rand, kind)
        order = rand.uniform(b, m).argsort(dim=1)
        azimuth = ((order + rand.uniform(b, m)) / m - 0.5) * 1.7
        share = rand.uniform(b, m)
        inside = 1.0 * (3.0 / 1.0) ** share * (room[:, 2:4].amax(-1) / 2.5)[:, None]
        outside = 2.5 * (18.0 ** (share**0.8))
        beyond = torch.where((scene == TABLETOP) | (scene == PORTRAIT), 1.0, 0.0)[:, None]
        distance = torch.where(indoor[:, None], inside, outside) + beyond
        distance = torch.maximum(distance, size[..., :2].norm(dim=-1) + 0.3)
        place = torch.stack((distance * azimuth.sin(), distance * azimuth.cos()), dim=-1)
        limit = (room[:, None, 2:4] - size[..., :2].amin(-1, keepdim=True) - 0.05).clamp_min(0.1)
        kept = to_world(
            torch.maximum(torch.minimum(to_room(place, room, turn), limit), -limit), room, turn
        )
        place = torch.where(indoor[:, None, None], kept, place)
        # Nothing may swallow the camera.
        kind = torch.where(place.norm(dim=-1) < size[..., :2].norm(dim=-1) + 0.15, NONE, kind)
        position = torch.cat((place, torch.zeros_like(place[..., :1])), dim=-1)
        aligned = (
            turn[:, None] + (math.pi / 2) * rand.integers(4, b, m) + rand.normal(b, m, std=0.1)
        )
        return Objects(
            kind,
            size,
            position,
            torch.where(rand.chance(b, m, p=0.6), aligned, rand.uniform(b, m, high=6.28)),
        )

    def _along_walls(
        self,
        rand: Rand,
        scene: Tensor,
        indoor: Tensor,
        room: Tensor,
        turn: Tensor,
        name: str,
        count: int,
    ) -> Objects:
        """Furniture with its back to a wall, or things that hang on it."""
        b, shape = len(scene), (len(scene), count)
        kind = self._pick(rand, name, scene, count)
        used = indoor[:, None] & (rand.uniform(*shape) < rand.uniform(b, 1, low=0.25, high=1.0))
        kind = torch.where(used, kind, NONE)
        size = self._sizes(rand, kind)
        wall = rand.integers(4, *shape)
        along_y = wall >= 2
        length = torch.where(along_y, room[:, 3, None], room[:, 2, None])
        depth = torch.where(along_y, room[:, 2, None], room[:, 3, None])
        along = (rand.uniform(*shape) * 2 - 1) * (length - size[..., 0]).clamp_min(0)
        out = depth - size[..., 1] - 0.01
        sign = 1.0 - 2.0 * (wall % 2)
        local = torch.where(
            along_y[..., None],
            torch.stack((sign * out, along), dim=-1),
            torch.stack((along, sign * out), dim=-1),
        )
        place = to_world(local, room, turn)
        kind = torch.where(place.norm(dim=-1) < size[..., :2].norm(dim=-1) + 0.1, NONE, kind)
        high = (
            rand.uniform(*shape, low=1.1, high=1.7)
            if name == "hanging"
            else torch.zeros(shape, device=rand.device)
        )
        position = torch.cat((place, high[..., None]), dim=-1)
        facing = constant((0.0, math.pi, -math.pi / 2, math.pi / 2), rand.device)
        return Objects(kind, size, position, turn[:, None] + facing[wall])

    def _background(self, rand: Rand, scene: Tensor, indoor: Tensor) -> Objects:
        """Far things, and what stands outside the windows."""
        b, m = len(scene), BACKGROUND
        kind = self._pick(rand, "background", scene, m)
        size = self._sizes(rand, kind)
        azimuth = rand.normal(b, m, std=0.6) + torch.where(
            indoor[:, None], rand.uniform(b, m) * 6.28, 0.0
        )
        reach = size[..., :2].norm(dim=-1)
        distance = reach * 1.1 + rand.log_uniform(b, m, low=12, high=90)
        # The walls of a street line its two sides.
        left = 1.0 - 2.0 * (torch.arange(m, device=rand.device) % 2)
        gap = rand.uniform(b, 1, low=4, high=11)
        x = left * (gap + size[..., 1])
        y = (torch.arange(m, device=rand.device) // 2) * 24.0 + rand.uniform(b, m, low=4, high=18)
        lined = ((scene == STREET) & rand.chance(b, p=0.6))[:, None] & (
            kind == NAMES.index("building")
        )
        place = torch.stack((distance * azimuth.sin(), distance * azimuth.cos()), dim=-1)
        place = torch.where(lined[..., None], torch.stack((x, y), dim=-1), place)
        yaw = torch.where(lined, -left * math.pi / 2, rand.normal(b, m, std=0.5))
        position = torch.cat((place, torch.full_like(place[..., :1], -0.02)), dim=-1)
        kind = torch.where(rand.chance(b, m, p=0.25), NONE, kind)
        return Objects(kind, size, position, yaw)

    def _clutter(self, rand: Rand, scene: Tensor, carriers: Objects) -> Objects:
        """Small things on top of tables, seats, shelves and boxes."""
        b, m = len(scene), CLUTTER
        kind = self._pick(rand, "clutter", scene, m)
        size = self._sizes(rand, kind)
        top = self.tops[carriers.kind.clamp_min(0)] * (carriers.kind >= 0)
        first = torch.arange(top.shape[1], device=rand.device) == 0
        wanted = (top > 0) * (1.0 + 60.0 * (first & (scene == TABLETOP)[:, None]))
        parent = rand.pick((wanted + 1e-6)[:, None].expand(-1, m, -1))
        row = torch.arange(b, device=rand.device)[:, None]
        base, half = carriers.position[row, parent], carriers.size[row, parent]
        room = (half[..., :2] - 0.7 * size[..., :2]).clamp_min(0) * 0.95
        offset = (rand.uniform(b, m, 2) * 2 - 1) * room
        turn = carriers.yaw[row, parent]
        place = base[..., :2] + rotate(offset, turn)
        high = base[..., 2] + half[..., 2] * top[row, parent]
        kind = torch.where((top[row, parent] > 0) & (rand.uniform(b, m) < 0.85), kind, NONE)
        kind = torch.where(place.norm(dim=-1) < size[..., :2].norm(dim=-1) + 0.12, NONE, kind)
        position = torch.cat((place, high[..., None]), dim=-1)
        return Objects(kind, size, position, turn + rand.normal(b, m, std=0.7))


def _draw_cameras(rand: Rand, scene: Tensor) -> Cameras:
    b = len(scene)
    close = (scene == TABLETOP) | (scene == PORTRAIT)
    height = torch.where(
        close, rand.uniform(b, low=0.9, high=1.7), rand.uniform(b, low=0.3, high=2.4)
    )
    height = torch.where(scene == STREET, rand.uniform(b, low=0.8, high=3.0), height)
    pitch = rand.normal(b, mean=-0.08, std=0.14)
    down = rand.uniform(b, low=-0.65, high=-0.1)
    pitch = torch.where((scene == ROOM) & rand.chance(b, p=0.35), down, pitch)
    pitch = torch.where(scene == TABLETOP, rand.uniform(b, low=-1.0, high=-0.15), pitch)
    pitch = torch.where(scene == OPEN, rand.uniform(b, low=-0.05, high=0.3), pitch)
    pitch = torch.where(height < 0.8, pitch.abs() * 0.5, pitch)
    roll = rand.normal(b, std=0.04) * (1 + 3.0 * rand.chance(b, p=0.1))
    origin = torch.stack((torch.zeros_like(height), torch.zeros_like(height), height), dim=-1)
    return Cameras(origin, pose(pitch, roll), draw_focal(rand, b))


def _draw_room(rand: Rand, scene: Tensor) -> tuple[Tensor, Tensor]:
    """``(B, 5)`` rooms around the camera, which stands towards one end, and ``(B,)`` turns."""
    b = len(scene)
    half = rand.log_uniform(b, 2, low=1.5, high=4.5)
    # Many a table stands against a wall.
    close = (scene == TABLETOP) & rand.chance(b, p=0.5)
    half = torch.where(close[:, None], rand.log_uniform(b, 2, low=0.8, high=2.0), half)
    turn = rand.normal(b, std=0.5) + (math.pi / 4) * rand.chance(b, p=0.2)
    look = rotate(constant((0.0, 1.0), rand.device).expand(b, 2), -turn)
    stand = (-look * rand.uniform(b, 1, low=0.1, high=1.1) + rand.normal(b, 2, std=0.25)).clamp(
        -0.88, 0.88
    )
    center = rotate(-stand * half, turn)
    high = rand.uniform(b, low=2.3, high=3.4)
    return torch.cat((center, half, high[:, None]), dim=-1), turn


def rotate(vector: Tensor, angle: Tensor) -> Tensor:
    """Turn ``(..., 2)`` counter-clockwise by ``(...)`` radians."""
    x, y = vector.unbind(-1)
    c, s = angle.cos(), angle.sin()
    return torch.stack((c * x - s * y, s * x + c * y), dim=-1)


def to_world(local: Tensor, room: Tensor, turn: Tensor) -> Tensor:
    return rotate(local, turn[:, None]) + room[:, None, :2]


def to_room(place: Tensor, room: Tensor, turn: Tensor) -> Tensor:
    return rotate(place - room[:, None, :2], -turn[:, None])


def _join(*groups: Objects) -> Objects:
    names = ("kind", "size", "position", "yaw")
    return Objects(*(torch.cat([getattr(g, n) for g in groups], dim=1) for n in names))
