"""What a depth estimation returns."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationInfo,
    computed_field,
    field_validator,
    model_validator,
)

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment import Alignment
from vizion3d.geometry.depth import DepthKind
from vizion3d.geometry.frame_fit import FrameFit
from vizion3d.lifting.config import DepthEstimationAdvanceConfig
from vizion3d.lifting.limit import DepthLimit
from vizion3d.lifting.output import DepthOutput
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP
from vizion3d.outputs.depth_result import DepthMap, DepthResult, array_of
from vizion3d.outputs.facts import Fact


class DepthEstimationResult(DepthResult, defer_build=False):
    """What a depth estimation returns.

    Attributes:
        depth_map: The depth as nested lists, ``[H][W]``; made from ``raw_depth`` when first read.
        raw_depth: float32 ``(H, W)``, the network's depth at the image's size, see ``depth_kind``.
        rgb: The image as it was read, RGB uint8 ``(H, W, 3)``, of one shape with ``raw_depth``.
        min_depth: Smallest value of ``raw_depth``.
        max_depth: Largest value of ``raw_depth``; never below ``min_depth``.
        backend_used: Path of the checkpoint file that was used.
        depth_image: With ``return_depth_image``: ``open3d.geometry.Image``, uint16 ``(H, W)``; 0 to
            65535 maps linearly to ``[min_depth, max_depth]``.
        point_cloud: With ``return_point_cloud``: coloured ``open3d.geometry.PointCloud``.
        point_cloud_scale: Metres per unit of the point cloud: always 1.0. The metres of relative
            depth follow from the range that ``depth_near`` and ``depth_trunc`` assume, those of
            depth up to scale from ``depth_trunc``, at which the farthest pixel is taken to lie.
        depth_kind: What the numbers of ``raw_depth`` are: ``"relative"``: inverse depth, higher =
            closer, without a unit; ``"up_to_scale"``: depth, higher = farther, without a unit;
            ``"metric"``: metres, higher = farther.
        intrinsics: The intrinsics that hold for the image, and where each came from.
        sky_depth: Value of ``raw_depth`` that marks sky, above that of everything else; ``None``
            if the network does not tell sky, or sees none.
        confidence: float32 ``(H, W)``, how certain the network is of each pixel, 1 and above,
            higher = more certain, without a unit; ``None`` if it does not tell.
        focal_px: Focal length in pixels of this image that the metres are proportional to: for
            another camera, multiply them by the ratio of both; ``None`` if they follow from none.
        notes: What the numbers rest on and a reader should know, such as a focal length that was
            assumed.
        alignment: The fit to what is known of the scene, if the depth was aligned: ``raw_depth`` is
            then in metres.
        depth_limit: Where the point cloud ends, and whether that was given, is the checkpoint's
            own range, or the default.
        steady: The scale and shift that a frame of a video got, if it was steadied; they are in
            ``raw_depth`` already. Its cloud is made with the range that the shot's frames share.
    """

    compared_maps = ("raw_depth", "confidence")
    compared_facts = (
        *("min_depth", "max_depth", "depth_kind", "intrinsics"),
        *("sky_depth", "focal_px", "notes", "alignment", "depth_limit"),
    )

    raw_depth: DepthMap = Field(exclude=True, repr=False)
    depth_kind: Annotated[
        DepthKind,
        Fact(
            "relative: inverse depth, higher = closer; up_to_scale: depth without a unit, higher = "
            "farther; metric: metres.",
            "X-Depth-Kind",
        ),
    ] = "relative"
    sky_depth: Annotated[
        float | None, Fact("Value of the depth that marks sky; null: no sky.", "X-Sky-Depth")
    ] = None
    confidence: NDArray[np.float32] | None = Field(None, exclude=True, repr=False)
    focal_px: Annotated[
        float | None,
        Fact(
            "Focal length in pixels that the metres are proportional to; null: to none.",
            "X-Focal-Length",
        ),
    ] = None
    alignment: Annotated[
        Alignment | None,
        Fact("The fit to what is known of the scene; null if nothing was.", "X-Alignment"),
    ] = None
    depth_limit: Annotated[
        DepthLimit | None,
        Fact("Where the point cloud ends, metres, and who says so.", "X-Depth-Limit"),
    ] = None
    steady: FrameFit | None = None

    _config: DepthEstimationAdvanceConfig = PrivateAttr(
        default_factory=DepthEstimationAdvanceConfig
    )
    # The nested lists, and the array that they were made from.
    _listed: tuple[NDArray[np.float32], list[list[float]]] | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _accept_depth_map(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Take the depth as ``depth_map``, nested lists, in place of ``raw_depth``."""
        if not isinstance(data, Mapping) or data.get("raw_depth") is not None:
            return handler(data)
        depth_map = data.get("depth_map")
        if depth_map is None:
            raise InvalidConfigError("a result needs depth_map or raw_depth")
        raw_depth = array_of("depth_map", depth_map)
        rest = {n: v for n, v in data.items() if n not in ("depth_map", "raw_depth")}
        result = handler({**rest, "raw_depth": raw_depth})
        result._listed = raw_depth, depth_map
        return result

    @field_validator("confidence")
    @classmethod
    def _is_of_the_depths_shape(
        cls, value: NDArray[np.float32] | None, info: ValidationInfo
    ) -> NDArray[np.float32] | None:
        depth = info.data.get("raw_depth")
        if value is None or depth is None:
            return value
        if value.shape != depth.shape:
            raise ValueError(f"is of shape {value.shape}, the depth of {depth.shape}")
        return value.astype(np.float32, copy=False)

    def asked_with(self, config: DepthEstimationAdvanceConfig) -> Self:
        """The same result, which :meth:`save` and :meth:`metres` then show by ``config``."""
        self._config = config
        return self

    def with_own_cloud(self) -> Self:
        """The same result, with a point cloud of the depth that it has now.

        Raises:
            MissingDependencyError: Open3D cannot be imported.
        """
        self.point_cloud = self._output().cloud()
        return self

    def _output(self, color_map: str = DEFAULT_COLOR_MAP) -> DepthOutput:
        return DepthOutput(self, self._config, color_map)

    def _described(self) -> tuple[str, str]:
        unit = " m" if self.depth_kind == "metric" else ""
        told = f"{self.depth_kind}, {self.min_depth:.4g} to {self.max_depth:.4g}{unit}"
        return told, f"bright = {'closer' if self.depth_kind == 'relative' else 'farther'}"

    @property
    def sky(self) -> NDArray[np.bool_]:
        """bool ``(H, W)``: which pixels show sky. They have no points."""
        if self.sky_depth is None:
            return np.zeros(self.raw_depth.shape, np.bool_)
        sky: NDArray[np.bool_] = self.raw_depth >= np.float32(self.sky_depth)
        return sky

    @computed_field(repr=False)  # type: ignore[prop-decorator]  # mypy issue 1362
    @property
    def depth_map(self) -> list[list[float]]:
        """The depth as nested lists, ``[H][W]``: about 8 times the size of ``raw_depth``."""
        if self._listed is None or self._listed[0] is not self.raw_depth:
            self._listed = self.raw_depth, self.raw_depth.tolist()
        return self._listed[1]
