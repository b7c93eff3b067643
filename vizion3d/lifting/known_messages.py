"""What is known of a scene, as messages."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment import Knowledge
from vizion3d.lifting.known import LENGTH
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.wire.arrays import pack, unpack


def from_message(message: pb.Knowledge) -> Knowledge:
    """What a message tells.

    Raises:
        InvalidConfigError: It makes no sense.
    """
    sparse = message.sparse_depth_m if message.HasField("sparse_depth_m") else None
    return Knowledge(
        points=[(p.u, p.v, p.depth_m, _weight(p)) for p in message.points],
        distances=_lengths(message.distances),
        planes=_lengths(message.planes),
        sparse_depth_m=None if sparse is None else _unpacked(sparse),
        camera_height_m=(message.camera_height_m if message.HasField("camera_height_m") else None),
        camera_pitch_deg=(
            message.camera_pitch_deg if message.HasField("camera_pitch_deg") else None
        ),
    )


def to_message(knowledge: Knowledge) -> pb.Knowledge:
    """The message that tells it."""
    point = ("u", "v", "depth_m", "weight")
    length = (*LENGTH, "weight")
    sparse = knowledge.sparse_depth_m
    return pb.Knowledge(
        points=[pb.KnownPoint(**row) for row in _named(knowledge.points, point)],
        distances=[pb.KnownLength(**row) for row in _named(knowledge.distances, length)],
        planes=[pb.KnownLength(**row) for row in _named(knowledge.planes, length)],
        sparse_depth_m=None if sparse is None else pack(sparse),
        camera_height_m=knowledge.camera_height_m,
        camera_pitch_deg=knowledge.camera_pitch_deg,
    )


def _named(table: Any, names: tuple[str, ...]) -> Iterable[dict[str, float]]:
    return (dict(zip(names, row, strict=True)) for row in np.asarray(table).tolist())


def _lengths(messages: Iterable[pb.KnownLength]) -> list[tuple[float, ...]]:
    return [(m.u1, m.v1, m.u2, m.v2, m.metres, _weight(m)) for m in messages]


def _weight(message: "pb.KnownPoint | pb.KnownLength") -> float:
    return message.weight if message.HasField("weight") else 1.0


def _unpacked(packed: pb.PackedArray) -> NDArray[np.float32]:
    shape = tuple(packed.shape)
    if packed.dtype != "float32" or len(shape) != 2 or 4 * shape[0] * shape[1] != len(packed.data):
        raise InvalidConfigError(
            f"sparse_depth_m must be float32 (H, W), got {packed.dtype!r} {shape} in "
            f"{len(packed.data)} bytes"
        )
    return unpack(packed)
