"""What hangs on an image's size, in torch's operators, for files that take any size.

A network that is run by us is handed these parts from outside (``Recipe``, ``Network.extras``). A
file for other runtimes is to hold them itself: here they are written so that tracing keeps sizes
as numbers that are computed. Sizes are therefore 0-d int64 tensors, and indices and overlaps are
counted in whole numbers: float32 would misplace samples of large photos.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from vizion3d.networks.recipe import Recipe

TracedSize = tuple[Tensor, Tensor]
"""``(height, width)``, in pixels."""

_A = -0.75
_OFFSET = 0.1


class GraphParts:
    """The parts of a network with the general recipe and without extra inputs. Others have
    subclasses.

    Args:
        recipe: The network's own.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def network_size(self, height: Tensor, width: Tensor) -> TracedSize:
        """See :meth:`vizion3d.networks.recipe.Recipe.network_size`; nothing is refused."""
        recipe, lower = self.recipe, self.recipe.bound == "shorter"
        wanted = self.wanted(height, width)
        scales = wanted / height.double(), wanted / width.double()
        scale = (torch.maximum if lower else torch.minimum)(*scales)

        def side(length: Tensor) -> Tensor:
            squares = scale * length.double() / recipe.multiple
            rounded = torch.round(squares)
            if lower:
                below = rounded * recipe.multiple < wanted
                rounded = torch.where(below, torch.ceil(squares), rounded)
            return (torch.clamp(rounded, min=1) * recipe.multiple).long()

        return side(height), side(width)

    def wanted(self, _height: Tensor, _width: Tensor) -> Tensor:
        """What the bounding side becomes, float64, 0-d."""
        return torch.tensor(float(self.recipe.input_size), dtype=torch.float64)

    def resize(self, images: Tensor, size: TracedSize) -> Tensor:
        """RGB ``(N, 3, H, W)``, 0 to 255 -> ``(N, 3, *size)``, float32."""
        height, width = size
        return F.interpolate(
            images,
            size=(height, width),  # type: ignore[arg-type]  # tracing takes numbers that are computed
            mode="bicubic",
            align_corners=False,
        )

    def extras(self, _height: Tensor, _width: Tensor) -> tuple[Tensor, ...]:
        """See :meth:`vizion3d.networks.base.Network.extras`, for an input of that size, float32."""
        return ()


def resample_positions(stored: Tensor, grid: int, rows: Tensor, cols: Tensor) -> Tensor:
    """:func:`vizion3d.networks.positions.resample_positions`, for a size that is computed.

    Args:
        stored: ``(1, 1 + grid**2, C)``.
        grid: Side of the stored grid.
        rows: Patches of the input, vertically, 0-d.
        cols: Patches of the input, horizontally, 0-d.

    Returns:
        ``(1, 1 + rows * cols, C)``.
    """
    as_stored = (rows == grid) & (cols == grid)
    offset = torch.where(as_stored, 0.0, _OFFSET)
    patches = stored[0, 1:].reshape(grid, grid, -1)
    patches = _resample_rows(patches, grid, rows, offset)
    patches = _resample_rows(patches.transpose(0, 1), grid, cols, offset).transpose(0, 1)
    resampled = patches.flatten(0, 1)[None]
    return torch.cat((stored[:, :1], resampled), dim=1)


def _resample_rows(patches: Tensor, grid: int, size: Tensor, offset: Tensor) -> Tensor:
    """``(grid, n, C)`` -> ``(size, n, C)``, bicubic, clamped at the border."""
    source = (counted(size) + 0.5) * grid / (size + offset) - 0.5
    first = torch.floor(source)
    resampled = torch.zeros(())
    for tap, weight in zip(range(-1, 3), cubic(source - first), strict=True):
        index = torch.clamp(first.long() + tap, 0, grid - 1)
        resampled = resampled + weight[:, None, None] * patches[index]
    return resampled


def counted(size: Tensor) -> Tensor:
    """0, 1 ... ``size - 1``."""
    return torch.arange(size)  # type: ignore[call-overload, no-any-return]  # a traced number


def cubic(t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Weights of the samples before, at, after and beyond a place ``t`` in [0, 1) behind the second
    (Keys 1981, a = -0.75)."""

    def inner(x: Tensor) -> Tensor:
        return ((_A + 2) * x - (_A + 3)) * x * x + 1

    def outer(x: Tensor) -> Tensor:
        return _A * (((x - 5) * x + 8) * x - 4)

    return outer(t + 1), inner(t), inner(1 - t), outer(2 - t)


def area_weights(length: Tensor, size: Tensor) -> Tensor:
    """``(size, length)``: the share that each pixel has in each of the fewer that it becomes."""
    new, old = counted(size)[:, None], counted(length)[None]
    ends = torch.minimum((new + 1) * length, (old + 1) * size)
    overlap = ends - torch.maximum(new * length, old * size)
    return torch.clamp(overlap, min=0).float() / length.float()


def cubic_weights(length: Tensor, size: Tensor) -> Tensor:
    """``(size, length)``: bicubic, half-pixel centres, clamped at the border."""
    new, old = counted(size), counted(length)
    shifted = (2 * new + 1) * length + size  # of the source's place, in halves of a new pixel
    whole = torch.div(shifted, 2 * size, rounding_mode="trunc")
    t = (shifted - whole * (2 * size)).float() / (2 * size).float()
    weights = torch.zeros(())
    for tap, weight in zip(range(-1, 3), cubic(t), strict=True):
        index = torch.minimum(torch.clamp(whole - 1 + tap, min=0), length - 1)
        hit = (index[:, None] == old[None]).float()
        weights = weights + hit * weight[:, None]
    return weights


def triangle_weights(length: Tensor, size: Tensor) -> Tensor:
    """``(size, length)``: bilinear, over the whole area that a pixel covers where the image
    shrinks, as Pillow does it."""
    new, old = counted(size)[:, None], counted(length)[None]
    # All in units of 1 / (2 * size) of an old pixel.
    distance = torch.abs((2 * old + 1) * size - (2 * new + 1) * length)
    reach = 2 * torch.maximum(length, size)
    weights = torch.clamp(reach - distance, min=0).float()
    return weights / weights.sum(dim=1, keepdim=True)


def in_8_bits(images: Tensor) -> Tensor:
    """Rounded to what 8 bits hold."""
    return torch.clamp(torch.round(images), 0, 255)
