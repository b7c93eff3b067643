"""S, M and L: one prediction, made at a quarter of the size and enlarged along the left image."""

from torch import Tensor, nn

from vizion3d.networks.lite_any_stereo.aggregation import Aggregation
from vizion3d.networks.lite_any_stereo.config import DISPARITIES, FEATURE_CHANNELS, NetworkConfig
from vizion3d.networks.lite_any_stereo.features import FeatureNet
from vizion3d.networks.lite_any_stereo.layers import InstanceNorm, Merge, conv, enlarging
from vizion3d.networks.lite_any_stereo.volume import correlation, expected_disparity, upsample

_STEM = 16


class FeedForwardStereo(nn.Module):
    """The network of S, M and L."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = FEATURE_CHANNELS[0]
        self.fnet = FeatureNet()
        self.cost_agg = Aggregation(config)
        self.refine_1 = nn.Sequential(
            conv(width, width, InstanceNorm(), nn.LeakyReLU()),
            conv(width, width, InstanceNorm(), nn.ReLU()),
        )
        self.stem_2 = nn.Sequential(
            conv(3, _STEM, nn.BatchNorm2d(_STEM), nn.LeakyReLU(), stride=2),
            conv(_STEM, _STEM, nn.BatchNorm2d(_STEM), nn.ReLU()),
        )
        self.refine_2 = Merge(width, _STEM)
        self.refine_3 = enlarging(_STEM, 9)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Disparity of a batch of rectified pairs.

        Args:
            left: ``(N, 3, H, W)``, RGB normalised with the ImageNet mean and deviation; H and W are
                multiples of 32.
            right: Of the same shape.

        Returns:
            ``(N, H, W)``, in pixels, 0 or more.
        """
        features, other = self.fnet(left), self.fnet(right)
        costs = correlation(features[0], other[0], DISPARITIES, groups=1).squeeze(1)
        disparity = expected_disparity(self.cost_agg(costs, features))
        weights = self.refine_2(self.refine_1(features[0]), self.stem_2(left))
        return upsample(disparity, self.refine_3(weights))
