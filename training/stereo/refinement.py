"""Improves the disparity at half the size by what does not fit between the images."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.stereo.config import TAPS, NanoStereoConfig
from training.stereo.layers import Inverted, conv2d, double
from training.stereo.volume import warp

_DILATIONS = (1, 2, 4, 1)
_SCALE_PX = 16.0


class Refinement(nn.Module):
    """Disparity at 1/2 of the image -> an improved one, weights to enlarge it, its confidence."""

    def __init__(self, config: NanoStereoConfig) -> None:
        super().__init__()
        fine, own = config.encoder.widths[TAPS[0]], config.refinement
        self.context = nn.Conv2d(config.features[0], 16, 1)
        self.compare = nn.Conv2d(fine, 16, 1)
        self.entry = conv2d(16 + 2 * 16 + 2, own)
        self.blocks = nn.Sequential(*(Inverted(own, dilation) for dilation in _DILATIONS))
        self.last = nn.Conv2d(own, 38, 1)

    def forward(
        self, disparity: Tensor, peak: Tensor, left: Tensor, right: Tensor, context: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Improve a disparity.

        Args:
            disparity: ``(N, 1, H/2, W/2)``, in pixels of that size.
            peak: ``(N, 1, H/4, W/4)`` in [0, 1], how clearly the first match stands out.
            left: ``(N, C, H/2, W/2)``, fine features.
            right: Of the same shape, of the right image.
            context: ``(N, F, H/4, W/4)``, features of the left image.

        Returns:
            Disparity of the shape that came in; weights ``(N, 9, H, W)`` for its enlargement; and
            confidence ``(N, H, W)`` before the sigmoid.
        """
        own, other = self.compare(left), self.compare(right)
        moved = warp(other.float(), disparity.detach())
        seen = torch.cat(
            (
                double(self.context(context)),
                own,
                own - moved,
                disparity / _SCALE_PX,
                double(peak),
            ),
            dim=1,
        )
        out = self.last(self.blocks(self.entry(seen))).float()
        weights = F.pixel_shuffle(out[:, 2:], 2)
        return disparity + out[:, :1], weights, double(out[:, 1:2])[:, 0]
