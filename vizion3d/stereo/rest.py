"""``POST /lifting/stereo-depth``."""

from typing import Annotated, Any

import orjson
from fastapi import File, Form, UploadFile
from pydantic import Field

from vizion3d.outputs import depth_files
from vizion3d.outputs.facts import answer_model, as_headers, headers_of, values_of
from vizion3d.outputs.formats import by_media_type
from vizion3d.server.encoding import as_text, json_rows
from vizion3d.server.rest.answers import IntrinsicsAnswer
from vizion3d.server.rest.forms import ModelName, Photo, form
from vizion3d.server.rest.route import Asked, Binary, Route
from vizion3d.stereo import wire
from vizion3d.stereo.commands import StereoDepthCommand
from vizion3d.stereo.models import StereoDepthAdvancedConfig, StereoDepthResult
from vizion3d.stereo.output import FORMATS, StereoOutput

CalibrationFile = Annotated[
    UploadFile | None,
    File(
        description="Calibration of the pair: Middlebury calib.txt, OpenCV YAML or XML, Kalibr "
        "YAML, a camera matrix with a baseline line, or the left camera's ROS camera_info."
    ),
]


_Facts = answer_model(
    "StereoDepthFacts", StereoDepthResult, {"intrinsics": IntrinsicsAnswer, "notes": list[str]}
)


class StereoDepthAnswer(_Facts):  # type: ignore[misc, valid-type]  # made of the result's facts
    """A stereo depth as JSON."""

    depth_map: list[list[float]] | None = Field(
        description="Rows of metres, 0: no match; null if depth_map=false was sent."
    )
    disparity_map: list[list[float]] | None = Field(
        description="Rows of pixels, 0: no match; null if disparity_map=false was sent."
    )
    depth_image: str | None = Field(description="16-bit PNG, base64; null if not asked for.")
    point_cloud_ply: str | None = Field(description="Binary PLY, base64; null if not asked for.")


@form(StereoDepthAdvancedConfig)
async def read_form(
    left_image: Photo,
    right_image: Photo,
    config: dict[str, Any],
    calibration: CalibrationFile = None,
    calibration_right: Annotated[
        UploadFile | None, File(description="The right camera's ROS camera_info.")
    ] = None,
    model_backend: ModelName = "",
    return_depth_image: Annotated[
        bool, Form(description="JSON: also the 16-bit depth image.")
    ] = False,
    return_point_cloud: Annotated[bool, Form(description="JSON: also the point cloud.")] = False,
    depth_map: Annotated[bool, Form(description="JSON: false leaves the depth's rows out.")] = True,
    disparity_map: Annotated[
        bool, Form(description="JSON: false leaves the disparity's rows out.")
    ] = True,
) -> Asked[StereoDepthCommand]:
    """What a form asks for."""
    left = await calibration.read() if calibration else b""
    right = await calibration_right.read() if calibration_right else b""
    command = StereoDepthCommand(
        await left_image.read(),
        await right_image.read(),
        model_backend,
        return_depth_image=False,
        advanced_config=configure(config, left, right),
    )
    parts = {
        "depth_map": depth_map,
        "disparity_map": disparity_map,
        "depth_image": return_depth_image,
        "point_cloud": return_point_cloud,
    }
    return Asked(command, parts)


def configure(
    fields: dict[str, Any], calibration: bytes, calibration_right: bytes
) -> StereoDepthAdvancedConfig:
    """The config of what was sent: fields, which go before a calibration's."""
    if not calibration and not calibration_right:
        return StereoDepthAdvancedConfig(**fields)
    return StereoDepthAdvancedConfig.from_calibration(
        calibration, calibration_right or None, **fields
    )


def json(result: StereoDepthResult, asked: Asked[StereoDepthCommand]) -> bytes:
    """The result as JSON, with what is asked for of its large parts."""
    parts, output = asked.parts, StereoOutput(result, asked.command.advanced_config)
    rows = {"depth_map": result.depth_m, "disparity_map": result.disparity}
    fields: dict[str, Any] = {
        name: orjson.Fragment(json_rows(array)) if parts[name] else None
        for name, array in rows.items()
    }
    picture = depth_files.encode_png(output.gray) if parts["depth_image"] else None
    cloud = _BY_NAME["ply"].encode(output) if parts["point_cloud"] else None
    fields |= {
        **values_of(result),
        "depth_image": as_text(picture) if picture is not None else None,
        "point_cloud_ply": as_text(cloud) if cloud is not None else None,
    }
    return orjson.dumps(fields)


_BY_NAME = {row.name: row for row in FORMATS}


def _binary(row: Any) -> Binary[StereoDepthCommand, StereoDepthResult]:
    def encode(result: StereoDepthResult, command: StereoDepthCommand) -> bytes:
        content: bytes = row.encode(StereoOutput(result, command.advanced_config))
        return content

    return Binary(row.file_name, encode)


ROUTE = Route(
    path=wire.PATH,
    name="measure_stereo_depth",
    summary="Measure depth from two photos",
    description="Metres and disparity as JSON; or a 16-bit PNG, metres as a NumPy array, every map "
    "(NPZ), or a point cloud (PLY, GLB).\n\nThe `Accept` header says which; JSON if it is left "
    "out. The binary forms are far smaller and\nfaster than JSON; their headers tell the rest.",
    success="The depth, in metres.",
    read=read_form,
    answer=StereoDepthAnswer,
    json=json,
    binary={kind: _binary(row) for kind, row in by_media_type(FORMATS).items()},
    facts={
        name: f"{text.rstrip('.')} (binary answers)."
        for name, text in headers_of(StereoDepthResult).items()
    },
    tell=as_headers,
)
