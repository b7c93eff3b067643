"""The architecture of a checkpoint, read off the shapes of its tensors."""

import re
from dataclasses import dataclass

from vizion3d.networks.base import MismatchError, Shapes
from vizion3d.networks.sizes import ENCODER_NAMES, HEAD_DIM, TAPS, DptSizes, EncoderSizes

PATCH_SIZE = 14
"""Side of a patch, in pixels."""

MIN_DEPTH = 4
"""Fewest blocks that an encoder can have: the head reads the outputs of four."""


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of one Depth Anything V2 network.

    Attributes:
        embed_dim: Width of the encoder's tokens, in channels.
        depth: Number of transformer blocks.
        features: Width of the head's fusion path, in channels.
        head_channels: Widths of the four reassembled feature maps, finest first.
        feed_forward_dim: Hidden width of the feed-forward layers.
        patch_size: Side of one patch, in pixels.
        position_grid: Side of the stored positional grid, in patches (37 = 518 / 14).
    """

    embed_dim: int
    depth: int
    features: int
    head_channels: tuple[int, int, int, int]
    feed_forward_dim: int = 0
    patch_size: int = PATCH_SIZE
    position_grid: int = 37

    def __post_init__(self) -> None:
        if self.feed_forward_dim == 0:
            object.__setattr__(self, "feed_forward_dim", 4 * self.embed_dim)

    @property
    def num_heads(self) -> int:
        """Attention heads of a block."""
        return self.embed_dim // HEAD_DIM

    @property
    def taps(self) -> tuple[int, ...]:
        """Indices of the blocks whose outputs feed the head, in order."""
        return TAPS.get(self.depth) or tuple(self.depth * i // 4 - 1 for i in (1, 2, 3, 4))

    @property
    def encoder(self) -> EncoderSizes:
        """Of the DINOv2 encoder."""
        return EncoderSizes(
            embed_dim=self.embed_dim,
            depth=self.depth,
            feed_forward_dim=self.feed_forward_dim,
            patch_size=self.patch_size,
            position_grid=self.position_grid,
            taps=self.taps,
        )

    @property
    def head(self) -> DptSizes:
        """Of the DPT head."""
        return DptSizes(self.embed_dim, self.features, self.head_channels, self.patch_size)

    @property
    def variant(self) -> str:
        """``"vits"``, ``"vitb"``, ``"vitl"``, or ``"vit-<width>x<depth>"``."""
        known = ENCODER_NAMES.get((self.embed_dim, self.depth))
        return known or f"vit-{self.embed_dim}x{self.depth}"


def config_from_shapes(shapes: Shapes) -> NetworkConfig:
    """Read the architecture off a checkpoint's tensor shapes.

    Args:
        shapes: Tensor name -> shape.

    Raises:
        MismatchError: A defining tensor is missing (all missing ones are named) or has a shape that
            no Depth Anything V2 network has.
    """
    ranks = {
        "pretrained.cls_token": 3,
        "pretrained.pos_embed": 3,
        "pretrained.patch_embed.proj.weight": 4,
        "pretrained.blocks.0.norm1.weight": 1,
        "pretrained.blocks.0.mlp.fc1.weight": 2,
        "pretrained.norm.weight": 1,
        **{f"depth_head.projects.{i}.weight": 4 for i in range(4)},
        "depth_head.scratch.refinenet1.out_conv.weight": 4,
        "depth_head.scratch.output_conv2.2.weight": 4,
    }
    missing = [name for name in ranks if name not in shapes]
    if missing:
        raise MismatchError(f"lacks the tensors {', '.join(missing)}")
    blocks = {int(m[1]) for n in shapes if (m := re.match(r"pretrained\.blocks\.(\d+)\.", n))}
    faults = [
        f"has {n} of shape {tuple(shapes[n])}" for n, r in ranks.items() if len(shapes[n]) != r
    ]
    if not faults:
        faults = _impossible(shapes, len(blocks))
    if faults:
        raise MismatchError(*faults)
    embed_dim, _, patch_size, _ = shapes["pretrained.patch_embed.proj.weight"]
    channels = [shapes[f"depth_head.projects.{i}.weight"][0] for i in range(4)]
    return NetworkConfig(
        embed_dim=embed_dim,
        depth=len(blocks),
        features=shapes["depth_head.scratch.refinenet1.out_conv.weight"][0],
        head_channels=(channels[0], channels[1], channels[2], channels[3]),
        feed_forward_dim=shapes["pretrained.blocks.0.mlp.fc1.weight"][0],
        patch_size=patch_size,
        position_grid=round((shapes["pretrained.pos_embed"][1] - 1) ** 0.5),
    )


def _impossible(shapes: Shapes, depth: int) -> list[str]:
    """What no Depth Anything V2 network has, in words; the ranks are right already."""
    embed_dim, _, *patch = shapes["pretrained.patch_embed.proj.weight"]
    positions = shapes["pretrained.pos_embed"][1] - 1
    faults = []
    if not embed_dim or embed_dim % HEAD_DIM:
        faults.append(f"has a width of {embed_dim}, no multiple of {HEAD_DIM}")
    if patch != [PATCH_SIZE, PATCH_SIZE]:
        faults.append(f"has patches of {patch} pixels, not {PATCH_SIZE}")
    if positions < 1 or round(positions**0.5) ** 2 != positions:
        faults.append(f"has {positions} positions, which are no square")
    if depth < MIN_DEPTH:
        faults.append(f"has {depth} blocks, fewer than the {MIN_DEPTH} that the head reads")
    return faults
