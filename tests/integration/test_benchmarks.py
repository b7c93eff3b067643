"""Benchmarks that need hardware that is not here still run."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytestmark = pytest.mark.process


def test_the_gpu_benchmark_runs_on_a_cpu(uncounted: None, tmp_path: Path) -> None:
    out = tmp_path / "report.md"
    options = "--device cpu --encoder tiny --batches 2 --photos 2 --rounds 1 --matrix 64"
    subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *options.split(), "--out", out], check=True
    )
    report = out.read_text()
    assert "Worst deviation from fp32: 0.00%" in report
    assert "| transformers, batch 2 |" in report


STAND_IN = '''
import numpy as np
from torchvision.transforms import Compose


class DepthAnythingV2:
    """The official class by its calls; depth is the image's blue channel."""

    def __init__(self, encoder, features, out_channels):
        assert (encoder, features, out_channels) == ("vits", 64, [48, 96, 192, 384])

    def load_state_dict(self, weights):
        assert set(weights) == {"weight"}

    def eval(self):
        return self

    def infer_image(self, image):
        return Compose([np.float32, lambda bgr: bgr[..., 0]])(image)
'''


def test_a_checkout_that_is_none_is_told() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import benchmarks.contestants"],
        env={**os.environ, "DEPTH_ANYTHING_V2": "elsewhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "DEPTH_ANYTHING_V2=elsewhere is not the absolute path of a checkout" in run.stderr


def test_a_checkout_of_the_official_code_is_a_contestant(tmp_path: Path) -> None:
    package = tmp_path / "checkout" / "depth_anything_v2"
    package.mkdir(parents=True)
    (package / "dpt.py").write_text(STAND_IN)
    checkpoint = tmp_path / "depth_anything_v2_vits.pth"
    torch.save({"weight": torch.ones(1)}, checkpoint)
    photo, png = tmp_path / "photo.png", tmp_path / "depth.png"
    blue = np.arange(0, 48, 2, dtype=np.uint8).reshape(4, 6)
    Image.fromarray(np.stack((blue * 0, blue * 0, blue), axis=2)).save(photo)
    subprocess.run(
        [sys.executable, "benchmarks/workers.py", "official", checkpoint, photo, png],
        env={**os.environ, "DEPTH_ANYTHING_V2": str(package.parent)},
        check=True,
    )
    with Image.open(png) as written:
        assert np.array_equal(np.asarray(written), (blue / 46 * 255).astype(np.uint8))
