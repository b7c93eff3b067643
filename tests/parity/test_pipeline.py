"""The whole path from image to depth, against the official recipe written out with OpenCV."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from tests.support import photos
from tests.support.checkpoints import VITS, seeded_network
from vizion3d.app import build_container
from vizion3d.core.cqrs import CommandBus
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.networks.depth_anything_v2.network import RECIPE
from vizion3d.runtime.torch_runtime import prepare
from vizion3d.settings import load_settings

Image = NDArray[np.uint8]
SIZES = [(1000, 750), (200, 150), (640, 480), (480, 640), (1920, 1080), (518, 518), (31, 45)]
DEFAULT = 518
"""The recipe's shorter side of what the network sees."""
LESS = 252
"""A shorter side at which the network takes a fifth of the time."""
RUN = [(*size, DEFAULT if size == (640, 480) else LESS) for size in SIZES]


def resized(photo: Image, width: int, height: int) -> Image:
    return np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA))


def official_size(height: int, width: int, target: int) -> tuple[int, int]:
    """``Resize(..., keep_aspect_ratio=True, ensure_multiple_of=14, resize_method="lower_bound")``
    of the official ``util/transform.py``, written out."""
    scale_height, scale_width = target / height, target / width
    if scale_width > scale_height:
        scale_height = scale_width
    else:
        scale_width = scale_height

    def constrain(x: float) -> int:
        y = int(np.round(x / 14) * 14)
        return y if y >= target else int(np.ceil(x / 14) * 14)

    return constrain(scale_height * height), constrain(scale_width * width)


def official_input(photo: Image, input_size: int = DEFAULT) -> NDArray[np.float32]:
    """``image2tensor`` of the official ``dpt.py``, for an image that is RGB already."""
    rows, columns = photo.shape[:2]
    height, width = official_size(rows, columns, input_size)
    image = cv2.resize(photo / 255.0, (width, height), interpolation=cv2.INTER_CUBIC)
    image = (image - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return np.ascontiguousarray(image.transpose(2, 0, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def official() -> Callable[[int, int, int], NDArray[np.float32]]:
    """``infer_image`` of the official code, on transformers' network with official positions.

    For the photo at a width and a height, and the network's input size; each is inferred once.
    """
    from tests.support.peer import give_official_positions, to_transformers  # transformers: slow

    peer = to_transformers(seeded_network(VITS))
    give_official_positions(peer)

    @cache
    @torch.inference_mode()
    def infer(width: int, height: int, input_size: int) -> NDArray[np.float32]:
        photo = resized(photos.coffee(), width, height)
        seen = official_input(photo, input_size)
        depth = peer(torch.from_numpy(seen)[None]).predicted_depth
        depth = F.interpolate(depth[:, None], (height, width), mode="bilinear", align_corners=True)
        return np.asarray(depth[0, 0])

    return infer


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_input_equals_opencvs(size: tuple[int, int]) -> None:
    photo = resized(photos.coffee(), *size)
    ours = prepare(torch.from_numpy(photo)[None], RECIPE.network_size(*photo.shape[:2]), RECIPE)[
        0
    ].numpy()
    theirs = official_input(photo)
    assert ours.shape == theirs.shape
    # In units of the image's range [0, 1], which the recipe divides by the channel's deviation.
    assert np.abs(ours - theirs).max() * max(RECIPE.deviation) < 1e-4


@pytest.fixture(scope="module", params=["torch", "openvino"])
def commands(request: pytest.FixtureRequest, run_folder: Path) -> CommandBus:
    """A library of its own for each runtime, which loads the checkpoint once."""
    settings = load_settings(
        runtime=request.param, precision="fp32", device="cpu", model_cache=run_folder / "parity"
    )
    return build_container(settings).commands


@pytest.mark.parametrize(("width", "height", "input_size"), RUN)
def test_the_depth_equals_the_official_recipes(
    width: int,
    height: int,
    input_size: int,
    commands: CommandBus,
    vits: Path,
    official: Callable[[int, int, int], NDArray[np.float32]],
) -> None:
    photo = resized(photos.coffee(), width, height)
    asked = DepthEstimationCommand(
        photo, model_backend=str(vits), input_size=None if input_size == DEFAULT else input_size
    )
    ours = commands.dispatch(asked)
    theirs = official(width, height, input_size)
    assert np.ptp(theirs) > 1
    assert np.abs(ours.raw_depth - theirs).max() < 1e-3 * np.ptp(theirs)
    assert ours.min_depth == ours.raw_depth.min()
