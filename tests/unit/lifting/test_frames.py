from pathlib import Path

import numpy as np
import pytest

from tests.support.videos import panning, write_video
from vizion3d.lifting.frames import frames


@pytest.fixture
def panned(tmp_path: Path) -> Path:
    return write_video(tmp_path / "in.mp4", panning(10), sound_s=1.0)


def test_frames_are_commands_in_order(panned: Path) -> None:
    commands = list(frames(panned, input_size=98, model_backend="small"))
    assert len(commands) == 10
    for command, image in zip(commands, panning(10), strict=True):
        decoded = command.image_input
        assert isinstance(decoded, np.ndarray)
        assert decoded.shape == image.shape
        assert np.abs(decoded.astype(int) - image).mean() < 6  # H.264, chroma at half size
        assert (command.input_size, command.model_backend) == (98, "small")
