"""Sizes of the parts that several families of networks are built from; free of torch."""

from dataclasses import dataclass

HEAD_DIM = 64
"""Channels of one attention head, in every DINOv2 encoder."""

TAPS = {12: (2, 5, 8, 11), 24: (4, 11, 17, 23)}
"""Depth of the encoder -> blocks whose output the head reads (official configuration)."""

ENCODER_NAMES = {(384, 12): "vits", (768, 12): "vitb", (1024, 24): "vitl"}


@dataclass(frozen=True)
class EncoderSizes:
    """Sizes of one DINOv2 encoder.

    Attributes:
        embed_dim: Width of the tokens, in channels.
        depth: Number of transformer blocks.
        feed_forward_dim: Hidden width of the feed-forward layers.
        patch_size: Side of one patch, in pixels.
        position_grid: Side of the stored positional grid, in patches (37 = 518 / 14).
        taps: Indices of the blocks whose outputs are read, in order.
        norm_eps: Epsilon of the last normalisation.
        mask_token: Whether the checkpoint carries the token that training masks patches with.
    """

    embed_dim: int
    depth: int
    feed_forward_dim: int
    patch_size: int
    position_grid: int
    taps: tuple[int, ...]
    norm_eps: float = 1e-6
    mask_token: bool = True

    @property
    def num_heads(self) -> int:
        """Attention heads of a block."""
        return self.embed_dim // HEAD_DIM


@dataclass(frozen=True)
class DptSizes:
    """Sizes of one DPT head.

    Attributes:
        dim_in: Width of the feature maps that it reads, in channels.
        features: Width of its fusion path.
        channels: Widths of the four reassembled feature maps, finest first.
        patch_size: Side of one patch of the encoder, in pixels.
        spare_unit: Whether the coarsest fusion carries a first unit that nothing uses.
    """

    dim_in: int
    features: int
    channels: tuple[int, int, int, int]
    patch_size: int
    spare_unit: bool = True
