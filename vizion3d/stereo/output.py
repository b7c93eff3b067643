"""A stereo depth as the encoders of :mod:`vizion3d.outputs.formats` see it."""

from collections.abc import Mapping
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from vizion3d.core.arrays import BoolArray, Float32Array, UInt8Array
from vizion3d.geometry.cut import Cut
from vizion3d.outputs import depth_files, formats
from vizion3d.outputs.facts import values_of
from vizion3d.outputs.formats import Format
from vizion3d.outputs.result_output import PhotoResult, ResultOutput
from vizion3d.stereo.config import StereoDepthAdvancedConfig

NO_DEPTH = (24, 24, 28)
"""Colour of pixels without a depth."""


class Measured(PhotoResult, Protocol):
    """What is needed of a :class:`vizion3d.stereo.result.StereoDepthResult`."""

    disparity: Float32Array
    valid: BoolArray | None
    confidence: Float32Array | None
    occluded: BoolArray | None
    filled: BoolArray | None

    @property
    def depth_m(self) -> Float32Array:
        """Metres, ``(H, W)``; 0: none."""

    def shown(self, config: StereoDepthAdvancedConfig) -> BoolArray:
        """Which pixels become points."""

    def trusted(self, config: StereoDepthAdvancedConfig) -> BoolArray:
        """Which pixels' matches are trusted."""


class StereoOutput(ResultOutput[Measured, StereoDepthAdvancedConfig]):
    """A stereo depth and how it was asked for: a :class:`vizion3d.outputs.formats.Lifted`.

    The configuration says where the cloud ends, what it needs of a point, and its frame.
    """

    @property
    def depth(self) -> Float32Array:
        """Metres, 0 where there is no match."""
        return self.result.depth_m

    @property
    def gray(self) -> NDArray[np.uint16]:
        """65535 the closest, 0 the farthest and where there is no depth."""
        depth_m = self.result.depth_m
        seen = depth_m > 0
        if not seen.any():
            return np.zeros(depth_m.shape, np.uint16)
        near, far = depth_m[seen].min(), depth_m.max()
        if not far > near:
            return np.where(seen, np.uint16(depth_files.UINT16_MAX), np.uint16(0))
        closeness = (far - depth_m) / (far - near) * depth_files.UINT16_MAX
        return np.asarray(np.rint(np.where(seen, closeness, 0)), np.uint16)

    @property
    def colored(self) -> UInt8Array:
        """The range of disparity stretched over the colour map; what has none is dark."""
        seen = self.result.depth_m > 0
        shift = np.where(seen, self.result.disparity, np.float32(np.inf))
        if not seen.any():
            return np.full((*seen.shape, 3), NO_DEPTH, np.uint8)
        lowest = shift.min()
        colours = depth_files.colorize(
            np.where(seen, self.result.disparity, lowest), self.color_map
        )
        colours[~seen] = NO_DEPTH
        return colours

    @property
    def depth_m(self) -> Float32Array:
        """The same as :attr:`depth`: it is in metres."""
        return self.result.depth_m

    @property
    def shown_depth_m(self) -> Float32Array:
        """Metres, 0 where there is no point; see
        :meth:`vizion3d.stereo.result.StereoDepthResult.shown`."""
        return np.where(self.result.shown(self.config), self.result.depth_m, np.float32(0))

    def why_cut(self) -> str | None:
        """Why less than half of the pixels become points; ``None`` if more do."""
        cut = Cut(self.config.z_far, "z_far", "--z-far", self.config.edge_threshold)
        untrusted = ~self.result.trusted(self.config)
        return cut.explain(self.result.depth_m, untrusted)

    @property
    def depth_scale(self) -> float:
        """Millimetres."""
        return 1000.0

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Every map, and ``intrinsics``, the left camera's 3 x 3 matrix."""
        result = self.result
        maps = {
            "depth": result.depth_m,
            "disparity": result.disparity,
            "valid": result.valid,
            "confidence": result.confidence,
            "occluded": result.occluded,
            "filled": result.filled,
        }
        told = {name: array for name, array in maps.items() if array is not None}
        return {**told, "intrinsics": self.intrinsics.matrix()}

    @property
    def facts(self) -> Mapping[str, Any]:
        """The result's facts, and what the metres follow from."""
        shares = {
            "valid_share": self.result.valid,
            "occluded_share": self.result.occluded,
            "filled_share": self.result.filled,
        }
        told = {name: float(mask.mean()) for name, mask in shares.items() if mask is not None}
        return {
            **values_of(cast(BaseModel, self.result)),
            **told,
            "stereo": self.config.model_dump(mode="json"),
        }


def _disparity(output: StereoOutput) -> bytes:
    return depth_files.encode_npy(output.result.disparity)


def _left(output: StereoOutput) -> bytes:
    return depth_files.encode_jpeg(output.rgb)


FORMATS: tuple[Format[Any], ...] = (
    *formats.FORMATS,
    Format("disparity", ".disparity.npy", "float32 disparity, pixels", _disparity),
    Format(
        "left",
        ".left.jpg",
        "The left photo as it was matched, rectified if that was done",
        _left,
        ("image/jpeg",),
        "left.jpg",
    ),
)
"""What can be written of a stereo depth."""
