"""Drawings of the geometry, computed with the library's own functions."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vizion3d.geometry.alignment import Knowledge, align
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.depth import inverse_depth_to_metres
from vizion3d.geometry.projection import unproject

NEAR_M, FAR_M = 1.0, 8.0
BLUE, RED, GREY = "#1f5fa8", "#c0392b", "#888888"


def corridor() -> tuple[CameraIntrinsics, np.ndarray]:
    """One row of pixels that looks into a corridor, 2.4 m wide and 8 m deep; depth in metres."""
    width = 801
    focal_px = (width - 1) / 2 / 1.2 * NEAR_M  # the outermost pixels see the walls at NEAR_M
    camera = CameraIntrinsics(focal_px, focal_px, (width - 1) / 2, 0, width, 1)
    slope = np.abs(np.arange(width) - camera.cx) / camera.fx
    depth_m = np.minimum(1.2 / np.maximum(slope, 1e-9), FAR_M)
    return camera, depth_m[None, :]


def wall() -> Figure:
    """The same walls from above: as they are, by linear flip, by reciprocal."""
    camera, depth_m = corridor()
    network = 5.0 / depth_m + 2.0  # inverse depth, of a scale and shift that nobody knows
    scaled = (network - network.min()) / (network.max() - network.min())
    flipped_m = FAR_M - scaled * (FAR_M - NEAR_M)
    figure = Figure(figsize=(10, 4.4), dpi=110, layout="constrained")
    panels = (
        ("linear flip: z = far − d (far − near)", flipped_m, RED),
        ("reciprocal, true range (1 to 8 m)", inverse_depth_to_metres(network, 1, 8), BLUE),
        (
            "reciprocal, assumed range (0.5 to 10 m)",
            inverse_depth_to_metres(network, 0.5, 10),
            BLUE,
        ),
    )
    for axes, (title, estimate_m, colour) in zip(figure.subplots(1, 3), panels, strict=True):
        for z_m, style in (
            (depth_m, {"color": GREY, "ls": "--"}),
            (estimate_m, {"color": colour, "lw": 2}),
        ):
            x, _, z = unproject(z_m, camera)[0].T
            axes.plot(x, z, **style)
        axes.plot(0, 0, "k^", clip_on=False)
        axes.set(title=title, xlim=(-5, 5), ylim=(0, 10.5), aspect="equal")
        _label(axes)
    return figure


def alignment() -> Figure:
    """The corridor from above, fitted to three known distances in the right space and in another.

    The network's output lacks a scale and a shift in inverse depth.
    """
    camera, depth_m = corridor()
    network = 5.0 / depth_m + 2.0
    seen = [0, 250, 400]  # a near wall, one farther on, the end
    known = Knowledge([(u, 0, depth_m[0, u]) for u in seen])
    right_m = align(network, known, "inverse_depth").apply(network)
    wrong_m = np.polyval(np.polyfit(network[0, seen], depth_m[0, seen], 1), network)
    figure = Figure(figsize=(7, 4.4), dpi=110, layout="constrained")
    panels = (
        ("fit of depth: z = a d + b", wrong_m, RED),
        ("fit of inverse depth: 1/z = a d + b", right_m, BLUE),
    )
    for axes, (title, fitted_m, colour) in zip(figure.subplots(1, 2), panels, strict=True):
        for z_m, style in (
            (depth_m, {"color": GREY, "ls": "--"}),
            (fitted_m, {"color": colour, "lw": 2}),
        ):
            x, _, z = unproject(z_m, camera)[0].T
            axes.plot(x, z, **style)
        points = unproject(depth_m, camera)[0, seen]
        axes.plot(points[:, 0], points[:, 2], "o", color="k", ms=5)
        axes.plot(0, 0, "k^", clip_on=False)
        axes.set(title=title, xlim=(-5, 5), ylim=(0, 10.5), aspect="equal")
        _label(axes)
    return figure


def depth_curves() -> Figure:
    """Metres by scaled inverse depth, for some ranges."""
    figure = Figure(figsize=(6.4, 3.6), dpi=110, layout="constrained")
    axes = figure.subplots()
    scaled = np.linspace(0, 1, 400)
    for near_m, far_m in ((0.5, 10), (2, 10), (0.5, 5)):
        axes.plot(
            scaled,
            inverse_depth_to_metres(scaled, near_m, far_m),
            label=f"depth_near={near_m:g}, depth_trunc={far_m:g}",
        )
    axes.plot(scaled, 10 - scaled * 9.5, "--", color=GREY, label="linear flip, 0.5 to 10")
    axes.set(
        xlabel="scaled inverse depth d (1 = closest pixel)", ylabel="z, metres", ylim=(0, 10.4)
    )
    axes.legend(fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _label(axes: Axes) -> None:
    axes.set_xlabel("x, metres", fontsize=9)
    axes.set_ylabel("z, metres", fontsize=9)
    axes.title.set_fontsize(10)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def pinhole() -> Figure:
    """What fx, cx and the field of view are, from above."""
    figure = Figure(figsize=(7.6, 4.0), dpi=110, layout="constrained")
    axes = figure.subplots()
    focal, half, cx = 2.0, 1.5, 0.0
    point = np.array([2.2, 4.4])
    u = focal * point[0] / point[1]
    axes.plot([-half, half], [focal, focal], "k", lw=3)
    axes.text(-half - 0.08, focal, "image,\nwidth w px", ha="right", va="center")
    for side in (-1, 1):
        axes.plot([0, side * half * 2.6], [0, focal * 2.6], color=GREY, ls=":")
    axes.plot([0, 0], [0, 5.2], color=GREY, lw=1)
    axes.text(0.06, 5.2, "optical axis, z", color=GREY, va="top")
    axes.plot([0, point[0]], [0, point[1]], color=BLUE)
    axes.plot(*point, "o", color=BLUE)
    axes.text(point[0] + 0.12, point[1], "point (X, Z)", color=BLUE, va="center")
    axes.plot([0, point[0]], [point[1]] * 2, color=BLUE, ls="--", lw=1)
    axes.text(
        point[0] / 2, point[1] + 0.08, "X = (u − cx) Z / fx", color=BLUE, ha="center", va="bottom"
    )
    axes.plot(u, focal, "o", color=RED)
    axes.text(u + 0.1, focal - 0.12, "pixel u", color=RED, va="top")
    axes.plot(cx, focal, "o", color="black")
    axes.text(cx - 0.1, focal + 0.1, "cx", ha="right", va="bottom")
    axes.annotate("", (-1.05, focal), (-1.05, 0), arrowprops={"arrowstyle": "<->"})
    axes.text(-1.12, focal / 2, "fx", ha="right", va="center")
    arc = np.linspace(np.arctan2(focal, half), np.arctan2(focal, -half), 50)
    axes.plot(0.75 * np.cos(arc), 0.75 * np.sin(arc), color=GREY)
    axes.text(
        0.5, 0.32, "field of view\n2 atan(w / 2fx)", color=GREY, va="center", ha="left", fontsize=9
    )
    axes.plot(0, 0, "k^", ms=9)
    axes.set(xlim=(-3.6, 4.4), ylim=(-0.3, 5.4), aspect="equal")
    axes.axis("off")
    return figure


def frames() -> Figure:
    """The axes of both frames, drawn behind the camera."""
    figure = Figure(figsize=(8.4, 3.6), dpi=110, layout="constrained")
    away = np.array([0.85, 0.45])  # where "forward" goes on paper
    for axes, (title, arrows) in zip(
        figure.subplots(1, 2),
        {
            'frame="opencv": the camera\'s own': {"x": (1, 0), "y": (0, -1), "z": away},
            'frame="opengl": viewers, glTF': {"x": (1, 0), "y": (0, 1), "z": -away},
        }.items(),
        strict=True,
    ):
        corners = np.array([(-0.6, -0.45), (0.6, -0.45), (0.6, 0.45), (-0.6, 0.45), (-0.6, -0.45)])
        sensor = corners + 2.4 * away
        axes.plot(*sensor.T, color=GREY)
        for corner in sensor[:4]:
            axes.plot([0, corner[0]], [0, corner[1]], color=GREY, lw=0.8, ls=":")
        axes.text(
            *(2.4 * away + (0, 0.5)),
            "what the photo shows",
            ha="center",
            va="bottom",
            color=GREY,
            fontsize=9,
        )
        for (name, tip), colour in zip(arrows.items(), (RED, "#2e8b57", BLUE), strict=True):
            axes.annotate(
                "", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2}
            )
            axes.text(
                *(np.asarray(tip) * 1.18), name, color=colour, ha="center", va="center", fontsize=12
            )
        axes.set(xlim=(-1.4, 2.9), ylim=(-1.3, 2.3), aspect="equal")
        axes.set_title(title, fontsize=10, y=0.92)
        axes.axis("off")
    return figure
