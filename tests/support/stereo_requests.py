"""Requests for stereo depth drawn by chance: valid ones, and every kind of invalid ones.

They are small, so that thousands of them take minutes.
"""

import io
import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import grpc
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.support import stereo_scenes as scenes
from tests.support.hostile import BAD_IMAGES, BAD_MODELS, encoded, every_mode
from vizion3d.client import GrpcClient, RestClient
from vizion3d.geometry.calibration_files import write_stereo
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.stereo import StereoDepthAdvancedConfig

Pixels = NDArray[np.uint8]
NUMBERS = (
    *("focal_length", "cx", "cy", "baseline", "doffs", "z_far", "conf_threshold"),
    *("occ_threshold", "scale_factor", "min_depth_m", "edge_threshold"),
)
FLAGS = ("fill", "return_depth_image", "return_point_cloud", "depth_map", "disparity_map")
WORDS = {"frame": ("opengl", "opencv"), "rectify": ("calibration", "auto", "off")}
ACCEPTS = (
    *("application/json", "image/png", "application/x-npy", "application/x-npz", "*/*"),
    *("model/gltf-binary", "application/x-ply", "text/html", "image/*;q=0.5", "nonsense", ""),
    *("model/gltf-binary; content=mesh", "model/obj", "image/x-exr"),
)
STRANGE_NUMBERS = ("", "nan", "inf", "-inf", "-1", "0", "1e308", "1e-300", "abc", "1,5", "0x10")

MIDDLEBURY = """cam0=[994.978 0 311.193; 0 994.978 254.877; 0 0 1]
cam1=[994.978 0 342.279; 0 994.978 254.877; 0 0 1]
doffs=31.086
baseline=193.001
width=741
height=500
"""
MATRIX = "400 0 159.5 0 400 119.5 0 0 1\nbaseline: 120 mm\n"


@dataclass(frozen=True)
class StereoRequest:
    """What is sent, over either protocol.

    Attributes:
        left: The left file.
        right: The right file.
        fields: Of the form, as text; a message takes those that it has and that are numbers.
        accept: What the client wishes.
        calibrations: None, one or two files.
    """

    left: bytes
    right: bytes
    fields: dict[str, str] = field(default_factory=dict)
    accept: str = "application/json"
    calibrations: tuple[bytes, ...] = ()

    @property
    def files(self) -> dict[str, bytes]:
        """The files of the form."""
        names = ("calibration", "calibration_right")
        return {
            "left_image": self.left,
            "right_image": self.right,
            **dict(zip(names, self.calibrations, strict=False)),
        }

    def message(self) -> pb.StereoDepthRequest:
        """The same as a message."""
        message = pb.StereoDepthRequest(
            left_image_bytes=self.left,
            right_image_bytes=self.right,
            model_backend=self.fields.get("model_backend", ""),
            packed_depth=self.fields.get("depth_map") == "false",
            return_depth_image=self.fields.get("return_depth_image") == "true",
            return_point_cloud=self.fields.get("return_point_cloud") == "true",
        )
        for name, text in self.fields.items():
            if name in WORDS:
                setattr(message.advanced_config, name, text)
            elif name == "fill":
                message.advanced_config.fill = text == "true"
            elif name in NUMBERS:
                try:
                    message.advanced_config.exact[name] = float(text)
                except ValueError:  # the message has numbers only
                    continue
        for name, content in zip(
            ("calibration", "calibration_right"), self.calibrations, strict=False
        ):
            setattr(message, name, content)
        return message


def draw(chance: random.Random) -> StereoRequest:
    """A request of a kind drawn by chance."""
    left, right = _pair(chance)
    return StereoRequest(
        left, right, _fields(chance), chance.choice(ACCEPTS), _calibrations(chance)
    )


def png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@cache
def encoded_pair() -> tuple[bytes, bytes]:
    """A slanted wall, 160 x 120 pixels; focal length 200 pixels."""
    pair = scenes.render_pair(scenes.SLANTED, scenes.camera(160, 120, 200.0))
    return png(pair.left), png(pair.right)


@cache
def _scene(number: int) -> tuple[Pixels, Pixels]:
    planes = (scenes.FRONT, scenes.SLANTED, scenes.FLOOR, scenes.TWO)[number % 4]
    width, height = ((96, 72), (64, 48), (120, 40), (41, 57))[number // 4]
    pair = scenes.render_pair(planes, scenes.camera(width, height, 100.0))
    return pair.left, pair.right


def _pair(chance: random.Random) -> tuple[bytes, bytes]:
    left, right = _scene(chance.randrange(16))
    kinds: tuple[Callable[[], tuple[bytes, bytes]], ...] = (
        lambda: (png(right), png(left)),
        lambda: (png(left[:, ::-1].copy()), png(right)),
        lambda: (png(left), png(left)),
        lambda: (png(left), png(right[:-1])),
        lambda: (png(left), png(_scene(chance.randrange(16))[1])),
        lambda: _noise(chance),
        lambda: _plain(chance),
        lambda: (png(left), chance.choice(list(BAD_IMAGES.values()))),
        lambda: (chance.choice(list(BAD_IMAGES.values())), png(right)),
        lambda: (_damaged(png(left), chance), png(right)),
        lambda: (_modes(chance), _modes(chance)),
        lambda: (b"", png(right)),
    )
    if chance.random() < 0.55:
        return png(left), png(right)
    return chance.choice(kinds)()


def _noise(chance: random.Random) -> tuple[bytes, bytes]:
    height, width = chance.choice(((1, 1), (1, 50), (50, 1), (2, 2), (7, 3), (33, 65), (48, 64)))
    random_ = np.random.default_rng(chance.randrange(1 << 30))
    first, second = random_.integers(0, 256, (2, height, width, 3), np.uint8)
    return png(first), png(second)


def _plain(chance: random.Random) -> tuple[bytes, bytes]:
    height, width = chance.choice(((1, 1), (5, 200), (40, 60)))
    levels = (chance.randrange(256), chance.randrange(256))
    first, second = (np.full((height, width, 3), level, np.uint8) for level in levels)
    return png(first), png(second)


def _modes(chance: random.Random) -> bytes:
    file_format, mode = chance.choice(every_mode())
    return encoded(file_format, chance.choice(((32, 24), (1, 1), (40, 40))), mode)


def _damaged(content: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return content[: chance.randrange(len(content))]
    changed = bytearray(content)
    for _ in range(chance.randrange(1, 20)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _fields(chance: random.Random) -> dict[str, str]:
    fields = {"focal_length": "100", "baseline": "100"} if chance.random() < 0.5 else {}
    for name in NUMBERS:
        if chance.random() < 0.06:
            fields[name] = _number(chance)
    for name in FLAGS:
        if chance.random() < 0.2:
            fields[name] = chance.choice((*["true", "false"] * 5, "maybe", ""))
    for name, words in WORDS.items():
        if chance.random() < 0.2:
            fields[name] = chance.choice((*words * 3, "sideways", ""))
    if chance.random() < 0.1:
        fields["model_backend"] = chance.choice(("sgbm", *BAD_MODELS))
    if chance.random() < 0.05:
        fields["".join(chance.choices(string.ascii_lowercase, k=6))] = "1"
    return fields


def _number(chance: random.Random) -> str:
    if chance.random() < 0.2:
        return chance.choice(STRANGE_NUMBERS)
    return repr(chance.choice((1, 1, 1, 1, -1)) * 10 ** chance.uniform(-2, 3))


def _calibrations(chance: random.Random) -> tuple[bytes, ...]:
    if chance.random() < 0.7:
        return ()
    config = StereoDepthAdvancedConfig.from_calibration(MIDDLEBURY.encode())
    assert config.calibration is not None
    good = chance.choice((MIDDLEBURY.encode(), MATRIX.encode(), write_stereo(config.calibration)))
    kinds = (
        (good,),
        (good,),
        (_damaged(good, chance),),
        (_damaged(good, chance),),
        (good, good),
        (chance.randbytes(chance.randrange(200)),),
        ("".join(chance.choices(string.printable, k=chance.randrange(120))).encode(),),
        (b"", good),
    )
    return chance.choice(kinds)


ALLOWED_CODES = ("OK", "INVALID_ARGUMENT", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED")


def fault_over_rest(client: RestClient, request: StereoRequest) -> tuple[int, str]:
    """The status of the answer, and what is wrong with it; nothing if it is in order."""
    answer = client._session.post(
        "http://in-process/lifting/stereo-depth",
        files={name: (name, content) for name, content in request.files.items()},
        data=request.fields,
        headers={"Accept": request.accept},
    )
    if answer.status_code == 200:
        return 200, "" if answer.content else "an empty answer"
    if not 400 <= answer.status_code < 500:
        return answer.status_code, f"status {answer.status_code}: {answer.text[:200]}"
    told = answer.json()
    if set(told) >= {"type", "title", "status", "detail"} and told["detail"]:
        return answer.status_code, ""
    return answer.status_code, f"no problem is told: {answer.text[:200]}"


def fault_over_grpc(client: GrpcClient, request: StereoRequest) -> tuple[str, str]:
    """The code of the answer, and what is wrong with it; nothing if it is in order."""
    try:
        answer = client._lifting.RunStereoDepth(request.message(), timeout=60)
    except grpc.RpcError as error:
        code, details = error.code().name, error.details() or ""
        fault = "" if code in ALLOWED_CODES and details else f"{code}: {details[:200]}"
        return code, fault
    shown = bool(answer.depth_map or answer.packed_depth.data)
    return "OK", "" if shown else "an answer without depth"
