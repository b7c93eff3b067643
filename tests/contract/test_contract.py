"""What clients, scripts and operators rely on stays: routes, fields, numbers, flags, help texts.

The references were recorded before the package was rebuilt around tasks. What was must still be;
what is new must be expected here.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import describe
from vizion3d.programs.cli import app
from vizion3d.programs.grpc import serve_grpc
from vizion3d.programs.rest import create_app, serve_rest
from vizion3d.proto import lifting_pb2
from vizion3d.server.settings import ServerSettings

REFERENCE = Path(__file__).parent / "reference"
HELP = json.loads((REFERENCE / "help.json").read_text())

ADDED_TO_THE_DOCUMENT: tuple[str, ...] = (
    r"/components/schemas/Body_\w+/additionalProperties",
    "/paths//models/get/responses/(424|503|504)",
    "/paths//lifting/depth-estimation/post/responses/200/content/application/x-npz",
    "/components/schemas/DepthEstimationAnswer/properties/(min|max)_depth/description",
    "/components/schemas/DepthEstimationAnswer/properties/intrinsics/description",
    "/components/schemas/DepthEstimationAnswer/(required|properties)/(sky_depth|notes|focal_px)",
    "/components/schemas/Model/(required|properties)/(licence_source|commercial_use|network)",
    "/paths//lifting/depth-estimation/post/responses/200/headers/X-(Notes|Sky-Depth|Focal-Length)",
    "/paths//lifting/depth-estimation/post/responses/200/headers/X-Alignment",
    "/components/schemas/DepthEstimationAnswer/(required|properties)/alignment",
    "/components/schemas/(Alignment|Residuals|DepthLimit)",
    "/components/schemas/DepthEstimationAnswer/(required|properties)/depth_limit",
    "/paths//lifting/depth-estimation/post/responses/200/headers/X-Depth-Limit",
    "/components/schemas/(DepthEstimationAnswer|Body_estimate_depth)/(required|properties)"
    "/confidence_map",
    "/components/schemas/Body_estimate_depth/properties/(points|distances|planes|sparse_depth)",
    "/components/schemas/Body_estimate_depth/properties/camera_(height_m|pitch_deg)",
    "/components/schemas/Body_estimate_depth/properties/(camera|fov|calibration)",
    "/components/schemas/Body_estimate_depth/properties/((width|height)_px|max_points|voxel)",
    "/paths//lifting/depth-estimation/post/responses/200/content/"
    "(model/obj|image/x-exr|model/gltf-binary; content=mesh)",
    "/components/schemas/Model/(required|properties)/(here|size_bytes)",
    "/components/schemas/Readiness/properties/detail",
    "/paths//lifting/stereo-depth",
    "/components/schemas/(StereoDepthAnswer|Body_measure_stereo_depth)",
    "/paths//v2.*",
    "/components/schemas/(Live|Ready|ServerMetadata|ModelMetadata|TensorMetadata)",
    "/components/schemas/(InferAnswer|AnswerTensor)",
)
"""JSON pointers (regular expressions) of what the REST document has gained."""

REWORDED_IN_THE_DOCUMENT: tuple[str, ...] = (
    "/paths//lifting/depth-estimation/post/responses/200/headers/X-Depth-Kind/description",
    "/components/schemas/DepthEstimationAnswer/properties/depth_kind/description",
    "/components/schemas/Body_estimate_depth/properties/image/description",
    # Says when it is ready in other words.
    "/paths//ready/get/description",
    # Another kind is another word, for models that had none.
    "/components/schemas/(DepthEstimationAnswer|Model)/properties/depth_kind/enum",
)
"""JSON pointers (regular expressions) of texts for people that say the same in other words."""

ADDED_TO_THE_WIRE: tuple[str, ...] = (
    "/messages/DepthEstimationAdvanceConfig/fields/exact",
    "/messages/DepthEstimationResponse/fields/(sky_depth|notes|packed_confidence|focal_px)",
    "/messages/ModelInfo/fields/(commercial_use|licence_source|network)",
    "/messages/(Knowledge|KnownPoint|KnownLength|Alignment|Residuals|DepthLimit)",
    "/messages/DepthEstimationResponse/fields/depth_limit",
    "/messages/DepthEstimationRequest/fields/knowledge",
    "/messages/DepthEstimationResponse/fields/alignment",
    "/messages/DepthEstimationAdvanceConfig/fields/(exact|camera|fov|width_px|height_px|max_points|voxel)",
    "/messages/DepthEstimationRequest/fields/(calibration|steady)",
    "/messages/DepthEstimationResponse/fields/steady",
    "/messages/FrameFit",
    r"/.*Stereo.*",
)
"""Pointers of what the proto file has gained."""

GAINED_BY_SERVERS = (
    "--tell-paths --no-tell-paths ",
    "--max-decoded-bytes ",
    "--licences ",
    "--licence-of ",
)

ADDED_TO_THE_HELP: dict[str, tuple[str, ...]] = {
    "vizion3d depth": (
        "Metres, from what is known of the scene",
        "--(known|distance|plane|sparse|camera-height|camera-pitch) ",
        "--(calibration|width-px|height-px|max-points|voxel) ",
    ),
    "vizion3d": (
        "stereo Measure depth from two photos",
        "align-colmap Depth of every photo",
        "reads it",
        "--licences ",
        "--licence-of ",
        "export ",
        "batch ",
        "serve-ray ",
    ),
    "vizion3d models": ("recommend ",),
    "vizion3d video": (
        "--(steady|gray16) ",
        "--(camera|calibration|fx|fy|cx|cy|width-px|height-px|frame) ",
        "Camera and depth range",
        "kinect-v2",
        "YAML or XML",
    ),
    "vizion3d-serve-rest": (
        r"--drain-timeout-s <float range> \[x>=0\]",
        "--downloads --no-downloads ",
        "--trusted-proxy ",
        *GAINED_BY_SERVERS,
    ),
    "vizion3d-serve-grpc": (r"--drain-timeout-s <float range> \[x>=0\]", *GAINED_BY_SERVERS),
}
"""Program -> beginnings of lines (regular expressions) that its help has gained."""

CHANGED_IN_THE_HELP = (
    r"--stereo[_-](model|depth)",
    r"--drain-timeout-s <float>",
    r"--model <str> Model to start with",  # nano: the page starts without a download
    r"--save(-frames)? ",  # more formats
    r"--fov ",
    r"\* paths\.\.\. ",  # - is one of them
    r"--(depth-)?(trunc|near)\b",  # with another name beside; a metric model's range
    r"--input-size <int range>",  # its default is the network's: 518 for Depth Anything V2
    # Said in plainer words, with the unit.
    r"--(fx|fy|cx|cy|camera|depth-scale|frame|edge-threshold|skip-existing|out|range) ",
    r"--(device|precision|host|workers|log-level|metrics-port|tls-cert|tls-key) ",
    r"--(max-(body-bytes|pixels|batch-size|batch-delay-ms)|(request|receive)-timeout-s) ",
    r"--depth_model,--depth-model ",
    r"(doctor|models|Show|Tell|Checkpoints)\b",
)
"""Beginnings of lines whose text may differ; the option itself must be there."""


def differences(old: Any, new: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """``(what happened, where)`` for everything that is not the same."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old.keys() | new.keys():
            below = f"{pointer}/{name}"
            if name not in new:
                yield "gone", below
            elif name not in old:
                yield "added", below
            else:
                yield from differences(old[name], new[name], below)
    elif isinstance(old, list) and isinstance(new, list) and pointer.endswith("/required"):
        yield from (("gone", f"{pointer}/{name}") for name in old if name not in new)
        yield from (("added", f"{pointer}/{name}") for name in new if name not in old)
    elif old != new:
        yield "changed", f"{pointer}: {old!r} -> {new!r}"


def assert_kept(old: Any, new: Any, added: tuple[str, ...], reworded: tuple[str, ...] = ()) -> None:
    known = {"added": added, "changed": tuple(f"{pointer}: .*" for pointer in reworded)}
    found = [
        (what, where)
        for what, where in differences(old, new)
        if not any(re.fullmatch(pattern, where) for pattern in known.get(what, ()))
    ]
    assert found == []


def test_the_rest_document() -> None:
    settings = ServerSettings(port=0, models={"depth_estimation": "nano"})
    document = json.loads(json.dumps(create_app(settings).openapi()))
    old = json.loads((REFERENCE / "openapi.json").read_text())
    assert_kept(old, document, ADDED_TO_THE_DOCUMENT, REWORDED_IN_THE_DOCUMENT)


def test_the_wire() -> None:
    old = json.loads((REFERENCE / "proto.json").read_text())
    assert_kept(old, describe.messages(lifting_pb2.DESCRIPTOR), ADDED_TO_THE_WIRE)


@pytest.mark.parametrize("name", HELP)
def test_the_help_texts(name: str) -> None:
    program, *arguments = name.split()
    shown = {
        "vizion3d": app,
        "vizion3d-serve-rest": describe.program_of(serve_rest),
        "vizion3d-serve-grpc": describe.program_of(serve_grpc),
    }[program]
    lines = describe.help_lines(shown, *arguments)
    options = {word for line in lines for word in line.replace(",", " ").split()}
    for line in HELP[name]:
        if any(re.match(known, line) for known in CHANGED_IN_THE_HELP):
            first = line.replace(",", " ").split()[0]
            assert first in options or not first.startswith("--")
        else:
            assert line in lines
    gained = [
        line
        for line in lines
        if line not in HELP[name]
        and not any(re.match(known, line) for known in CHANGED_IN_THE_HELP)
        and not any(re.match(known, line) for known in ADDED_TO_THE_HELP.get(name, ()))
    ]
    assert gained == []


def test_a_flag_that_went_would_be_seen() -> None:
    old = {"paths": {"/a": {"get": {}}}, "required": ["x"]}
    assert list(differences(old, {"paths": {}, "required": ["y"]})) != []
    with pytest.raises(AssertionError):
        assert_kept(old, {"paths": {"/a": {"get": {}}, "/b": {}}, "required": ["x"]}, ())
