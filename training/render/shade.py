"""Colour of what the rays hit: textures, lights with shadows, ambient occlusion, sky and haze."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.render.camera import Cameras
from training.render.layout import Layout, rotate
from training.render.materials import Materials
from training.render.rand import Rand, constant
from training.render.raycast import FAR, Primitives, pick, unit_rays
from training.render.scenes import Scenes
from training.render.textures import FIRST, PER_KIND, Bank
from training.render.tiles import Tiles, cast_tiles, wanted_by_camera, wanted_by_light


@dataclass
class Lights:
    """The light of a batch of scenes, all ``(B, ...)``.

    Attributes:
        key, fill: ``(B, 3)``, positions of the lamp that casts shadows and of the one that does
            not; the sun is a lamp far away.
        key_color, fill_color, sky, bounce, zenith, horizon: ``(B, 3)`` linear colours: the lamps,
            the ambient light from above and from below, and the visible sky.
        soft: ``(B,)``, angular radius of the key light, as a share of its distance.
        haze: ``(B,)``, metres in which haze takes away 63 % of the contrast.
        clouds: ``(B,)``, share of the sky that clouds cover.
    """

    key: Tensor
    fill: Tensor
    key_color: Tensor
    fill_color: Tensor
    sky: Tensor
    bounce: Tensor
    zenith: Tensor
    horizon: Tensor
    soft: Tensor
    haze: Tensor
    clouds: Tensor


def draw_lights(rand: Rand, layout: Layout) -> Lights:
    b, indoor = len(layout.scene), layout.indoor
    azimuth, elevation = rand.uniform(b, high=6.283), rand.uniform(b, low=0.12, high=1.35)
    flat = rotate(constant((0.0, 1.0), rand.device).expand(b, 2), azimuth)
    sun = torch.cat((flat * elevation.cos()[:, None], elevation.sin()[:, None]), -1) * 1e4
    lamp, second = (_in_room(rand, layout) for _ in range(2))
    by_sun = ~indoor | rand.chance(b, p=0.3)
    overcast = rand.chance(b, p=0.35)
    warm = rand.uniform(b, low=-0.25, high=0.35)[:, None] * constant((1, 0.1, -1.0), rand.device)
    strength = torch.where(
        overcast & by_sun, rand.uniform(b, low=0.0, high=0.5), rand.uniform(b, low=1.2, high=4.0)
    )
    key_color = (1 + warm).clamp_min(0.1) * strength[:, None]
    ambient = torch.where(
        indoor, rand.uniform(b, low=0.15, high=0.9), rand.uniform(b, low=0.5, high=1.3)
    )
    blue = constant((-0.25, -0.02, 0.3), rand.device) * rand.uniform(b, 1)
    zenith = constant((0.25, 0.45, 0.85), rand.device) * rand.uniform(b, 1, low=0.5, high=1.4)
    grey = rand.uniform(b, 1, low=0.7, high=1.3).expand(b, 3)
    zenith = torch.where(overcast[:, None], grey, zenith)
    horizon = zenith + (grey * 1.1 - zenith) * rand.uniform(b, 1, low=0.4, high=0.95)
    dusk = rand.chance(b, 1, p=0.12) * constant((0.5, 0.0, -0.35), rand.device)
    # From night to glare: what is seen through a window, and the sky over lit ground.
    dark = torch.where(rand.chance(b, p=0.25), rand.log_uniform(b, low=0.02, high=0.5), 1.0)
    glare = torch.where(rand.chance(b, p=0.2), rand.log_uniform(b, low=1.0, high=4.0), dark)
    bright = torch.where(indoor, rand.log_uniform(b, low=0.15, high=5.0), glare)[:, None]
    return Lights(
        key=torch.where(by_sun[:, None], sun, lamp),
        fill=second,
        key_color=key_color,
        fill_color=rand.uniform(b, 1, low=0.0, high=1.2) * (1 - 0.7 * warm) * indoor[:, None],
        sky=ambient[:, None] * (1 + blue),
        bounce=ambient[:, None] * rand.uniform(b, 1, low=0.3, high=0.8) * (1 - 0.5 * blue),
        zenith=zenith * bright,
        horizon=(horizon + dusk).clamp_min(0.05) * bright,
        soft=torch.where(
            by_sun, torch.where(overcast, 0.2, 0.01), rand.uniform(b, low=0.02, high=0.15)
        ),
        haze=torch.where(indoor, 1e5, rand.log_uniform(b, low=60, high=3000)),
        clouds=rand.uniform(b, low=-0.2, high=0.9),
    )


def _in_room(rand: Rand, layout: Layout) -> Tensor:
    """A place for a lamp: high up in the room, or around the camera outdoors."""
    room, b = layout.room, len(layout.room)
    local = (rand.uniform(b, 2) * 2 - 1) * room[:, 2:4] * 0.8
    flat = rotate(local, layout.turn) + room[:, :2]
    high = room[:, 4] * rand.uniform(b, low=0.6, high=0.95)
    return torch.cat((flat, high[:, None]), dim=-1)


@dataclass
class Surface:
    """What the camera sees, flattened pixels ``(B, N, ...)``."""

    depth: Tensor
    hit: Tensor
    index: Tensor
    point: Tensor
    normal: Tensor
    material: Materials
    pattern: Tensor


def see(scenes: Scenes, bank: Bank, rays: Tensor, size: tuple[int, int]) -> Surface:
    """Cast the camera's rays ``(B, N, 3)`` and look up the surface they meet."""
    prims, cameras, tiles = scenes.primitives, scenes.layout.cameras, Tiles(*size)
    origin, pixel = cameras.origin[:, None], pixel_angle(cameras, size)
    wanted = wanted_by_camera(prims, cameras, tiles)
    depth, index = cast_tiles(prims, wanted, origin, rays, tiles)
    hit = depth < FAR * 0.5
    depth = torch.where(hit, depth, FAR)
    axes, center = pick(prims.axes, index), pick(prims.center, index)
    inverse = pick(prims.inverse(), index)
    start, along = unit_rays(inverse, center, origin, rays)
    local = start + depth[..., None] * along
    unit_normal = _unit_normal(prims, index, local)
    normal = unit((inverse * unit_normal[..., None]).sum(-2))
    facing = (normal * rays).sum(-1, keepdim=True)
    normal = torch.where(facing > 0, -normal, normal)
    material = Materials.from_table(pick(scenes.materials, index))
    u_axis, v_axis, uv = _surface_map(axes, local, unit_normal)
    slant = (facing.abs()[..., 0] / length(rays)[..., 0]).clamp_min(0.15)
    footprint = depth * pixel[:, None] / slant.sqrt() / material.period
    shift = torch.frac(material.first[..., :2] * 91.7)  # no two materials in step
    pattern, slope = bank.sample(
        material.texture, uv / material.period[..., None] + shift, footprint
    )
    bump = 0.3 * (slope[..., :1] * u_axis + slope[..., 1:] * v_axis)
    normal = unit(normal - bump * hit[..., None])
    point = origin + depth.clamp_max(2e3)[..., None] * rays
    return Surface(depth, hit, index, point, normal, material, pattern)


def _unit_normal(prims: Primitives, index: Tensor, local: Tensor) -> Tensor:
    """Outward normal in the unit frame, not normalised."""
    x, y, z = local.unbind(-1)
    size = local.abs()
    axis = torch.arange(3, device=local.device)
    flat = (size.argmax(-1, keepdim=True) == axis) * local.sign()
    k, m, _, shell = pick(prims.quadric, index).unbind(-1)
    side = torch.stack((x, y, k * z + 0.5 * m), dim=-1)
    cap = torch.stack((torch.zeros_like(x), torch.zeros_like(x), z.sign()), dim=-1)
    closed = (k <= 0) & (shell == 0)
    curved = torch.where(((z.abs() > 0.9999) & closed)[..., None], cap, side)
    return torch.where((index < prims.boxes)[..., None], flat, curved)


def _surface_map(axes: Tensor, local: Tensor, unit_normal: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Texture axes in the world ``(..., 3)`` twice and coordinates in metres ``(..., 2)``: the two
    axes of the primitive that lie most along its surface."""
    long = axes.square().sum(-2).sqrt()
    metres = local * long
    main = unit_normal.abs().argmax(-1)
    first = torch.where(main == 0, 1, 0)
    second = torch.where(main == 2, 1, 2)
    unit = axes / long[..., None, :].clamp_min(1e-9)
    u_axis = _column(unit, first)
    v_axis = _column(unit, second)
    uv = torch.stack(
        (metres.gather(-1, first[..., None])[..., 0], metres.gather(-1, second[..., None])[..., 0]),
        -1,
    )
    return u_axis, v_axis, uv


def _column(matrix: Tensor, index: Tensor) -> Tensor:
    wide = index[..., None, None].expand(*index.shape, 3, 1)
    return matrix.gather(-1, wide)[..., 0]


def shade(
    rand: Rand,
    scenes: Scenes,
    bank: Bank,
    lights: Lights,
    rays: Tensor,
    seen: Surface,
    size: tuple[int, int],
    views: int = 1,
) -> Tensor:
    """Linear radiance ``(B, N, 3)``.

    Args:
        views: So many cameras look at each scene; the batch is all scenes by the first of them,
            then all by the next.
    """
    b, n = seen.depth.shape
    mix, grain = seen.pattern[..., :1], seen.pattern[..., 1:]
    albedo = seen.material.first + (seen.material.second - seen.material.first) * mix
    stain = bank.sample(
        _cloud(b, n, rays),
        seen.point[..., :2] * 0.21 + seen.point[..., 2:] * 0.13,
        seen.depth * 1e-4,
    )[0]
    albedo = albedo * (0.88 + 0.24 * grain) * (0.84 + 0.32 * stain[..., 1:])
    view = unit(rays)
    open_ = occlusion(seen, size)[..., None]
    up = 0.5 + 0.5 * seen.normal[..., 2:]
    ambient = (lights.bounce[:, None] * (1 - up) + lights.sky[:, None] * up) * open_
    key, shine_key, lit = _lamp(lights.key, lights.key_color, seen, view)
    lit = lit * _shadow(rand, scenes, lights, seen, size)[..., None]
    lit = lit * _dapple(rand, bank, lights, seen, views)
    fill, shine_fill, _ = _lamp(lights.fill, lights.fill_color, seen, view)
    light = ambient + key * lit + fill * open_
    mirror = view - 2 * (view * seen.normal).sum(-1, keepdim=True) * seen.normal
    gloss = seen.material.gloss[..., None]
    edge = (1 + (view * seen.normal).sum(-1, keepdim=True)).clamp(0, 1) ** 4
    around = ambient * (0.4 + 0.8 * (mirror[..., 2:] > 0.15))
    shine = gloss * (0.3 + 0.7 * edge) * around + gloss * 3 * (shine_key * lit + shine_fill * open_)
    glow = seen.material.emission[..., None] * albedo
    color = albedo * light * (1 - 0.5 * gloss) + shine + glow
    sky = sky_color(bank, lights, view)
    clear = torch.exp(-seen.depth / lights.haze[:, None])[..., None]
    haze = lights.horizon[:, None]
    return torch.where(seen.hit[..., None], haze + (color - haze) * clear, sky)


def _cloud(b: int, n: int, like: Tensor) -> Tensor:
    return torch.full((b, n), FIRST["clouds"], device=like.device)


def _lamp(
    place: Tensor, color: Tensor, seen: Surface, view: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Diffuse light, mirror-like light and the cosine's sign, ``(B, N, 3 | 3 | 1)``."""
    to = place[:, None] - seen.point
    far = length(to)
    to = to / far
    cosine = (to * seen.normal).sum(-1, keepdim=True)
    # Lamps in a room fade with distance, gently: the walls give much of it back.
    fade = torch.where(far > 1e3, 1.0, 2.0 / (0.6 + 0.35 * far**1.5))
    half = unit(to - view)
    shine = (half * seen.normal).sum(-1, keepdim=True).clamp(0, 1) ** 40
    light = color[:, None] * fade
    return light * cosine.clamp_min(0), light * shine, (cosine > 0).to(light.dtype)


def _shadow(
    rand: Rand, scenes: Scenes, lights: Lights, seen: Surface, size: tuple[int, int]
) -> Tensor:
    """Share of the key light that reaches each point ``(B, N)``: one ray to a random point of the
    lamp, then a blur within the same surface."""
    b, n = seen.depth.shape
    to = lights.key[:, None] - seen.point
    far = length(to)
    aim = to / far + rand.normal(b, n, 3) * lights.soft[:, None, None]
    lift = 2e-3 * seen.depth.clamp_max(2e3)[..., None] + 1e-3
    tiles = Tiles(*size)
    wanted = wanted_by_light(scenes.primitives, seen.point, seen.hit, lights.key, tiles)
    start = seen.point + seen.normal * lift
    t, _ = cast_tiles(scenes.primitives, wanted, start, aim, tiles)
    lit = (t > 0.97 * far[..., 0]).to(aim.dtype).view(b, 1, *size)
    label = seen.index.view(b, 1, *size)
    total, weight = lit.clone(), torch.ones_like(lit)
    for dy in (-2, 0, 2):
        for dx in (-2, 0, 2):
            same = (label.roll((dy, dx), (2, 3)) == label).to(lit.dtype)
            total += same * lit.roll((dy, dx), (2, 3))
            weight += same
    return (total / weight).flatten(1)


def _dapple(rand: Rand, bank: Bank, lights: Lights, seen: Surface, views: int) -> Tensor:
    """``(B, N, 1)``: in some scenes the key light falls through leaves, a lattice or a window that
    is not in the scene: edges of light where there is none of depth."""
    b, n = seen.depth.shape
    scenes = b // views
    kinds = constant(
        tuple(FIRST[k] for k in ("spots", "leaves", "facade", "stripes", "checks")), rand.device
    )
    which = kinds[rand.integers(len(kinds), scenes)] + rand.integers(PER_KIND, scenes)
    way = unit(lights.key)
    flat = seen.point[..., :2] - seen.point[..., 2:] * (
        way[:, None, :2] / way[:, None, 2:].abs().clamp_min(0.25)
    )
    period = rand.log_uniform(scenes, 1, 1, low=0.5, high=4.0).repeat(views, 1, 1)
    width = torch.full((b, n), 1e-2, device=rand.device)
    index = which.repeat(views)[:, None].expand(b, n)
    pattern, _ = bank.sample(index, flat / period, width)
    least = rand.uniform(scenes, 1, 1, low=0.0, high=0.6).repeat(views, 1, 1)
    mask = least + (1 - least) * ((pattern[..., :1] - 0.4) * 8).clamp(0, 1)
    return torch.where(rand.chance(scenes, 1, 1, p=0.22).repeat(views, 1, 1), mask, 1.0)


def occlusion(seen: Surface, size: tuple[int, int]) -> Tensor:
    """Share of ambient light that neighbours let through, ``(B, N)``, from the visible points."""
    b = len(seen.depth)
    point = seen.point.view(b, *size, 3)
    normal = seen.normal.view(b, *size, 3)
    scale = max(size) / 320
    blocked = torch.zeros(b, *size, device=point.device)
    offsets = (
        (3, 1),
        (-1, 3),
        (-3, -1),
        (1, -3),
        (9, 5),
        (-5, 9),
        (-9, -5),
        (5, -9),
        (20, -8),
        (8, 20),
        (-20, 8),
        (-8, -20),
    )
    for dy, dx in offsets:
        step = (round(dy * scale) or 1, round(dx * scale) or 1)
        to = point.roll(step, (1, 2)) - point
        far2 = to.square().sum(-1)
        rise = (to * normal).sum(-1) * (far2 + 1e-6).rsqrt()
        blocked += (rise - 0.12).clamp_min(0) / (1 + 4 * far2)
    return (1 - blocked.flatten(1) * 2.2 / len(offsets)).clamp(0.1, 1.0)


def sky_color(bank: Bank, lights: Lights, view: Tensor) -> Tensor:
    """The sky in directions ``(B, N, 3)``: a gradient, clouds and the glow about the sun."""
    b, n, _ = view.shape
    high = view[..., 2:].clamp(0.0, 1)
    base = lights.horizon[:, None] + (lights.zenith - lights.horizon)[:, None] * high**0.6
    uv = view[..., :2] / (view[..., 2:].clamp_min(0) + 0.12) * 0.14
    which = FIRST["clouds"] + (lights.haze * 7).long()[:, None].expand(b, n) % PER_KIND
    noise = bank.sample(which, uv, torch.full((b, n), 2e-3, device=view.device))[0]
    cover = ((noise[..., :1] - 0.75 + 0.5 * lights.clouds[:, None, None]) * 4).clamp(0, 1)
    cloud = lights.horizon[:, None] * (0.75 + 0.7 * noise[..., 1:])
    sun = unit(lights.key)[:, None]
    glow = ((view * sun).sum(-1, keepdim=True).clamp_min(0) ** 60) * lights.key_color[:, None] * 0.5
    below = (view[..., 2:] < 0).to(base.dtype)
    return (base + (cloud - base) * cover * 0.9 + glow) * (1 - 0.3 * below)


def pixel_angle(cameras: Cameras, size: tuple[int, int]) -> Tensor:
    return 2.0 / (cameras.focal * max(size))


def length(vector: Tensor) -> Tensor:
    """``(..., 3)`` -> ``(..., 1)``."""
    return vector.square().sum(-1, keepdim=True).sqrt()


def unit(vector: Tensor) -> Tensor:
    return vector / length(vector).clamp_min(1e-12)
