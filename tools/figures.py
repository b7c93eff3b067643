"""The pictures of README and docs, made by the project itself: ``make figures``."""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from benchmarks.plots import draw
from vizion3d.lifting.geometry import CameraIntrinsics, depth_edges, unproject
from vizion3d.lifting.outputs.depth_files import colorize
from vizion3d.lifting.outputs.view import render_view

ROOT = Path(__file__).parents[1]
HEIGHT_PX = 330

# Calibration of scikit-image's stereo_motorcycle (Middlebury 2014), of its documentation.
FOCAL_PX, BASELINE_M, DOFFS_PX = 994.978, 0.193001, 31.086
CENTRE_PX = 311.193, 254.877


def overview() -> Image.Image:
    """Photo, measured inverse depth and point cloud, side by side."""
    photo, _, disparity_px = data.stereo_motorcycle()
    measured = np.isfinite(disparity_px)
    inverse_m = np.where(measured, (disparity_px + DOFFS_PX) / (FOCAL_PX * BASELINE_M), 0)
    nearest_gap = np.where(measured, inverse_m, inverse_m[measured].min())
    height, width = inverse_m.shape
    camera = CameraIntrinsics(FOCAL_PX, FOCAL_PX, *CENTRE_PX, width, height)
    depth_m = np.where(measured, 1 / np.where(measured, inverse_m, 1), 0).astype(np.float32)
    shown = measured & ~depth_edges(1 / nearest_gap, 0.04)
    points = unproject(depth_m, camera)[shown]
    view = render_view(points, photo[shown], camera, yaw_deg=28, pitch_deg=-14, point_px=3)
    tiles = photo, colorize(nearest_gap), view
    return Image.fromarray(np.concatenate(tiles, axis=1))


def main() -> None:
    picture = overview()
    path = ROOT / "docs" / "images" / "overview.png"
    path.parent.mkdir(exist_ok=True)
    size = picture.width * HEIGHT_PX // picture.height, HEIGHT_PX
    picture.resize(size).quantize(256).save(path)
    for written in (path, *draw(path.parent)):
        print(f"written: {written.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
