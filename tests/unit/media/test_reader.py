import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor

import numpy as np
import pytest

from vizion3d.core.scope import Scope, within
from vizion3d.errors import DeadlineExceededError, InvalidImageError
from vizion3d.media.limits import ImageLimits
from vizion3d.media.reader import ImageReader

PHOTO = np.zeros((4, 6, 3), np.uint8)
WITHIN_S = 10


class SlowImage:
    """Held open by a decoder until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, _content: bytes) -> None:
        self.begun.set()
        assert self.go.wait(WITHIN_S)


@pytest.fixture
def jpeg_bytes() -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(PHOTO).save(buffer, "JPEG")
    return buffer.getvalue()


def test_images_are_read_within_the_limits() -> None:
    assert np.array_equal(ImageReader().read(PHOTO), PHOTO)
    with pytest.raises(InvalidImageError, match="more than the limit of 10"):
        ImageReader(ImageLimits(max_pixels=10)).read(PHOTO)


@pytest.mark.parametrize("leave", ["late", "unwanted"])
def test_waiting_for_a_decoder_ends_with_the_request(
    jpeg_bytes: bytes, monkeypatch: pytest.MonkeyPatch, leave: str
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    slow, scope = SlowImage(), Scope(0.01 if leave == "late" else None)
    reader = ImageReader(jpeg=slow)

    def wait() -> None:
        with within(scope):
            reader.read(PHOTO)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(reader.read, jpeg_bytes)
        assert slow.begun.wait(WITHIN_S)
        second = pool.submit(wait)
        if leave == "unwanted":
            scope.cancel()
        with pytest.raises(DeadlineExceededError if leave == "late" else CancelledError):
            second.result(WITHIN_S)
        slow.go.set()
        first.result(WITHIN_S)
    assert np.array_equal(reader.read(PHOTO), PHOTO)
