import io

import numpy as np
from PIL import Image

from tests.support import stereo_scenes as scenes
from vizion3d.geometry.calibration import CalibratedCamera, from_extrinsics
from vizion3d.outputs.depth_files import encode_jpeg
from vizion3d.stereo import StereoDepth, StereoDepthAdvancedConfig, StereoDepthCommand
from vizion3d.stereo.output import FORMATS, StereoOutput

PAIR = scenes.render_pair(scenes.TWO, scenes.camera(160, 120, 200.0))


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def test_the_left_photo_is_written_as_it_was_matched() -> None:
    """With a calibration whose cameras bend straight lines, that is not as it was taken."""
    matrix = np.array([[200.0, 0, 79.5], [0, 200.0, 59.5], [0, 0, 1]])
    bent = CalibratedCamera(matrix, np.array([-0.2, 0, 0, 0]), width_px=160, height_px=120)
    calibration = from_extrinsics(bent, bent, np.eye(3), np.array([-100.0, 0, 0]), "bent")
    config = StereoDepthAdvancedConfig.from_calibration(calibration)
    command = StereoDepthCommand(
        PAIR.left, PAIR.right, return_depth_image=False, advanced_config=config
    )
    result = StereoDepth().run(command)
    left = next(row for row in FORMATS if row.name == "left")
    assert (left.media_types, left.ending) == (("image/jpeg",), ".left.jpg")
    written = pixels(left.encode(StereoOutput(result, config)))
    assert result.rgb is not None
    assert np.array_equal(written, pixels(encode_jpeg(result.rgb)))
    assert np.abs(result.rgb.astype(int) - PAIR.left).mean() > 5
