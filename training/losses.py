"""Losses on inverse depth that do not see its scale and shift.

After Ranftl et al. 2020 (MiDaS, arXiv:1907.01341).
"""

import torch.nn.functional as F
from torch import Tensor

SCALES = 4


_LEAST_SCALE = 0.01
"""Of an inverted prediction, so that some gradient is left to turn it round."""


_MOST = 2.0
"""Relative error, beyond which a pixel's pull on the weights fades."""


def standardise(x: Tensor) -> Tensor:
    """``(N, H, W)`` shifted to median 0 and scaled to mean absolute value 1."""
    flat = x.flatten(1)
    flat = flat - flat.median(dim=1, keepdim=True).values
    return (flat / flat.abs().mean(1, keepdim=True).clamp_min(1e-4)).view_as(x)


def fit(x: Tensor, target: Tensor) -> Tensor:
    """``x`` scaled and shifted to ``target`` by least squares, both ``(N, H, W)``.

    What is uncertain is drawn to the mean. With both sides standardised, an uncertain prediction
    would be blown up to the contrast of the target, and learn more slowly.
    """
    flat, wanted = x.flatten(1), target.flatten(1)
    flat = flat - flat.mean(1, keepdim=True)
    flat = flat / flat.square().mean(1, keepdim=True).clamp_min(1e-8).sqrt()
    scale = (flat * wanted).mean(1, keepdim=True).clamp_min(_LEAST_SCALE)
    return (flat * scale + wanted.mean(1, keepdim=True)).view_as(x)


def gradient_loss(difference: Tensor) -> Tensor:
    """Mean absolute slope of the aligned difference ``(N, H, W)`` at several scales: sharp edges
    where the target has them and only there."""
    total = difference.new_zeros(())
    for scale in range(SCALES):
        d = difference[:, :: 2**scale, :: 2**scale]
        total = total + d.diff(dim=1).abs().mean() + d.diff(dim=2).abs().mean()
    return total


def depth_loss(predicted: Tensor, target: Tensor, gradient_weight: float = 0.5) -> Tensor:
    """Absolute difference, fitted, plus gradient matching of ``(N, H, W)`` inverse depths."""
    target = standardise(target)
    difference = fit(predicted, target) - target
    return difference.abs().mean() + gradient_weight * gradient_loss(difference)


def relative_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of fitted and true inverse depth ``(N, H, W)`` as a share of the
    true one: what the far is off by counts as much as what the near is, as in AbsRel.

    Differences over `_MOST` count as that; the floor of the share is a tenth of the image's median,
    so that the sky (inverse depth 0) does not outweigh everything.
    """
    floor = 0.1 * target.flatten(1).median(dim=1).values[:, None, None]
    share = (fit(predicted, target) - target).abs() / (target + floor).clamp_min(1e-4)
    return _MOST * (share / _MOST).tanh().mean()


def anchor_loss(predicted: Tensor) -> Tensor:
    """Keeps the free scale near 1 and the free shift high enough for the last ReLU to be idle."""
    flat = predicted.flatten(1)
    spread = (flat - flat.mean(1, keepdim=True)).abs().mean(1).clamp_min(1e-3)
    return F.relu(0.1 - flat).mean() + 0.02 * spread.log().square().mean()
