"""Results of the frames of a video, with one scale and shift for all frames of a shot."""

from collections.abc import Generator
from contextlib import closing
from typing import TypeVar

from vizion3d.geometry.steady import Steadier
from vizion3d.lifting.models import DepthEstimationResult

E = TypeVar("E", bound=Exception)


def steadied(result: DepthEstimationResult, steadier: Steadier) -> DepthEstimationResult:
    """The next frame's result in the unit of its shot, and the scale and shift that it got.

    Metric depth is the same in every frame as it is. A cloud is made anew, with the range that all
    frames of the shot share; the 16-bit image still spans the frame's own range.
    """
    if result.depth_kind != "relative" or result.rgb is None:
        return result
    fit = steadier.follow(result.raw_depth, result.rgb)
    depth = fit.apply(result.raw_depth)
    changes = {
        "raw_depth": depth,
        "min_depth": float(depth.min()),
        "max_depth": float(depth.max()),
        "steady": fit,
    }
    steady = result.model_copy(update=changes)
    return steady.with_own_cloud() if result.point_cloud is not None else steady


def steady_results(
    results: Generator[DepthEstimationResult | E, None, None], steadier: Steadier
) -> Generator[DepthEstimationResult | E, None, None]:
    """:func:`steadied` for result after result, in order; errors pass. Closing closes both."""
    with closing(results):
        for result in results:
            yield result if isinstance(result, Exception) else steadied(result, steadier)
