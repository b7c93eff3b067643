"""Results as bytes, for REST and gRPC."""

import base64
import gzip
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.outputs import cloud_files, depth_files

Encoder = Callable[[DepthEstimationResult, DepthEstimationAdvanceConfig], bytes]

_ROWS_AT_A_TIME = 32
_GZIP_LEVEL = 1


def png(result: DepthEstimationResult, _config: DepthEstimationAdvanceConfig) -> bytes:
    """The 16-bit depth image."""
    return depth_files.encode_png(depth_files.to_uint16(result.raw_depth))


def npy(result: DepthEstimationResult, _config: DepthEstimationAdvanceConfig) -> bytes:
    """The depth, float32 ``(H, W)``."""
    return depth_files.encode_npy(result.raw_depth)


def ply(result: DepthEstimationResult, config: DepthEstimationAdvanceConfig) -> bytes:
    """The point cloud, binary PLY."""
    return cloud_files.encode_ply(*DepthOutput(result, config).points)


def glb(result: DepthEstimationResult, config: DepthEstimationAdvanceConfig) -> bytes:
    """The point cloud, binary glTF."""
    return cloud_files.encode_glb(*DepthOutput(result, config).points, config.frame)


def json(
    result: DepthEstimationResult,
    config: DepthEstimationAdvanceConfig,
    *,
    depth_map: bool,
    depth_image: bool,
    point_cloud: bool,
) -> bytes:
    """The result as JSON, with what is asked for of its large parts."""
    fields = {
        "depth_map": orjson.Fragment(json_rows(result.raw_depth)) if depth_map else None,
        **facts(result),
        "depth_image": _base64(png(result, config)) if depth_image else None,
        "point_cloud_ply": _base64(ply(result, config)) if point_cloud else None,
    }
    return orjson.dumps(fields)


def facts(result: DepthEstimationResult) -> dict[str, Any]:
    """What is small about a result."""
    return {
        "min_depth": result.min_depth,
        "max_depth": result.max_depth,
        "backend_used": result.backend_used,
        "point_cloud_scale": result.point_cloud_scale,
        "depth_kind": result.depth_kind,
        "intrinsics": asdict(result.intrinsics) if result.intrinsics else None,
    }


def json_rows(depth: NDArray[np.float32]) -> bytes:
    """float32 ``(H, W)`` -> ``[[...], ...]``, each number the shortest that reads back the same.

    Some rows at a time: one call would keep every other thread, and the event loop, waiting.
    """
    depth = np.ascontiguousarray(depth)
    parts = [
        orjson.dumps(depth[row : row + _ROWS_AT_A_TIME], option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        for row in range(0, len(depth), _ROWS_AT_A_TIME)
    ]
    return b"[" + b",".join(parts) + b"]"


def compress(content: bytes) -> bytes:
    """gzip, fast rather than small."""
    return gzip.compress(content, _GZIP_LEVEL, mtime=0)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
