"""``POST /lifting/stereo-depth``."""

from typing import Annotated, Any

import orjson
from fastapi import File, Form, UploadFile

from vizion3d.outputs.facts import answer_model, as_headers, values_of
from vizion3d.outputs.formats import pick
from vizion3d.server.encoding import as_text, json_rows
from vizion3d.server.rest.answers import IntrinsicsAnswer
from vizion3d.server.rest.forms import ModelName, Photo, form
from vizion3d.server.rest.route import Asked, Binary, Route, binary_forms, binary_headers
from vizion3d.stereo import wire
from vizion3d.stereo.commands import StereoDepthCommand
from vizion3d.stereo.models import StereoDepthAdvancedConfig, StereoDepthResult
from vizion3d.stereo.output import FORMATS
from vizion3d.stereo.tensors import configure, show

CalibrationFile = Annotated[
    UploadFile | None,
    File(
        description="Calibration of the pair: Middlebury calib.txt, OpenCV YAML or XML, Kalibr "
        "YAML, a camera matrix with a baseline line, or the left camera's ROS camera_info."
    ),
]


_Rows = list[list[float]] | None

StereoDepthAnswer = answer_model(
    "StereoDepthAnswer",
    StereoDepthResult,
    "A stereo depth as JSON.",
    parts={
        "depth_map": (
            _Rows,
            "Rows of metres, 0: no match; null if depth_map=false was sent.",
        ),
        "disparity_map": (
            _Rows,
            "Rows of pixels, 0: no match; null if disparity_map=false was sent.",
        ),
        "depth_image": (str | None, "16-bit PNG, base64; null if not asked for."),
        "point_cloud_ply": (str | None, "Binary PLY, base64; null if not asked for."),
    },
    types={"intrinsics": IntrinsicsAnswer, "notes": list[str]},
)


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


_PNG, _PLY = pick(("png", "ply"))


def json(result: StereoDepthResult, asked: Asked[StereoDepthCommand]) -> bytes:
    """The result as JSON, with what is asked for of its large parts."""
    parts, output = asked.parts, show(result, asked.command)
    rows = {"depth_map": result.depth_m, "disparity_map": result.disparity}
    files = {"depth_image": ("depth_image", _PNG), "point_cloud_ply": ("point_cloud", _PLY)}
    fields: dict[str, Any] = {
        name: orjson.Fragment(json_rows(array)) if parts[name] else None
        for name, array in rows.items()
    }
    fields |= {
        name: as_text(row.encode(output)) if parts[part] else None
        for name, (part, row) in files.items()
    }
    return orjson.dumps(values_of(result) | fields)


_NPY, _LEFT = (row for row in FORMATS if row.name in ("npy", "left"))
_PARTS = {"depth": _NPY, "left": _LEFT}
_BOUNDARY = "vizion3d-part-6d1f0c9b2a7e4853"


def form_data(result: StereoDepthResult, command: StereoDepthCommand) -> bytes:
    """Metres and the left photo as it was matched, as a browser's ``response.formData()`` reads
    them."""
    output = show(result, command)
    parts = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; '
        f'filename="{row.file_name}"\r\nContent-Type: {row.media_types[0]}\r\n\r\n'.encode()
        + row.encode(output)
        + b"\r\n"
        for name, row in _PARTS.items()
    )
    return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()


_FORM_DATA = Binary[StereoDepthCommand, StereoDepthResult](
    "stereo.multipart", form_data, f"multipart/form-data; boundary={_BOUNDARY}"
)

ROUTE = Route(
    path=wire.PATH,
    name="measure_stereo_depth",
    summary="Measure depth from two photos",
    description="Metres and disparity as JSON; or a 16-bit PNG, metres as a NumPy array, every map "
    "(NPZ), a point cloud (PLY, GLB), or metres and the left photo as it was matched\n"
    "(multipart/form-data).\n\nThe `Accept` header says which; JSON if it is left "
    "out. The binary forms are far smaller and\nfaster than JSON; their headers tell the rest.",
    success="The depth, in metres.",
    read=read_form,
    answer=StereoDepthAnswer,
    json=json,
    binary={**binary_forms(FORMATS, show), "multipart/form-data": _FORM_DATA},
    facts=binary_headers(StereoDepthResult),
    tell=as_headers,
)
