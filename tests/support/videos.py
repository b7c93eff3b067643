"""Small videos, written by PyAV."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.support.photos import UInt8Array, coffee


def panning(count: int, height: int = 64, width: int = 96) -> list[UInt8Array]:
    """A camera that moves over a photo."""
    photo = coffee()
    return [photo[100 : 100 + height, 4 * i : 4 * i + width].copy() for i in range(count)]


def write_video(
    path: Path,
    images: Iterable[UInt8Array],
    times_ms: Iterable[int] | None = None,
    sound_s: float = 0.0,
    rotation_deg: int = 0,
) -> Path:
    """H.264 at 10 frames per second, or at the times given; a tone of 440 Hz beside it."""
    images = list(images)
    times_ms = [100 * number for number in range(len(images))] if times_ms is None else times_ms
    with av.open(path, "w") as container:
        video = container.add_stream("libx264", rate=10, options={"crf": "5"})
        video.height, video.width = images[0].shape[:2]
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        if rotation_deg:
            video.set_display_rotation(rotation_deg)
        sound = container.add_stream("aac", rate=48_000, layout="mono") if sound_s else None
        for image, time_ms in zip(images, times_ms, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound:
            seconds = np.arange(int(48_000 * sound_s)) / 48_000
            tone = np.sin(2 * np.pi * 440 * seconds).astype(np.float32)[None]
            heard = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            heard.sample_rate, heard.pts = 48_000, 0
            container.mux(sound.encode(heard))
            container.mux(sound.encode())
    return path
