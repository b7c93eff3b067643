"""Two views side by side in one image."""

from vizion3d.core.arrays import UInt8Array
from vizion3d.errors import InvalidImageError


def split(image: UInt8Array, name: str) -> tuple[UInt8Array, UInt8Array]:
    """The halves of an image that holds the left and the right view beside one another.

    Raises:
        InvalidImageError: Its width is odd.
    """
    width = image.shape[1]
    if width % 2 or width < 2:
        raise InvalidImageError(
            f"{name} is {width} pixels wide, so it does not hold two views of equal width"
        )
    return image[:, : width // 2].copy(), image[:, width // 2 :].copy()
