"""Our network against the official one, on the same full-size weights.

``data/depth_anything_3.npz`` holds what the package ``depth-anything-3`` 0.1.1 gave in float32 for
weights and images of ``tests/support/seeds.py``: the outputs of its head (``net.head(...)``, before
the sky is filled in) and of its camera decoder, every 14th pixel from the 7th. ``..._input.npz``
holds what its ``InputProcessor`` makes of images, every 9th pixel from the 3rd.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.support.seeds import (
    DA3_BASE,
    DA3_MONO,
    DA3_SMALL,
    save_depth_anything_3,
    smooth_image,
)
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.checkpoints.weights import load
from vizion3d.networks.depth_anything_3.config import NetworkConfig
from vizion3d.networks.depth_anything_3.recipe import RECIPE, resize
from vizion3d.runtime.conversions import convert
from vizion3d.runtime.openvino_library import core, hints_for

DATA = Path(__file__).parent / "data"
# One of each architecture at several sizes; the wider one is the same code.
CASES = {
    "da3-small": (DA3_SMALL, [(504, 378), (378, 504), (280, 504)]),
    "da3-base": (DA3_BASE, [(280, 504)]),
    "da3mono-large": (DA3_MONO, [(140, 252)]),
}


def deviation(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Largest difference as a share of the reference's range."""
    spread = float(theirs.max() - theirs.min())
    assert spread > 0.1, "a reference without contrast would prove nothing"
    return float(np.abs(ours - theirs).max()) / spread


@pytest.mark.full_size
@pytest.mark.parametrize("name", CASES)
@torch.inference_mode()
def test_the_outputs_equal_the_official_ones_in_both_frameworks(name: str, tmp_path: Path) -> None:
    config, sizes = CASES[name]
    reference = np.load(DATA / "depth_anything_3.npz")
    store = CheckpointStore(tmp_path)
    checkpoint = store.read(
        save_depth_anything_3(tmp_path / "model.safetensors", config)
    ).checkpoint
    network = checkpoint.network
    assert network.variant == {"da3-small": "vits", "da3-base": "vitb"}.get(name, "vitl")
    loaded = load(checkpoint)
    converted = core.compile_model(convert(checkpoint)[0], "CPU", hints_for("fp32"))
    for height, width in sizes:
        image = smooth_image(height, width)
        extras = network.extras(loaded.constants, (height, width))
        in_torch = loaded.module(image, *(torch.from_numpy(extra) for extra in extras))
        in_openvino = converted([image.numpy(), *extras])
        for index, output in enumerate(network.outputs):
            for answer in (in_torch[index].numpy(), in_openvino[index]):
                if output.meaning.is_map:
                    theirs = reference[f"{name}_{output.name}_{height}x{width}"]
                    assert deviation(answer[0, 7::14, 7::14], theirs) < 1e-4, (output, height)
                else:
                    theirs = reference[f"{name}_fov_{height}x{width}"]
                    np.testing.assert_allclose(answer[0], theirs, rtol=1e-4)


@pytest.mark.parametrize(
    ("height", "width"), [(300, 400), (777, 1023), (640, 371), (123, 457), (1512, 2016)]
)
def test_images_are_resized_as_the_official_code_does(height: int, width: int) -> None:
    import cv2

    sizes = [(300, 400), (777, 1023), (640, 371), (123, 457), (1512, 2016)]
    generator = np.random.default_rng(0)
    for rows, cols in sizes:  # one generator made all of them, in this order
        noise = generator.integers(0, 256, (rows // 16 + 2, cols // 16 + 2, 3), np.uint8)
        if (rows, cols) == (height, width):
            break
    image = np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    reference = np.load(DATA / "depth_anything_3_input.npz")
    size = RECIPE.network_size(height, width)
    assert size == tuple(reference[f"size_{height}x{width}"])
    ours = resize(image[None], size)[0, 3::9, 3::9].astype(int)
    # Releases of OpenCV round a few pixels by one differently.
    assert np.abs(ours - reference[f"{height}x{width}"]).max() <= 1


def test_a_metric_network_gives_metres_per_pixel_of_focal_length() -> None:
    from tests.support.seeds import DA3_MONO_TINY
    from vizion3d.networks.depth_anything_3.monocular import MonocularDepthAnything3

    tiny: NetworkConfig = DA3_MONO_TINY
    mono, metric = MonocularDepthAnything3(tiny), MonocularDepthAnything3(tiny, metric=True)
    metric.load_state_dict(mono.state_dict())
    image = smooth_image(84, 112)
    with torch.inference_mode():
        positions = mono.backbone.pretrained.positional_embedding(6, 8)
        depth, sky = mono(image, positions)
        per_focal, same_sky = metric(image, positions)
    # Official README: metres = focal length in pixels * output / 300.
    torch.testing.assert_close(300 * per_focal, depth)
    assert torch.equal(sky, same_sky)
