"""The same weights in transformers' implementation, which shares no code with ours."""

import re
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2

IMAGE_PROCESSOR: dict[str, Any] = {
    "size": {"height": 518, "width": 518},
    "keep_aspect_ratio": True,
    "ensure_multiple_of": 14,
    "resample": 3,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
"""Of its image processor, for the recipe of the released checkpoints."""

_RENAMED = [
    (r"^pretrained\.pos_embed$", "backbone.embeddings.position_embeddings"),
    (r"^pretrained\.(cls_token|mask_token)$", r"backbone.embeddings.\1"),
    (r"^pretrained\.patch_embed\.proj\.", "backbone.embeddings.patch_embeddings.projection."),
    (r"^pretrained\.norm\.", "backbone.layernorm."),
    (r"^pretrained\.blocks\.", "backbone.encoder.layer."),
    (r"\.attn\.proj\.", ".attention.o_proj."),
    (r"\.ls([12])\.gamma$", r".layer_scale\1.lambda1"),
    (r"^depth_head\.projects\.(\d)\.", r"neck.reassemble_stage.layers.\1.projection."),
    (r"^depth_head\.resize_layers\.(\d)\.", r"neck.reassemble_stage.layers.\1.resize."),
    (r"^depth_head\.scratch\.output_conv1\.", "head.conv1."),
    (r"^depth_head\.scratch\.output_conv2\.0\.", "head.conv2."),
    (r"^depth_head\.scratch\.output_conv2\.2\.", "head.conv3."),
    (r"\.resConfUnit([12])\.conv([12])\.", r".residual_layer\1.convolution\2."),
    (r"\.out_conv\.", ".projection."),
    (r"\.mlp\.w3\.", ".mlp.down_proj."),
]


def _rename(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = re.sub(pattern, replacement, name)
    name = re.sub(
        r"^depth_head\.scratch\.layer(\d)_rn\.", lambda m: f"neck.convs.{int(m[1]) - 1}.", name
    )
    return re.sub(
        r"^depth_head\.scratch\.refinenet(\d)\.",
        lambda m: f"neck.fusion_stage.layers.{4 - int(m[1])}.",
        name,
    )


def _weights(network: DepthAnythingV2) -> dict[str, Tensor]:
    weights = {}
    for name, tensor in network.state_dict().items():
        if ".attn.qkv." in name:
            prefix, kind = name.split("attn.qkv.")
            for letter, part in zip("qkv", tensor.chunk(3), strict=True):
                weights[_rename(f"{prefix}attention.{letter}_proj.{kind}")] = part
        elif ".mlp.w12." in name:
            prefix, kind = name.split("mlp.w12.")
            for part, half in zip(("gate", "up"), tensor.chunk(2), strict=True):
                weights[_rename(f"{prefix}mlp.{part}_proj.{kind}")] = half
        else:
            weights[_rename(name)] = tensor
    return weights


def to_transformers(network: DepthAnythingV2) -> DepthAnythingForDepthEstimation:
    """transformers' model with the weights of ``network``."""
    config = network.config
    fields: dict[str, Any] = {
        "hidden_size": config.embed_dim,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.num_heads,
        "image_size": 518,
        "patch_size": 14,
        "out_indices": [tap + 1 for tap in config.taps],
        "reshape_hidden_states": False,
        "apply_layernorm": True,
    }
    backbone = Dinov2Config(**fields)
    metric = network.max_depth_m is not None
    model = DepthAnythingForDepthEstimation(
        DepthAnythingConfig(
            backbone_config=backbone,
            reassemble_hidden_size=config.embed_dim,
            patch_size=14,
            neck_hidden_sizes=list(config.head_channels),
            fusion_hidden_size=config.features,
            head_hidden_size=32,
            depth_estimation_type="metric" if metric else "relative",
            max_depth=int(network.max_depth_m or 1),
        )
    )
    model.load_state_dict(_weights(network), strict=True)
    model.eval()
    return model


def official_positions(stored: Tensor, rows: int, cols: int) -> Tensor:
    """The official code's resampling of the positional embedding, written out.

    facebookresearch/dinov2, ``interpolate_pos_encoding`` with ``interpolate_offset=0.1``.
    """
    grid = int((stored.shape[1] - 1) ** 0.5)
    patches = stored[:, 1:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
    factors = (float(rows + 0.1) / grid, float(cols + 0.1) / grid)
    patches = F.interpolate(patches, scale_factor=factors, mode="bicubic", antialias=False)
    return torch.cat((stored[:, :1], patches.permute(0, 2, 3, 1).flatten(1, 2)), dim=1)


def give_official_positions(model: DepthAnythingForDepthEstimation) -> None:
    """Have transformers' model resample its positional embedding as the official code does."""
    embeddings = model.backbone.embeddings

    def resampled(_tokens: Tensor, height: int, width: int) -> Tensor:
        rows, cols = height // 14, width // 14
        stored: Tensor = embeddings.position_embeddings
        if rows * cols == stored.shape[1] - 1 and rows == cols:
            return stored
        return official_positions(stored, rows, cols)

    embeddings.interpolate_pos_encoding = resampled
