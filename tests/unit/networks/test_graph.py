"""The parts that files hold inside give what the library hands to its networks."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.support.fakes import RELATIVE
from tests.support.seeds import DA3_TINY, LAS2
from vizion3d.networks import graph
from vizion3d.networks.base import Network
from vizion3d.networks.depth_anything_3.network import DepthAnything3Network
from vizion3d.networks.lite_any_stereo.network import LiteAnyStereoNetwork
from vizion3d.networks.nano.config import LITE0, NanoConfig
from vizion3d.networks.nano.network import NanoNetwork
from vizion3d.networks.positions import resample_positions

STORED = np.random.default_rng(0).standard_normal((1, 1 + 37 * 37, 6)).astype(np.float32)
CONSTANTS = {"positions": STORED}
NETWORKS: dict[str, Network] = {
    "v2": RELATIVE,
    "da3": DepthAnything3Network(DA3_TINY),
    "las2": LiteAnyStereoNetwork(LAS2["las2-s"]),
}


def counted(*numbers: int) -> list[Tensor]:
    return [torch.tensor(number) for number in numbers]


def parts_of(network: Network) -> graph.GraphParts:
    parts = network.graph_parts(CONSTANTS)
    assert parts is not None
    return parts


@pytest.mark.parametrize("name", NETWORKS)
@given(height=st.integers(10, 4100), width=st.integers(10, 4100))
def test_the_size_is_the_recipes(name: str, height: int, width: int) -> None:
    recipe = NETWORKS[name].recipe
    if max(height, width) > 8 * min(height, width):
        return  # refused, where a file has nobody to tell
    rows, cols = parts_of(NETWORKS[name]).network_size(*counted(height, width))
    assert (int(rows), int(cols)) == recipe.network_size(height, width)


@pytest.mark.parametrize(("rows", "cols"), [(37, 37), (37, 49), (49, 37), (1, 50), (20, 20)])
def test_positions_are_resampled_as_without_torch(rows: int, cols: int) -> None:
    found = graph.resample_positions(torch.from_numpy(STORED), 37, *counted(rows, cols))
    np.testing.assert_allclose(found, resample_positions(STORED, rows, cols), atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(28, 42), (518, 518), (504, 378)])
@pytest.mark.parametrize("name", ["v2", "da3"])
def test_extra_inputs_are_those_that_are_handed_in(name: str, height: int, width: int) -> None:
    network = NETWORKS[name]
    expected = network.extras(CONSTANTS, (height, width))
    found = parts_of(network).extras(*counted(height, width))
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize(
    ("height", "width", "network_size"),
    [
        (1008, 756, (504, 378)),  # reduced to the half, where OpenCV rounds in another way
        (1512, 1134, (504, 378)),  # reduced by another whole factor
        (777, 1023, (378, 504)),  # reduced, then a little more
        (1000, 1920, (266, 504)),  # reduced, then a little enlarged
        (90, 61, (504, 336)),
        (504, 378, (504, 378)),
    ],
)
def test_photos_are_resized_as_opencv_does(
    height: int, width: int, network_size: tuple[int, int]
) -> None:
    network = NETWORKS["da3"]
    assert network.recipe.network_size(height, width) == network_size
    check_resize(network, height, width, network_size)


@pytest.mark.parametrize(("height", "width"), [(400, 600), (600, 400), (100, 134)])
def test_photos_are_resized_as_pillow_does(height: int, width: int) -> None:
    network = NanoNetwork(NanoConfig(LITE0))
    check_resize(network, height, width, network.recipe.network_size(height, width))


def check_resize(network: Network, height: int, width: int, size: tuple[int, int]) -> None:
    image = np.random.default_rng(height).integers(0, 256, (1, height, width, 3), np.uint8)
    assert network.recipe.host_resize is not None
    expected = network.recipe.host_resize(image, size).astype(np.float32)
    batch = torch.from_numpy(image).permute(0, 3, 1, 2).float()
    rows, cols = counted(*size)
    found = parts_of(network).resize(batch, (rows, cols)).permute(0, 2, 3, 1).numpy()
    difference = np.abs(found - expected)
    # What lies halfway between two values may go to the other one, in each of two passes.
    assert difference.max() <= 2
    assert (difference > 0).mean() < 0.05
