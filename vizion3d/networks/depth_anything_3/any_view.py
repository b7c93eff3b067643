"""The any-view architecture, for one view: depth, confidence and the camera's field of view."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vizion3d.networks.depth_anything_3.config import NetworkConfig
from vizion3d.networks.depth_anything_3.monocular import Backbone
from vizion3d.networks.dinov2 import Block, Encoder
from vizion3d.networks.dpt import DptTrunk, output_convolutions
from vizion3d.networks.sizes import DptSizes, EncoderSizes

_PLACE_WEIGHT = 0.1
_PLACE_BASE = 100.0


class SingleViewEncoder(Encoder):
    """A DINOv2 encoder whose later blocks take turns: within each view, and between all views.

    With one view both see the same tokens, under different rotations. A learned token takes the
    class token's place at the first of these blocks: the camera's features gather in it.
    """

    def __init__(self, sizes: EncoderSizes, joint_from: int) -> None:
        self.joint_from = joint_from
        super().__init__(sizes)
        # The first for the view that the others are seen from, the second for the others.
        self.camera_token = nn.Parameter(torch.zeros(1, 2, sizes.embed_dim))

    def block(self, index: int) -> Block:
        """Block number ``index``: from ``joint_from`` on, with normalised queries and keys."""
        return Block(self.sizes, normalised=index >= self.joint_from)

    def encode(
        self, image: Tensor, positions: Tensor, rotations: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Encode a batch of images, each a view alone.

        Args:
            image: ``(N, 3, H, W)``.
            positions: The positional embedding for that size, ``(1, 1 + H/p * W/p, C)``.
            rotations: ``(2, 2, 1 + H/p * W/p, 64)``, see ``rotation.rotations``.

        Returns:
            The four tapped feature maps, each ``(N, H/p * W/p, 2 C)`` (the last block within views
            beside the tapped one), and the camera's features, ``(N, 2 C)``.
        """
        tokens = self.tokens(image, positions)
        within, features = tokens, []
        camera = self.camera_token[:, :1].expand(tokens.shape[0], -1, -1)
        for index, block in enumerate(self.blocks):
            if index == self.joint_from:
                tokens = torch.cat((camera, tokens[:, 1:]), dim=1)
            between = index >= self.joint_from and index % 2 == 1
            rotation = rotations[int(between)] if index >= self.joint_from else None
            tokens = block(tokens, rotation)
            if not between:
                within = tokens
            if index in self.sizes.taps:
                features.append(torch.cat((within, self.norm(tokens)), dim=-1)[:, 1:])
        return features, torch.cat((within[:, 0], tokens[:, 0]), dim=-1)


class DepthAndConfidenceHead(DptTrunk):
    """Depth and confidence; every feature map is told where its pixels lie."""

    def __init__(self, sizes: DptSizes) -> None:
        super().__init__(sizes)
        self.norm = nn.LayerNorm(sizes.dim_in)
        self.scratch.output_conv2 = output_convolutions(sizes.features, 2)

    def placed(self, x: Tensor, rows: int, cols: int) -> Tensor:
        """Add sines and cosines of each pixel's place, in units of the image's diagonal.

        The image spans ``cols / diagonal`` and ``rows / diagonal`` on both sides of its centre.
        A quarter of the channels each: sine and cosine of the column, then of the row.
        """
        channels, height, width = x.shape[1:]
        diagonal = (rows * rows + cols * cols) ** 0.5
        steps = torch.arange(channels // 4, device=x.device, dtype=torch.float32)
        frequencies = _PLACE_BASE ** (-4 * steps / channels)

        def waves(count: int, span: float) -> Tensor:
            index = torch.arange(count, device=x.device, dtype=torch.float32)
            angles = frequencies[:, None] * (span * (2 * index + 1 - count) / count)
            return torch.cat((torch.sin(angles), torch.cos(angles)))

        across = waves(width, cols / diagonal)[:, None, :].expand(-1, height, -1)
        down = waves(height, rows / diagonal)[:, :, None].expand(-1, -1, width)
        return x + _PLACE_WEIGHT * torch.cat((across, down))[None]

    def forward(self, features: list[Tensor], rows: int, cols: int) -> tuple[Tensor, Tensor]:
        """Four maps ``(N, rows * cols, C)`` -> depth and confidence, each ``(N, rows * p,
        cols * p)``."""
        path = self.trunk([self.norm(feature) for feature in features], rows, cols)
        depth, confidence = self.scratch.output_conv2(path).exp().unbind(1)
        return depth, confidence + 1


class FieldOfViewDecoder(nn.Module):
    """The camera's features ``(N, C)`` -> vertical and horizontal field of view, in radians."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim), nn.ReLU()
        )
        self.fc_fov = nn.Sequential(nn.Linear(dim, 2))

    def forward(self, camera: Tensor) -> Tensor:
        """``(N, C)`` of the camera token -> fields of view ``(N, 2)``, in radians."""
        return F.relu(self.fc_fov(self.backbone(camera)))


class SingleViewDepthAnything3(nn.Module):
    """DA3-Small and its larger sisters, for one photo at a time."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        assert config.joint_from is not None
        self.config = config
        self.backbone = Backbone(SingleViewEncoder(config.encoder, config.joint_from))
        self.head = DepthAndConfidenceHead(config.head)
        self.cam_dec = FieldOfViewDecoder(config.head.dim_in)

    def forward(
        self, image: Tensor, positions: Tensor, rotations: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Depth, confidence and field of view of a batch of images.

        Args:
            image: ``(N, 3, H, W)``, RGB normalised with the ImageNet mean and deviation; H and W
                are multiples of the patch size.
            positions: The positional embedding for that size, ``(1, 1 + H/p * W/p, C)``.
            rotations: ``(2, 2, 1 + H/p * W/p, 64)``, see ``rotation.rotations``.

        Returns:
            Depth, above 0, higher = farther, and confidence, above 1, both ``(N, H, W)``; vertical
            and horizontal field of view in radians, ``(N, 2)``.
        """
        rows, cols = (side // self.config.encoder.patch_size for side in image.shape[-2:])
        features, camera = self.backbone.pretrained.encode(image, positions, rotations)
        depth, confidence = self.head([feature.float() for feature in features], rows, cols)
        return depth, confidence, self.cam_dec(camera.float())
