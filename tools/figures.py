"""The pictures of README and docs, made by the project itself: ``make figures``."""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from vizion3d.lifting import (
    DepthEstimation,
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
)
from vizion3d.lifting.outputs.depth_files import colorize
from vizion3d.lifting.outputs.open3d_objects import from_point_cloud
from vizion3d.lifting.outputs.view import render_view

ROOT = Path(__file__).parents[1]
HEIGHT_PX = 330


def overview(photo: Path, model: str) -> Image.Image:
    """Photo, depth and point cloud, side by side."""
    command = DepthEstimationCommand(
        photo,
        model_backend=model,
        return_point_cloud=True,
        advanced_config=DepthEstimationAdvanceConfig(
            depth_near=0.6, depth_trunc=3.0, edge_threshold=0.04
        ),
    )
    result = DepthEstimation().run(command)
    points, colors = from_point_cloud(result.point_cloud)
    assert result.intrinsics is not None
    view = render_view(points, colors, result.intrinsics, yaw_deg=25, pitch_deg=-18, point_px=3)
    with Image.open(photo) as opened:
        tiles = [np.asarray(opened.convert("RGB")), colorize(result.raw_depth), view]
    return Image.fromarray(np.concatenate(tiles, axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="nano")
    arguments = parser.parse_args()
    picture = overview(ROOT / "examples" / "coffee.jpg", arguments.model)
    path = ROOT / "docs" / "images" / "overview.png"
    path.parent.mkdir(exist_ok=True)
    picture.resize((picture.width * HEIGHT_PX // picture.height, HEIGHT_PX)).quantize(256).save(
        path
    )
    print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
