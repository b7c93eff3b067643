"""How an application reads images: its limits, its decoder, and how many at the same time."""

import os

from vizion3d.core.arrays import UInt8Array
from vizion3d.core.observe import NoObserver, Observer, timed
from vizion3d.core.room import Room
from vizion3d.media import images
from vizion3d.media.limits import ImageLimits


class ImageReader:
    """Reads images for the handlers of all tasks.

    A decoder needs several times the memory of its image: no more of them than cores are at work.

    Args:
        limits: Which images are refused.
        observer: Receives the duration of decoding.
        decoders: At the same time; as many as the machine has cores if it is not given.
    """

    def __init__(
        self,
        limits: ImageLimits | None = None,
        observer: Observer | None = None,
        decoders: int | None = None,
    ) -> None:
        self.limits = limits or ImageLimits()
        self._observer = observer or NoObserver()
        self._decoders = Room(decoders or os.cpu_count() or 1)

    def read(self, image: images.ImageInput) -> UInt8Array:
        """RGB uint8 ``(H, W, 3)``.

        Raises:
            InvalidImageError: It cannot be read, or is refused.
            DeadlineExceededError: The current scope's deadline passed before it had its turn.
            CancelledError: The current scope was cancelled.
        """
        with self._decoders.taken(), timed(self._observer, "decode"):
            return images.decode(image, self.limits.max_pixels, self.limits.formats)
