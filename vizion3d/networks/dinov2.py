"""The DINOv2 vision transformer that encodes the image (Oquab et al. 2023, arXiv:2304.07193).

Parameter names are the checkpoints' own (``pretrained.*``), so loading is strict.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vizion3d.networks.sizes import HEAD_DIM, EncoderSizes

POSITION_OFFSET = 0.1
"""Added to the target grid before the scale factor is taken, as the official code does."""


class PatchEmbed(nn.Module):
    """``(N, 3, H, W)`` -> ``(N, H/p * W/p, C)``: one linear map per patch, row by row."""

    def __init__(self, patch_size: int, embed_dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, embed_dim, patch_size, patch_size)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        patches: Tensor = self.proj(image)
        return patches.flatten(2).transpose(1, 2)


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Turn pairs of channels by angles that follow from the token's place (Su et al. 2021,
    arXiv:2104.09864): the first half of the channels by its row, the second by its column.

    Args:
        x: ``(N, heads, tokens, 4 k)``.
        rotation: Cosine and sine of the angles, ``(2, tokens, 4 k)``.
    """
    row_a, row_b, col_a, col_b = x.chunk(4, dim=-1)
    return x * rotation[0] + torch.cat((-row_b, row_a, -col_b, col_a), dim=-1) * rotation[1]


class Attention(nn.Module):
    """Self-attention of tokens ``(N, tokens, C)``, in heads of 64 channels.

    Args:
        dim: C.
        num_heads: How many.
        normalised: Queries and keys are normalised, each head by itself.
    """

    def __init__(self, dim: int, num_heads: int, *, normalised: bool = False) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.q_norm = nn.LayerNorm(HEAD_DIM) if normalised else nn.Identity()
        self.k_norm = nn.LayerNorm(HEAD_DIM) if normalised else nn.Identity()

    def forward(self, x: Tensor, rotation: Tensor | None = None) -> Tensor:
        """Mix the tokens with one another.

        Args:
            x: ``(N, tokens, C)``.
            rotation: For :func:`rotate`, ``(2, tokens, 64)``; ``None`` where no place is told.

        Returns:
            ``(N, tokens, C)``.
        """
        n, tokens, dim = x.shape
        qkv = self.qkv(x).reshape(n, tokens, 3, self.num_heads, dim // self.num_heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        query, key = self.q_norm(query), self.k_norm(key)
        if rotation is not None:
            query, key = rotate(query, rotation), rotate(key, rotation)
        mixed = F.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(n, tokens, dim))
        return out


class LayerScale(nn.Module):
    """One learnt factor a channel (Touvron et al. 2021, arXiv:2103.17239)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, tokens, C)`` -> the same shape."""
        return x * self.gamma


class Mlp(nn.Module):
    """Two linear layers with a GELU between them, each token by itself."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, tokens, C)`` -> the same shape."""
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class Block(nn.Module):
    """A transformer block, normalised before each of its two steps.

    Args:
        sizes: Of the encoder.
        normalised: As for :class:`Attention`.
    """

    def __init__(self, sizes: EncoderSizes, *, normalised: bool = False) -> None:
        super().__init__()
        dim = sizes.embed_dim
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, sizes.num_heads, normalised=normalised)
        self.ls1 = LayerScale(dim)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, sizes.feed_forward_dim)
        self.ls2 = LayerScale(dim)

    def forward(self, x: Tensor, rotation: Tensor | None = None) -> Tensor:
        """``(N, tokens, C)`` -> the same shape; ``rotation`` as for :class:`Attention`."""
        x = x + self.ls1(self.attn(self.norm1(x), rotation))
        out: Tensor = x + self.ls2(self.mlp(self.norm2(x)))
        return out


class Encoder(nn.Module):
    """The whole encoder.

    Args:
        sizes: Its sizes.
    """

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        dim = sizes.embed_dim
        self.sizes = sizes
        self.patch_embed = PatchEmbed(sizes.patch_size, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + sizes.position_grid**2, dim))
        if sizes.mask_token:
            # Used only to train the encoder, but in the checkpoint: strict loading needs it.
            self.mask_token = nn.Parameter(torch.zeros(1, dim))
        self.blocks = nn.ModuleList(self.block(index) for index in range(sizes.depth))
        self.norm = nn.LayerNorm(dim, eps=sizes.norm_eps)

    def block(self, _index: int) -> Block:
        """The block of that index; subclasses have others."""
        return Block(self.sizes)

    def positional_embedding(self, rows: int, cols: int) -> Tensor:
        """The stored embedding resampled to a grid of ``rows`` x ``cols`` patches.

        Bicubic with *scale factors* ``(rows + 0.1) / grid``, as the official code has it: handing
        the target size to the resampler instead shifts every sample a little, and so the depth.

        Returns:
            ``(1, 1 + rows * cols, C)``, the class token's embedding first.
        """
        grid = self.sizes.position_grid
        if rows == cols == grid:
            return self.pos_embed
        dim = self.pos_embed.shape[-1]
        # The resampling runs in float32: it is cheap, and half precision would move the patches.
        patches = self.pos_embed[:, 1:].float().reshape(1, grid, grid, dim).permute(0, 3, 1, 2)
        scale = ((rows + POSITION_OFFSET) / grid, (cols + POSITION_OFFSET) / grid)
        patches = F.interpolate(patches, scale_factor=scale, mode="bicubic")
        patches = patches.permute(0, 2, 3, 1).reshape(1, rows * cols, dim)
        return torch.cat((self.pos_embed[:, :1], patches.to(self.pos_embed.dtype)), dim=1)

    def forward(self, image: Tensor, positions: Tensor) -> list[Tensor]:
        """Encode a batch of images.

        Args:
            image: ``(N, 3, H, W)``.
            positions: The positional embedding for that size, ``(1, 1 + H/p * W/p, C)``.

        Returns:
            The four tapped feature maps, each ``(N, H/p * W/p, C)``.
        """
        tokens = self.tokens(image, positions)
        features = []
        for index, block in enumerate(self.blocks):
            tokens = block(tokens)
            if index in self.sizes.taps:
                features.append(self.norm(tokens)[:, 1:])
        return features

    def tokens(self, image: Tensor, positions: Tensor) -> Tensor:
        """What goes into the first block, ``(N, 1 + H/p * W/p, C)``: the class token first."""
        patches = self.patch_embed(image)
        first = self.cls_token.expand(patches.shape[0], -1, -1)
        return torch.cat((first, patches), dim=1) + positions
