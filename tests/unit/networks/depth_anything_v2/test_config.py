import pytest
import torch

from vizion3d.networks.base import MismatchError
from vizion3d.networks.depth_anything_v2.config import NetworkConfig, config_from_shapes
from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2

VARIANTS = {
    "vits": NetworkConfig(384, 12, 64, (48, 96, 192, 384)),
    "vitb": NetworkConfig(768, 12, 128, (96, 192, 384, 768)),
    "vitl": NetworkConfig(1024, 24, 256, (256, 512, 1024, 1024)),
    "vit-192x12": NetworkConfig(192, 12, 32, (24, 48, 96, 192)),
    "vit-64x4": NetworkConfig(64, 4, 16, (8, 16, 24, 32), position_grid=16),
}


def shapes_of(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        network = DepthAnythingV2(config)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_read_off_its_shapes(name: str) -> None:
    config = VARIANTS[name]
    assert config_from_shapes(shapes_of(config)) == config
    assert config.variant == name


@pytest.mark.parametrize(
    ("depth", "taps"),
    [
        (12, (2, 5, 8, 11)),
        (24, (4, 11, 17, 23)),
        (4, (0, 1, 2, 3)),
        (16, (3, 7, 11, 15)),
    ],
)
def test_taps(depth: int, taps: tuple[int, ...]) -> None:
    assert NetworkConfig(64, depth, 16, (8, 8, 8, 8)).taps == taps


@pytest.mark.parametrize(("name", "heads"), [("vits", 6), ("vitb", 12), ("vitl", 16)])
def test_heads_are_the_width_by_64(name: str, heads: int) -> None:
    assert VARIANTS[name].num_heads == heads


def test_an_encoder_with_too_few_blocks_is_told() -> None:
    shapes = shapes_of(NetworkConfig(64, 4, 16, (8, 16, 24, 32)))
    few = {n: s for n, s in shapes.items() if not n.startswith("pretrained.blocks.3.")}
    with pytest.raises(MismatchError, match="has 3 blocks, fewer than the 4"):
        config_from_shapes(few)


def test_every_missing_tensor_is_named() -> None:
    shapes = shapes_of(VARIANTS["vits"])
    for name in ("pretrained.pos_embed", "depth_head.projects.2.weight"):
        del shapes[name]
    with pytest.raises(
        MismatchError,
        match=r"lacks the tensors \S*pos_embed, \S*projects\.2\.weight$",
    ):
        config_from_shapes(shapes)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("pretrained.pos_embed", (1, 1000, 384)),
        ("pretrained.pos_embed", (1370,)),
        ("pretrained.patch_embed.proj.weight", (384, 3, 16, 16)),
        ("pretrained.patch_embed.proj.weight", (384, 3, 0, 0)),
        ("pretrained.blocks.0.mlp.fc1.weight", (1536,)),
        ("pretrained.patch_embed.proj.weight", (100, 3, 14, 14)),
        ("depth_head.projects.0.weight", ()),
    ],
)
def test_impossible_shapes_are_told(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(MismatchError, match=r"^has "):
        config_from_shapes(shapes_of(VARIANTS["vits"]) | {name: shape})
