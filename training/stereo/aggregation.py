"""From correlations to one score a disparity: an hourglass over the volume, guided by the left
image."""

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from training.stereo.config import DISPARITIES, NanoStereoConfig
from training.stereo.layers import Excitation, conv2d, conv3d, enlarge3d


class Aggregation(nn.Module):
    """Correlations ``(N, groups, D, H, W)`` and the left image's maps at 1/4, 1/8 and 1/16 ->
    scores ``(N, D, H, W)``."""

    def __init__(self, config: NanoStereoConfig) -> None:
        super().__init__()
        at_4, at_8, at_16, at_32 = config.volume
        self.entry = nn.Sequential(nn.Conv3d(config.groups, at_4, 1), nn.ReLU())
        self.down_8 = nn.Sequential(conv3d(at_4, at_8, stride=2), conv3d(at_8, at_8))
        self.down_16 = nn.Sequential(conv3d(at_8, at_16, stride=2), conv3d(at_16, at_16))
        self.down_32 = nn.Sequential(
            conv3d(at_16, at_32, stride=2), conv3d(at_32, at_32), conv3d(at_32, at_32)
        )
        self.up_16, self.up_8, self.up_4 = (
            enlarge3d(coarse, fine)
            for coarse, fine in ((at_32, at_16), (at_16, at_8), (at_8, at_4))
        )
        self.mix_16, self.mix_8 = conv3d(at_16, at_16), conv3d(at_8, at_8)
        self.guide_4, self.guide_8, self.guide_16, self.guide_up_8, self.guide_up_16 = (
            Excitation(config.volume[i], config.features[i]) for i in (0, 1, 2, 1, 2)
        )
        self.score = nn.Conv3d(at_4, 1, 1)
        # Across disparities as channels: far cheaper than one more layer of the volume.
        self.smooth = nn.Sequential(
            conv2d(DISPARITIES, DISPARITIES), nn.Conv2d(DISPARITIES, DISPARITIES, 3, padding=1)
        )

    def forward(self, volume: Tensor, maps: list[Tensor]) -> Tensor:
        """See the class."""
        given_4, given_8, given_16 = maps
        at_4 = self.guide_4(self.entry(volume), given_4)
        at_8 = self.guide_8(self.down_8(at_4), given_8)
        at_16 = self.guide_16(self.down_16(at_8), given_16)
        at_32 = self.down_32(at_16)
        at_16 = self.guide_up_16(self.mix_16(F.relu(self.up_16(at_32) + at_16)), given_16)
        at_8 = self.guide_up_8(self.mix_8(F.relu(self.up_8(at_16) + at_8)), given_8)
        scores: Tensor = self.score(F.relu(self.up_4(at_8) + at_4)).squeeze(1)
        return scores + cast(Tensor, self.smooth(scores))
