"""Pictures of point clouds: what each field of the advanced config does."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tools.figures.scene import FLYING_PIXEL_THRESHOLD, motorcycle
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.depth import inverse_depth_to_metres
from vizion3d.geometry.projection import depth_edges, unproject
from vizion3d.outputs.depth_files import colorize, metres_to_uint16
from vizion3d.outputs.view import render_view

Picture = NDArray[np.uint8]

NEAR_M, FAR_M = 2.11, 5.02
"""Distances of the scene's closest and farthest pixel."""

PLAN_M = (-3.5, 3.5, 0.0, 6.0)
"""What the views from above show: x from left to right, z from near to far."""
PLAN_PX_PER_M = 60


def overview() -> Picture:
    """Photo, measured inverse depth and point cloud, side by side."""
    scene = motorcycle()
    view = _view(1 / scene.inverse_m, scene.shown, yaw_deg=28, pitch_deg=-14)
    return np.concatenate((scene.photo, colorize(scene.inverse_m), view), axis=1)


def focal_length() -> Figure:
    """The same depth with half, all and double the camera's focal length."""
    scene = motorcycle()
    plans = {}
    for factor, title in (
        (0.5, "fx, fy half of the camera's:\ntwice as wide"),
        (1.0, "fx, fy of the camera:\ntrue proportions"),
        (2.0, "fx, fy double:\nhalf as wide"),
    ):
        focal_px = scene.camera.fx * factor
        camera = dataclasses.replace(scene.camera, fx=focal_px, fy=focal_px)
        plans[title] = _plan(1 / scene.inverse_m, scene.shown, camera)
    return _plans(plans)


def principal_point() -> Figure:
    """The same depth with the principal point where it is, and a quarter of the image off."""
    scene = motorcycle()
    moved = dataclasses.replace(scene.camera, cx=scene.camera.cx + 185)
    return _plans(
        {
            "cx of the camera:\nstraight": _plan(1 / scene.inverse_m, scene.shown, scene.camera),
            "cx 185 px too large:\nsheared, the more the farther": _plan(
                1 / scene.inverse_m, scene.shown, moved
            ),
        }
    )


def depth_near() -> Figure:
    """Relative depth with three assumptions of where its closest pixel is."""
    return _plans(
        {
            f"depth_near={near_m}:\n{note}": _assumed(near_m, FAR_M)
            for near_m, note in (
                (0.5, "the default, too close here"),
                (NEAR_M, "as measured"),
                (4.0, "too far, flattened"),
            )
        }
    )


def depth_trunc() -> Figure:
    """A metric depth that is cut, and a relative one that is compressed."""
    scene = motorcycle()
    depth_m = 1 / scene.inverse_m
    cut_m = 3.2
    return _plans(
        {
            "metric, depth_trunc=10:\nall of it": _plan(depth_m, scene.shown, scene.camera),
            f"metric, depth_trunc={cut_m}:\ncut": _plan(
                depth_m, scene.shown & (depth_m < cut_m), scene.camera
            ),
            f"relative, depth_trunc={cut_m}:\ncompressed": _assumed(NEAR_M, cut_m),
        }
    )


def depth_scale() -> Figure:
    """What is left of a depth that went through a uint16 image, by the image's scale."""
    scene = motorcycle()
    plans = {}
    for scale, title in ((1000.0, "steps of 1 mm"), (5.0, "steps of 20 cm")):
        stored = metres_to_uint16(1 / scene.inverse_m, scale)
        depth_m = stored.astype(np.float32) / np.float32(scale)
        plans[f"depth_scale={scale:g}:\n{title}"] = _plan(depth_m, scene.shown, scene.camera)
    return _plans(plans)


def edge_threshold() -> Figure:
    """Depth blurred as a network blurs it, with and without the pixels of its edges."""
    scene = motorcycle()
    blurred_m = 1 / gaussian_filter(scene.inverse_m, 1.0)
    kept = ~depth_edges(blurred_m, FLYING_PIXEL_THRESHOLD)
    views = {
        "edge_threshold=None": _view(blurred_m, np.ones_like(kept), 32, -8),
        f"edge_threshold={FLYING_PIXEL_THRESHOLD}": _view(blurred_m, kept, 32, -8),
    }
    figure = Figure(figsize=(10, 3.7), dpi=110, layout="constrained")
    for axes, (title, view) in zip(figure.subplots(1, 2), views.items(), strict=True):
        axes.imshow(view)
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    return figure


def _assumed(near_m: float, far_m: float) -> Picture:
    """The plan of the scene, had only its relative depth been known."""
    scene = motorcycle()
    depth_m = inverse_depth_to_metres(scene.inverse_m, near_m, far_m)
    return _plan(depth_m, scene.shown, scene.camera)


def _view(
    depth_m: NDArray[np.floating[Any]], shown: NDArray[np.bool_], yaw_deg: float, pitch_deg: float
) -> Picture:
    scene = motorcycle()
    points = unproject(depth_m, scene.camera)[shown]
    return render_view(points, scene.photo[shown], scene.camera, yaw_deg, pitch_deg, point_px=3)


def _plan(
    depth_m: NDArray[np.floating[Any]], shown: NDArray[np.bool_], camera: CameraIntrinsics
) -> Picture:
    """The cloud from above, to scale."""
    points, colors = unproject(depth_m, camera)[shown], motorcycle().photo[shown]
    order = np.argsort(-points[:, 1])  # y is down: the highest is painted last
    (x_m, _, z_m), colors = points[order].T, colors[order]
    left_m, right_m, _, far_m = PLAN_M
    column = ((x_m - left_m) * PLAN_PX_PER_M).astype(int)
    row = ((far_m - z_m) * PLAN_PX_PER_M).astype(int)
    height, width = int(far_m * PLAN_PX_PER_M), int((right_m - left_m) * PLAN_PX_PER_M)
    picture = np.full((height, width, 3), 255, np.uint8)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    picture[row[inside], column[inside]] = colors[inside]
    return picture


def _plans(plans: Mapping[str, Picture]) -> Figure:
    figure = Figure(figsize=(3.4 * len(plans), 3.4), dpi=110, layout="constrained")
    for axes, (title, plan) in zip(figure.subplots(1, len(plans)), plans.items(), strict=True):
        axes.imshow(plan, extent=PLAN_M)
        axes.plot(0, 0, "^", color="black", clip_on=False)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("x, metres (the camera is at 0)", fontsize=8)
        axes.set_ylabel("z, metres", fontsize=8)
        axes.tick_params(labelsize=8)
    return figure
