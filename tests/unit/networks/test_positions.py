import numpy as np
import pytest
import torch

from vizion3d.networks.depth_anything_v2.config import NetworkConfig
from vizion3d.networks.dinov2 import Encoder
from vizion3d.networks.positions import resample_positions


@pytest.mark.parametrize("grid", [16, 37])
@pytest.mark.parametrize("rows", [1, 2, 37, 49, 146])
@pytest.mark.parametrize("cols", [1, 36, 37, 74])
@torch.inference_mode()
def test_the_resampling_equals_torchs(grid: int, rows: int, cols: int) -> None:
    encoder = Encoder(NetworkConfig(64, 4, 8, (8, 8, 8, 8), position_grid=grid).encoder)
    encoder.pos_embed.normal_(generator=torch.Generator().manual_seed(grid))
    expected = encoder.positional_embedding(rows, cols).numpy()
    ours = resample_positions(encoder.pos_embed.numpy(), rows, cols)
    assert (ours.shape, ours.dtype) == (expected.shape, np.float32)
    np.testing.assert_allclose(ours, expected, atol=2e-5)
