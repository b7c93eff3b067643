"""The recipe as part of a graph; see :mod:`vizion3d.networks.graph`."""

import torch
from torch import Tensor

from vizion3d.networks.graph import GraphParts


class LiteAnyStereoParts(GraphParts):
    """Images are seen at their own size, if that is not too large."""

    def wanted(self, height: Tensor, width: Tensor) -> Tensor:
        """See ``network.NativeRecipe``."""
        longer = torch.maximum(height, width).double()
        return torch.clamp(longer, max=float(self.recipe.input_size))
