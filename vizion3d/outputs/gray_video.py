"""Writing depth as a 16-bit video that loses nothing but what 16 bits cannot hold.

FFV1 in Matroska (RFC 9043), pixel format ``gray16le``: FFmpeg, DaVinci Resolve and Blender read it.
"""

import json
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import Float32Array
from vizion3d.core.files import write_atomic
from vizion3d.errors import InvalidConfigError
from vizion3d.media.video import Video, import_av

_MOST = 65535
_MARGIN = 0.25
"""Room on both sides of a shot's first frame, as a share of its range."""


class GrayVideo:
    """A 16-bit depth video that is being written.

    A file ``NAME.mkv.json`` beside it says what the pixels mean, frame by frame: depth = offset +
    step x pixel. Both stay as they are within a shot; what lies outside the range is cut off.

    A context manager: both files appear when everything went well, and not at all otherwise.

    Args:
        path: Where it goes; ends in ``.mkv``.
        original: The video whose frame rate it gets.
        depth_range: Depth at the pixels 0 and 65535. ``None``: the range of each shot's first
            frame, and a quarter of it on both sides.

    Raises:
        InvalidConfigError: Another ending, an empty range.
    """

    def __init__(
        self, path: Path, original: Video, depth_range: tuple[float, float] | None = None
    ) -> None:
        if path.suffix.lower() != ".mkv":
            raise InvalidConfigError(f"a 16-bit depth video ends in .mkv; {path.name!r} does not")
        if depth_range and not depth_range[0] < depth_range[1]:
            raise InvalidConfigError(f"the range {depth_range} is empty; give the lower end first")
        self._path, self._original, self._fixed = path, original, depth_range
        self._beside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
        self._range = depth_range
        self._stream: Any = None
        self._frames: list[dict[str, float]] = []

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._container = import_av().open(self._beside, "w")
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        complete = error_type is None and self._stream is not None
        try:
            try:
                if complete:
                    self._container.mux(self._stream.encode())
            finally:
                self._container.close()  # also writes: the index, and what was buffered
            if complete:
                content = json.dumps({"depth": "offset + step * pixel", "frames": self._frames})
                write_atomic(self._path.with_name(f"{self._path.name}.json"), content.encode())
                self._beside.replace(self._path)
        finally:
            self._beside.unlink(missing_ok=True)

    def write(self, depth: Float32Array, time_s: Fraction, *, new_shot: bool = False) -> None:
        """Append a frame: depth ``(H, W)``, of one size in all frames, and when it is shown."""
        if self._range is None or (new_shot and self._fixed is None):
            low, high = float(depth.min()), float(depth.max())
            room = _MARGIN * (high - low) or 1.0
            self._range = low - room, high + room
        low, high = self._range
        step = (high - low) / _MOST
        pixels: NDArray[np.uint16] = np.rint((depth - low) / step).clip(0, _MOST).astype(np.uint16)
        if self._stream is None:
            self._start(*pixels.shape)
        frame = import_av().VideoFrame.from_ndarray(pixels, format="gray16le")
        frame.time_base = self._stream.codec_context.time_base
        frame.pts = round(time_s / frame.time_base)
        self._container.mux(self._stream.encode(frame))
        self._frames.append({"time_s": float(time_s), "offset": low, "step": step})

    def _start(self, height: int, width: int) -> None:
        stream = self._container.add_stream("ffv1", rate=self._original.fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "gray16le"
        stream.codec_context.time_base = Fraction(1, 1000)  # as Matroska counts
        self._stream = stream
