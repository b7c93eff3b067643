"""H: M's prediction, improved in four steps by a recurrent network that looks the costs up."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vizion3d.networks.lite_any_stereo.aggregation import Aggregation
from vizion3d.networks.lite_any_stereo.config import DISPARITIES, FEATURE_CHANNELS, NetworkConfig
from vizion3d.networks.lite_any_stereo.features import FeatureNet
from vizion3d.networks.lite_any_stereo.layers import FasterNetBlock, InstanceNorm, conv, enlarging
from vizion3d.networks.lite_any_stereo.volume import correlation, expected_disparity, upsample

_STEPS = 4
_GROUPS = 8
_LEVELS = 2
_RADIUS = 4
_HIDDEN = 64
_MOTION = 128
_MOTION_DISPARITY = 32
_MASK_INNER = 32
_MASK = 16
_STEM = 16
_UPSAMPLING = 32


def look_up(values: Tensor, position: Tensor, dim: int) -> Tensor:
    """Nine values around a position, linearly interpolated; beyond the ends is zero.

    Args:
        values: Sampled along ``dim``.
        position: In samples, of the shape of ``values`` but for 1 along ``dim``.

    Returns:
        The values at ``position - 4`` ... ``position + 4``, along ``dim``.
    """
    length = values.shape[dim]
    zero = torch.zeros_like(values.narrow(dim, 0, 1))
    padded = torch.cat((zero, values, zero), dim=dim)
    before = position.floor()
    offsets = torch.arange(-_RADIUS, _RADIUS + 2, device=values.device, dtype=position.dtype)
    shape = [1] * values.ndim
    shape[dim] = -1
    index = (before + offsets.view(shape) + 1).clamp(0, length + 1).long()
    taken = torch.gather(padded, dim, index)
    share = position - before
    count = 2 * _RADIUS + 1
    return taken.narrow(dim, 0, count) * (1 - share) + taken.narrow(dim, 1, count) * share


class CostPyramid:
    """Costs to look up: by disparity, and between all pixels of a row; each at two scales.

    Args:
        left: Features, ``(N, C, H, W)``.
        right: Of the same shape.
        groups: Group-wise correlation, ``(N, G, D, H, W)``.
    """

    def __init__(self, left: Tensor, right: Tensor, groups: Tensor) -> None:
        rows = torch.matmul(left.permute(0, 2, 3, 1), right.permute(0, 2, 1, 3)) / left.shape[1]
        self._levels = [(groups, rows)]
        for _ in range(_LEVELS - 1):
            groups = (groups[:, :, 0::2] + groups[:, :, 1::2]) / 2
            rows = (rows[..., 0::2] + rows[..., 1::2]) / 2
            self._levels.append((groups, rows))
        width = left.shape[3]
        self._columns = torch.arange(width, device=left.device, dtype=torch.float32).view(1, 1, -1)

    def around(self, disparity: Tensor) -> Tensor:
        """``(N, 1, H, W)`` -> ``(N, levels * 9 * (G + 1), H, W)``."""
        found = []
        for level, (groups, rows) in enumerate(self._levels):
            scale = 2**level
            position = (disparity / scale).unsqueeze(2).expand(-1, _GROUPS, -1, -1, -1)
            found.append(look_up(groups, position, dim=2).flatten(1, 2))
            column = (self._columns - disparity[:, 0]) / scale
            found.append(look_up(rows, column[..., None], dim=3).permute(0, 3, 1, 2))
        return torch.cat(found, dim=1)


class Context(nn.Module):
    """What the recurrent network starts from and is told in every step."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden_conv = nn.Conv2d(FEATURE_CHANNELS[0], _HIDDEN, 3, padding=1)
        self.input_conv = nn.Conv2d(FEATURE_CHANNELS[0], _HIDDEN, 3, padding=1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features ``(N, 40, H, W)`` -> first state and what it is told, ``(N, 64, H, W)`` each."""
        return torch.tanh(self.hidden_conv(features)), F.relu(self.input_conv(features))


class ChannelAttention(nn.Module):
    """How much each channel counts (Woo et al. 2018, arXiv:1807.06521)."""

    def __init__(self) -> None:
        super().__init__()
        inner = _HIDDEN // 16
        self.fc = nn.Sequential(
            nn.Conv2d(_HIDDEN, inner, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(inner, _HIDDEN, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> ``(N, C, 1, 1)`` in [0, 1]."""
        mean, highest = x.mean(dim=(2, 3), keepdim=True), x.amax(dim=(2, 3), keepdim=True)
        return torch.sigmoid(self.fc(mean) + self.fc(highest))


class SpatialAttention(nn.Module):
    """How much each place counts (Woo et al. 2018, arXiv:1807.06521)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> ``(N, 1, H, W)`` in [0, 1]."""
        both = torch.cat((x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)), dim=1)
        return torch.sigmoid(self.conv(both))


class MotionEncoder(nn.Module):
    """Costs around the present disparity, and that disparity, as features."""

    def __init__(self) -> None:
        super().__init__()
        costs = _LEVELS * (2 * _RADIUS + 1) * (_GROUPS + 1)
        self.convc1 = nn.Conv2d(costs, _MOTION, 1)
        self.convc2 = nn.Conv2d(_MOTION, _MOTION, 3, padding=1)
        self.convd1 = nn.Conv2d(1, _MOTION_DISPARITY, 7, padding=3)
        self.convd2 = nn.Conv2d(_MOTION_DISPARITY, _MOTION_DISPARITY, 3, padding=1)
        self.conv = nn.Conv2d(_MOTION_DISPARITY + _MOTION, _HIDDEN - 1, 1)

    def forward(self, disparity: Tensor, costs: Tensor) -> Tensor:
        """Disparity ``(N, 1, H, W)`` and costs ``(N, K, H, W)`` -> ``(N, 64, H, W)``."""
        costs = F.relu(self.convc2(F.relu(self.convc1(costs))))
        place = F.relu(self.convd2(F.relu(self.convd1(disparity))))
        mixed = F.relu(self.conv(torch.cat((costs, place), dim=1)))
        return torch.cat((mixed, disparity), dim=1)


class Gru(nn.Module):
    """Convolutional gated recurrent unit (Cho et al. 2014, arXiv:1406.1078)."""

    def __init__(self, kernel_size: int) -> None:
        super().__init__()
        self.convz, self.convr, self.convq = (
            nn.Conv2d(3 * _HIDDEN, _HIDDEN, kernel_size, padding=kernel_size // 2) for _ in range(3)
        )

    def forward(self, hidden: Tensor, told: Tensor, both: Tensor) -> Tensor:
        """The new state; all ``(N, C, H, W)``, ``both`` being state and input beside each other."""
        update, reset = torch.sigmoid(self.convz(both)), torch.sigmoid(self.convr(both))
        proposed = torch.tanh(self.convq(torch.cat((reset * hidden, told), dim=1)))
        return (1 - update) * hidden + update * proposed


class SelectiveGru(nn.Module):
    """Two units, of a small and a large kernel; attention says where which one counts."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Sequential(nn.Conv2d(2 * _HIDDEN, 2 * _HIDDEN, 3, padding=1), nn.ReLU())
        self.conv1 = nn.Sequential(nn.Conv2d(3 * _HIDDEN, 3 * _HIDDEN, 3, padding=1), nn.ReLU())
        self.small_gru = Gru(1)
        self.large_gru = Gru(3)

    def forward(self, attention: Tensor, hidden: Tensor, told: Tensor) -> Tensor:
        """Attention ``(N, 1, H, W)``, state and input -> the new state, ``(N, 64, H, W)``."""
        told = self.conv0(told)
        both = self.conv1(torch.cat((told, hidden), dim=1))
        small, large = (gru(hidden, told, both) for gru in (self.small_gru, self.large_gru))
        out: Tensor = small * attention + large * (1 - attention)
        return out


class NamedBlock(nn.Module):
    """The name under which a checkpoint keeps a block of the disparity's head."""

    def __init__(self) -> None:
        super().__init__()
        self.block = FasterNetBlock(_HIDDEN, 4)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 64, H, W)`` -> the same shape."""
        out: Tensor = self.block(x)
        return out


class DisparityHead(nn.Module):
    """From a state to the change of the disparity."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(_HIDDEN, _HIDDEN, 3, padding=1),
            nn.ReLU(),
            NamedBlock(),
            NamedBlock(),
            nn.Conv2d(_HIDDEN, 1, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 64, H, W)`` -> ``(N, 1, H, W)``, in pixels at this size."""
        out: Tensor = self.conv(x)
        return out


class Update(nn.Module):
    """One step: a new state, and by how much the disparity changes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = MotionEncoder()
        self.gru04 = SelectiveGru()
        self.disp_head = DisparityHead()
        self.mask = nn.Sequential(
            nn.Conv2d(_HIDDEN, _MASK_INNER, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_MASK_INNER, _MASK, 3, padding=1),
            nn.ReLU(),
        )

    def forward(
        self, hidden: Tensor, told: Tensor, costs: Tensor, disparity: Tensor, attention: Tensor
    ) -> tuple[Tensor, Tensor]:
        """State, context, costs, disparity and attention -> ``(state, change)``."""
        motion = torch.cat((told, self.encoder(disparity, costs)), dim=1)
        hidden = self.gru04(attention, hidden, motion)
        return hidden, self.disp_head(hidden)


class Mixing(nn.Module):
    """Enlarge what the recurrent network knows, and mix it with the left image at that size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = enlarging(_MASK, _STEM, nn.LeakyReLU())
        self.conv2 = conv(2 * _STEM, _UPSAMPLING, nn.LeakyReLU())

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """``(N, 16, H, W)`` and the image's ``(N, 16, 2 H, 2 W)`` -> ``(N, 32, 2 H, 2 W)``."""
        out: Tensor = self.conv2(torch.cat((self.conv1(coarse), fine), dim=1))
        return out


class IterativeStereo(nn.Module):
    """The network of H."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.fnet = FeatureNet()
        self.cost_agg = Aggregation(config)
        self.stem_2 = nn.Sequential(
            conv(3, _STEM, InstanceNorm(), nn.LeakyReLU(), stride=2),
            conv(_STEM, _STEM, InstanceNorm(), nn.ReLU()),
        )
        self.spx_2_gru = Mixing()
        self.spx_gru = nn.ConvTranspose2d(_UPSAMPLING, 9, 4, stride=2, padding=1)
        self.cnet = Context()
        self.cam = ChannelAttention()
        self.sam = SpatialAttention()
        self.update_block = Update()

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Disparity of a batch of rectified pairs; see ``FeedForwardStereo.forward``."""
        features: Sequence[Tensor] = self.fnet(left)
        other = self.fnet(right)[0]
        groups = correlation(features[0], other, DISPARITIES, _GROUPS)
        disparity = expected_disparity(self.cost_agg(groups.mean(dim=1), features))
        hidden, told = self.cnet(features[0])
        told = self.cam(told) * told
        attention = self.sam(told)
        pyramid = CostPyramid(features[0], other, groups)
        for _ in range(_STEPS):
            costs, place = (x.to(hidden.dtype) for x in (pyramid.around(disparity), disparity))
            hidden, change = self.update_block(hidden, told, costs, place, attention)
            disparity = disparity + change
        mask = 0.25 * self.update_block.mask(hidden)
        weights = self.spx_gru(self.spx_2_gru(mask, self.stem_2(left)))
        return upsample(disparity, weights)
