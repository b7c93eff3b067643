"""``POST /lifting/depth-estimation``."""

import asyncio
import inspect
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.projection import DepthKind, Frame
from vizion3d.lifting.commands import MIN_INPUT_SIZE
from vizion3d.lifting.models import (
    LARGEST,
    TINIEST,
    DepthEstimationAdvanceConfig,
    DepthEstimationResult,
)
from vizion3d.server import encoding
from vizion3d.server.rest import negotiation, openapi
from vizion3d.server.service import MAX_NETWORK_PIXELS, DepthRequest, DepthService

router = APIRouter()
PATH = "/lifting/depth-estimation"
MAX_INPUT_SIZE = math.isqrt(MAX_NETWORK_PIXELS) // MIN_INPUT_SIZE * MIN_INPUT_SIZE
"""More is too much for an image of any shape."""

Positive = Annotated[float | None, Form(gt=TINIEST, le=LARGEST, allow_inf_nan=False)]
Moderate = Annotated[float | None, Form(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]


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


@dataclass(frozen=True)
class Wanted:
    """What a form asks for: the request, and the large parts of a JSON answer."""

    request: DepthRequest
    parts: Mapping[str, bool]


async def read_form(
    request: Request,
    image: Annotated[
        UploadFile, File(description="The photo: JPEG, PNG, WebP, TIFF, BMP or GIF (first frame).")
    ],
    model_backend: Annotated[
        str, Form(description="One of the names that GET /models answers; empty: the default.")
    ] = "",
    return_depth_image: Annotated[
        bool, Form(description="JSON: also the 16-bit depth image.")
    ] = False,
    return_point_cloud: Annotated[bool, Form(description="JSON: also the point cloud.")] = False,
    depth_map: Annotated[bool, Form(description="JSON: false leaves the depth's rows out.")] = True,
    fx: Positive = None,
    fy: Positive = None,
    cx: Moderate = None,
    cy: Moderate = None,
    depth_scale: Positive = None,
    depth_trunc: Positive = None,
    depth_near: Positive = None,
    frame: Annotated[Frame | None, Form(description="Axes of the point cloud.")] = None,
    edge_threshold: Positive = None,
    input_size: Annotated[
        int | None,
        Form(
            ge=MIN_INPUT_SIZE,
            le=MAX_INPUT_SIZE,
            description="Shorter side that the network sees, pixels.",
        ),
    ] = None,
) -> Wanted:
    """The form's fields; the camera's and the range's are those of DepthEstimationAdvanceConfig."""
    times = Counter(name for name, _ in (await request.form()).multi_items())
    for name, count in times.items():
        if count > 1 and name in FIELDS:
            raise InvalidConfigError(f"{name} is in the form {count} times; send it once")
    config: dict[str, Any] = {
        "fx": fx,
        "fy": fy,
        "cx": cx,
        "cy": cy,
        "depth_scale": depth_scale,
        "depth_trunc": depth_trunc,
        "depth_near": depth_near,
        "frame": frame,
        "edge_threshold": edge_threshold,
    }
    given = {name: value for name, value in config.items() if value is not None}
    return Wanted(
        DepthRequest(await image.read(), model_backend, given, input_size),
        {
            "depth_map": depth_map,
            "depth_image": return_depth_image,
            "point_cloud": return_point_cloud,
        },
    )


FIELDS = frozenset(inspect.signature(read_form).parameters)
"""What a form may have; more is ignored."""


@dataclass(frozen=True)
class Answer:
    """An encoded result."""

    body: bytes
    headers: dict[str, str]


BINARY: dict[str, tuple[str, encoding.Encoder]] = {
    "image/png": ("depth.png", encoding.png),
    "application/x-npy": ("depth.npy", encoding.npy),
    "model/ply": ("points.ply", encoding.ply),
    "application/x-ply": ("points.ply", encoding.ply),
    "model/gltf-binary": ("points.glb", encoding.glb),
}
JSON = "application/json"
_PATH_CHARACTERS = "/:\\ "
"""What stands as it is in a header; the rest of a file's path is percent-encoded."""


@router.post(
    PATH,
    summary="Estimate the depth of a photo",
    response_class=Response,
    responses=openapi.depth_responses(DepthEstimationAnswer, BINARY),
)
async def estimate_depth(
    request: Request,
    wanted: Annotated[Wanted, Depends(read_form)],
) -> Response:
    """The depth as JSON, as a 16-bit PNG, as a NumPy array, or as a point cloud (PLY, GLB).

    The `Accept` header says which; JSON if it is left out. The binary forms are far smaller and
    faster than JSON; their headers tell the rest.
    """
    accept = ", ".join(request.headers.getlist("accept")) or JSON
    media_type = negotiation.choose(accept, (JSON, *BINARY))
    if media_type is None:
        raise HTTPException(406, f"Accept must be one of {', '.join((JSON, *BINARY))}")
    service: DepthService = request.app.state.service
    # The binary forms hardly shrink: compressing them would take longer than sending them.
    zip_it = media_type == JSON and negotiation.accepts_gzip(
        request.headers.get("accept-encoding", "")
    )

    def encode(result: DepthEstimationResult, config: DepthEstimationAdvanceConfig) -> Answer:
        if media_type == JSON:
            body, headers = encoding.json(result, config, **wanted.parts), {}
        else:
            name, encoder = BINARY[media_type]
            body, headers = encoder(result, config), _facts(result, name)
        if zip_it:
            body, headers = encoding.compress(body), headers | {"Content-Encoding": "gzip"}
        return Answer(body, headers | {"Vary": "Accept, Accept-Encoding"})

    answer = await _while_connected(request, lambda: service.estimate(wanted.request, encode))
    return Response(answer.body, headers=answer.headers, media_type=media_type)


def _facts(result: DepthEstimationResult, name: str) -> dict[str, str]:
    """What JSON would tell beside the large parts, as headers."""
    facts = encoding.facts(result)
    return {
        "X-Min-Depth": repr(result.min_depth),
        "X-Max-Depth": repr(result.max_depth),
        "X-Depth-Kind": result.depth_kind,
        "X-Intrinsics": orjson.dumps(facts["intrinsics"]).decode("ascii"),
        "X-Model": quote(result.backend_used, safe=_PATH_CHARACTERS),
        "Content-Disposition": f'inline; filename="{name}"',
    }


async def _while_connected(request: Request, work: Callable[[], Any]) -> Any:
    """The result of ``work``, which is called off when the client goes away."""
    working = asyncio.ensure_future(work())
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
        return await working
    except asyncio.CancelledError:
        if leaving.done():
            raise ClientLeftError from None
        raise
    finally:
        leaving.cancel()


class ClientLeftError(Exception):
    """Nobody is there to answer."""


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
