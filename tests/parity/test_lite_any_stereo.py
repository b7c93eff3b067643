"""Our networks against the authors', on the same full-size weights.

``data/lite_any_stereo.npz`` holds what the authors' code (github.com/TomTomTommi/LiteAnyStereo at
8c97bd4, ``model(left, right, test_mode=True)``) gave in float32 for weights and pairs of
``tests/support/seeds.py``: every 8th pixel from the 4th.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.seeds import LAS2, save_lite_any_stereo, stereo_pair
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.checkpoints.weights import load
from vizion3d.runtime.conversions import convert
from vizion3d.runtime.openvino_library import core, hints_for

REFERENCE = Path(__file__).parent / "data" / "lite_any_stereo.npz"
# The first of the feed-forward networks at several sizes; its larger ones are the same code.
SIZES = {
    "las2-s": [(128, 320), (256, 256), (320, 224)],
    "las2-m": [(128, 320)],
    "las2-l": [(128, 320)],
    "las2-h": [(128, 320), (320, 224)],
}


@pytest.mark.full_size
@pytest.mark.parametrize("name", LAS2)
@torch.inference_mode()
def test_the_disparity_equals_the_authors_in_both_frameworks(name: str, tmp_path: Path) -> None:
    reference = np.load(REFERENCE)
    path = save_lite_any_stereo(tmp_path / "LAS2.pth", LAS2[name])
    checkpoint = CheckpointStore(tmp_path).read(path).checkpoint
    assert checkpoint.network.variant == name
    module = load(checkpoint).module
    converted = core.compile_model(convert(checkpoint)[0], "CPU", hints_for("fp32"))
    mean, deviation = (
        torch.tensor(v).view(1, 3, 1, 1)
        for v in (checkpoint.network.recipe.mean, checkpoint.network.recipe.deviation)
    )
    for height, width in SIZES[name]:
        left, right = ((image / 255 - mean) / deviation for image in stereo_pair(height, width))
        theirs = reference[f"{name}_{height}x{width}"]
        spread = theirs.max() - theirs.min()
        assert spread > 20, "a reference without contrast would prove nothing"
        for ours in (
            module(left, right).numpy(),
            converted([left.numpy(), right.numpy()])[0],
        ):
            assert ours.shape == (1, height, width)
            assert np.abs(ours[0, 4::8, 4::8] - theirs).max() / spread < 1e-4, (height, width)
