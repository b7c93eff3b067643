"""``POST /lifting/depth-estimation``."""

import asyncio
import math
from typing import Annotated, Any

import orjson
from fastapi import File, Form, UploadFile

from vizion3d.core.arrays import Float32Array
from vizion3d.geometry.alignment import Knowledge
from vizion3d.lifting import wire
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.config import configure
from vizion3d.lifting.known import read_known
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.lifting.tensors import show
from vizion3d.media import images
from vizion3d.media.depth_images import read_depth_image
from vizion3d.networks.base import MIN_INPUT_SIZE
from vizion3d.outputs.facts import answer_model, as_headers, values_of
from vizion3d.outputs.formats import FORMATS, pick
from vizion3d.server.encoding import as_text, json_rows
from vizion3d.server.rest.answers import IntrinsicsAnswer
from vizion3d.server.rest.forms import ModelName, Photo, form
from vizion3d.server.rest.route import Asked, Route, binary_forms, binary_headers
from vizion3d.server.service import IMAGE_FORMATS, MAX_NETWORK_PIXELS

MAX_INPUT_SIZE = math.isqrt(MAX_NETWORK_PIXELS) // MIN_INPUT_SIZE * MIN_INPUT_SIZE
"""More is too much for an image of any shape."""


DepthEstimationAnswer = answer_model(
    "DepthEstimationAnswer",
    DepthEstimationResult,
    "A depth estimation as JSON.",
    parts={
        "depth_map": (
            list[list[float]] | None,
            "Rows of the depth; null if depth_map=false was sent.",
        ),
        "confidence_map": (
            list[list[float]] | None,
            "Rows of the confidence, 1 and above, higher = more certain; null if not asked for, or "
            "if the model does not tell it.",
        ),
        "depth_image": (str | None, "16-bit PNG, base64; null if not asked for."),
        "point_cloud_ply": (str | None, "Binary PLY, base64; null if not asked for."),
    },
    types={"intrinsics": IntrinsicsAnswer},
)


CalibrationFile = Annotated[
    UploadFile | None,
    File(
        description="The camera's calibration, in place of fx, fy, cx, cy: OpenCV YAML or XML, ROS "
        "camera_info, Kalibr, or the nine numbers of a camera matrix. Lens distortion is undone."
    ),
]


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
    confidence_map: Annotated[
        bool, Form(description="JSON: also the confidence's rows, of models that tell it.")
    ] = False,
    input_size: Annotated[
        int | None,
        Form(
            ge=MIN_INPUT_SIZE,
            le=MAX_INPUT_SIZE,
            description="Shorter side that the network sees, pixels.",
        ),
    ] = None,
    points: Annotated[
        str, Form(description="Known depths: u,v,metres; u,v,metres ... or JSON rows.")
    ] = "",
    distances: Annotated[
        str, Form(description="Known distances between pixels: u1,v1,u2,v2,metres; ...")
    ] = "",
    planes: Annotated[
        str,
        Form(description="The camera's distances from planes: corners u1,v1,u2,v2,metres; ..."),
    ] = "",
    sparse_depth: Annotated[
        UploadFile | None,
        File(description="Depth image of the photo's size: 16-bit PNG or TIFF, or NPY in metres."),
    ] = None,
    calibration: CalibrationFile = None,
    camera_height_m: Annotated[
        float | None, Form(description="Height of the camera above the ground that it sees.")
    ] = None,
    camera_pitch_deg: Annotated[
        float | None, Form(description="How far the camera looks up (negative: down), degrees.")
    ] = None,
) -> Asked[DepthEstimationCommand]:
    """What a form asks for."""
    content = await calibration.read() if calibration else None
    advanced_config = configure(content, config)
    known = read_known(
        {"points": points, "distances": distances, "planes": planes},
        {"camera_height_m": camera_height_m, "camera_pitch_deg": camera_pitch_deg},
    )
    photo = await image.read()
    if sparse_depth is not None:
        known["sparse_depth_m"] = await asyncio.to_thread(
            _depth_image, photo, await sparse_depth.read(), advanced_config.depth_scale
        )
    command = DepthEstimationCommand(
        photo,
        model_backend,
        advanced_config=advanced_config,
        knowledge=Knowledge(**known) if known else None,
        input_size=input_size,
    )
    parts = {
        "depth_map": depth_map,
        "confidence_map": confidence_map,
        "depth_image": return_depth_image,
        "point_cloud": return_point_cloud,
    }
    return Asked(command, parts)


def _depth_image(photo: bytes, content: bytes, depth_scale: float) -> Float32Array:
    """A depth image of at most as many pixels as the photo has: of no other is any use."""
    header = images.read_header(photo, formats=IMAGE_FORMATS)
    return read_depth_image(content, depth_scale, header.width_px * header.height_px)


def json(result: DepthEstimationResult, asked: Asked[DepthEstimationCommand]) -> bytes:
    """The result as JSON, with what is asked for of its large parts."""
    output, parts = show(result, asked.command), asked.parts
    png, ply = pick(["png", "ply"])
    maps = {"depth_map": result.raw_depth, "confidence_map": result.confidence}
    fields = {
        **values_of(result),
        **{
            name: orjson.Fragment(json_rows(array)) if parts[name] and array is not None else None
            for name, array in maps.items()
        },
        "depth_image": as_text(png.encode(output)) if parts["depth_image"] else None,
        "point_cloud_ply": as_text(ply.encode(output)) if parts["point_cloud"] else None,
    }
    return orjson.dumps(fields)


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
    binary=binary_forms(FORMATS, show),
    facts=binary_headers(DepthEstimationResult),
    tell=as_headers,
)
