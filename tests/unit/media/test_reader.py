import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vizion3d.core.scope import Scope, within
from vizion3d.errors import DeadlineExceededError, InvalidImageError
from vizion3d.media.limits import ImageLimits
from vizion3d.media.reader import ImageReader

PHOTO = np.zeros((4, 6, 3), np.uint8)
WITHIN_S = 10


class SlowImage(Image.Image):
    """Keeps its decoder until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = threading.Event(), threading.Event()
        self.im = Image.fromarray(PHOTO).im
        self._mode, self._size = "RGB", (6, 4)

    def load(self) -> Any:
        self.begun.set()
        assert self.go.wait(WITHIN_S)
        return super().load()


def test_images_are_read_within_the_limits() -> None:
    assert np.array_equal(ImageReader().read(PHOTO), PHOTO)
    with pytest.raises(InvalidImageError, match="more than the limit of 10"):
        ImageReader(ImageLimits(max_pixels=10)).read(PHOTO)


@pytest.mark.parametrize("leave", ["late", "unwanted"])
def test_waiting_for_a_decoder_ends_with_the_request(leave: str) -> None:
    slow, scope = SlowImage(), Scope(0.01 if leave == "late" else None)
    reader = ImageReader(decoders=1)

    def wait() -> None:
        with within(scope):
            reader.read(PHOTO)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(reader.read, slow)
        assert slow.begun.wait(WITHIN_S)
        second = pool.submit(wait)
        if leave == "unwanted":
            scope.cancel()
        with pytest.raises(DeadlineExceededError if leave == "late" else CancelledError):
            second.result(WITHIN_S)
        slow.go.set()
        assert np.array_equal(first.result(WITHIN_S), PHOTO)
    assert np.array_equal(reader.read(PHOTO), PHOTO)
