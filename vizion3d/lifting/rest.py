"""``POST /lifting/depth-estimation``."""

import math
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import quote

import orjson
from fastapi import Form
from pydantic import BaseModel, Field

from vizion3d.geometry.depth import DepthKind
from vizion3d.lifting import wire
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.networks.base import MIN_INPUT_SIZE
from vizion3d.outputs import cloud_files, depth_files
from vizion3d.server.encoding import as_text, json_rows
from vizion3d.server.rest.forms import ModelName, Photo, form
from vizion3d.server.rest.route import Asked, Binary, Route
from vizion3d.server.service import MAX_NETWORK_PIXELS

MAX_INPUT_SIZE = math.isqrt(MAX_NETWORK_PIXELS) // MIN_INPUT_SIZE * MIN_INPUT_SIZE
"""More is too much for an image of any shape."""

_PATH_CHARACTERS = "/:\\ "
"""What stands as it is in a header; the rest of a file's path is percent-encoded."""


class IntrinsicsAnswer(BaseModel):
    """The camera that was assumed: focal lengths and principal point in pixels of the image."""

    fx: float
    fy: float
    cx: float
    cy: float
    width_px: int
    height_px: int
    sources: dict[str, str] = Field(description="Where each value came from.")


class DepthEstimationAnswer(BaseModel):
    """A depth estimation as JSON."""

    depth_map: list[list[float]] | None = Field(
        description="Rows of the depth; null if depth_map=false was sent."
    )
    min_depth: float
    max_depth: float
    backend_used: str = Field(description="The checkpoint's file on the server.")
    point_cloud_scale: float = Field(description="Metres per unit of the point cloud.")
    depth_kind: DepthKind = Field(
        description="relative: inverse depth, higher = closer; metric: metres."
    )
    intrinsics: IntrinsicsAnswer
    depth_image: str | None = Field(description="16-bit PNG, base64; null if not asked for.")
    point_cloud_ply: str | None = Field(description="Binary PLY, base64; null if not asked for.")


@form(DepthEstimationAdvanceConfig)
async def read_form(
    image: Photo,
    config: dict[str, Any],
    model_backend: ModelName = "",
    return_depth_image: Annotated[
        bool, Form(description="JSON: also the 16-bit depth image.")
    ] = False,
    return_point_cloud: Annotated[bool, Form(description="JSON: also the point cloud.")] = False,
    depth_map: Annotated[bool, Form(description="JSON: false leaves the depth's rows out.")] = True,
    input_size: Annotated[
        int | None,
        Form(
            ge=MIN_INPUT_SIZE,
            le=MAX_INPUT_SIZE,
            description="Shorter side that the network sees, pixels.",
        ),
    ] = None,
) -> Asked[DepthEstimationCommand]:
    """What a form asks for."""
    command = DepthEstimationCommand(
        await image.read(),
        model_backend,
        advanced_config=DepthEstimationAdvanceConfig(**config),
        input_size=input_size,
    )
    parts = {
        "depth_map": depth_map,
        "depth_image": return_depth_image,
        "point_cloud": return_point_cloud,
    }
    return Asked(command, parts)


def png(result: DepthEstimationResult, _command: DepthEstimationCommand) -> bytes:
    """The 16-bit depth image."""
    return depth_files.encode_png(depth_files.to_uint16(result.raw_depth))


def npy(result: DepthEstimationResult, _command: DepthEstimationCommand) -> bytes:
    """The depth, float32 ``(H, W)``."""
    return depth_files.encode_npy(result.raw_depth)


def ply(result: DepthEstimationResult, command: DepthEstimationCommand) -> bytes:
    """The point cloud, binary PLY."""
    return cloud_files.encode_ply(*DepthOutput(result, command.advanced_config).points)


def glb(result: DepthEstimationResult, command: DepthEstimationCommand) -> bytes:
    """The point cloud, binary glTF."""
    config = command.advanced_config
    return cloud_files.encode_glb(*DepthOutput(result, config).points, config.frame)


def json(result: DepthEstimationResult, asked: Asked[DepthEstimationCommand]) -> bytes:
    """The result as JSON, with what is asked for of its large parts."""
    command, parts = asked.command, asked.parts
    fields = {
        "depth_map": orjson.Fragment(json_rows(result.raw_depth)) if parts["depth_map"] else None,
        "min_depth": result.min_depth,
        "max_depth": result.max_depth,
        "backend_used": result.backend_used,
        "point_cloud_scale": result.point_cloud_scale,
        "depth_kind": result.depth_kind,
        "intrinsics": asdict(result.intrinsics) if result.intrinsics else None,
        "depth_image": as_text(png(result, command)) if parts["depth_image"] else None,
        "point_cloud_ply": as_text(ply(result, command)) if parts["point_cloud"] else None,
    }
    return orjson.dumps(fields)


FACTS = {
    wire.MIN_DEPTH: "Smallest value of the depth (binary answers).",
    wire.MAX_DEPTH: "Largest value of the depth (binary answers).",
    wire.DEPTH_KIND: "relative or metric (binary answers).",
    wire.INTRINSICS: "The camera that was assumed, JSON (binary answers).",
    wire.MODEL: "The checkpoint's file on the server, percent-encoded (binary answers).",
}


def tell(result: DepthEstimationResult) -> dict[str, str]:
    """What JSON would tell beside the large parts, as headers."""
    intrinsics = asdict(result.intrinsics) if result.intrinsics else None
    return {
        wire.MIN_DEPTH: repr(result.min_depth),
        wire.MAX_DEPTH: repr(result.max_depth),
        wire.DEPTH_KIND: result.depth_kind,
        wire.INTRINSICS: orjson.dumps(intrinsics).decode("ascii"),
        wire.MODEL: quote(result.backend_used, safe=_PATH_CHARACTERS),
    }


ROUTE = Route(
    path=wire.PATH,
    name="estimate_depth",
    summary="Estimate the depth of a photo",
    description="The depth as JSON, as a 16-bit PNG, as a NumPy array, or as a point cloud (PLY, "
    "GLB).\n\nThe `Accept` header says which; JSON if it is left out. The binary forms are far "
    "smaller and\nfaster than JSON; their headers tell the rest.",
    success="The depth.",
    read=read_form,
    answer=DepthEstimationAnswer,
    json=json,
    binary={
        "image/png": Binary("depth.png", png),
        "application/x-npy": Binary("depth.npy", npy),
        "model/ply": Binary("points.ply", ply),
        "application/x-ply": Binary("points.ply", ply),
        "model/gltf-binary": Binary("points.glb", glb),
    },
    facts=FACTS,
    tell=tell,
)
