"""A depth estimation as the encoders of :mod:`vizion3d.outputs.formats` see it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from vizion3d.core.arrays import BoolArray, Float32Array, UInt8Array
from vizion3d.geometry.cut import Cut
from vizion3d.geometry.depth import DepthKind, depth_to_metres
from vizion3d.geometry.frame_fit import FrameFit
from vizion3d.geometry.projection import visible
from vizion3d.lifting.config import DepthEstimationAdvanceConfig
from vizion3d.lifting.limit import DepthLimit
from vizion3d.outputs.depth_files import colorize, to_uint16
from vizion3d.outputs.facts import values_of
from vizion3d.outputs.result_output import PhotoResult, ResultOutput


class Estimate(PhotoResult, Protocol):
    """What is needed of a :class:`vizion3d.lifting.models.DepthEstimationResult`."""

    @property
    def raw_depth(self) -> Float32Array:
        """The depth, ``(H, W)``."""

    @property
    def depth_kind(self) -> DepthKind:
        """What the numbers are."""

    @property
    def sky_depth(self) -> float | None:
        """Value of the depth that marks sky."""

    @property
    def sky(self) -> BoolArray:
        """Which pixels show sky."""

    @property
    def confidence(self) -> Float32Array | None:
        """How certain the network is."""

    @property
    def depth_limit(self) -> DepthLimit | None:
        """Where the cloud ends."""

    @property
    def steady(self) -> FrameFit | None:
        """Scale, shift and range that a frame of a video got."""


class DepthOutput(ResultOutput[Estimate, DepthEstimationAdvanceConfig]):
    """A depth estimation and how it was asked for: a :class:`vizion3d.outputs.formats.Lifted`.

    The configuration says the range of depth, the frame and the edge threshold.
    """

    @property
    def depth(self) -> Float32Array:
        """``raw_depth`` as it is."""
        return self.result.raw_depth

    @property
    def gray(self) -> NDArray[np.uint16]:
        """0 to 65535 over the range of ``raw_depth``."""
        return to_uint16(self.result.raw_depth)

    @property
    def colored(self) -> UInt8Array:
        """The range of ``raw_depth`` stretched over the colour map."""
        return colorize(self.result.raw_depth, self.color_map)

    @cached_property
    def depth_m(self) -> Float32Array:
        """Metres of every pixel; where the network knows no scale, by the range in ``config``,
        which all steadied frames of a shot share."""
        raw, kind, steady = self.result.raw_depth, self.result.depth_kind, self.result.steady
        limits = None if steady is None else steady.range
        metres = depth_to_metres(raw, kind, self.config.depth_near, self.far_m, limits)
        return np.asarray(metres, np.float32)

    @property
    def far_m(self) -> float:
        """Where the cloud ends: as the configuration says, else as the result does."""
        limit = self.result.depth_limit
        return self.config.limit_for(limit.metres if limit else None).metres

    def why_cut(self) -> str | None:
        """Why less than half of the pixels become points; ``None`` if more do."""
        if self.config.edge_threshold is None and self.result.depth_kind != "metric":
            return None  # such a depth is made to fit the range
        cut = Cut(self.far_m, "depth_trunc", "--depth-trunc", self.config.edge_threshold)
        return cut.explain(self.depth_m, self.result.sky)

    @property
    def shown_depth_m(self) -> Float32Array:
        """Metres, 0 where there is no point: sky, beyond :attr:`far_m`, or on an edge."""
        shown = visible(self.depth_m, self.far_m, self.config.edge_threshold)
        if self.result.sky_depth is not None:
            shown &= ~self.result.sky
        return np.where(shown, self.depth_m, np.float32(0))

    @property
    def depth_scale(self) -> float:
        """The configuration's own."""
        return self.config.depth_scale

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """``depth`` as it is, ``intrinsics``, the 3 x 3 camera matrix, and ``sky`` and
        ``confidence``, where they are told."""
        arrays: dict[str, NDArray[Any]] = {
            "depth": self.result.raw_depth,
            "intrinsics": self.intrinsics.matrix(),
        }
        if self.result.sky_depth is not None:
            arrays["sky"] = self.result.sky
        if self.result.confidence is not None:
            arrays["confidence"] = self.result.confidence
        return arrays

    @property
    def facts(self) -> Mapping[str, Any]:
        """The result's facts, and the range of depth that was assumed."""
        return {
            **values_of(cast(BaseModel, self.result)),
            "depth_range": {
                **self.config.model_dump(exclude={"fx", "fy", "cx", "cy"}),
                "depth_trunc": self.far_m,
            },
        }
