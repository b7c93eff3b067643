"""Rendered pairs as photos with truth, for measuring any matcher."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.stereo.data import Batch
from training.stereo.measure import held_out
from training.stereo.plans import PLANS
from training.stereo.real import PairWithTruth

PLAN = replace(PLANS["cuda"].data, batch=4)


def rendered_pairs(count: int) -> Iterator[PairWithTruth]:
    """``count`` pairs (a multiple of 4) of 288 x 544 pixels that no training draws, the same ones
    every time; without those of which the two cameras share next to nothing."""
    for batch in held_out(PLAN, count, torch.device("cpu")):
        yield from as_photos(batch)


def as_photos(batch: Batch) -> Iterator[PairWithTruth]:
    """The pairs of a batch that have pixels to be learned."""
    disparity = batch.disparity.where(batch.valid, torch.inf)
    for left, right, truth in zip(batch.left, batch.right, disparity, strict=True):
        if truth.isfinite().any():
            yield PairWithTruth(_photo(left), _photo(right), truth.numpy())


def _photo(image: Tensor) -> NDArray[np.uint8]:
    return (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
