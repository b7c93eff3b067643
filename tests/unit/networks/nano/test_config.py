"""The sizes of a network, told by the shapes of its tensors."""

import pytest
import torch

from vizion3d.networks.base import MismatchError, Shapes
from vizion3d.networks.nano.config import (
    LITE0,
    LITE1,
    LITE2,
    EncoderConfig,
    NanoConfig,
    config_from_shapes,
)
from vizion3d.networks.nano.model import Nano

SMALL = EncoderConfig((8, 8, 16, 16, 24, 24, 32), (1, 1, 2, 1, 1, 3, 1))


def shapes_of(config: NanoConfig) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(t.shape) for name, t in Nano(config).state_dict().items()}


@pytest.mark.parametrize(
    "config",
    [
        NanoConfig(LITE0),
        NanoConfig(LITE1),
        NanoConfig(LITE2),
        NanoConfig(SMALL, (8, 16, 16, 24, 32)),
    ],
)
def test_shapes_tell_the_sizes(config: NanoConfig) -> None:
    assert config_from_shapes(shapes_of(config)) == config


def test_variants_are_named_after_the_encoder() -> None:
    assert [NanoConfig(c).variant for c in (LITE0, LITE1, LITE2)] == ["lite0", "lite1", "lite2"]
    assert NanoConfig(SMALL).variant == "lite"


@pytest.mark.parametrize("missing", ["encoder.stages.4.0.project.weight", "decoder.finest.weight"])
def test_a_missing_tensor_is_named(missing: str) -> None:
    shapes: Shapes = {k: v for k, v in shapes_of(NanoConfig(SMALL)).items() if k != missing}
    with pytest.raises(MismatchError, match=missing):
        config_from_shapes(shapes)
