"""Measure a distance on the motorcycle of the sample pair, in metres, from two photos."""

from pathlib import Path

import numpy as np

from vizion3d.stereo import StereoDepth, StereoDepthAdvancedConfig, StereoDepthCommand

FOLDER = Path(__file__).parent
EMBLEM, FRONT_AXLE = (370, 338), (571, 379)  # column and row in the left photo
EXPECTED_M = 0.478  # by the data set's own depth, measured with structured light

config = StereoDepthAdvancedConfig.from_calibration(FOLDER / "motorcycle_calib.txt", frame="opencv")
result = StereoDepth().run(
    StereoDepthCommand(
        FOLDER / "motorcycle_left.jpg",
        FOLDER / "motorcycle_right.jpg",
        return_depth_image=False,
        advanced_config=config,
    )
)


def point_at(column: int, row: int) -> np.ndarray:
    """The point that the left camera sees there: metres right, down and ahead of it."""
    around = result.depth_m[row - 3 : row + 4, column - 3 : column + 4]
    z = float(np.median(around[around > 0]))
    k = config
    x, y = (column - k.cx) / k.focal_length * z, (row - k.cy) / k.focal_length * z
    return np.array([x, y, z])


distance_m = np.linalg.norm(point_at(*EMBLEM) - point_at(*FRONT_AXLE))
print(f"from the emblem on the engine to the front axle: {distance_m:.3f} m")
print(f"expected (measured with structured light):       {EXPECTED_M:.3f} m")
