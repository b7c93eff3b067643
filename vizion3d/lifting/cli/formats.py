"""What ``vizion3d depth --save`` can write, and how each is made from a result."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import typer
from numpy.typing import NDArray

from vizion3d.geometry.projection import CameraIntrinsics, depth_to_metres, to_frame
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.outputs import cloud_files, depth_files
from vizion3d.outputs.points import to_points


@dataclass(frozen=True)
class Output:
    """A result and how it was asked for, for the encoders below."""

    result: DepthEstimationResult
    config: DepthEstimationAdvanceConfig
    color_map: str

    @property
    def intrinsics(self) -> CameraIntrinsics:
        assert self.result.intrinsics is not None
        return self.result.intrinsics

    @cached_property
    def points(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Points float32 ``(N, 3)`` in the frame asked for, and RGB colours uint8 ``(N, 3)``."""
        return to_points(self.result, self.config)

    def png(self) -> bytes:
        return depth_files.encode_png(depth_files.to_uint16(self.result.raw_depth))

    def color(self) -> bytes:
        return depth_files.encode_color_png(self.result.raw_depth, self.color_map)

    def metric_png(self) -> bytes:
        near, far = self.config.depth_near, self.config.depth_trunc
        depth_m = depth_to_metres(self.result.raw_depth, self.result.depth_kind, near, far)
        pixels = depth_files.metres_to_uint16(depth_m, self.config.depth_scale)
        return depth_files.encode_png(pixels)

    def ply(self) -> bytes:
        return cloud_files.encode_ply(*self.points)

    def glb(self) -> bytes:
        points, colors = self.points
        return cloud_files.encode_glb(points, colors, self.config.frame)

    def view(self) -> bytes:
        from vizion3d.outputs.view import render_view

        points, colors = self.points
        camera_points = to_frame(points.copy(), self.config.frame)  # its own inverse
        return depth_files.encode_png(render_view(camera_points, colors, self.intrinsics))

    def npy(self) -> bytes:
        return depth_files.encode_npy(self.result.raw_depth)

    def npz(self) -> bytes:
        return depth_files.encode_npz(
            depth=self.result.raw_depth, intrinsics=self.intrinsics.matrix()
        )

    def json(self) -> bytes:
        facts = self.result.model_dump(
            include={"min_depth", "max_depth", "backend_used", "depth_kind", "intrinsics"}
        )
        facts["depth_range"] = self.config.model_dump(exclude={"fx", "fy", "cx", "cy"})
        return json.dumps(facts, indent=2, default=dict).encode() + b"\n"


class SaveFormat(StrEnum):
    """What can be written for an image."""

    PNG = "png"
    COLOR = "color"
    METRIC_PNG = "metric-png"
    PLY = "ply"
    GLB = "glb"
    VIEW = "view"
    NPY = "npy"
    NPZ = "npz"
    JSON = "json"


ENCODERS: dict[SaveFormat, tuple[str, Callable[[Output], bytes]]] = {
    SaveFormat.PNG: (".depth.png", Output.png),
    SaveFormat.COLOR: (".color.png", Output.color),
    SaveFormat.METRIC_PNG: (".metric.png", Output.metric_png),
    SaveFormat.PLY: (".ply", Output.ply),
    SaveFormat.GLB: (".glb", Output.glb),
    SaveFormat.VIEW: (".view.png", Output.view),
    SaveFormat.NPY: (".npy", Output.npy),
    SaveFormat.NPZ: (".npz", Output.npz),
    SaveFormat.JSON: (".json", Output.json),
}


def parse_formats(text: str) -> list[SaveFormat]:
    """``"png,ply"`` -> formats; what is not one is a usage error."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = [format_.value for format_ in SaveFormat]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise typer.BadParameter(
            f"{', '.join(unknown) or 'nothing'}; choose from {','.join(known)}"
        )
    return [SaveFormat(name) for name in dict.fromkeys(names)]
