"""What large JSON answers are made of."""

import base64
import gzip

import numpy as np
import orjson
from numpy.typing import NDArray

_ROWS_AT_A_TIME = 32
_GZIP_LEVEL = 1


def json_rows(depth: NDArray[np.float32]) -> bytes:
    """float32 ``(H, W)`` -> ``[[...], ...]``, each number the shortest that reads back the same.

    Some rows at a time: one call would keep every other thread, and the event loop, waiting.
    """
    depth = np.ascontiguousarray(depth)
    parts = [
        orjson.dumps(depth[row : row + _ROWS_AT_A_TIME], option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        for row in range(0, len(depth), _ROWS_AT_A_TIME)
    ]
    return b"[" + b",".join(parts) + b"]"


def compress(content: bytes) -> bytes:
    """gzip, fast rather than small."""
    return gzip.compress(content, _GZIP_LEVEL, mtime=0)


def as_text(content: bytes) -> str:
    """Bytes in a JSON string: base64."""
    return base64.b64encode(content).decode("ascii")
