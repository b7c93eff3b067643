"""From scores to a disparity, and one image moved by it."""

import torch
import torch.nn.functional as F
from torch import Tensor

_WINDOW = 2


def peak_disparity(scores: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of the disparities within two of the best one, weighted by softmax.

    Args:
        scores: ``(N, D, H, W)``, of 0 ... D - 1.

    Returns:
        ``(N, 1, H, W)`` twice: the disparity, and the share of the softmax within the window.
    """
    values = torch.arange(scores.shape[1], dtype=scores.dtype, device=scores.device)
    best = scores.argmax(dim=1, keepdim=True).to(scores.dtype)
    offset = values.view(1, -1, 1, 1) - best
    weights = F.softmax(scores, dim=1) * (offset.abs() < _WINDOW + 0.5).to(scores.dtype)
    share = weights.sum(dim=1, keepdim=True)
    return best + (weights * offset).sum(dim=1, keepdim=True) / share, share


def warp(right: Tensor, disparity: Tensor) -> Tensor:
    """Each pixel of the left image from where its partner lies in the right one, linear between
    columns; beyond the border is the border.

    Args:
        right: ``(N, C, H, W)``.
        disparity: ``(N, 1, H, W)``, of the left image, in pixels of that size.
    """
    width = right.shape[3]
    columns = torch.arange(width, dtype=disparity.dtype, device=disparity.device)
    partner = (columns - disparity).clamp(0, width - 1)
    low = partner.floor().clamp_max(width - 2)
    share = (partner - low).to(right.dtype)
    index = low.long().expand(-1, right.shape[1], -1, -1)
    before, after = right.gather(3, index), right.gather(3, index + 1)
    return before + share * (after - before)
