"""What a stereo network's stages are told."""

import torch.nn.functional as F
from torch import Tensor

from training.stereo.data import Batch
from training.stereo.model import Stages

RIGHT_PX = 1.0
"""Error up to which a disparity counts as right for the confidence."""
_CELL_PX = 4


def stereo_loss(stages: Stages, batch: Batch) -> Tensor:
    """Scores by cross-entropy, both disparities by a smooth L1, confidence by its own hits."""
    target, valid = batch.disparity, batch.valid
    coarse, coarse_valid = (_every(x, _CELL_PX) for x in (target, valid))
    half, half_valid = (_every(x, 2) for x in (target, valid))
    scores = score_loss(stages.scores, coarse / _CELL_PX, coarse_valid)
    first = _mean(_distance(stages.first, half), half_valid)
    last = _mean(_distance(stages.disparity, target), valid)
    right = ((stages.disparity.detach() - target).abs() < RIGHT_PX).float()
    sure = F.binary_cross_entropy_with_logits(stages.confidence, right, reduction="none")
    return scores + 0.3 * first + last + 0.3 * _mean(sure, valid)


def score_loss(scores: Tensor, cells: Tensor, valid: Tensor) -> Tensor:
    """Cross-entropy of ``(N, D, h, w)`` with the two whole disparities about ``cells``
    ``(N, h, w)``."""
    last = scores.shape[1] - 1
    cells = cells.clamp(0, last)
    low = cells.floor().clamp_max(last - 1)
    share = cells - low
    logs = F.log_softmax(scores, dim=1)
    index = low.long()[:, None]
    below, above = logs.gather(1, index)[:, 0], logs.gather(1, index + 1)[:, 0]
    return _mean(-((1 - share) * below + share * above), valid)


def _distance(predicted: Tensor, target: Tensor) -> Tensor:
    return F.smooth_l1_loss(predicted, target, reduction="none")


def _every(x: Tensor, step: int) -> Tensor:
    return x[..., step // 2 :: step, step // 2 :: step]


def _mean(values: Tensor, valid: Tensor) -> Tensor:
    weight = valid.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp_min(1)


def errors(disparity: Tensor, batch: Batch) -> dict[str, float]:
    """End-point error in pixels and the share of errors over 2 px, where the truth is known."""
    distance = (disparity - batch.disparity).abs()[batch.valid]
    return {
        "epe": round(float(distance.mean()), 4),
        "bad2": round(float((distance > 2).float().mean()), 4),
    }
