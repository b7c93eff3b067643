"""The recipe and the extra inputs as part of a graph; see :mod:`vizion3d.networks.graph`."""

import torch
from torch import Tensor

from vizion3d.networks import graph
from vizion3d.networks.depth_anything_3.config import PATCH_SIZE
from vizion3d.networks.depth_anything_3.recipe import RECIPE
from vizion3d.networks.depth_anything_3.rotation import BASE
from vizion3d.networks.graph import GraphParts, TracedSize
from vizion3d.networks.sizes import HEAD_DIM


class DepthAnything3Parts(GraphParts):
    """What :mod:`~vizion3d.networks.depth_anything_3.recipe` and ``rotation`` do in NumPy.

    Args:
        positions: The stored positional embedding, ``(1, 1 + grid**2, C)``.
        grid: Side of its grid, in patches.
        rotates: Whether the network is of the any-view architecture.
    """

    def __init__(self, positions: Tensor, grid: int, *, rotates: bool) -> None:
        super().__init__(RECIPE)
        self.grid = grid
        self.positions = positions
        self.rotates = rotates

    def network_size(self, height: Tensor, width: Tensor) -> TracedSize:
        """See :meth:`DepthAnything3Recipe.network_size`."""
        rows, cols = _in_proportion(height, width, torch.tensor(self.recipe.input_size))
        return self._nearest(rows), self._nearest(cols)

    def _nearest(self, side: Tensor) -> Tensor:
        squares = torch.div(side + PATCH_SIZE // 2, PATCH_SIZE, rounding_mode="trunc")
        return torch.clamp(squares, min=1) * PATCH_SIZE

    def resize(self, images: Tensor, size: TracedSize) -> Tensor:
        """See ``recipe.resize``; a few pixels may be rounded to the neighbouring value."""
        height, width = (torch.as_tensor(side) for side in images.shape[2:])
        first = _in_proportion(height, width, torch.maximum(*size))
        return _step(_step(images, (height, width), first), first, size)

    def extras(self, height: Tensor, width: Tensor) -> tuple[Tensor, ...]:
        """The positional embedding, and the rotations where there are any."""
        rows, cols = (
            torch.div(side, PATCH_SIZE, rounding_mode="trunc") for side in (height, width)
        )
        positions = graph.resample_positions(self.positions, self.grid, rows, cols)
        return (positions, rotations(rows, cols)) if self.rotates else (positions,)


def _in_proportion(height: Tensor, width: Tensor, longer: Tensor) -> TracedSize:
    scale = longer.double() / torch.maximum(height, width).double()

    def side(length: Tensor) -> Tensor:
        return torch.clamp(torch.round(length.double() * scale), min=1).long()

    return side(height), side(width)


def _step(images: Tensor, size: TracedSize, new: TracedSize) -> Tensor:
    """Both kinds of weights are computed and one is taken: a graph has no other way to choose."""
    enlarges = (new[0] > size[0]) | (new[1] > size[1])
    down, across = (
        torch.where(enlarges, graph.cubic_weights(old, side), graph.area_weights(old, side))
        for old, side in zip(size, new, strict=True)
    )
    resized = torch.matmul(down, torch.matmul(images, across.T))
    # OpenCV rounds halves up where both sides are halved, else to the even number.
    halved = (size[0] == 2 * new[0]) & (size[1] == 2 * new[1])
    return graph.in_8_bits(torch.where(halved, torch.floor(resized + 0.5), resized))


def rotations(rows: Tensor, cols: Tensor) -> Tensor:
    """What ``rotation.rotations`` gives, for a size that is computed."""
    row, col = torch.meshgrid(graph.counted(rows), graph.counted(cols), indexing="ij")
    patches = torch.stack((row.flatten(), col.flatten()), dim=1).float() + 1
    within = torch.cat((torch.zeros(1, 2), patches))
    between = torch.clamp(within, max=1)
    axis_dim = HEAD_DIM // 2
    frequencies = BASE ** (-torch.arange(0, axis_dim, 2) / axis_dim)
    both = torch.cat((frequencies, frequencies))
    angles = (torch.stack((within, between))[..., None] * both).reshape(2, -1, HEAD_DIM)
    return torch.stack((torch.cos(angles), torch.sin(angles)), dim=1)
