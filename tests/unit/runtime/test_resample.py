import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vizion3d.runtime.resample import bilinear


@pytest.mark.parametrize("shape", [(518, 924), (14, 14), (28, 42)])
@pytest.mark.parametrize("size", [(1080, 1920), (1, 1), (1, 7), (300, 20), (28, 42)])
def test_it_is_torchs_with_aligned_corners(shape: tuple[int, int], size: tuple[int, int]) -> None:
    depth = np.random.default_rng(0).random((2, *shape), np.float32)
    expected = F.interpolate(
        torch.from_numpy(depth)[:, None], size=size, mode="bilinear", align_corners=True
    )[:, 0].numpy()
    resized = bilinear(depth, *size)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, expected, atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_never_smoothed_away(value: float) -> None:
    depth = np.zeros((1, 14, 14), np.float32)
    depth[0, 5, 7] = value
    for size in ((14, 14), (100, 90)):
        assert not np.isfinite(bilinear(depth, *size)).all()
