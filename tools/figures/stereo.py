"""Pictures of stereo depth, by the library itself."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from tools.figures.diagrams import BLUE, GREY, RED
from vizion3d.geometry.frames import to_frame
from vizion3d.outputs.view import render_view
from vizion3d.stereo import StereoDepth, StereoDepthAdvancedConfig, StereoDepthCommand
from vizion3d.stereo.output import StereoOutput

EXAMPLES = Path(__file__).parents[2] / "examples"
FOCAL_PX, ERROR_PX = 1000.0, 0.2


def pair() -> np.ndarray:
    """The sample pair: left photo, disparity, and the cloud from the side."""
    left = EXAMPLES / "motorcycle_left.jpg"
    config = StereoDepthAdvancedConfig.from_calibration(
        EXAMPLES / "motorcycle_calib.txt", edge_threshold=0.04
    )
    command = StereoDepthCommand(
        left, EXAMPLES / "motorcycle_right.jpg", return_depth_image=False, advanced_config=config
    )
    output = StereoOutput(StereoDepth().run(command), config)
    points, colors = output.points
    points = to_frame(points.copy(), output.frame)
    view = render_view(points, colors, output.intrinsics)
    with Image.open(left) as photo:
        return np.hstack([np.asarray(photo.convert("RGB")), output.colored, view])


def error() -> Figure:
    """dZ = Z^2 / (f b) dd over the distance, for three baselines."""
    z_m = np.linspace(0.5, 10, 200)
    figure = Figure(figsize=(7, 3.4), dpi=110, layout="constrained")
    axes = figure.subplots()
    for baseline_mm, colour in ((60, RED), (120, BLUE), (240, GREY)):
        error_m = z_m**2 / (FOCAL_PX * baseline_mm / 1000) * ERROR_PX
        axes.plot(z_m, 100 * error_m, color=colour, label=f"baseline {baseline_mm} mm")
    axes.set(
        xlabel="distance (m)", ylabel="error of the distance (cm)", xlim=(0, 10), ylim=(0, None)
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure
