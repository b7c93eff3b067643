"""What ``nano`` says of itself, and the whole network at any size."""

import numpy as np
import pytest
import torch

from vizion3d.networks.base import Header, Meaning, MismatchError
from vizion3d.networks.nano import FAMILY
from vizion3d.networks.nano.config import EncoderConfig, NanoConfig
from vizion3d.networks.nano.model import Nano
from vizion3d.networks.nano.network import RECIPE, NanoNetwork, resize

CONFIG = NanoConfig(EncoderConfig((8, 8, 16, 16, 24, 24, 32), (1,) * 7), (8, 16, 16, 24, 32))


@pytest.fixture
def net() -> Nano:
    torch.manual_seed(0)
    return Nano(CONFIG).eval()


@torch.inference_mode()
@pytest.mark.parametrize("size", [(32, 32), (64, 96), (160, 96)])
def test_one_inverse_depth_per_pixel(net: Nano, size: tuple[int, int]) -> None:
    depth = net(torch.randn(2, 3, *size))
    assert depth.shape == (2, *size)
    assert depth.min() >= 0


@torch.inference_mode()
def test_a_batch_is_its_images_one_by_one(net: Nano) -> None:
    images = torch.randn(3, 3, 64, 96)
    single = torch.cat([net(image[None]) for image in images])
    torch.testing.assert_close(net(images), single, rtol=1e-4, atol=1e-5)


def test_the_family_recognises_its_files_and_builds_them(net: Nano) -> None:
    state = net.state_dict()
    network = FAMILY.recognise(Header({name: tuple(t.shape) for name, t in state.items()}))
    assert network == NanoNetwork(CONFIG)
    assert [o.meaning for o in network.outputs] == [Meaning.INVERSE_DEPTH]
    halves = {name: tensor.half() for name, tensor in state.items()}
    built = network.build(halves)
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(built(image), net(image), rtol=0, atol=1e-2)
    del halves["decoder.narrow.bias"]
    with pytest.raises(MismatchError, match=r"decoder\.narrow\.bias"):
        network.build(halves)


def test_other_files_are_not_of_this_family() -> None:
    with pytest.raises(MismatchError, match="lacks"):
        FAMILY.recognise(Header({"pretrained.cls_token": (1, 1, 384)}))


@pytest.mark.parametrize(
    ("image", "expected"),
    [((480, 640), (256, 352)), ((741, 500), (384, 256)), ((300, 300), (256,) * 2)],
)
def test_the_shorter_side_becomes_256(image: tuple[int, int], expected: tuple[int, int]) -> None:
    assert RECIPE.network_size(*image) == expected


def test_shrinking_takes_means() -> None:
    fine = np.indices((128, 128)).sum(0) % 2 * 255
    image = np.repeat(fine[None, ..., None], 3, axis=3).astype(np.uint8)
    small = resize(image, (32, 32))
    assert small.shape == (1, 32, 32, 3)
    assert abs(small.astype(int) - 127).max() <= 2


def test_growing_stays_within_the_values() -> None:
    image = np.zeros((1, 8, 8, 3), np.uint8)
    image[:, 4:] = 200
    large = resize(image, (32, 32))
    assert large.min() == 0
    assert large.max() == 200
