"""Comparing the two images' features, and making a map of disparity of the comparison.

Everything is written with slices of fixed offsets, so that it can be traced for every size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def correlation(left: Tensor, right: Tensor, disparities: int, groups: int) -> Tensor:
    """How well each pixel of the left image fits the right one, moved by each disparity.

    Args:
        left: Features, ``(N, C, H, W)``.
        right: Of the same shape. Beyond its border is zero.
        disparities: Candidates: 0, 1, ... ``disparities - 1`` pixels of these features.
        groups: Into so many groups the channels are split, each with a correlation of its own.

    Returns:
        Mean product over the channels of a group, ``(N, groups, disparities, H, W)``.
    """
    own, other = (_grouped(x, groups) for x in (left, right))
    padded = F.pad(other, (disparities - 1, 0))
    products = []
    for disparity in range(disparities):
        moved = padded[..., disparities - 1 - disparity : -disparity or None]
        products.append((own * moved).mean(dim=2))
    return torch.stack(products, dim=2)


def _grouped(features: Tensor, groups: int) -> Tensor:
    """``(N, C, H, W)`` -> ``(N, groups, C / groups, H, W)``."""
    _, channels, height, width = features.shape
    return features.reshape(-1, groups, channels // groups, height, width)


def expected_disparity(scores: Tensor) -> Tensor:
    """``(N, D, H, W)`` -> ``(N, 1, H, W)``: the mean of 0 ... D - 1, weighted by softmax."""
    values = torch.arange(scores.shape[1], dtype=scores.dtype, device=scores.device)
    return (F.softmax(scores, dim=1) * values.view(1, -1, 1, 1)).sum(dim=1, keepdim=True)


def upsample(disparity: Tensor, weights: Tensor, factor: int = 4) -> Tensor:
    """``factor`` times as large and as far: each pixel a mean of the nine coarse ones around it.

    Args:
        disparity: ``(N, 1, H, W)``, in pixels of that size.
        weights: Of the nine, row by row, before softmax: ``(N, 9, factor * H, factor * W)``.
        factor: Between the sizes.

    Returns:
        ``(N, factor * H, factor * W)``, in pixels of that size.
    """
    padded = F.pad(factor * disparity, (1, 1, 1, 1))
    ends = (-2, -1, None)
    around = [
        padded[:, :, row : ends[row], col : ends[col]] for row in range(3) for col in range(3)
    ]
    enlarged = F.interpolate(torch.cat(around, dim=1), scale_factor=float(factor), mode="nearest")
    return (enlarged * F.softmax(weights, dim=1)).sum(dim=1)
