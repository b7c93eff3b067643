"""Reading the frames of a video.

PyAV (FFmpeg) decodes; it comes with ``pip install 'vizion3d[video]'``.
"""

import itertools
import os
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from vizion3d.core.arrays import UInt8Array
from vizion3d.errors import InvalidImageError, MissingDependencyError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer

_UNKNOWN_FPS = Fraction(25)


class Video:
    """A video file, open for reading. Iterating decodes its frames; use it as a context manager.

    One thread may decode while another closes it: closing waits for the frame being decoded, and
    decoding the next frame then raises ``ValueError``, as reading a closed file does.

    Args:
        path: The video file.

    Attributes:
        fps: Mean frame rate, in frames per second.
        frame_count: Number of frames by the file's header or duration; ``None`` if unknown.

    Raises:
        InvalidImageError: The file is not a video.
        MissingDependencyError: PyAV is not installed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()  # FFmpeg's container is freed when it is closed
        self._closed = False
        self._container = open_container(self.path)
        if not self._container.streams.video:
            self._container.close()
            raise InvalidImageError(f"{self.path} has no video in it")
        self._stream = self._container.streams.video[0]
        self._stream.codec_context.thread_count = 1  # the cores are the network's
        self.fps = Fraction(self._stream.average_rate or _UNKNOWN_FPS)
        self.frame_count = self._stream.frames or self._counted_by_duration()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, after the frame that another thread may be decoding."""
        self._closed = True  # before the lock: a thread that decodes on takes it again and again
        with self._lock:
            self._container.close()

    def __iter__(self) -> Iterator[UInt8Array]:
        """RGB uint8 ``(H, W, 3)``, turned as the video says that it is to be seen."""
        for image, _ in self.timed():
            yield image

    def timed(self) -> Iterator[tuple[UInt8Array, Fraction]]:
        """Frames as by iterating, each with its time in seconds.

        Raises:
            InvalidImageError: A frame cannot be decoded.
            ValueError: The video was closed meanwhile.
        """
        decoded = self._container.decode(self._stream)
        for number in itertools.count():
            frame = self._next(decoded, number)
            if frame is None:
                return
            time_s = Fraction(number) / self.fps
            if frame.pts is not None and frame.time_base is not None:
                time_s = frame.pts * frame.time_base
            pixels = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
            yield np.ascontiguousarray(pixels), time_s

    def _next(self, decoded: "Iterator[VideoFrame]", number: int) -> "VideoFrame | None":
        """Decode one frame, ``None`` after the last; the container stays open meanwhile."""
        with self._lock:
            if self._closed:
                raise ValueError(f"the video {self.path} is closed")
            try:
                return next(decoded, None)
            except import_av().FFmpegError as error:
                raise InvalidImageError(
                    f"frame {number + 1} of {self.path} cannot be decoded: {error.strerror}"
                ) from error

    def _counted_by_duration(self) -> int | None:
        duration = self._container.duration  # in microseconds
        return round(duration / 1e6 * self.fps) if duration else None


def open_container(path: Path) -> "InputContainer":
    """Open a media file for reading.

    Raises:
        InvalidImageError: There is no such file, or FFmpeg cannot read it.
        MissingDependencyError: PyAV is not installed.
    """
    av = import_av()
    try:
        container: InputContainer = av.open(path)
    except FileNotFoundError as error:
        raise InvalidImageError(f"there is no file {path}; check the path") from error
    except (av.FFmpegError, OSError) as error:
        raise InvalidImageError(f"{path} cannot be read as a video: {error.strerror}") from error
    return container


def import_av() -> Any:
    """The module ``av``.

    Raises:
        MissingDependencyError: It is not installed; the message says how to install it.
    """
    try:
        import av
    except ImportError as error:
        raise MissingDependencyError(
            f"PyAV cannot be imported ({error}): videos need pip install 'vizion3d[video]'"
        ) from error
    return av
