"""Comparing the two images' features, and making a map of disparity of the comparison.

Everything is written with slices of fixed offsets, so that it can be traced for every size.
Disparities are float32 whatever the precision of the rest: bf16 tells 100 from 100.5 and nothing
between. OpenVINO keeps to that as long as no convolution and no interpolation follows.
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
    """``(N, D, H, W)`` -> float32 ``(N, 1, H, W)``: the mean of 0 ... D - 1, by softmax."""
    scores = scores.float()
    values = torch.arange(scores.shape[1], dtype=scores.dtype, device=scores.device)
    return (F.softmax(scores, dim=1) * values.view(1, -1, 1, 1)).sum(dim=1, keepdim=True)


def upsample(disparity: Tensor, weights: Tensor, factor: int = 4) -> Tensor:
    """``factor`` times as large and as far: each pixel a mean of the nine coarse ones around it.

    Args:
        disparity: ``(N, 1, H, W)``, in pixels of that size.
        weights: Of the nine, row by row, before softmax: ``(N, 9, factor * H, factor * W)``.
        factor: Between the sizes.

    Returns:
        float32 ``(N, factor * H, factor * W)``, in pixels of that size.
    """
    padded = F.pad(factor * disparity, (1, 1, 1, 1))
    ends = (-2, -1, None)
    around = [
        padded[:, :, row : ends[row], col : ends[col]] for row in range(3) for col in range(3)
    ]
    # Each map factor x factor times, which the shuffle lays side by side: enlarged by repetition.
    repeated = torch.cat([each for each in around for _ in range(factor**2)], dim=1)
    return (F.pixel_shuffle(repeated, factor) * F.softmax(weights.float(), dim=1)).sum(dim=1)
