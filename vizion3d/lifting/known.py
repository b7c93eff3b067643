"""What is known of a scene, as text and as messages."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment import Knowledge
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.wire.arrays import pack, unpack

POINT = ("u", "v", "metres")
LENGTH = ("u1", "v1", "u2", "v2", "metres")


def parse_rows(name: str, text: str, columns: tuple[str, ...]) -> list[list[float]]:
    """Rows of numbers: ``"105,30,0.42; 260,30,0.65"`` or ``"[[105,30,0.42],[260,30,0.65]]"``.

    Raises:
        InvalidConfigError: It is neither; the message shows the offending row.
    """
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidConfigError(f"{name} is not JSON: {error}") from error
        return list(rows)
    parsed = [parse_row(name, part, columns) for part in text.split(";") if part.strip()]
    if not parsed:
        raise InvalidConfigError(f"{name} is empty; write {','.join(columns)}")
    return parsed


def parse_row(name: str, text: str, columns: tuple[str, ...]) -> list[float]:
    """One row: ``"105,30,0.42"``; see :func:`parse_rows`."""
    try:
        row = [float(part) for part in text.split(",")]
    except ValueError:
        row = []
    if len(row) != len(columns):
        raise InvalidConfigError(f"{name} must be {','.join(columns)}, got {text.strip()[:80]!r}")
    return row


def to_rows(table: Any) -> str:
    """Rows with their weights, as JSON; nothing if there are none."""
    rows = np.asarray(table).tolist()
    return json.dumps(rows, separators=(",", ":")) if rows else ""


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
