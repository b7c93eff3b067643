"""Depth in metres, of a depth estimation and what is known of the scene."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.cqrs import Command
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment import Alignment, Knowledge, Parameter, Residuals, align
from vizion3d.geometry.depth import AFFINE_SPACES
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult


class AlignedDepth(DepthEstimationResult):
    """A depth estimation in metres: ``raw_depth`` is metres, ``depth_kind`` is ``"metric"``.

    Everything that is made of a metric result is made of this one: point clouds and files are in
    true metres.

    Attributes:
        alignment: The fit that the metres come from.
    """

    def model_post_init(self, context: Any) -> None:
        """Refuse to be made without an alignment."""
        super().model_post_init(context)
        if self.alignment is None:
            raise InvalidConfigError("an aligned depth needs its alignment")

    @property
    def _fit(self) -> Alignment:
        assert self.alignment is not None
        return self.alignment

    @property
    def depth_m(self) -> NDArray[np.float32]:
        """Distance along the optical axis in metres, float32 ``(H, W)``; the same as raw_depth."""
        return self.raw_depth

    @property
    def uncertainty_m(self) -> NDArray[np.float32]:
        """Standard deviation of each pixel's depth that comes from the fit, in metres, ``(H, W)``.

        See :meth:`vizion3d.geometry.alignment.Alignment.uncertainty`.
        """
        return self._fit.uncertainty(self.raw_depth)

    @property
    def scale(self) -> float:
        """What the network's output was multiplied by, in the space of the alignment."""
        return self._fit.scale

    @property
    def shift(self) -> float:
        """What was then added: 1 / metres for inverse depth, else metres."""
        return self._fit.shift

    @property
    def fixed(self) -> tuple[Parameter, ...]:
        """What the knowledge has determined: scale, shift, or both."""
        return self._fit.fixed

    @property
    def inliers(self) -> int:
        """How many known values the fit holds for."""
        return self._fit.inliers

    @property
    def residuals(self) -> Residuals:
        """How far the fit is from what is known."""
        return self._fit.residuals


@dataclass
class AlignDepthCommand(Command[AlignedDepth]):
    """Turn a depth estimation into metres by what is known of the scene.

    Attributes:
        source: A result, or a command that is run first.
        knowledge: What is known.
        return_depth_image: Also return a 16-bit ``open3d.geometry.Image`` of the metres.
        return_point_cloud: Also return a coloured ``open3d.geometry.PointCloud``.
        advanced_config: Where points are cut, and their frame, for the cloud of a result. A command
            has its own, and asks for objects itself.

    Raises:
        InvalidConfigError: A field is of another type.
    """

    source: DepthEstimationResult | DepthEstimationCommand
    knowledge: Knowledge
    return_depth_image: bool = False
    return_point_cloud: bool = False
    advanced_config: DepthEstimationAdvanceConfig = field(
        default_factory=DepthEstimationAdvanceConfig
    )

    def __post_init__(self) -> None:
        if not isinstance(self.source, DepthEstimationResult | DepthEstimationCommand):
            raise InvalidConfigError(
                "source must be a DepthEstimationResult or a DepthEstimationCommand, "
                f"got {type(self.source).__name__}"
            )
        if not isinstance(self.knowledge, Knowledge):
            raise InvalidConfigError(f"knowledge must be a Knowledge, got {self.knowledge!r}")


def align_result(result: DepthEstimationResult, knowledge: Knowledge) -> AlignedDepth:
    """The result in metres.

    Raises:
        InvalidConfigError: What is known does not fit the image, or contradicts itself or the
            depth.
    """
    space, with_shift = AFFINE_SPACES[result.depth_kind]
    fit = align(result.raw_depth, knowledge, space, result.intrinsics, with_shift)
    depth_m = fit.apply(result.raw_depth)
    sky_m = None if result.sky_depth is None else float(depth_m[result.sky].min())
    return AlignedDepth(
        raw_depth=depth_m,
        rgb=result.rgb,
        min_depth=float(depth_m.min()),
        max_depth=float(depth_m.max()),
        backend_used=result.backend_used,
        depth_kind="metric",
        intrinsics=result.intrinsics,
        alignment=fit,
        sky_depth=sky_m,
        confidence=result.confidence,
        notes=result.notes,
        depth_limit=result.depth_limit,
    )
