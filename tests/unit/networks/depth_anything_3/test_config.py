import pytest
import torch

from tests.support.seeds import (
    DA3_BASE,
    DA3_MONO,
    DA3_SMALL,
    DA3_TINY,
    depth_anything_3_config,
)
from vizion3d.networks.base import MismatchError
from vizion3d.networks.depth_anything_3.any_view import SingleViewDepthAnything3
from vizion3d.networks.depth_anything_3.config import NetworkConfig, config_from_shapes
from vizion3d.networks.depth_anything_3.monocular import MonocularDepthAnything3

Shapes = dict[str, tuple[int, ...]]


def shapes_of(config: NetworkConfig, prefix: str = "model.") -> Shapes:
    single = SingleViewDepthAnything3 if config.joint_from is not None else MonocularDepthAnything3
    with torch.device("meta"):
        state = single(config).state_dict()
    return {prefix + name: tuple(tensor.shape) for name, tensor in state.items()}


@pytest.mark.parametrize("prefix", ["model.", ""])
@pytest.mark.parametrize(
    ("config", "variant"),
    [
        (DA3_SMALL, "vits"),
        (DA3_BASE, "vitb"),
        (DA3_MONO, "vitl"),
        (DA3_TINY, "vit-64x12"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_variant_is_read_off_its_shapes(
    config: NetworkConfig, variant: str, prefix: str
) -> None:
    assert config_from_shapes(shapes_of(config, prefix)) == config
    assert config.variant == variant


def test_every_missing_tensor_is_named() -> None:
    shapes = shapes_of(DA3_SMALL)
    for name in ("model.backbone.pretrained.pos_embed", "model.cam_dec.fc_fov.0.weight"):
        del shapes[name]
    with pytest.raises(
        MismatchError, match=r"lacks the tensors backbone\.pretrained\.pos_embed, cam_dec\.fc_fov"
    ):
        config_from_shapes(shapes)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("backbone.pretrained.pos_embed", (1, 1000, 64)),
        ("backbone.pretrained.pos_embed", (1370,)),
        ("backbone.pretrained.patch_embed.proj.weight", (64, 3, 16, 16)),
        ("backbone.pretrained.patch_embed.proj.weight", (100, 3, 14, 14)),
        ("head.projects.0.weight", ()),
    ],
)
def test_impossible_shapes_are_told(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(MismatchError, match="has "):
        config_from_shapes(shapes_of(DA3_TINY) | {f"model.{name}": shape})


def test_an_encoder_of_another_depth_is_told() -> None:
    shapes = shapes_of(depth_anything_3_config(64, 12, 16, (8, 16, 24, 32), 4))
    few = {n: s for n, s in shapes.items() if ".blocks.11." not in n}
    with pytest.raises(MismatchError, match="has 11 blocks"):
        config_from_shapes(few)
