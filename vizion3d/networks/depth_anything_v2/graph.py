"""The extra inputs as part of a graph; see :mod:`vizion3d.networks.graph`."""

import torch
from torch import Tensor

from vizion3d.networks import graph
from vizion3d.networks.recipe import Recipe


class DepthAnythingV2Parts(graph.GraphParts):
    """The positional embedding, resampled inside the graph.

    Args:
        recipe: The network's own.
        positions: The stored embedding, ``(1, 1 + grid**2, C)``.
        grid: Side of its grid, in patches.
    """

    def __init__(self, recipe: Recipe, positions: Tensor, grid: int) -> None:
        super().__init__(recipe)
        self.grid = grid
        self.positions = positions

    def extras(self, height: Tensor, width: Tensor) -> tuple[Tensor, ...]:
        """See :meth:`GraphParts.extras`."""
        rows, cols = (
            torch.div(side, self.recipe.multiple, rounding_mode="trunc") for side in (height, width)
        )
        return (graph.resample_positions(self.positions, self.grid, rows, cols),)
