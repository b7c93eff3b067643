"""Images that are made here to find the ranges of a network's values, for want of photographs."""

from collections.abc import Iterator

import numpy as np

from vizion3d.core.arrays import UInt8Array

SIZE_PX = 518
_LEAVES, _RADII_PX = 3000, (4.0, 160.0)


def calibration_images() -> Iterator[UInt8Array]:
    """Images that span what photographs do to the network: edges, soft shades, light and tint."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        exposure, tint = np.exp(rng.normal(0, 0.7)), np.exp(rng.normal(0, 0.5, 3))
        lit = dead_leaves(rng, SIZE_PX) * (exposure * tint)
        yield lit.clip(0, 255).astype(np.uint8)
    for seed in range(2):
        yield pink_noise(np.random.default_rng(seed), SIZE_PX)


def dead_leaves(rng: np.random.Generator, size_px: int) -> UInt8Array:
    """Discs that hide one another: the edges of photographs.

    After Lee, Mumford and Huang 2001, *Occlusion Models for Natural Images*: with radii of density
    r^-3 the image looks alike at all scales, as photographs do.

    Returns:
        RGB, uint8 ``(size_px, size_px, 3)``.
    """
    low, high = (r**-2.0 for r in _RADII_PX)
    radii = (low + rng.random(_LEAVES) * (high - low)) ** -0.5
    centres = rng.uniform(-_RADII_PX[1], size_px + _RADII_PX[1], (_LEAVES, 2))
    colours = rng.integers(0, 256, (_LEAVES, 3), np.uint8)
    image = np.full((size_px, size_px, 3), 128, np.uint8)
    for (x, y), radius, colour in zip(centres, radii, colours, strict=True):
        top, left = (max(0, int(v - radius)) for v in (y, x))
        rows = np.arange(top, min(size_px, int(y + radius) + 1))
        columns = np.arange(left, min(size_px, int(x + radius) + 1))
        inside = (rows[:, None] - y) ** 2 + (columns - x) ** 2 < radius**2
        image[top : top + len(rows), left : left + len(columns)][inside] = colour
    return image


def pink_noise(rng: np.random.Generator, size_px: int) -> UInt8Array:
    """Noise of amplitude 1 / frequency, mostly grey: the spectrum of photographs (Field 1987).

    Returns:
        RGB, uint8 ``(size_px, size_px, 3)``.
    """
    rows, columns = np.fft.fftfreq(size_px)[:, None], np.fft.rfftfreq(size_px)[None]
    frequency = np.maximum(np.hypot(rows, columns), 1 / size_px)[..., None]
    white = np.fft.rfft2(rng.normal(size=(size_px, size_px, 3)), axes=(0, 1))
    pink = np.fft.irfft2(white / frequency, s=(size_px, size_px), axes=(0, 1))
    pink /= pink.std(axis=(0, 1))
    shade = 1.5 * pink.mean(axis=2, keepdims=True) + 0.3 * pink
    return np.asarray(127.5 + 50 * shade).clip(0, 255).astype(np.uint8)
