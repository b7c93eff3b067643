"""How a stereo depth is asked of a server, and its result made of the answer."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.checkpoints.catalogue import DEFAULT_STEREO_MODEL
from vizion3d.client.exchange import Exchange, Form, OverGrpc, OverRest, encoded
from vizion3d.core.arrays import UInt8Array
from vizion3d.geometry.calibration_files import write_stereo
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.media import images
from vizion3d.outputs.facts import from_headers
from vizion3d.outputs.result_output import with_objects
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.stereo import wire
from vizion3d.stereo.commands import StereoDepthCommand
from vizion3d.stereo.config import StereoDepthAdvancedConfig, told_by
from vizion3d.stereo.output import StereoOutput
from vizion3d.stereo.result import StereoDepthResult
from vizion3d.wire.arrays import unpack
from vizion3d.wire.config import write_config

_MASKS = ("valid", "occluded", "filled")


def config_fields(config: StereoDepthAdvancedConfig) -> dict[str, Any]:
    """The fields that were set by hand; what a calibration tells travels with it."""
    fields = config.model_dump(exclude_unset=True, exclude_none=True)
    told = told_by(config.calibration) if config.calibration else {}
    return {name: value for name, value in fields.items() if told.get(name) != value}


def calibration_to_send(config: StereoDepthAdvancedConfig) -> bytes:
    """The calibration's content; empty if there is none."""
    return write_stereo(config.calibration) if config.calibration else b""


def model_to_name(command: StereoDepthCommand) -> str:
    """The model to name; empty for the server's default where the command has the library's."""
    return "" if command.model_backend == DEFAULT_STEREO_MODEL else command.model_backend


def seen(command: StereoDepthCommand, left: bytes, right: bytes) -> UInt8Array:
    """The left image as the server matched it: rectified, if the config says so."""
    image = images.decode(left)
    config, calibration = command.advanced_config, command.advanced_config.calibration
    if calibration is None or config.rectify == "off" or not calibration.needs_rectification:
        return image
    from vizion3d.geometry.rectification import rectify

    height, width = image.shape[:2]
    return rectify(image, images.decode(right), calibration.scaled(width, height))[0]


def rebuild(
    command: StereoDepthCommand,
    photos: tuple[bytes, bytes],
    maps: Mapping[str, NDArray[Any]],
    facts: Mapping[str, Any],
) -> StereoDepthResult:
    """The result that the library would have returned here.

    Only the maps travel: the 16-bit image and the cloud follow from them and from the photo, which
    is here already, by the same functions as on the server.
    """
    result = StereoDepthResult(
        raw_depth=maps["depth"],
        rgb=seen(command, *photos),
        **{name: maps[name] for name in ("disparity", "confidence", *_MASKS)},
        **facts,
    )
    height, width = result.depth_m.shape
    config = command.advanced_config.for_size(width, height)
    result.intrinsics = config.intrinsics_for(width, height)  # with its own sources
    output = StereoOutput(result, config)
    with_objects(result, output, command.return_depth_image, command.return_point_cloud)
    result.asked_with(config)
    if not command.return_raw_depth:
        result.raw_depth = None
    return result


def to_form(command: StereoDepthCommand) -> Form:
    """The form to send."""
    calibration = calibration_to_send(command.advanced_config)
    return Form(
        {
            wire.LEFT_FIELD: encoded(command.left_image),
            wire.RIGHT_FIELD: encoded(command.right_image),
            **({wire.CALIBRATION_FIELD: calibration} if calibration else {}),
        },
        {
            **config_fields(command.advanced_config),
            "model_backend": model_to_name(command),
        },
    )


def from_answer(
    command: StereoDepthCommand, form: Form, body: bytes, told: Mapping[str, str]
) -> StereoDepthResult:
    """The result, of an NPZ file and its headers."""
    with np.load(io.BytesIO(body), allow_pickle=False) as archive:
        maps = dict(archive)
    photos = form.files[wire.LEFT_FIELD], form.files[wire.RIGHT_FIELD]
    return rebuild(command, photos, maps, from_headers(StereoDepthResult, told))


def to_request(command: StereoDepthCommand) -> pb.StereoDepthRequest:
    """The message to send."""
    return pb.StereoDepthRequest(
        left_image_bytes=encoded(command.left_image),
        right_image_bytes=encoded(command.right_image),
        model_backend=model_to_name(command),
        advanced_config=write_config(
            pb.StereoDepthAdvancedConfig, config_fields(command.advanced_config)
        ),
        packed_depth=True,
        calibration=calibration_to_send(command.advanced_config),
    )


def from_response(
    command: StereoDepthCommand, request: pb.StereoDepthRequest, response: pb.StereoDepthResponse
) -> StereoDepthResult:
    """The result, of the server's message."""
    k = response.intrinsics
    depth = unpack(response.packed_depth)

    def mask(name: str) -> NDArray[np.bool_]:
        bits = np.frombuffer(getattr(response, f"{name}_bits"), np.uint8)
        return np.unpackbits(bits, count=depth.size).reshape(depth.shape).astype(bool)

    maps = {
        "depth": depth,
        "disparity": unpack(response.packed_disparity),
        "confidence": unpack(response.packed_confidence),
        **{name: mask(name) for name in _MASKS},
    }
    facts = {
        "min_depth": response.min_depth,
        "max_depth": response.max_depth,
        "backend_used": response.backend_used,
        "notes": tuple(response.notes),
        "intrinsics": CameraIntrinsics(
            k.fx, k.fy, k.cx, k.cy, k.width_px, k.height_px, dict(k.sources)
        ),
    }
    photos = request.left_image_bytes, request.right_image_bytes
    return rebuild(command, photos, maps, facts)


EXCHANGE = Exchange(
    OverRest(wire.PATH, wire.ALL_MAPS, to_form, from_answer),
    OverGrpc(wire.RPC, to_request, from_response),
)
"""How the clients of :mod:`vizion3d.client` send a stereo depth."""
