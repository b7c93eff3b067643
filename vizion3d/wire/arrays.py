"""Arrays in protobuf messages."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.proto import lifting_pb2 as pb

_LENGTH_DELIMITED = 2


def pack(array: NDArray[np.float32]) -> pb.PackedArray:
    """A float32 array as bytes in C order, little-endian."""
    return pb.PackedArray(
        data=array.astype("<f4", copy=False).tobytes(), shape=array.shape, dtype="float32"
    )


def unpack(packed: pb.PackedArray) -> NDArray[np.float32]:
    """The array of :func:`pack`; a view of the message's bytes."""
    return np.frombuffer(packed.data, np.dtype(packed.dtype).newbyteorder("<")).reshape(
        tuple(packed.shape)
    )


def encode_rows(values: NDArray[np.float32], field_number: int) -> bytes:
    """float32 ``(H, W)`` -> a serialised ``repeated FloatRow`` field of that number.

    Without a Python loop over floats: every row is the same few bytes of header (field, length,
    packed field, length) and its values: one array, one copy. The encoding is protobuf's own
    (packed repeated fixed32).
    """
    values = values.astype("<f4", copy=False)
    row_bytes = 4 * values.shape[1]
    packed = _tag(pb.FloatRow.VALUES_FIELD_NUMBER) + _varint(row_bytes)
    header = _tag(field_number) + _varint(len(packed) + row_bytes)
    start = np.frombuffer(header + packed, np.uint8)
    rows = np.empty((values.shape[0], len(start) + row_bytes), np.uint8)
    rows[:, : len(start)] = start
    rows[:, len(start) :] = np.ascontiguousarray(values).view(np.uint8)
    return rows.tobytes()


def set_fields(message: Any) -> dict[str, Any]:
    """The fields of a message that are set, by name."""
    fields: Iterable[tuple[Any, Any]] = message.ListFields()
    return {field.name: value for field, value in fields}


def _tag(field_number: int) -> bytes:
    return _varint(field_number << 3 | _LENGTH_DELIMITED)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
