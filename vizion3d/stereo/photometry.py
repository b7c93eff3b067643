"""Two photos of one scene in the same light: exposure and lighting made alike before matching."""

from dataclasses import dataclass

import cv2
import numpy as np

from vizion3d.core.arrays import BoolArray, Float32Array, UInt8Array

_LEVELS = np.arange(256)
_CLIPPED = 254
_LEGIBLE = 8, 232
"""Grey levels beyond which a photo is nearly black or white."""
_LEAST_CONTRAST = 8.0
_ALIKE = 0.02
"""Relative difference of brightness up to which nothing is changed."""
_MOST_GAIN = 3.0


def gray_levels(image: UInt8Array) -> UInt8Array:
    """RGB ``(H, W, 3)`` -> grey ``(H, W)``, by ITU-R BT.601."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def normalised(gray: UInt8Array, sigma_px: float) -> UInt8Array:
    """Local mean to 128 and local deviation to 25: what remains under any exposure and light."""
    values = gray.astype(np.float32)
    values -= cv2.GaussianBlur(values, (0, 0), sigma_px)
    deviation = np.sqrt(cv2.GaussianBlur(values * values, (0, 0), sigma_px) + 4)
    return np.asarray(np.clip(128 + 25 * values / deviation, 0, 255), np.uint8)


@dataclass(frozen=True)
class SharedView:
    """Pixels of two small images that show the same points: ``second`` warped onto ``first``.

    Attributes:
        first: RGB uint8 ``(h, w, 3)``.
        second: The other image, each pixel taken from where its partner lies.
        seen: Where that holds.
    """

    first: UInt8Array
    second: UInt8Array
    seen: BoolArray


def equalise(image: UInt8Array, view: SharedView) -> UInt8Array:
    """Give ``image`` the exposure and the light of the other.

    First a curve for each channel, from the histograms of the pixels that both see; then a gain
    that varies slowly over the image, for light that came from elsewhere or lenses that darken
    their corners. Photos that are alike stay as they are.

    Args:
        image: RGB uint8 ``(H, W, 3)``; ``view.first`` is a small version of it.
        view: What both see.
    """
    if view.seen.mean() < 0.1:
        return image
    own, other = view.first[view.seen], view.second[view.seen]
    curves = np.stack([_curve(own[:, i], other[:, i]) for i in range(3)], axis=-1)
    gain = _local_gain(np.asarray(cv2.LUT(view.first, curves[None]), np.uint8), view)
    change = np.abs(curves[own, np.arange(3)].astype(np.float32) - own).mean() / (1 + own.mean())
    if change < _ALIKE and np.abs(np.log(gain)).max() < 5 * _ALIKE:
        return image
    height, width = image.shape[:2]
    whole_gain = cv2.resize(gain, (width, height), interpolation=cv2.INTER_LINEAR)
    curved = np.asarray(cv2.LUT(image, curves[None]), np.uint8)
    for channel in range(3):
        bright = curved[..., channel] * whole_gain
        curved[..., channel] = np.clip(bright + np.float32(0.5), 0, 255)
    return curved


def share_clipped(image: UInt8Array) -> float:
    """Share of the values that are as bright as can be: there the light's measure is lost."""
    return float((image >= _CLIPPED).mean())


def is_legible(gray: UInt8Array) -> bool:
    """Whether a grey photo shows enough to be compared: most of it neither nearly white nor nearly
    black, and not all of one grey.
    """
    dark, bright = _LEGIBLE
    middle = (gray > dark) & (gray < bright)
    return bool(middle.mean() > 0.5 and gray.std() > _LEAST_CONTRAST)


def _curve(own: UInt8Array, other: UInt8Array) -> UInt8Array:
    """Monotone 256-entry curve that gives ``own`` the histogram of ``other``."""
    counts = np.bincount(own, minlength=256).astype(np.float64)
    wanted = np.bincount(other, minlength=256).astype(np.float64)
    # Each level at the middle of its share, so that equal histograms give the identity.
    below = (np.cumsum(counts) - counts / 2) / counts.sum()
    wanted_below = (np.cumsum(wanted) - wanted / 2) / wanted.sum()
    present = wanted > 0
    curve = np.interp(below, wanted_below[present], _LEVELS[present])
    return np.asarray(np.rint(curve), np.uint8)


def _local_gain(curved: UInt8Array, view: SharedView) -> Float32Array:
    """``(h, w)`` factors between the images' blurred brightness, over what both see."""
    sigma_px = max(2.0, view.seen.shape[1] / 20)
    weight = view.seen.astype(np.float32)

    def blurred(image: UInt8Array) -> Float32Array:
        return np.asarray(
            cv2.GaussianBlur(gray_levels(image) * weight, (0, 0), sigma_px), np.float32
        )

    # Where next to nothing is seen, the constant draws the ratio to one.
    prior = 4.0
    ratio = (blurred(view.second) + prior) / (blurred(curved) + prior)
    return np.asarray(np.clip(ratio, 1 / _MOST_GAIN, _MOST_GAIN), np.float32)
