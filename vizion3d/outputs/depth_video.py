"""Writing a colour-mapped depth video, with the sound of the video that it was made from.

PyAV (FFmpeg) encodes; it comes with ``pip install 'vizion3d[video]'``.
"""

import logging
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.errors import InvalidConfigError
from vizion3d.media.video import Video, import_av, open_container
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP, color_table

if TYPE_CHECKING:
    from av.container import InputContainer

logger = logging.getLogger(__name__)

_CODECS = {".mp4": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx-vp9"}
_QUALITY = {"libx264": {"crf": "18", "preset": "veryfast"}, "libvpx-vp9": {"crf": "24", "b": "0"}}


class RunningRange:
    """A range of depth that follows that of the frames slowly, so that colours do not flicker.

    Each frame's relative depth has a scale of its own; the range evens out what jumps from frame to
    frame, and does not align the frames.

    Args:
        settling_s: Time in which the range makes up for 63% of a step.
    """

    def __init__(self, settling_s: float = 1.0) -> None:
        self._settling_s = settling_s
        self._range: tuple[float, float] | None = None
        self._time_s = 0.0

    def follow(self, low: float, high: float, time_s: float) -> tuple[float, float]:
        """The range for a frame at ``time_s`` whose own range is ``low`` to ``high``."""
        if self._range is None:
            self._range = low, high
        else:
            share = -np.expm1(-max(0.0, time_s - self._time_s) / self._settling_s)
            before_low, before_high = self._range
            self._range = (
                before_low + share * (low - before_low),
                before_high + share * (high - before_high),
            )
        self._time_s = time_s
        return self._range


def colorize_between(depth: Float32Array, low: float, high: float, table: UInt8Array) -> UInt8Array:
    """Depth ``(H, W)`` through a table of 256 colours, from ``low`` to ``high``, cut off beyond."""
    scale = 255 / (high - low) if high > low else 0.0
    colors: UInt8Array = table[np.clip(np.rint((depth - low) * scale), 0, 255).astype(np.uint8)]
    return colors


class DepthVideo:
    """A depth video that is being written, with the sound of the video that it was made from.

    A context manager: the file appears under its name when everything went well, and not at all
    otherwise.

    Args:
        path: Where it goes; ``.mp4``, ``.mov``, ``.mkv`` (H.264) or ``.webm`` (VP9).
        original: The video whose sound and frame rate it gets.
        color_map: A name that the ``cmap`` catalogue knows.
        depth_range: Values of depth at the two ends of the colour map, for every frame; the frames'
            own, slowly followed, if it is not given.

    Raises:
        InvalidConfigError: Another ending, a colour map that is not known, an empty range.
    """

    def __init__(
        self,
        path: Path,
        original: Video,
        color_map: str = DEFAULT_COLOR_MAP,
        depth_range: tuple[float, float] | None = None,
    ) -> None:
        if path.suffix.lower() not in _CODECS:
            raise InvalidConfigError(
                f"a depth video ends in {', '.join(_CODECS)}; {path.name!r} does not"
            )
        if depth_range and not depth_range[0] < depth_range[1]:
            raise InvalidConfigError(f"the range {depth_range} is empty; give the lower end first")
        self._table = color_table(color_map)
        self._fixed, self._running = depth_range, RunningRange()
        self._path, self._original = path, original
        self._beside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
        self._stream: Any = None
        self._sound: _Sound | None = None

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
                    if self._sound:
                        self._sound.copy_until(None)
            finally:
                self._container.close()  # also writes: the index, and what was buffered
                if self._sound:
                    self._sound.close()
            if complete:
                self._beside.replace(self._path)
        finally:
            self._beside.unlink(missing_ok=True)

    def write(self, depth: Float32Array, time_s: Fraction, *, new_shot: bool = False) -> None:
        """Append a frame: depth ``(H, W)``, of one size in all frames, and when it is shown.

        With a new shot the range that the colours follow begins anew.
        """
        if new_shot:
            self._running = RunningRange()
        low, high = self._fixed or self._running.follow(
            float(depth.min()), float(depth.max()), float(time_s)
        )
        pixels = _even(colorize_between(depth, low, high, self._table))
        if self._stream is None:
            self._start(*pixels.shape[:2])
        frame = import_av().VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.time_base = self._stream.codec_context.time_base
        frame.pts = round(time_s / frame.time_base)
        self._container.mux(self._stream.encode(frame))
        if self._sound:
            self._sound.copy_until(time_s)

    def _start(self, height: int, width: int) -> None:
        codec = _CODECS[self._path.suffix.lower()]
        stream = self._container.add_stream(codec, rate=self._original.fps, options=_QUALITY[codec])
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        # Fine enough for frames that do not come at even intervals.
        stream.codec_context.time_base = Fraction(1, 90_000)
        stream.codec_context.thread_count = 1
        self._stream = stream
        self._sound = _Sound.of(self._original.path, self._container)


class _Sound:
    """The first sound track of a file, copied as it is into another, a stretch at a time."""

    def __init__(self, source: "InputContainer", target: Any) -> None:
        self._source, self._target = source, target
        self._stream = target.add_stream_from_template(source.streams.audio[0])
        self._packets = source.demux(source.streams.audio[0])
        self._waiting: Any = None

    @classmethod
    def of(cls, path: Path, target: Any) -> "Self | None":
        source = open_container(path)
        if not source.streams.audio:
            source.close()
            return None
        codec = source.streams.audio[0].codec_context.codec.canonical_name
        if codec not in target.supported_codecs:
            source.close()
            logger.warning(
                "the sound of %s (%s) does not fit into %s files and is left out; .mkv takes it",
                path,
                codec,
                target.format.name,
            )
            return None
        return cls(source, target)

    def copy_until(self, time_s: Fraction | None) -> None:
        """Copy what is heard up to a time, or all that is left: memory holds one packet."""
        while packet := self._waiting or next(self._packets, None):
            self._waiting = packet
            if packet.dts is None:  # what ends the stream
                self._waiting = None
                continue
            assert packet.time_base is not None
            if time_s is not None and packet.dts * packet.time_base > time_s:
                return
            packet.stream = self._stream
            self._target.mux(packet)
            self._waiting = None

    def close(self) -> None:
        self._source.close()


def _even(pixels: UInt8Array) -> UInt8Array:
    """Repeat the last row or column of an odd side: yuv420p halves both."""
    height, width = pixels.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return pixels
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
