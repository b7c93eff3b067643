"""Which images are refused."""

from dataclasses import dataclass

from vizion3d.core.limits import DEFAULT_MAX_PIXELS
from vizion3d.errors import InvalidImageError


@dataclass(frozen=True)
class ImageLimits:
    """Which images are refused.

    Attributes:
        max_pixels: Largest image that is decoded.
        formats: Pillow's names of the file formats that are read; ``None``: all that it knows.
        max_network_pixels: Largest size at which the network may see an image; a small image of
            extreme shape can ask for a large one. ``None``: any.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    formats: tuple[str, ...] | None = None
    max_network_pixels: int | None = None

    def check_network_size(self, image: tuple[int, int], network: tuple[int, int]) -> None:
        """Refuse what the network would need too much memory for; sizes are (height, width)."""
        limit = self.max_network_pixels
        if limit is not None and network[0] * network[1] > limit:
            raise InvalidImageError(
                f"the network would see this image of {image[1]} x {image[0]} pixels at "
                f"{network[1]} x {network[0]}, more than the limit of {limit:,} pixels; send a "
                "less elongated image or a smaller input_size"
            )
