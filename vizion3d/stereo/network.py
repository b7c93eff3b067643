"""A network as a matcher, and which of its pixels the right camera sees."""

import math

import numpy as np

from vizion3d.core.arrays import BoolArray, Float32Array, UInt8Array
from vizion3d.errors import InferenceError
from vizion3d.media.limits import ImageLimits
from vizion3d.networks.base import Size
from vizion3d.runtime.base import Runtime
from vizion3d.runtime.queue import Inference
from vizion3d.stereo import photometry, subpixel
from vizion3d.stereo.matching import DisparityRange, Match

_HIDDEN_PX = 1.0
"""How much nearer what lands on the same pixel of the right image must be to hide a point."""


class NetworkMatcher:
    """Matches by a network with the inputs ``left`` and ``right`` and one output of disparity.

    A network answers for every pixel. A pixel is valid if its partner lies within the right image
    and nothing nearer lands on it there; its confidence is how alike the two images are around the
    match.

    Args:
        runtime: The loaded network.
        inference: Gives the pair its turn.
        output: Name of the output that is the disparity, in pixels.
        limits: How large the network may see a pair.
        scale_factor: Size at which the network sees the pair, relative to the images'; ``None``: as
            its recipe says.
    """

    def __init__(
        self,
        runtime: Runtime,
        inference: Inference,
        output: str,
        limits: ImageLimits,
        scale_factor: float | None = None,
    ) -> None:
        self._runtime = runtime
        self._inference = inference
        self._output = output
        self._limits = limits
        self._scale_factor = scale_factor

    def match(self, left: UInt8Array, right: UInt8Array, search: DisparityRange) -> Match:
        """See :class:`vizion3d.stereo.matching.Matcher`; a network looks where it will."""
        del search
        height, width = left.shape[:2]
        size = self._size(height, width)
        self._limits.check_network_size((height, width), size)
        maps = self._inference.infer(self._runtime, {"left": left, "right": right}, size)
        disparity = maps[self._output].astype(np.float32, copy=False)
        if not np.isfinite(disparity).all():
            raise InferenceError(
                "the disparity that the network gives for this pair is not finite; its weights "
                "may be damaged"
            )
        visible = seen_from_right(disparity)
        grays = photometry.gray_levels(left), photometry.gray_levels(right)
        _, correlation = subpixel.refine(*grays, disparity, rounds=1)
        confidence = np.where(visible, 0.5 + 0.5 * np.clip(correlation, 0, 1), 0)
        return Match(
            np.where(visible, disparity, np.float32(0)),
            visible,
            confidence.astype(np.float32),
            visible.astype(np.float32),
        )

    def _size(self, height: int, width: int) -> Size:
        recipe = self._runtime.network.recipe
        if self._scale_factor is None:
            return recipe.network_size(height, width)
        bounding = (min if recipe.bound == "shorter" else max)(height, width)
        wanted = max(recipe.multiple, round(bounding * self._scale_factor))
        return recipe.network_size(height, width, wanted)


def seen_from_right(disparity: Float32Array) -> BoolArray:
    """Where the right camera sees what the left one does, by the disparity alone.

    Args:
        disparity: ``(H, W)``, pixels, of every pixel.

    Returns:
        bool ``(H, W)``: the partner lies within the image, and no point that is more than a pixel
        of disparity nearer lands on it.
    """
    height, width = disparity.shape
    partner = np.rint(np.arange(width) - disparity).astype(np.intp)
    inside: BoolArray = (partner >= 0) & (partner < width)
    nearest = np.full((height, width + 2), -math.inf, np.float32)
    rows = np.broadcast_to(np.arange(height)[:, None], partner.shape)
    np.maximum.at(nearest, (rows[inside], partner[inside] + 1), disparity[inside])
    covering = np.take_along_axis(nearest, partner.clip(0, width - 1) + 1, axis=1)
    return inside & (covering <= disparity + _HIDDEN_PX)
