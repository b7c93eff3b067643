from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.seeds import LAS2, lite_any_stereo_module, save_lite_any_stereo, stereo_pair
from vizion3d.checkpoints.catalogue import BY_NAME
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.checkpoints.weights import load
from vizion3d.errors import CheckpointError
from vizion3d.lifting.meaning import depth_of
from vizion3d.networks.base import Meaning
from vizion3d.networks.lite_any_stereo.iterative import look_up
from vizion3d.networks.lite_any_stereo.network import RECIPE
from vizion3d.runtime.torch_runtime import TorchRuntime


@pytest.mark.parametrize("name", ["las2-s", "las2-h"])
def test_a_released_file_is_recognised_by_its_tensors(name: str, tmp_path: Path) -> None:
    read = CheckpointStore(tmp_path).read(save_lite_any_stereo(tmp_path / "a.pth", LAS2[name]))
    network = read.checkpoint.network
    assert (network.variant, network.inputs) == (name, ("left", "right"))
    assert [output.meaning for output in network.outputs] == [Meaning.DISPARITY_PX]
    assert read.parameters == BY_NAME[name].parameters
    with pytest.raises(CheckpointError, match=r"makes disparity of left, right"):
        depth_of(read.checkpoint)


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(500, 741, (512, 736)), (128, 320, (128, 320)), (1080, 1920, (864, 1536)), (20, 20, (32, 32))],
)
def test_images_are_seen_at_their_own_size(height: int, width: int, size: tuple[int, int]) -> None:
    assert RECIPE.network_size(height, width) == size


def test_a_file_with_other_tensors_is_told(tmp_path: Path) -> None:
    path = save_lite_any_stereo(tmp_path / "a.pth", LAS2["las2-s"])
    tensors = torch.load(path, weights_only=True)
    tensors["refine_1.0.block.0.weight"] = torch.zeros(3)
    del tensors["refine_3.block.0.weight"]
    torch.save(tensors, path)
    with pytest.raises(
        CheckpointError, match=r"Lite Any Stereo V2 las2-s .*lacks refine_3.*refine_1\.0"
    ):
        load(CheckpointStore(tmp_path).read(path).checkpoint)


def test_a_pair_goes_through_the_runtime_by_the_names_of_its_images(tmp_path: Path) -> None:
    path = save_lite_any_stereo(tmp_path / "a.pth", LAS2["las2-s"])
    runtime = TorchRuntime(CheckpointStore(tmp_path).read(path).checkpoint, "cpu")
    left, right = (
        image[0].permute(1, 2, 0).to(torch.uint8).numpy()[None] for image in stereo_pair(64, 96)
    )
    maps = runtime.infer({"left": left, "right": right}, (64, 96))
    swapped = runtime.infer({"left": right, "right": left}, (64, 96))
    assert maps["disparity"].shape == (1, 64, 96)
    assert not np.allclose(maps["disparity"], swapped["disparity"])
    # In the pixels of the image handed in, at whatever size the network saw it.
    module = lite_any_stereo_module(LAS2["las2-s"])
    seen_larger = runtime.infer({"left": left, "right": right}, (128, 192))["disparity"]
    assert seen_larger.shape == (1, 64, 96)
    assert seen_larger.max() < 192 / 2 + 1
    assert module(*stereo_pair(64, 96)).shape == (1, 64, 96)


def test_looking_up_interpolates_and_is_zero_beyond_the_ends() -> None:
    """Against ``grid_sample``, with which the authors do it."""
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(5, 3, 1, 12, generator=generator)
    position = 20 * torch.rand(5, 1, 1, 1, generator=generator) - 4
    x = position + torch.arange(-4, 5).view(1, 1, 9, 1)
    grid = torch.cat((2 * x / 11 - 1, torch.zeros_like(x)), dim=-1)
    expected = torch.nn.functional.grid_sample(values, grid, align_corners=True)
    ours = look_up(values, position.expand(-1, 3, -1, -1), dim=3)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)
