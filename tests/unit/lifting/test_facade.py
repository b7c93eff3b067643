from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.checkpoints import save_checkpoint
from vizion3d.app import reset_default_container
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[str]:
    reset_default_container()
    yield str(save_checkpoint(tmp_path / "tiny.pth"))
    reset_default_container()


@pytest.mark.parametrize("kind", ["array", "image"])
def test_run_many_takes_frames_that_share_one_buffer(tiny: str, kind: str) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    drawn_on = Image.new("RGB", (16, 16))

    def camera() -> Iterator[DepthEstimationCommand]:
        for level in range(6):
            pixels[:] = level
            drawn_on.paste((level, level, level), (0, 0, 16, 16))
            frame = pixels if kind == "array" else drawn_on
            yield DepthEstimationCommand(frame, model_backend=tiny, input_size=28)

    results = list(DepthEstimation().run_many(camera()))
    seen = [int(result.rgb.max()) for result in results if result.rgb is not None]
    assert seen == [0, 1, 2, 3, 4, 5]


def test_a_result_keeps_its_photo_when_the_buffer_is_used_again(tiny: str) -> None:
    buffer = np.full((16, 16, 3), 7, np.uint8)
    command = DepthEstimationCommand(buffer, model_backend=tiny, input_size=28)
    result = DepthEstimation().run(command)
    buffer[:] = 99
    assert result.rgb is not None
    assert (result.rgb == 7).all()
