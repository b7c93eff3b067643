"""The whole network: disparity of a rectified pair, and how sure it is."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.stereo.aggregation import Aggregation
from training.stereo.config import DISPARITIES, NanoStereoConfig
from training.stereo.features import Features
from training.stereo.refinement import Refinement
from training.stereo.volume import peak_disparity
from vizion3d.networks.lite_any_stereo.volume import correlation, upsample


@dataclass
class Stages:
    """What training looks at.

    Attributes:
        scores: ``(N, 48, H/4, W/4)``, before softmax, of disparities of 0, 4, ... 188 px.
        first: ``(N, H/2, W/2)``, disparity before the refinement, pixels of the input.
        disparity: ``(N, H, W)``, pixels of the input.
        confidence: ``(N, H, W)``, before the sigmoid.
    """

    scores: Tensor
    first: Tensor
    disparity: Tensor
    confidence: Tensor


class NanoStereo(nn.Module):
    """A rectified pair -> disparity and confidence of the left image."""

    def __init__(self, config: NanoStereoConfig) -> None:
        super().__init__()
        self.groups = config.groups
        self.features = Features(config)
        self.aggregation = Aggregation(config)
        self.enlarge = nn.Sequential(
            nn.Conv2d(config.features[0], config.features[0], 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(config.features[0], 36, 1),
        )
        self.refinement = Refinement(config)

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        """Disparity and confidence of a batch.

        Args:
            left: ``(N, 3, H, W)``, RGB by the recipe's mean and deviation; sides are multiples of
                32.
            right: Of the same shape.

        Returns:
            Disparity ``(N, H, W)``, pixels, 0 or more; and ``(N, H, W)`` in [0, 1]: how likely it
            is right to a pixel.
        """
        stages = self.stages(left, right)
        return F.relu(stages.disparity), torch.sigmoid(stages.confidence)

    def stages(self, left: Tensor, right: Tensor) -> Stages:
        """Everything on the way, for training."""
        maps, descriptors = self.features(torch.cat((left, right)))
        fine_left, fine_right = maps[0].chunk(2)
        guide = [x.chunk(2)[0] for x in maps[1:]]
        own, other = descriptors.chunk(2)
        volume = correlation(own, other, DISPARITIES, self.groups)
        scores = self.aggregation(volume, guide).float()
        disparity, peak = peak_disparity(scores)
        weights = F.pixel_shuffle(self.enlarge(guide[0]).float(), 2)
        first = upsample(disparity, weights, 2)[:, None]
        refined, weights, confidence = self.refinement(first, peak, fine_left, fine_right, guide[0])
        return Stages(
            scores,
            2 * first[:, 0],
            upsample(refined, weights, 2),
            confidence,
        )
