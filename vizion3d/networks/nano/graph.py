"""The recipe as part of a graph; see :mod:`vizion3d.networks.graph`."""

import torch
from torch import Tensor

from vizion3d.networks import graph


class NanoParts(graph.GraphParts):
    """Pillow's resizing: across, then down, each in 8 bits."""

    def resize(self, images: Tensor, size: graph.TracedSize) -> Tensor:
        """See ``network.resize``; a few pixels may be rounded to the neighbouring value."""
        height, width = (torch.as_tensor(side) for side in images.shape[2:])
        across = graph.triangle_weights(width, size[1])
        down = graph.triangle_weights(height, size[0])
        narrowed = _half_up(torch.matmul(images, across.T))
        return _half_up(torch.matmul(down, narrowed))


def _half_up(images: Tensor) -> Tensor:
    """To 8 bits as Pillow rounds: halves up."""
    return graph.in_8_bits(torch.floor(images + 0.5))
