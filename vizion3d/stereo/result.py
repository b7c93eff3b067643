"""What a stereo depth returns."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, computed_field, model_validator

from vizion3d.core.arrays import BoolArray, Float32Array
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.projection import visible
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP
from vizion3d.outputs.depth_result import DepthMap, DepthResult, array_of
from vizion3d.outputs.facts import Fact
from vizion3d.stereo.config import StereoDepthAdvancedConfig
from vizion3d.stereo.output import StereoOutput


class StereoDepthResult(DepthResult, defer_build=False):
    """What a stereo depth returns. Arrays are ``(H, W)`` like the left image.

    Attributes:
        depth_map: Metres as nested lists, ``[H][W]``, 0 where there is no match; made when read.
        disparity_map: Disparity in pixels, likewise.
        raw_depth: float32, metres along the left camera's optical axis; 0: no match. ``None`` if
            the command has ``return_raw_depth=False``.
        disparity: float32, pixels: column in the left image less that in the right one; 0 where
            neither ``valid`` nor ``filled``.
        valid: bool: a partner was found that can be trusted.
        confidence: float32, 0 to 1; 0 where there is no match.
        occluded: bool: something nearer hides the point from the right camera, or it lies outside
            of its image.
        filled: bool: no match, but a depth from the surroundings (only with ``fill``).
        rgb: The left image as it was matched, RGB uint8 ``(H, W, 3)``: rectified, if that was done.
        min_depth: Least depth in metres of all pixels that have one; 0 if none has.
        max_depth: Largest depth likewise.
        backend_used: ``"sgbm"``, or the path of the checkpoint that was used.
        depth_image: With ``return_depth_image``: ``open3d.geometry.Image``, uint16: 65535 the
            closest, 0 the farthest and where there is no depth.
        point_cloud: With ``return_point_cloud``: coloured ``open3d.geometry.PointCloud``, metres.
        point_cloud_scale: Metres per unit of the point cloud: always 1.0.
        intrinsics: The left camera, and where each number came from.
        notes: What the numbers rest on and a reader should know: values that were assumed, rows
            that do not agree, a calibration that was scaled.
    """

    formats = "vizion3d.stereo.output:FORMATS"
    photo_is = "left photo"
    compared_maps = ("depth_m", "disparity")
    compared_facts = ("min_depth", "max_depth", "intrinsics", "notes")

    disparity: DepthMap = Field(exclude=True, repr=False)
    raw_depth: DepthMap | None = Field(exclude=True, repr=False)
    valid: NDArray[np.bool_] | None = Field(None, exclude=True, repr=False)
    confidence: NDArray[np.float32] | None = Field(None, exclude=True, repr=False)
    occluded: NDArray[np.bool_] | None = Field(None, exclude=True, repr=False)
    filled: NDArray[np.bool_] | None = Field(None, exclude=True, repr=False)
    min_depth: Annotated[float, Fact("Least depth, metres; 0 if there is none.", "X-Min-Depth")]
    max_depth: Annotated[float, Fact("Largest depth, metres; 0 if there is none.", "X-Max-Depth")]
    backend_used: Annotated[
        str, Fact("What matched: sgbm, or the checkpoint's file on the server.", "X-Model")
    ]
    intrinsics: Annotated[CameraIntrinsics | None, Fact("The left camera.", "X-Intrinsics")] = None

    _config: StereoDepthAdvancedConfig = PrivateAttr(default_factory=StereoDepthAdvancedConfig)
    _depth_m: NDArray[np.float32] = PrivateAttr()
    _lists: dict[str, list[list[float]]] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _accept_lists(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Take nested lists, ``depth_map`` and ``disparity_map``, in place of the arrays."""
        if not isinstance(data, Mapping):
            return handler(data)
        given = dict(data)
        for array, lists in (("raw_depth", "depth_map"), ("disparity", "disparity_map")):
            listed = given.pop(lists, None)
            if given.get(array) is None and listed is not None:
                given[array] = array_of(lists, listed)
        if given.get("raw_depth") is None:
            raise InvalidConfigError("a result needs depth_map or raw_depth")
        result = handler(given)
        assert result.raw_depth is not None
        result._depth_m = result.raw_depth
        return result

    def asked_with(self, config: StereoDepthAdvancedConfig) -> Self:
        """The same result, which :meth:`save` then shows by ``config``."""
        self._config = config
        return self

    def _output(self, color_map: str = DEFAULT_COLOR_MAP) -> StereoOutput:
        return StereoOutput(self, self._config, color_map)

    def _described(self) -> tuple[str, str]:
        share = 100 * float(np.mean(self._depth_m > 0))
        told = f"{self.min_depth:.4g} to {self.max_depth:.4g} m, {share:.0f} % of the pixels"
        return told, "bright = closer, black = none"

    @property
    def depth_m(self) -> Float32Array:
        """Metres, float32 ``(H, W)``; 0: none. There with ``return_raw_depth=False`` as well."""
        return self._depth_m

    @computed_field(repr=False)  # type: ignore[prop-decorator]  # mypy issue 1362
    @property
    def depth_map(self) -> list[list[float]]:
        """Metres as nested lists, ``[H][W]``: about 8 times the size of the array."""
        return self._listed("depth_map", self._depth_m)

    @computed_field(repr=False)  # type: ignore[prop-decorator]  # mypy issue 1362
    @property
    def disparity_map(self) -> list[list[float]]:
        """Pixels as nested lists, ``[H][W]``."""
        return self._listed("disparity_map", self.disparity)

    def _listed(self, name: str, array: Float32Array) -> list[list[float]]:
        if name not in self._lists:
            self._lists[name] = array.tolist()
        return self._lists[name]

    def shown(self, config: StereoDepthAdvancedConfig) -> BoolArray:
        """Which pixels become points: before ``z_far`` and trusted, or filled where that is asked.

        Args:
            config: The thresholds.
        """
        return visible(self._depth_m, config.z_far, config.edge_threshold) & self.trusted(config)

    def trusted(self, config: StereoDepthAdvancedConfig) -> BoolArray:
        """Which pixels' matches are trusted, or filled where that is asked.

        Args:
            config: The thresholds.
        """
        trusted = np.ones(self._depth_m.shape, np.bool_)
        if self.confidence is not None:
            trusted &= self.confidence >= config.conf_threshold
        if self.occluded is not None:
            trusted &= ~self.occluded
        if self.filled is not None:
            trusted |= self.filled
        return trusted
